"""Whether a comparison can be carried out: its bounds, and each variant's run as the API server sees it."""

from __future__ import annotations

from gatebench.api import quantities
from gatebench.api.comparison import DeltaObjective
from gatebench.api.reasons import ConditionType, Reason
from gatebench.decide.comparison.draft import Draft
from gatebench.decide.comparison.snapshot import Snapshot
from gatebench.decide.draft import Outcome, Stop, Wait
from gatebench.plan.comparison import Comparison
from gatebench_analysis import metrics, regression

WAITED_FOR = {"Forbidden": Reason.FORBIDDEN, "Quota": Reason.QUOTA_EXCEEDED}
"""Refusals of the API server that may end."""


def admit(comparison: Comparison, snap: Snapshot, draft: Draft) -> Outcome:
    """Accepted, or the reason why not."""
    if (against := problem(comparison)) is not None:
        return _refuse(draft, against)
    refused = any(denial.kind in WAITED_FOR for denial in snap.denials)
    if draft.status_of(ConditionType.ACCEPTED) == "True" or any(run.ours for run in snap.runs.values()):
        suspended = draft.reason_of(ConditionType.ACCEPTED) == Reason.SUSPENDED and comparison.spec.suspend
        if not refused and not suspended:
            _accept(draft)
        return None
    if snap.trials is None:
        return Wait("Pending")
    for index, variant in enumerate(comparison.variants):
        against = snap.trials.get(variant)
        if against is not None:
            return _refuse(draft, f"spec.variants[{index}] ({variant}) makes no run that can be applied: {against}")
    if not refused:
        _accept(draft)
    return None


def problem(comparison: Comparison) -> str | None:
    """What makes no sense in its bounds, with the field's name; None: nothing."""
    try:
        tolerances(comparison)
        for index, objective in enumerate(comparison.spec.objectives or ()):
            max_delta(objective, f"spec.objectives[{index}]")
    except ValueError as error:
        return str(error)
    return None


def _accept(draft: Draft) -> None:
    draft.condition(ConditionType.ACCEPTED, "True", Reason.ACCEPTED, "The comparison is accepted.")


def _refuse(draft: Draft, message: str) -> Stop:
    return draft.fail(ConditionType.ACCEPTED, Reason.INVALID_SPEC, message)


def tolerances(comparison: Comparison) -> dict[str, float]:
    """The tolerance of each metric of the table, as a share. Raises ValueError that names the field."""
    spec = comparison.spec
    default = _share(spec.tolerance, "spec.tolerance")
    own = {name: _share(text, f"spec.tolerances.{name}") for name, text in (spec.tolerances or {}).items()}
    for name in comparison.metrics:
        if metrics.find(name) is None:
            raise ValueError(f"spec.tolerances: {name} is no metric; docs/metrics.md lists them")
    return regression.tolerances(comparison.metrics, default, own)


def _share(text: str, field: str) -> float:
    try:
        value = quantities.bound_value(text, "ratio")
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from error
    if not 0 <= value < 1:
        raise ValueError(f"{field}: must be at least 0% and below 100%, not {text}")
    return value


def max_delta(objective: DeltaObjective, field: str = "spec.objectives") -> tuple[float, bool]:
    """The bound and whether it is a share of the first variant's value, else it is in the metric's unit.

    Raises ValueError that names the field.
    """
    metric, text = metrics.find(objective.metric), objective.max_delta
    if metric is None:
        raise ValueError(f"{field}.metric: {objective.metric} is no metric; docs/metrics.md lists them")
    relative = text.endswith("%") and metric.unit != "ratio"
    try:
        bound = quantities.bound_value(text, "ratio" if relative else metric.unit)
    except ValueError as error:
        raise ValueError(f"{field}.maxDelta: {error}") from error
    if relative and bound >= 1 and regression.more_is_better(objective.metric):
        raise ValueError(f"{field}.maxDelta: {objective.metric} cannot fall by {text}: it must be below 100%")
    return bound, relative
