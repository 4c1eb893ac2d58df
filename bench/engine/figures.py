"""Pure sums of the benchmark: quantiles of exact values, the test of Kolmogorov and Smirnov, and what an open load
meets at a server that stalls."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import numpy.typing

Values = numpy.typing.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Check:
    """A figure and its bound."""

    what: str
    value: float | None
    bound: str
    met: bool

    def plain(self) -> dict[str, Any]:
        """For the JSON."""
        return dataclasses.asdict(self)


def at_least(what: str, value: float, bound: float) -> Check:
    """Met at and above the bound."""
    return Check(what, value, f"at least {bound:g}", value >= bound)


def below(what: str, value: float | None, bound: float) -> Check:
    """Met below the bound; a value that is missing does not meet it."""
    return Check(what, value, f"below {bound:g}", value is not None and value < bound)


def at_most(what: str, value: float, bound: float) -> Check:
    """Met at and below the bound."""
    return Check(what, value, f"at most {bound:g}", value <= bound)


def close(what: str, value: float | None, truth: float, share: float, seconds: float = 0.0) -> Check:
    """Met within a share of the truth, or within so many seconds of it."""
    bound = f"{truth:.6g} within {share:.0%}" + (f" or {seconds * 1e3:g} ms" if seconds else "")
    return Check(what, value, bound, value is not None and abs(value - truth) <= max(share * truth, seconds))


def quantile(values: Values, q: float) -> float:
    """The smallest value that at least the share q does not exceed. Raises ValueError where there is none."""
    if len(values) == 0:
        raise ValueError("no values")
    rank = max(1, math.ceil(q * len(values) - 1e-9))
    return float(np.partition(values, rank - 1)[rank - 1])


def exponential_distance(gaps: Values, mean: float) -> float:
    """The Kolmogorov-Smirnov distance of gaps to the exponential distribution of this mean."""
    ordered = np.sort(gaps)
    expected = -np.expm1(-ordered / mean)
    ranks = np.arange(1, len(ordered) + 1) / len(ordered)
    return float(max(np.max(ranks - expected), np.max(expected - ranks + 1 / len(ordered))))


def kolmogorov(distance: float, count: int) -> float:
    """How likely a distance at least as large is where nothing is wrong: the limit, as Stephens corrects it (1970)."""
    root = math.sqrt(count)
    x = (root + 0.12 + 0.11 / root) * distance
    if x < 0.2:
        return 1.0  # the series needs many terms there, and its sum differs from 1 by less than 1e-12
    terms = (2 * (-1) ** (k - 1) * math.exp(-2 * (k * x) ** 2) for k in range(1, 101))
    return min(1.0, max(0.0, math.fsum(terms)))


def spread(values: Values, count: int) -> Values:
    """So many of the values, evenly from beginning to end; all where there are fewer."""
    if len(values) <= count:
        return values
    chosen: Values = values[np.linspace(0, len(values) - 1, count).astype(int)]
    return chosen


def stalled(seconds: float, rate: float, base: float, stall: float, every: float) -> Values:
    """The latency of each arrival of an even open load at a server that answers after `base` seconds and stands still
    for the last `stall` of each `every` seconds. An arrival in a stall is begun when it ends; an answer that falls due
    in one is given when it ends. That answering all who waited takes the server time too is left out."""
    came = np.asarray((np.arange(int(seconds * rate)) + 0.5) / rate, dtype=np.float64)
    return _after(_after(came, stall, every) + base, stall, every) - came


def _after(at: Values, stall: float, every: float) -> Values:
    left: Values = every - np.mod(at, every)
    moved: Values = np.where(left <= stall, at + left, at)
    return moved


def growth(seconds: Values, values: Values) -> float:
    """By how much the median of the last fifth exceeds that of the second fifth: the first is warm-up."""
    whole = seconds[-1] - seconds[0]
    parts = np.minimum(4, ((seconds - seconds[0]) / whole * 5).astype(int))
    return float(np.median(values[parts == 4]) - np.median(values[parts == 1]))
