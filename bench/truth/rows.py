"""A row of the table: a claim of the analysis, the figure that it has to reach, and what was found."""

from __future__ import annotations

import concurrent.futures
import dataclasses
from collections.abc import Callable
from typing import Any


@dataclasses.dataclass(frozen=True)
class Found:
    """What came of a row."""

    figure: str
    ok: bool
    numbers: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Row:
    """A claim, its target in words, how it is measured, and the same in words."""

    name: str
    target: str
    measure: Callable[[], Found]
    how: str


def share(trial: Callable[[int], bool], seeds: range, least: float = 0.0, most: float = 1.0) -> Found:
    """In how many of the trials, one a seed, it happened; on all CPUs that this process may use."""
    with concurrent.futures.ProcessPoolExecutor() as pool:
        happened = sum(pool.map(trial, seeds, chunksize=max(len(seeds) // 16, 1)))
    found = happened / len(seeds)
    numbers = {"happened": happened, "trials": len(seeds), "share": found, "seeds": [seeds.start, seeds.stop - 1]}
    return Found(
        f"{100 * found:.1f} % ({happened} of {len(seeds)}; seeds from {seeds.start})", least <= found <= most, numbers
    )


def table(rows: list[tuple[Row, Found]]) -> list[str]:
    """The lines of the table, with its head."""
    cells = [("ROW", "TARGET", "FOUND", "")]
    cells += [(row.name, row.target, found.figure, "ok" if found.ok else "MISSED") for row, found in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(map(str.ljust, line, widths)).rstrip() for line in cells]
