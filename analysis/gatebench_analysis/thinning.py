"""Makes a document smaller: rows of a series are merged with their neighbours, then histograms are left out.

Maxima survive: a merged row has the largest of each cell, and the sum where the cell counts something.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_SUMMED = ("requests", "failures")
Row = Sequence[float | None]


@dataclasses.dataclass(frozen=True)
class Step:
    """One way to save bytes, on a document as plain data; `words` says what is lost."""

    words: str
    apply: Callable[[dict[str, Any]], dict[str, Any]]


def merge_rows(rows: Sequence[Row], columns: Sequence[str], most: int) -> list[list[float | None]]:
    """At most `most` rows, each of as many neighbours; the first cell of the first one stays (it is the time)."""
    size = math.ceil(len(rows) / most) if most > 0 else 0
    if size <= 1:
        return [list(row) for row in rows] if size else []
    return [_merged(rows[start : start + size], columns) for start in range(0, len(rows), size)]


def _merged(rows: Sequence[Row], columns: Sequence[str]) -> list[float | None]:
    width = max(len(row) for row in rows)
    out: list[float | None] = []
    for index in range(width):
        known = [cell for row in rows if index < len(row) and (cell := row[index]) is not None]
        if not known:
            out.append(None)
        elif index == 0:
            out.append(known[0])
        elif index < len(columns) and columns[index] in _SUMMED:
            out.append(sum(known))
        else:
            out.append(max(known))
    return out


def thin(series: Mapping[str, Any], most: int) -> dict[str, Any]:
    """A series, as plain data, of at most `most` rows."""
    rows = series.get("rows") or []
    merged = merge_rows(rows, series.get("columns") or [], most)
    out = {**series, "rows": merged}
    step = series.get("stepSeconds")
    if step and merged and len(merged) < len(rows):
        out["stepSeconds"] = step * math.ceil(len(rows) / most)
    return out


def _series(most: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def apply(data: dict[str, Any]) -> dict[str, Any]:
        load, probe = data.get("load") or {}, data.get("probe")
        out = {**data, "load": {**load, "series": thin(load.get("series") or {}, most)}}
        out["series"] = {name: thin(one, most) for name, one in (data.get("series") or {}).items()}
        if probe is not None:
            out["probe"] = {**probe, "series": thin(probe.get("series") or {}, most)}
        return out

    return apply


def _histograms(keep: Callable[[str | None, bool], bool]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Leaves out the buckets of the rows that are not kept; their count, sum and extremes stay."""

    def apply(data: dict[str, Any]) -> dict[str, Any]:
        load = data.get("load") or {}
        kinds = {phase.get("index"): phase.get("kind") for phase in load.get("phases") or []}

        def slim(row: dict[str, Any]) -> dict[str, Any]:
            if keep(kinds.get(row.get("phase")), bool(row.get("settled", True))):
                return row
            return {key: _without_data(value) for key, value in row.items()}

        rows = {name: [slim(row) for row in load.get(name) or []] for name in ("requests", "dispatchDelay")}
        return {**data, "load": {**load, **rows}}

    return apply


def _without_data(value: Any) -> Any:
    return {key: item for key, item in value.items() if key != "data"} if isinstance(value, dict) else value


def _bare(data: dict[str, Any]) -> dict[str, Any]:
    load = data.get("load") or {}
    return {**data, "load": {**load, "requests": [], "dispatchDelay": [], "errors": (load.get("errors") or [])[:10]}}


def _slim_repeats(data: dict[str, Any]) -> dict[str, Any]:
    def slim(one: dict[str, Any]) -> dict[str, Any]:
        kept = {name: value for name, value in (one.get("metrics") or {}).items() if not name.startswith("requests.")}
        return {**one, "metrics": kept}

    return {**data, "repeats": [slim(one) for one in data.get("repeats") or []]}


STEPS: tuple[Step, ...] = (
    Step("series were thinned to 1,200 rows", _series(1200)),
    Step("series were thinned to 400 rows", _series(400)),
    Step("histograms outside of the measured windows", _histograms(lambda kind, settled: kind == "Stage" and settled)),
    Step("series were thinned to 120 rows", _series(120)),
    Step("histograms of the stages; the metrics over all stages stay", _histograms(lambda kind, settled: False)),
    Step("series", _series(0)),
    Step("figures of each repeat by request name; those of the run stay", _slim_repeats),
    Step("requests by phase; the metrics stay", _bare),
)
"""In the order in which they are missed least."""
