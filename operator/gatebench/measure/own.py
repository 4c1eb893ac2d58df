"""The queries that a run brings: one series, its values over the measured window as one figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gatebench.measure import figures, queries, samples
from gatebench.measure.figures import Answers, Missing, Value
from gatebench.measure.samples import Line, Point


def query_figure(name: str, how: str, plan: queries.Plan, answers: Answers) -> Value | Missing:
    """The figure of query.NAME; `how` its values become one."""
    found = figures.read(answers, name)
    if isinstance(found, Missing):
        return found
    with_points = [series for series in found if series.points]
    if not with_points:
        return Missing("NoSeries", "the query gave no series")
    if len(with_points) > 1:
        return figures.ambiguous(with_points)
    points = samples.finite(with_points[0].points)
    if not points:
        return Missing("NotANumber", "the query gave nothing but NaN or infinity")
    query = next(query for query in plan.queries if query.name == name)
    if query.kind == "range":
        limit = max(plan.gap_limit, 1.5 * query.step)
        longest = samples.gap(points, plan.start, plan.end, limit)
        if longest is not None:
            return Missing("MetricsIncomplete", figures.gap_message("the query", longest, limit))
    capped = _capped(name, points, plan, answers)
    if isinstance(capped, Missing):
        return capped
    number = aggregate(how, points, counted=query.kind == "range")
    if _rests_on(how, number, points, capped):
        message = f"> {number:g}: the quantile lies in the histogram's +Inf bucket"
        return Missing("AboveBound", message, above=number)
    return Value(number, "query")


def aggregate(how: str, points: Sequence[Point], *, counted: bool = True) -> float:
    """The values over the window as one. `counted` is False where the query has covered the window itself."""
    numbers = [value for _, value in points]
    if how == "max":
        return max(numbers)
    if how == "min":
        return min(numbers)
    if how == "last":
        return numbers[-1]
    if how == "increase" and counted:
        return samples.increase(Line((tuple(points),)))
    return sum(numbers) / len(numbers)


def _capped(name: str, points: Sequence[Point], plan: queries.Plan, answers: Answers) -> dict[float, float] | Missing:
    """The points whose quantile lies in the +Inf bucket: those that equal the same query's quantile 1."""
    top = f"{queries.TOP}{name}"
    if not any(query.name == top for query in plan.queries):
        return {}
    found = figures.read(answers, top)
    if isinstance(found, Missing) or len(found) != 1:
        return Missing("QueryFailed", "it could not be told whether the quantile lies in the +Inf bucket")
    highest = dict(found[0].points)
    return {at: value for at, value in points if highest.get(at) == value}


def _rests_on(how: str, number: float, points: Sequence[Point], capped: Mapping[float, float]) -> bool:
    """Whether an aggregate would be higher, were the capped points known."""
    if how in ("max", "min"):
        return number in capped.values()
    if how == "last":
        return points[-1][0] in capped
    return bool(capped)
