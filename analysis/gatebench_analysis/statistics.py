"""Exact statistics of few values a side: the Hodges-Lehmann estimate, its interval, and the Mann-Whitney test.

One value a repeat: requests of one repeat are not independent and must never be pooled as samples. Ratios are taken
on logarithms, so that 10 % more and 10 % less weigh the same; intervals and tests rest on the same pairs of values, so
that they never disagree. Ties count against a difference, which keeps both on the safe side. Pure Python: the operator
runs without numpy.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import operator
import statistics
from collections.abc import Sequence

_ROUNDING = 1e-12


@dataclasses.dataclass(frozen=True)
class Interval:
    """Bounds, each of which holds at `confidence` by itself; both together hold at 2 x confidence - 1."""

    low: float
    high: float
    confidence: float


def hodges_lehmann_ratio(baseline: Sequence[float], current: Sequence[float]) -> float:
    """How many times the baseline the current side is: exp of the median of all pairwise log ratios.

    Raises ValueError where a side is empty or a value is not above 0.
    """
    return math.exp(statistics.median(_log_ratios(baseline, current)))


def hodges_lehmann_difference(baseline: Sequence[float], current: Sequence[float]) -> float:
    """By how much the current side is above the baseline: the median of all pairwise differences, in their unit.

    Raises ValueError where a side is empty or a value is not finite.
    """
    return statistics.median(_differences(baseline, current))


def ratio_bounds(baseline: Sequence[float], current: Sequence[float], confidence: float = 0.95) -> Interval | None:
    """The exact interval of the ratio of current to baseline; None where the values are too few for that confidence.

    The bounds are order statistics of the pairwise log ratios (Moses' interval; Hollander, Wolfe and Chicken,
    Nonparametric Statistical Methods, 4.3). Raises ValueError as hodges_lehmann_ratio does.
    """
    found = _bounds(_log_ratios(baseline, current), len(baseline), len(current), confidence)
    return None if found is None else Interval(math.exp(found.low), math.exp(found.high), confidence)


def difference_bounds(baseline: Sequence[float], current: Sequence[float], confidence: float = 0.95) -> Interval | None:
    """The exact interval of the difference, current minus baseline, in their unit; None where values are too few.

    Raises ValueError as hodges_lehmann_difference does.
    """
    return _bounds(_differences(baseline, current), len(baseline), len(current), confidence)


def exact_p(baseline: Sequence[float], current: Sequence[float], ratio: float) -> float:
    """One-sided exact Mann-Whitney p that current / baseline exceeds `ratio`: small where it does.

    For "falls below" swap the sides and give 1 / ratio. Raises ValueError as hodges_lehmann_ratio does.
    """
    if not ratio > 0:
        raise ValueError(f"a ratio must be above 0, not {ratio!r}")
    return _p(_log_ratios(baseline, current), len(baseline), len(current), math.log(ratio))


def exact_p_difference(baseline: Sequence[float], current: Sequence[float], difference: float) -> float:
    """One-sided exact Mann-Whitney p that current - baseline exceeds `difference`: small where it does.

    Raises ValueError as hodges_lehmann_difference does.
    """
    return _p(_differences(baseline, current), len(baseline), len(current), difference)


def holm(p_values: Sequence[float], alpha: float = 0.05) -> list[bool]:
    """Which of the hypotheses are rejected when at most `alpha` of all families may hold one false rejection.

    Holm's step-down: the smallest p against alpha / m, the next against alpha / (m - 1), until one fails.
    """
    rejected = [False] * len(p_values)
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    for rank, index in enumerate(order):
        if not p_values[index] <= alpha / (len(p_values) - rank) + _ROUNDING:
            break
        rejected[index] = True
    return rejected


def repeats_needed(metrics: int, alpha: float = 0.05) -> int:
    """The fewest repeats a side with which one of `metrics` can be significant: 1 / C(2n, n) <= alpha / metrics.

    Raises ValueError where metrics is below 1 or alpha is not between 0 and 1.
    """
    if metrics < 1 or not 0 < alpha < 1:
        raise ValueError(f"metrics must be at least 1 and alpha between 0 and 1, not {metrics!r} and {alpha!r}")
    return next(n for n in range(1, 600) if significant(n, n, metrics, alpha))


def significant(baseline: int, current: int, metrics: int = 1, alpha: float = 0.05) -> bool:
    """Whether so many repeats can be significant at all, in one of `metrics`: where all of one side are larger."""
    return metrics / math.comb(baseline + current, baseline) <= alpha + _ROUNDING


def theil_sen(times: Sequence[float], values: Sequence[float]) -> float:
    """The median of the slopes of all pairs, per second. Takes n^2 / 2 slopes: bin long series first.

    Raises ValueError where the lengths differ or no two times do.
    """
    if len(times) != len(values):
        raise ValueError(f"{len(times)} times and {len(values)} values are not of one series")
    slopes: list[float] = []
    for lag in range(1, len(times)):  # by map: the pairs are many, and the bootstrap takes them hundreds of times
        spans = list(map(operator.sub, times[lag:], times))
        if not all(spans):
            kept = [index for index, span in enumerate(spans) if span]
            slopes += [(values[index + lag] - values[index]) / spans[index] for index in kept]
            continue
        slopes += map(operator.truediv, map(operator.sub, values[lag:], values), spans)
    if not slopes:
        raise ValueError("a slope needs values at two different times")
    return statistics.median(slopes)


def _log_ratios(baseline: Sequence[float], current: Sequence[float]) -> list[float]:
    for value in (*baseline, *current):
        if not 0 < value < math.inf:
            raise ValueError(f"a ratio needs finite values above 0, not {value!r}")
    return _differences([math.log(value) for value in baseline], [math.log(value) for value in current])


def _differences(baseline: Sequence[float], current: Sequence[float]) -> list[float]:
    """All of current minus baseline, sorted."""
    if not baseline or not current:
        raise ValueError("a side has no values")
    for value in (*baseline, *current):
        if not math.isfinite(value):
            raise ValueError(f"values must be finite, not {value!r}")
    return sorted(one - other for one in current for other in baseline)


def _bounds(differences: Sequence[float], baseline: int, current: int, confidence: float) -> Interval | None:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, not {confidence!r}")
    below = _below(baseline, current)
    rank = sum(1 for share in below if share <= 1 - confidence + _ROUNDING)
    if rank == 0 or 2 * rank > len(differences):
        return None
    return Interval(differences[rank - 1], differences[-rank], confidence)


def _p(differences: Sequence[float], baseline: int, current: int, shift: float) -> float:
    not_above = sum(1 for difference in differences if difference <= shift)
    return _below(baseline, current)[not_above]


@functools.lru_cache(maxsize=64)
def _below(baseline: int, current: int) -> tuple[float, ...]:
    """P(U <= u) for u = 0, 1, … of the Mann-Whitney statistic where both sides are of one distribution.

    The counts are the coefficients of the Gaussian binomial: the product over i of (1 - q^(baseline + i)) / (1 - q^i).
    """
    size = baseline * current + 1
    counts = [1] + [0] * (size - 1)
    for i in range(1, current + 1):
        for u in range(size - 1, baseline + i - 1, -1):
            counts[u] -= counts[u - baseline - i]
        for u in range(i, size):
            counts[u] += counts[u - i]
    total, sums, sum_ = math.comb(baseline + current, current), [], 0
    for count in counts:
        sum_ += count
        sums.append(sum_ / total)
    return tuple(sums)
