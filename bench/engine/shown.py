"""Tables and verdicts as text."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from bench.engine.figures import Check


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows may be shorter than the head."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def text(self) -> str:
        """Its lines; the first column is flush left."""
        lines = [self.head, *self.rows]
        widths = [max(len(line[i]) for line in lines if i < len(line)) for i in range(len(self.head))]
        out = [self.title]
        for line in lines:
            cells = [cell.ljust(widths[0]) if i == 0 else cell.rjust(widths[i]) for i, cell in enumerate(line)]
            out.append("  " + "  ".join(cells).rstrip())
        return "\n".join(out)


@dataclasses.dataclass(frozen=True)
class Part:
    """What a part of the benchmark found."""

    found: dict[str, Any]
    tables: Sequence[Table]
    checks: Sequence[Check]
    notes: Sequence[str] = ()

    def text(self) -> str:
        """All of it."""
        out = [table.text() for table in self.tables] + [f"  note: {note}" for note in self.notes]
        if self.checks:
            rows = [[c.what, number(c.value), c.bound, "ok" if c.met else "MISSED"] for c in self.checks]
            out.append(Table("bounds", ["", "reached", "bound", ""], rows).text())
        return "\n".join(out)

    def plain(self) -> dict[str, Any]:
        """For the JSON."""
        return {**self.found, "notes": list(self.notes), "checks": [check.plain() for check in self.checks]}


def number(value: float | None) -> str:
    """Four digits, or all of a whole part; missing is a dash."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def milliseconds(seconds: float | None) -> str:
    """A duration."""
    return "-" if seconds is None else f"{seconds * 1e3:.3f} ms"


def microseconds(seconds: float | None) -> str:
    """A short duration."""
    return "-" if seconds is None else f"{seconds * 1e6:.0f} us"
