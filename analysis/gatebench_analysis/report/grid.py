"""Series laid on one grid of time, thin enough to be drawn, without losing what stands out.

Of the values of a cell the largest is kept, as thinning.py does; of a rate also the mean and the smallest.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import statistics
from collections.abc import Callable, Sequence

from gatebench_analysis.load import Series
from gatebench_analysis.report.charts import Value, known

MOST_CELLS = 1000
Combine = Callable[[Sequence[float]], float]
# A value holds until the next one is due, and a little longer; then it is missing.
_HELD = 1.5


@dataclasses.dataclass(frozen=True)
class Laid:
    """A series on a grid: the rows of each cell."""

    cells: Sequence[Sequence[Sequence[Value]]]
    columns: Sequence[str]
    reach: int
    """For how many cells a value holds: of a series whose rows are further apart than cells."""

    def column(self, name: str, scale: float = 1.0, combine: Combine = max) -> list[Value]:
        """One value a cell, times `scale`; None where there is none, or no such column."""
        if name not in self.columns:
            return [None] * len(self.cells)
        index = self.columns.index(name)
        found = [[row[index] for row in cell if index < len(row)] for cell in self.cells]
        values = [combine(some) * scale if (some := known(cell)) else None for cell in found]
        return self._held(values)

    def differences(self, name: str, less: str, scale: float = 1.0) -> list[list[float]]:
        """Of each cell the values of one column minus another's, times `scale`; what has none is left out."""
        if name not in self.columns or less not in self.columns:
            return [[] for _ in self.cells]
        first, second = self.columns.index(name), self.columns.index(less)
        least = max(first, second) + 1
        known_rows = ([row for row in cell if len(row) >= least] for cell in self.cells)
        return [
            [(value - (row[second] or 0.0)) * scale for row in cell if (value := row[first]) is not None]
            for cell in known_rows
        ]

    def combined(self, cells: Sequence[Sequence[float]], combine: Combine) -> list[Value]:
        """One value a cell."""
        return self._held([combine(cell) if cell else None for cell in cells])

    def _held(self, values: list[Value]) -> list[Value]:
        if self.reach < 1:
            return values
        out, last, since = [], None, 0
        for value in values:
            last, since = (value, 0) if value is not None else (last, since + 1)
            out.append(last if since <= self.reach else None)
        return out


@dataclasses.dataclass(frozen=True)
class Grid:
    """Cells of `width` seconds from `start` (unix seconds) on."""

    start: float
    width: float
    count: int

    @property
    def x(self) -> list[float]:
        """Starts of the cells, in seconds after the start."""
        return [index * self.width for index in range(self.count)]

    def lay(self, series: Series) -> Laid:
        """A series on this grid; rows outside of it are left out."""
        cells: list[list[Sequence[Value]]] = [[] for _ in range(self.count)]
        start, width, count = self.start, self.width, self.count
        for row in series.rows:
            at = row[0] if row else None
            if at is not None and 0 <= (index := int((at - start) // width)) < count:
                cells[index].append(row)
        apart = step(series)
        return Laid(cells, series.columns, math.floor(_HELD * apart / width) if apart > width else 0)


def step(series: Series) -> float:
    """Seconds between its rows, as it says or as most of them are; 0: there are no two."""
    if series.step_seconds:
        return series.step_seconds
    at = known(row[0] for row in series.rows if row)
    gaps = [later - earlier for earlier, later in itertools.pairwise(at)]
    return statistics.median(gaps) if gaps else 0.0


def grid(start: float, end: float, finest: float, most: int = MOST_CELLS) -> Grid:
    """A grid of at most `most` cells, none shorter than `finest` seconds."""
    start = math.floor(start)
    width = max(finest, 1.0)
    width *= max(1, math.ceil((end - start) / (most * width)))
    return Grid(start, width, max(1, math.ceil((end - start) / width)))
