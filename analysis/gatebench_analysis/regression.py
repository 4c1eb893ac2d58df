"""Two sides of repeats compared: is the current one better, the same, worse, or can it not be told?

Each claim has to hold: Regressed and Better by an exact test over all metrics together (Holm), Same by an interval that
lies within the tolerance. Everything else is Inconclusive and says what would settle it.
"""

from __future__ import annotations

import dataclasses
import statistics as plain
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from gatebench_analysis import metrics as catalogue
from gatebench_analysis import quantities, statistics
from gatebench_analysis.sides import Side, differences, side

__all__ = ["Comparison", "MetricVerdict", "Side", "Verdict", "compare", "side", "tolerances"]

Verdict = Literal["Better", "Same", "Regressed", "Inconclusive"]
FEWEST_REPEATS = 4
ALPHA = 0.05
CONFIDENCE = 1 - ALPHA
_WORST_FIRST: tuple[Verdict, ...] = ("Regressed", "Inconclusive", "Same", "Better")
_MORE_IS_BETTER = ("throughput", "tokensPerSecond", "capacity.requestsPerSecond")
_MOST_POINTS = 0.01


@dataclasses.dataclass(frozen=True)
class MetricVerdict:
    """What became of a metric. Of shares (errorRatio and all of unit ratio) `ratio`, `low` and `high` are differences,
    current minus baseline, in shares: 0.01 is one percentage point."""

    metric: str
    unit: str
    verdict: Verdict
    baseline: float | None
    """Median over the repeats, in `unit`."""
    current: float | None
    ratio: float | None
    """Hodges-Lehmann estimate of current / baseline."""
    low: float | None
    """Its exact bounds, each at 95 %."""
    high: float | None
    tolerance: float
    why: str

    @property
    def absolute(self) -> bool:
        """Whether `ratio`, `low`, `high` and `tolerance` are differences, of which 0 is none, not ratios."""
        return is_absolute(self.metric)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The verdict over all metrics, which is the worst of them: Regressed, Inconclusive, Same, Better."""

    verdict: Verdict
    why: str
    metrics: tuple[MetricVerdict, ...]
    differences: tuple[str, ...]
    """Fields of the environment that differ."""


@dataclasses.dataclass(frozen=True)
class _Estimate:
    """A metric with its exact bounds, turned so that more is worse."""

    metric: str
    tolerance: float
    before: Sequence[float]
    after: Sequence[float]
    middle: float | None = None
    bounds: statistics.Interval | None = None
    worse_p: float = 1.0
    better_p: float = 1.0
    why_not: str = ""


def is_absolute(metric: str) -> bool:
    """Whether a metric is compared by its difference: a ratio of shares near 0 means nothing."""
    found = catalogue.find(metric)
    return found is not None and found.unit == "ratio"


def more_is_better(metric: str) -> bool:
    """The direction of a metric."""
    own = metric.rpartition(".")[2] if metric.startswith("requests.") else metric
    return own in _MORE_IS_BETTER


def tolerances(names: Sequence[str], default: float, given: Mapping[str, float] | None = None) -> dict[str, float]:
    """The tolerance of each metric. A default in per cent of a value is no measure for a share: there it counts as
    percentage points, at most one, unless that metric has a tolerance of its own."""
    own = given or {}
    return {
        name: own.get(name, min(default, _MOST_POINTS) if is_absolute(name) else default) for name in [*names, *own]
    }


def compare(baseline: Side, current: Side, tolerances: Mapping[str, float]) -> Comparison:
    """Judges each metric that has a tolerance.

    A tolerance is a share: 0.1 allows 10 % less throughput, 10 % more of all else; of shares it is a difference, 0.01
    being one percentage point. Raises ValueError where there is none, or one is not in [0, 1).
    """
    if not tolerances:
        raise ValueError("no metric has a tolerance: name at least one")
    for name, tolerance in tolerances.items():
        if not 0 <= tolerance < 1:
            raise ValueError(f"tolerance of {name} must be at least 0 and below 1, not {tolerance!r}")
    differ = differences(baseline, current)
    measured = [_estimate(baseline, current, name, tolerance) for name, tolerance in tolerances.items()]
    told = [one for one in measured if not one.why_not]
    worse = dict(zip((one.metric for one in told), statistics.holm([one.worse_p for one in told], ALPHA), strict=True))
    better = dict(
        zip((one.metric for one in told), statistics.holm([one.better_p for one in told], ALPHA), strict=True)
    )
    why_none = "; ".join(_unfit(baseline, current, differ))
    verdicts = tuple(
        _judge(one, why_none, len(told), worse.get(one.metric, False), better.get(one.metric, False))
        for one in measured
    )
    verdict = min((one.verdict for one in verdicts), key=_WORST_FIRST.index)
    named = [one for one in verdicts if one.verdict == verdict]
    why = why_none or "; ".join(f"{one.metric}: {one.why}" for one in named)
    return Comparison(verdict, why, verdicts, differ)


def _unfit(baseline: Side, current: Side, differ: Sequence[str]) -> Iterator[str]:
    """Why nothing can be told of any metric."""
    if differ:
        yield f"the environments differ in {', '.join(differ)}"
    shared = [one.name for one in (baseline, current) if one.one_process and len(one.repeats) > 1]
    if shared:
        yield (
            f"OneProcess: the repeats of {' and '.join(shared)} share one gateway process and are not independent;"
            " set repeats.restartGateway: true"
        )


def _estimate(baseline: Side, current: Side, metric: str, tolerance: float) -> _Estimate:
    before, after = ([row[metric] for row in one.repeats if metric in row] for one in (baseline, current))
    bare = _Estimate(metric, tolerance, before, after)
    for one, values in ((baseline, before), (current, after)):
        if not values:
            return dataclasses.replace(bare, why_not=f"it is missing in {one.name}")
    if is_absolute(metric):
        return dataclasses.replace(
            bare,
            middle=statistics.hodges_lehmann_difference(before, after),
            bounds=statistics.difference_bounds(before, after, CONFIDENCE),
            worse_p=statistics.exact_p_difference(before, after, tolerance),
            better_p=statistics.exact_p_difference(after, before, 0.0),
        )
    if len({*before, *after}) == 1:  # all equal, and be it 0
        enough = statistics.significant(len(before), len(after))
        equal = statistics.Interval(1.0, 1.0, CONFIDENCE) if enough else None
        return dataclasses.replace(bare, middle=1.0, bounds=equal)
    if min(*before, *after) <= 0:
        return dataclasses.replace(bare, why_not="values at or below 0 have no ratio")
    worse_p, better_p = (
        (statistics.exact_p(after, before, 1 / (1 - tolerance)), statistics.exact_p(before, after, 1.0))
        if more_is_better(metric)
        else (statistics.exact_p(before, after, 1 + tolerance), statistics.exact_p(after, before, 1.0))
    )
    return dataclasses.replace(
        bare,
        middle=statistics.hodges_lehmann_ratio(before, after),
        bounds=statistics.ratio_bounds(before, after, CONFIDENCE),
        worse_p=worse_p,
        better_p=better_p,
    )


def _judge(one: _Estimate, why_none: str, count: int, worse: bool, better: bool) -> MetricVerdict:
    verdict, why = _verdict(one, why_none, count, worse, better)
    found = catalogue.find(one.metric)
    bounds = one.bounds
    return MetricVerdict(
        metric=one.metric,
        unit=found.unit if found is not None else "number",
        verdict=verdict,
        baseline=plain.median(one.before) if one.before else None,
        current=plain.median(one.after) if one.after else None,
        ratio=one.middle,
        low=bounds.low if bounds is not None else None,
        high=bounds.high if bounds is not None else None,
        tolerance=one.tolerance,
        why=why,
    )


def _verdict(one: _Estimate, why_none: str, count: int, worse: bool, better: bool) -> tuple[Verdict, str]:
    if why_none or one.why_not:
        return "Inconclusive", why_none or one.why_not
    needed = max(FEWEST_REPEATS, statistics.repeats_needed(count, ALPHA))
    sides = len(one.before), len(one.after)
    if one.bounds is None or min(sides) < FEWEST_REPEATS or not statistics.significant(*sides, count, ALPHA):
        metrics = "1 metric needs" if count == 1 else f"{count} metrics need"
        return "Inconclusive", f"{sides[0]} against {sides[1]} repeats; {metrics} {needed} a side"
    change = _change(one, one.bounds)
    # Turned so that more is worse, and 0 is no change.
    none = 0.0 if is_absolute(one.metric) else 1.0
    low, high = one.bounds.low - none, one.bounds.high - none
    if more_is_better(one.metric):
        low, high = -high, -low
    allowed = quantities.ratio(one.tolerance) if none else _points(one.tolerance)
    if low > one.tolerance:
        if worse:
            return "Regressed", f"{change}: worse by more than {allowed}"
        return "Inconclusive", f"{change}: worse by more than {allowed} by itself, but not among {count} metrics (Holm)"
    if -one.tolerance <= low and high <= one.tolerance:
        return "Same", f"{change}: within {allowed}"
    if high < 0 and better:
        return "Better", change
    if not one.tolerance:
        return "Inconclusive", f"{change}: no difference is proven, and at a tolerance of 0 its absence cannot be"
    if high <= one.tolerance:
        return "Inconclusive", f"{change}: no more than {allowed} worse, but the same or better cannot be told"
    if low >= -one.tolerance:
        return "Inconclusive", f"{change}: the same or worse by more than {allowed} cannot be told"
    return "Inconclusive", f"{change}: more repeats are needed to tell {allowed}"


def _change(one: _Estimate, bounds: statistics.Interval) -> str:
    """+10.2 % (+8.1 % to +12 %)."""
    middle = one.middle if one.middle is not None else float("nan")
    if is_absolute(one.metric):
        cells = [_points(value, sign=True) for value in (middle, bounds.low, bounds.high)]
    else:
        changes = (value - 1 for value in (middle, bounds.low, bounds.high))
        cells = [f"{'+' if value > 0 else ''}{quantities.ratio(value)}" for value in changes]
    return f"{cells[0]} ({cells[1]} to {cells[2]})"


def _points(share: float, sign: bool = False) -> str:
    return f"{'+' if sign and share > 0 else ''}{quantities.digits(share * 100)} points"
