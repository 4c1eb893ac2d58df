"""A chart as plain data: what the page's script draws, and the same as a table and a sentence for who sees none."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from gatebench_analysis import quantities

Axis = Literal["time", "quantile", "rate"]
Value = float | None
MOST_ROWS = 24


@dataclasses.dataclass(frozen=True)
class Curve:
    """One value for each x; None where it is missing. Colours and dashes are numbered, so that pairs stay apart."""

    label: str
    values: Sequence[Value]
    style: int = 0
    points: bool = False
    """Dots as well: there are few values."""
    quiet: bool = False
    """Drawn thin and faint: it is there for comparison."""
    band: int | None = None
    """The surface down to this curve, by its index, is shaded."""


@dataclasses.dataclass(frozen=True)
class Band:
    """A stretch of x with a name; one that is not `counted` is shaded."""

    start: float
    end: float
    label: str
    counted: bool = True


@dataclasses.dataclass(frozen=True)
class Line:
    """A level with a name, such as a limit: across, at `y`, or upright, at `x`."""

    label: str
    y: float | None = None
    x: float | None = None


@dataclasses.dataclass(frozen=True)
class Chart:
    """A chart. `unit` is that of y, as of a metric; x is seconds, a quantile's nines, or a rate (1/s)."""

    id: str
    title: str
    axis: Axis
    unit: str
    x: Sequence[float]
    curves: Sequence[Curve]
    summary: str
    """What it shows, in a sentence."""
    bands: Sequence[Band] = ()
    lines: Sequence[Line] = ()
    logarithmic: bool = False
    group: str = ""
    """Charts of one group have one cursor."""
    named_bands: bool = False
    note: str = ""

    def data(self) -> dict[str, Any]:
        """For the page's script."""
        return {
            "id": self.id,
            "axis": self.axis,
            "unit": self.unit,
            "x": [_short(x, 7) for x in self.x],
            "curves": [
                {
                    "label": one.label,
                    "values": [_short(value) for value in one.values],
                    "style": one.style,
                    "points": one.points,
                    "quiet": one.quiet,
                    "band": one.band,
                }
                for one in self.curves
            ],
            "bands": [dataclasses.asdict(band) for band in self.bands],
            "lines": [dataclasses.asdict(line) for line in self.lines],
            "log": self.logarithmic,
            "group": self.group,
            "namedBands": self.named_bands,
        }

    @property
    def head(self) -> list[str]:
        """Of the table."""
        return [{"time": "After", "quantile": "Percentile", "rate": "Rate"}[self.axis], *(c.label for c in self.curves)]

    @property
    def rows(self) -> list[list[str]]:
        """The curves as a table of few rows; of several values in a row the largest."""
        size = max(1, -(-len(self.x) // MOST_ROWS))
        if self.axis == "quantile":
            picked = [[index] for index in range(0, len(self.x), size)]
        else:
            picked = [list(range(at, min(at + size, len(self.x)))) for at in range(0, len(self.x), size)]
        return [
            [x_text(self.axis, self.x[rows[0]])]
            + [quantities.text(largest(c.values[i] for i in rows), self.unit) for c in self.curves]
            for rows in picked
        ]


def largest(values: Iterable[Value]) -> Value:
    """The largest of those that are there."""
    return max((value for value in values if value is not None), default=None)


def known(values: Iterable[Value]) -> list[float]:
    """Those that are there."""
    return [value for value in values if value is not None]


def x_text(axis: Axis, x: float) -> str:
    """A place on the axis in words: 1:30, p99.9, 120 req/s."""
    if axis == "time":
        return clock(x)
    if axis == "rate":
        return quantities.text(x, "1/s")
    share = 100 * (1 - 10.0**-x)
    words = f"{share:.{max(0, round(x) - 1)}f}"
    return f"p{words.rstrip('0').rstrip('.') if '.' in words else words}"


def clock(seconds: float) -> str:
    """1:30, or 2:05:00."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def _short(value: Value, digits: int = 5) -> Value:
    short = quantities.significant(value, digits)
    return int(short) if short is not None and short == int(short) else short
