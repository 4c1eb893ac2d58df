"""Sparse HDR histograms of microseconds: 1 µs to 10 min, three significant digits.

Counts live in a dict by HDR index, so that what a worker sends each second has the size of what happened in that
second, and merging is addition. The index is HdrHistogram's own (2,048 sub-buckets), so a histogram turns into the
standard encoding without loss.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hdrh.histogram import HdrHistogram

LOWEST, HIGHEST, DIGITS = 1, 600_000_000, 3
_HALF = 1024  # half the sub-buckets that three digits need
_MASK = 2 * _HALF - 1


def index_of(microseconds: int) -> int:
    """HDR index of a value."""
    bucket = (microseconds | _MASK).bit_length() - 11
    return (bucket << 10) + (microseconds >> bucket)


def bounds_of(index: int) -> tuple[int, int]:
    """The lowest and the highest value, in microseconds, that share an index."""
    bucket = max(0, (index >> 10) - 1)
    lowest = (index - (bucket << 10)) << bucket
    return lowest, lowest + (1 << bucket) - 1


_TOP = index_of(HIGHEST)


class Histogram:
    """Durations. `total` is their exact sum in seconds; what is above 10 min is clamped and counted as such."""

    __slots__ = ("clamped", "count", "counts", "maximum", "minimum", "total")

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.count = 0
        self.total = 0.0
        self.minimum = math.inf
        self.maximum = 0.0
        self.clamped = 0

    def record(self, seconds: float) -> None:
        """Records one duration in seconds; a negative one (a clock that was set) counts as 0."""
        if seconds < 0.0:
            seconds = 0.0
        microseconds = int(seconds * 1e6 + 0.5)
        if microseconds > HIGHEST:
            microseconds = HIGHEST
            self.clamped += 1
        index = index_of(microseconds)
        counts = self.counts
        counts[index] = counts.get(index, 0) + 1
        self.count += 1
        self.total += seconds
        if seconds < self.minimum:
            self.minimum = seconds
        if seconds > self.maximum:
            self.maximum = seconds

    def add(self, other: Histogram) -> None:
        """Adds another histogram to this one."""
        for index, count in other.counts.items():
            self.counts[index] = self.counts.get(index, 0) + count
        self.count += other.count
        self.total += other.total
        self.clamped += other.clamped
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)

    def to_wire(self) -> list[Any]:
        """What a worker sends."""
        minimum = None if self.count == 0 else self.minimum
        return [self.count, self.total, minimum, self.maximum, self.clamped, self.counts]

    @classmethod
    def from_wire(cls, wire: Any) -> Histogram:
        """What a worker sent. Raises ValueError or TypeError where it does not add up."""
        out = cls()
        count, total, minimum, maximum, clamped, counts = wire
        out.counts = {int(index): int(number) for index, number in counts.items()}
        out.count, out.total, out.clamped = int(count), float(total), int(clamped)
        out.minimum = math.inf if minimum is None else float(minimum)
        out.maximum = float(maximum)
        if sum(out.counts.values()) != out.count:
            raise ValueError("the counts of a histogram do not add up")
        if out.counts and not 0 <= min(out.counts) <= max(out.counts) <= _TOP:
            raise ValueError("a histogram holds an index out of its range")
        return out

    def quantile(self, q: float) -> float | None:
        """The q-quantile in seconds (the highest value of its bucket), or None where nothing was recorded."""
        return quantiles(self.counts, (q,))[0]

    def document(self) -> dict[str, Any]:
        """HIST of the load document."""
        encoder = HdrHistogram(LOWEST, HIGHEST, DIGITS)
        for index, count in self.counts.items():
            encoder.record_value(bounds_of(index)[0], count)
        return {
            "encoding": "hdr-v2-base64",
            "unit": "us",
            "lowest": LOWEST,
            "highest": HIGHEST,
            "digits": DIGITS,
            "count": self.count,
            "sumSeconds": self.total,
            "minSeconds": None if self.count == 0 else self.minimum,
            "maxSeconds": None if self.count == 0 else self.maximum,
            "clamped": self.clamped,
            "data": encoder.encode().decode("ascii"),
        }


def quantiles(counts: Mapping[int, int], qs: tuple[float, ...]) -> tuple[float | None, ...]:
    """Quantiles in seconds, in the order of `qs` (ascending); None where there are no counts."""
    total = sum(counts.values())
    if total == 0:
        return (None,) * len(qs)
    out: list[float] = []
    seen = 0
    wanted = [max(1, math.ceil(q * total - 1e-9)) for q in qs]
    for index in sorted(counts):
        seen += counts[index]
        while len(out) < len(wanted) and seen >= wanted[len(out)]:
            out.append(bounds_of(index)[1] / 1e6)
        if len(out) == len(wanted):
            break
    return tuple(out)
