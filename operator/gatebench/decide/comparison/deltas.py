"""Bounds on differences between variants: shown to hold, shown to be broken, or not to be told.

Pass rests on the interval of the difference, Fail on an exact test over all objectives together (Holm), so that what
is noise fails no comparison however many bounds there are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from gatebench.api.comparison import DeltaObjective
from gatebench.api.comparisonstatus import DeltaResult
from gatebench.decide.comparison.admission import max_delta
from gatebench.plan.comparison import Comparison
from gatebench_analysis import metrics, quantities, regression, statistics
from gatebench_analysis.regression import Side
from gatebench_analysis.sides import differences


@dataclasses.dataclass(frozen=True)
class _Estimate:
    """How much worse the second variant is, with the exact bounds; `p` that it is worse than allowed."""

    objective: DeltaObjective
    reference: str
    variant: str
    bound: float
    relative: bool
    sizes: tuple[int, int] = (0, 0)
    delta: float | None = None
    low: float | None = None
    high: float | None = None
    p: float = 1.0
    why_not: str = ""


def judge(comparison: Comparison, by_variant: Mapping[str, Side]) -> list[DeltaResult]:
    """Each objective for each of its pairs of variants."""
    estimates = list(_estimates(comparison, by_variant))
    told = [one for one in estimates if not one.why_not]
    failed = dict(
        zip((id(one) for one in told), statistics.holm([one.p for one in told], regression.ALPHA), strict=True)
    )
    return [_result(one, len(told), failed.get(id(one), False)) for one in estimates]


def _estimates(comparison: Comparison, by_variant: Mapping[str, Side]) -> Iterator[_Estimate]:
    for objective in comparison.spec.objectives or ():
        pairs: Sequence[tuple[str, str]]
        if objective.between is not None:
            pairs = [(objective.between[0], objective.between[1])]
        else:
            pairs = [(comparison.variants[0], variant) for variant in comparison.variants[1:]]
        for reference, variant in pairs:
            yield _estimate(objective, by_variant[reference], by_variant[variant])


def _estimate(objective: DeltaObjective, reference: Side, variant: Side) -> _Estimate:
    bound, relative = max_delta(objective)
    bare = _Estimate(objective, reference.name, variant.name, bound, relative)
    sides, name = (reference, variant), objective.metric
    before, after = ([row[name] for row in side.repeats if name in row] for side in sides)
    for side, values in zip(sides, (before, after), strict=True):
        if not values:
            return dataclasses.replace(bare, why_not=f"{name} is missing in {side.name}")
    if differ := differences(reference, variant):
        return dataclasses.replace(bare, why_not=f"the environments differ in {', '.join(differ)}")
    bare = dataclasses.replace(bare, sizes=(len(before), len(after)))
    falls = regression.more_is_better(objective.metric)
    if not relative:
        return _absolute(bare, *((after, before) if falls else (before, after)))
    if min(*before, *after) <= 0:
        return dataclasses.replace(
            bare, why_not="values at or below 0 have no ratio: give maxDelta in the metric's unit"
        )
    return _relative(bare, before, after, falls)


def _absolute(bare: _Estimate, better: Sequence[float], worse: Sequence[float]) -> _Estimate:
    found = statistics.difference_bounds(better, worse, regression.CONFIDENCE)
    return dataclasses.replace(
        bare,
        delta=statistics.hodges_lehmann_difference(better, worse),
        low=found.low if found is not None else None,
        high=found.high if found is not None else None,
        p=statistics.exact_p_difference(better, worse, bare.bound),
    )


def _relative(bare: _Estimate, before: Sequence[float], after: Sequence[float], falls: bool) -> _Estimate:
    """As shares of the reference's value: 0.02 is 2 % worse."""
    middle = statistics.hodges_lehmann_ratio(before, after)
    found = statistics.ratio_bounds(before, after, regression.CONFIDENCE)
    low, high = (found.low, found.high) if found is not None else (None, None)
    if falls:
        p = statistics.exact_p(after, before, 1 / (1 - bare.bound))
        middle, low, high = 1 - middle, None if high is None else 1 - high, None if low is None else 1 - low
    else:
        p = statistics.exact_p(before, after, 1 + bare.bound)
        middle, low, high = middle - 1, None if low is None else low - 1, None if high is None else high - 1
    return dataclasses.replace(bare, delta=middle, low=low, high=high, p=p)


def _result(one: _Estimate, count: int, failed: bool) -> DeltaResult:
    outcome, message = _outcome(one, count, failed)
    metric = metrics.find(one.objective.metric)
    unit = "ratio" if one.relative or metric is None else metric.unit
    return DeltaResult(
        metric=one.objective.metric,
        reference=one.reference,
        variant=one.variant,
        outcome=outcome,
        bound=one.objective.max_delta,
        delta=quantities.significant(one.delta),
        low=quantities.significant(one.low),
        high=quantities.significant(one.high),
        unit=unit if one.delta is not None else None,
        observed=_words(one, unit),
        message=message or None,
    )


def _outcome(one: _Estimate, count: int, failed: bool) -> tuple[str, str]:
    if one.why_not:
        return "Unknown", one.why_not
    needed = max(regression.FEWEST_REPEATS, statistics.repeats_needed(count, regression.ALPHA))
    if one.low is None or one.high is None or min(one.sizes) < regression.FEWEST_REPEATS:
        return "Unknown", f"{one.sizes[0]} valid runs against {one.sizes[1]}: {needed} of each variant are needed"
    if one.high <= one.bound:
        return "Pass", ""
    if failed:
        return "Fail", ""
    if one.low > one.bound:
        return "Unknown", f"beyond maxDelta by itself, but not among {count} objectives (Holm): more rounds would tell"
    return "Unknown", "the interval reaches over maxDelta: more rounds would tell"


def _words(one: _Estimate, unit: str) -> str | None:
    """+1.2 ms (+0.8 ms to +1.9 ms): how much worse."""
    if one.delta is None:
        return None
    cells = [
        _signed(value, unit, one.objective.metric) for value in (one.delta, one.low, one.high) if value is not None
    ]
    return cells[0] if len(cells) < 3 else f"{cells[0]} ({cells[1]} to {cells[2]})"


def _signed(value: float, unit: str, metric: str) -> str:
    return ("+" if value > 0 else "") + quantities.text(value, unit, metric)
