"""Trends over a long load: does memory leak, and do latency or errors drift?

A slope alone cries leak over every cache that fills, every garbage collector caught on its way up. So a leak is
suspected only where the growth is beyond its noise, goes on in every part of the window, and is never given back.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import statistics
from collections.abc import Sequence

from gatebench_analysis import quantities, resampling
from gatebench_analysis.spikes import Second, Spike, spike
from gatebench_analysis.statistics import Interval, theil_sen

__all__ = ["Second", "Slope", "Spike", "Trend", "bins", "leak", "never_below", "slope", "spike", "usual_growth"]

MIB = 2.0**20
FLOOR_BYTES_PER_HOUR = MIB
SHORTEST_SECONDS = 1800.0
SMALLEST_GROWTH = 16 * MIB
MOST_BINS = 96
"""Medians that a series is reduced to: more would cost time (n^2 pairs, bootstrapped), and tell hardly more."""
CONFIDENCE = 0.95
_FEWEST = 16
_STRETCHES = 8
"""Three steps, or fewer, leave most of the changes between so many stretches at nothing."""
_KEPT = 1 / 3
"""Of the slope of the whole, the least to be found again from stretch to stretch, and in what is never freed."""


@dataclasses.dataclass(frozen=True)
class Slope:
    """A Theil-Sen line; of None there are too few values."""

    per_second: float | None
    interval: Interval | None
    """Per second; each bound at its confidence, by a moving-block bootstrap."""
    start: float | None
    """Level of the line at the window's start, in the unit of the values."""
    end: float | None
    window_seconds: float


@dataclasses.dataclass(frozen=True)
class Trend:
    """Whether memory leaks. `suspected` None: not applicable here, or not known; `why` says which, and the figures."""

    suspected: bool | None
    why: str
    slope: float | None
    """Bytes a second."""
    interval: Interval | None
    """Bytes a second."""
    growth: float | None
    """Bytes over the window, by the line."""
    window_seconds: float
    seconds_to_limit: float | None
    """From the window's end until the line meets the limit; None without a limit, growth, or where it is passed."""


def slope(
    times: Sequence[float], values: Sequence[float | None], warm_up: float = 0.0, confidence: float = CONFIDENCE
) -> Slope:
    """The slope per second, of memory, of latency p95, of the error ratio. Times are seconds, in order.

    The first `warm_up` seconds are left out. Missing values are left out, never bridged by others. Raises ValueError
    where the lengths differ.
    """
    points = _after(times, values, warm_up)
    window = points[-1][0] - points[0][0] if points else 0.0
    at, levels = bins(points)
    if len(at) < _FEWEST:
        return Slope(None, None, None, None, window)
    per_second = theil_sen(at, levels)
    bounds = resampling.slope_bounds(at, levels, per_second, confidence)
    zero = statistics.median(level - per_second * time for time, level in zip(at, levels, strict=True))
    start, end = (zero + per_second * time for time in (points[0][0], points[-1][0]))
    return Slope(per_second, bounds, start, end, window)


def leak(
    times: Sequence[float],
    values: Sequence[float | None],
    limit_bytes: float | None = None,
    floor_bytes_per_hour: float = FLOOR_BYTES_PER_HOUR,
    warm_up: float = 0.0,
    compressed: float = 1.0,
) -> Trend:
    """Whether memory in bytes leaks; not applicable below 30 min and below 16 MiB of growth.

    `compressed` is for tests: a second of theirs stands for so many, and all that is returned is in those. Raises
    ValueError where the lengths differ.
    """
    times = [time * compressed for time in times]
    line = slope(times, values, warm_up * compressed)
    window = line.window_seconds
    if line.per_second is None or line.interval is None or line.start is None or line.end is None:
        return Trend(None, "too few samples to tell", None, None, None, window, None)
    growth = line.per_second * window
    left = None
    if limit_bytes is not None and line.per_second > 0 and line.end < limit_bytes:
        left = (limit_bytes - line.end) / line.per_second
    told = f"{_rate(line.per_second)} ({_rate(line.interval.low)} to {_rate(line.interval.high)})"
    suspected, why = _suspected(_after(times, values, warm_up * compressed), line, growth, floor_bytes_per_hour / 3600)
    ending = f"; the limit is {_long(left)} away at that rate" if suspected and left is not None else ""
    return Trend(suspected, f"{told}: {why}{ending}", line.per_second, line.interval, growth, window, left)


