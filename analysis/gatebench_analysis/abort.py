"""Loads that were ended by a bound: what is said of them, and what speaks against a measurement only because of it.

The fleet looks at such bounds each second, so only metrics that it can tell while the load runs may have one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gatebench_analysis import metrics, quantities
from gatebench_analysis.document import Finding, ObjectiveOutcome, Verdict
from gatebench_analysis.load import Guard, Load

ABORTED = "Aborted"
METRIC = r"(requests\..+\.)?(throughput|errorRatio|(latency|ttft|interToken)\.(mean|max|p50|p90|p95|p99|p99\.9))"
"""Of the metrics that the fleet can tell while the load runs, in the regular expressions of Go too."""
_TOLD = re.compile(METRIC)
# Of a load that ended before its time, and while something gave way, these are no news.
_FOLLOWS = ("NoTraffic", "NotSteady", "TooFewSamples")


def can_abort(metric: str) -> bool:
    """Whether a load can be ended by this metric."""
    return _TOLD.fullmatch(metric) is not None


def words(load: Load) -> str | None:
    """Which bound ended the load, with the value; None where none did."""
    found = load.abort
    if load.outcome != ABORTED or found is None:
        return None
    metric = metrics.find(found.metric)
    unit = metric.unit if metric is not None else "number"
    value = quantities.text(found.value, unit, found.metric)
    return f"{found.metric} was {value} over {quantities.seconds(found.window_seconds)}, {_bound(found, unit)}"


def _bound(guard: Guard, unit: str) -> str:
    side, bound = ("above", guard.above) if guard.above is not None else ("below", guard.below)
    return f"{side} {quantities.text(bound, unit, guard.metric)}"


def outcomes(load: Load, found: Sequence[ObjectiveOutcome]) -> list[ObjectiveOutcome]:
    """The objectives, of which the one that ended the load has failed whatever it came to over all of it."""
    why = words(load)
    if why is None or load.abort is None:
        return list(found)
    name = "abortAbove" if load.abort.above is not None else "abortBelow"
    return [
        one.model_copy(update={"outcome": "Fail", "bound": f"{name} {one.bounds[name]}", "message": f"aborted: {why}"})
        if one.metric == load.abort.metric and one.stage is None and name in one.bounds
        else one
        for one in found
    ]


def verdict(load: Load, otherwise: Verdict) -> Verdict:
    """A load that was ended by a bound did not pass, whatever else was met."""
    if load.outcome != ABORTED:
        return otherwise
    why = words(load) or load.message or "a bound was broken"
    return Verdict(status="False", reason=ABORTED, message=f"the load was ended early: {why}")


def findings(load: Load, found: Sequence[Finding]) -> list[Finding]:
    """Without what follows from the early end alone."""
    return [one for one in found if load.outcome != ABORTED or one.reason not in _FOLLOWS]


def remarks(load: Load) -> Iterator[str]:
    """Bounds that could never have ended the load."""
    for guard in load.guards:
        if guard.judged == 0:
            metric = metrics.find(guard.metric)
            bound = _bound(guard, metric.unit if metric is not None else "number")
            yield (
                f"{guard.metric} {bound} could not have ended the load: no window of"
                f" {quantities.seconds(guard.window_seconds)} had enough requests; a longer abortWindow has more"
            )
