"""Series as Prometheus sends them, and what can be computed from raw samples: increase, rates, gaps.

Samples are (unix seconds, value) in order of time.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

Point = tuple[float, float]
# A container that restarts gets a new cgroup: these labels may change within one pod's series.
_OF_THE_CGROUP = frozenset({"id", "name", "image"})


@dataclasses.dataclass(frozen=True)
class Series:
    """One series of an answer; an instant vector's have one point."""

    labels: Mapping[str, str]
    points: tuple[Point, ...]


@dataclasses.dataclass(frozen=True)
class Line:
    """A series over the lives of one container: a counter starts again from 0 in each."""

    lives: tuple[tuple[Point, ...], ...]

    @property
    def points(self) -> tuple[Point, ...]:
        """All samples."""
        return tuple(itertools.chain.from_iterable(self.lives))


class Unreadable(ValueError):
    """The answer has not the shape of one of Prometheus'."""


def read(result: Any) -> list[Series]:
    """The `data.result` of an answer: a vector, a matrix or a scalar. Raises Unreadable."""
    if not isinstance(result, list):
        raise Unreadable("no list of series")
    if len(result) == 2 and not isinstance(result[0], dict):
        return [Series({}, (_point(result),))]
    return [_series(entry) for entry in result]


def _series(entry: Any) -> Series:
    if not isinstance(entry, dict) or not isinstance(entry.get("metric", {}), dict):
        raise Unreadable("a series without labels")
    if "histogram" in entry or "histograms" in entry:
        raise Unreadable("a native histogram, where a number is due; use histogram_quantile or histogram_sum")
    raw = entry["values"] if "values" in entry else [entry.get("value")]
    if not isinstance(raw, list):
        raise Unreadable("a series without values")
    labels = {str(name): str(value) for name, value in entry.get("metric", {}).items()}
    return Series(labels, tuple(_point(point) for point in raw))


def _point(raw: Any) -> Point:
    try:
        at, value = raw
        return float(at), float(value)
    except (TypeError, ValueError) as error:
        raise Unreadable("a sample that is no pair of time and number") from error


def within(series: Series, start: float, end: float) -> Series:
    """The series' samples from `start` to `end`."""
    return Series(series.labels, tuple(point for point in series.points if start <= point[0] <= end))


def finite(points: Sequence[Point]) -> tuple[Point, ...]:
    """The samples that are numbers: neither NaN nor infinite."""
    return tuple(point for point in points if math.isfinite(point[1]))


def join(found: Sequence[Series]) -> Line | None:
    """One container's line: series that follow each other are its lives. None where two are there at once."""
    ordered = sorted((series for series in found if series.points), key=lambda series: series.points[0][0])
    for earlier, later in itertools.pairwise(ordered):
        if later.points[0][0] <= earlier.points[-1][0] or not _same_but_for_cgroup(earlier, later):
            return None
    return Line(tuple(series.points for series in ordered))


def _same_but_for_cgroup(one: Series, other: Series) -> bool:
    return _identity(one) == _identity(other)


def _identity(series: Series) -> dict[str, str]:
    return {name: value for name, value in series.labels.items() if name not in _OF_THE_CGROUP}


def gap(points: Sequence[Point], start: float, end: float, limit: float) -> float | None:
    """The longest time without a sample between `start` and `end`, where it is longer than `limit`."""
    times = [start, *(at for at, _ in points), end]
    longest = max(later - earlier for earlier, later in itertools.pairwise(times))
    return longest if longest > limit else None


def accumulated(line: Line) -> list[Point]:
    """A counter's increase since its first sample, at each sample; a fall is a reset to 0."""
    out: list[Point] = []
    total = 0.0
    for index, life in enumerate(line.lives):
        before = None if index == 0 else 0.0
        for at, value in life:
            if before is not None:
                total += value - before if value >= before else value
            before = value
            out.append((at, total))
    return out


def increase(line: Line) -> float:
    """How much a counter grew from the first sample to the last."""
    sums = accumulated(line)
    return sums[-1][1] - sums[0][1]


def rate(line: Line) -> float | None:
    """Increase a second from the first sample to the last; None with fewer than two."""
    sums = accumulated(line)
    seconds = sums[-1][0] - sums[0][0] if sums else 0.0
    return (sums[-1][1] - sums[0][1]) / seconds if seconds > 0 else None


def peak_rate(line: Line, window: float) -> float | None:
    """The highest increase a second between samples at least `window` apart (if none are, over all)."""
    sums = accumulated(line)
    highest: float | None = None
    later = 0
    for at, value in sums:
        while later < len(sums) and sums[later][0] - at < window:
            later += 1
        if later == len(sums):
            break
        speed = (sums[later][1] - value) / (sums[later][0] - at)
        highest = speed if highest is None else max(highest, speed)
    return rate(line) if highest is None else highest