def _suspected(
    points: Sequence[tuple[float, float]], line: Slope, growth: float, floor: float
) -> tuple[bool | None, str]:
    if line.window_seconds < SHORTEST_SECONDS:
        return None, f"a window of {quantities.seconds(line.window_seconds)} is too short: 30 min are needed"
    if growth < SMALLEST_GROWTH:
        return None, f"it grew by {quantities.size(growth)}, too little to be called a leak (16 MiB)"
    if line.interval is None or line.interval.low <= floor:
        return False, f"the growth is not beyond its noise and {_rate(floor)}"
    at, levels = bins(points)
    least = _KEPT * growth / line.window_seconds
    if usual_growth(at, levels) < least:
        return False, "it grows in few steps and not in between: no leak"
    for part, words in ((2, "half"), (3, "third")):  # the shorter the part, the larger the error of its slope
        last = slice(-(len(at) // part), None)
        late_slope = theil_sen(at[last], levels[last])
        if late_slope < growth / line.window_seconds / part:
            return False, f"in the last {words} of the window it is only {_rate(late_slope)}: it levels off, no leak"
    kept = never_below(levels)
    early, late = len(at) // 6, 2 * len(at) // 3
    if kept[late] - kept[early] < least * (at[late] - at[early]):
        return False, "it comes down to where it was: memory that is given back is no leak"
    return True, f"it grew by {quantities.size(growth)} in {_long(line.window_seconds)}, all along"


def usual_growth(at: Sequence[float], levels: Sequence[float]) -> float:
    """The median change, per second, from one eighth of the series to the next: a few steps do not count in it."""
    edges = [len(at) * index // _STRETCHES for index in range(_STRETCHES + 1)]
    middles = [
        (statistics.median(at[start:end]), statistics.median(levels[start:end]))
        for start, end in itertools.pairwise(edges)
    ]
    return statistics.median(
        (after - before) / (end - start) for (start, before), (end, after) in itertools.pairwise(middles)
    )


def never_below(levels: Sequence[float]) -> list[float]:
    """Of each moment the lowest level from then on: what is never given back."""
    return list(itertools.accumulate(reversed(levels), min))[::-1]


def bins(points: Sequence[tuple[float, float]], most: int = MOST_BINS) -> tuple[list[float], list[float]]:
    """Times and values as medians of at most `most` stretches of equal length; stretches without a value are absent."""
    if len(points) <= most:
        return [time for time, _ in points], [value for _, value in points]
    start, width = points[0][0], (points[-1][0] - points[0][0]) / most or 1.0
    at, levels = [], []
    for _, group in itertools.groupby(points, lambda point: min(int((point[0] - start) / width), most - 1)):
        inside = list(group)
        at.append(statistics.fmean(time for time, _ in inside))
        levels.append(statistics.median(value for _, value in inside))
    return at, levels


def _after(times: Sequence[float], values: Sequence[float | None], warm_up: float) -> list[tuple[float, float]]:
    pairs = list(zip(times, values, strict=True))
    start = pairs[0][0] + warm_up if pairs else 0.0
    return [(time, value) for time, value in pairs if value is not None and math.isfinite(value) and time >= start]


def _rate(bytes_per_second: float) -> str:
    return f"{quantities.digits(bytes_per_second * 3600 / MIB)} MiB/h"


def _long(seconds: float) -> str:
    return f"{quantities.digits(seconds / 3600)} h" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} days"
