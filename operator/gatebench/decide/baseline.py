"""The baseline of a run: whether it can be one, and what the judgement comes to.

A run that is to be compared is not measured before there is something to compare it with.
"""

from __future__ import annotations

from gatebench.api.baseline import COMPARED, BaselineMetric, BaselineResult
from gatebench.api.baseline import Baseline as SpecBaseline
from gatebench.api.reasons import ConditionType, Reason
from gatebench.decide.draft import Draft, Outcome, Wait
from gatebench.decide.snapshot import Snapshot
from gatebench.decide.world import World
from gatebench.plan.run import Run
from gatebench_analysis import against, metrics, quantities, regression, sides, statistics
from gatebench_analysis.baseline import BaselineMetric as Judged
from gatebench_analysis.document import Result, RunInfo

_SHOWN, _DIFFERENCES = 8, 16
_WORST_FIRST = ("Regressed", "Inconclusive", "Same", "Better")
# A run that is to be the baseline has deadlines of its own; runs that wait for each other have not.
_UNDER_WAY_SECONDS = 172_800.0


def source(given: SpecBaseline) -> str:
    """What the spec names, in words."""
    if given.config_map is not None:
        return f"ConfigMap {given.config_map.name}"
    return f"run {given.run}"


def tolerances(run: Run) -> dict[str, float]:
    """The tolerance of each metric that is compared, as a share. Raises ValueError that names the field."""
    given = run.spec.baseline
    if given is None:
        return {}
    if given.run == run.name:
        raise ValueError("spec.baseline.run: a run cannot be its own baseline; name an earlier one")
    for name in given.tolerances or {}:
        if metrics.find(name) is None:
            raise ValueError(f"spec.baseline.tolerances: {name} is no metric; docs/metrics.md lists them")
    own = {name: _share(text) for name, text in (given.tolerances or {}).items()}
    if given.tolerance is None:
        return own
    return regression.tolerances(COMPARED, _share(given.tolerance), own)


def _share(text: str) -> float:
    return float(text.removesuffix("%")) / 100


def admit(run: Run, snap: Snapshot, world: World, draft: Draft) -> Outcome:
    """There is something to compare with, or the run waits for it, and is refused where it does not come."""
    given, found = run.spec.baseline, snap.baseline
    if given is None:
        return None
    if found is not None and found.result is not None:
        if (unfit := against.unfit(found.result)) is not None:
            return draft.fail(
                ConditionType.ACCEPTED, Reason.BASELINE_INVALID, f"spec.baseline: {source(given)}: {unfit}"
            )
        _foresee(run, found.result, draft)
        return None
    if found is not None and found.unreadable:
        return draft.fail(ConditionType.ACCEPTED, Reason.BASELINE_INVALID, f"spec.baseline: {found.unreadable}")
    absent = found.absent if found is not None else f"{source(given)} was not read"
    waits = found is not None and found.under_way
    limit = _UNDER_WAY_SECONDS if waits else world.settings.deadlines.script
    begun = draft.since(ConditionType.ACCEPTED) if draft.status_of(ConditionType.ACCEPTED) else snap.now
    if snap.now - begun >= limit:
        return draft.fail(
            ConditionType.ACCEPTED, Reason.BASELINE_NOT_FOUND, f"spec.baseline: {absent}; waited {limit:g} s for it"
        )
    draft.condition(ConditionType.ACCEPTED, "Unknown", Reason.BASELINE_NOT_FOUND, f"spec.baseline: {absent}")
    return Wait("Pending")


def _foresee(run: Run, before: Result, draft: Draft) -> None:
    """Warns before the load of what would make the comparison inconclusive."""
    now = Result(run=RunInfo(name=run.name, spec=dict(run.raw_spec)))
    named = list(tolerances(run))
    old, new = sides.side("the baseline", [before], named), sides.side("this run", [now], named)
    why = [f"{', '.join(differ)} differ" for differ in [sides.differences(old, new)] if differ]
    if old.one_process:
        why.append("OneProcess: the baseline's repeats share one gateway process")
    repeats = len(old.repeats), run.spec.repeats.count if run.spec.repeats is not None else 1
    if not statistics.significant(*repeats, len(named), regression.ALPHA) or min(repeats) < regression.FEWEST_REPEATS:
        needed = max(regression.FEWEST_REPEATS, statistics.repeats_needed(len(named), regression.ALPHA))
        why.append(f"{repeats[0]} against {repeats[1]} repeats, and {len(named)} metrics need {needed} a side")
    if not why:
        return
    warning = f"the comparison with the baseline will be inconclusive: {'; '.join(why)}"[:400]
    if warning not in (draft.get("warnings") or []):
        draft.set(warnings=[*(draft.get("warnings") or []), warning])


def reference(run: Run, snap: Snapshot) -> against.Reference | None:
    """The baseline as the analysis takes it; None where the spec names none."""
    given, found = run.spec.baseline, snap.baseline
    if given is None:
        return None
    return against.Reference(
        source=source(given),
        tolerances=tolerances(run),
        result=found.result if found is not None else None,
        gone=(found.absent or found.unreadable) if found is not None else "",
        fails=given.on_regression == "Fail",
    )


def result_of(result: Result) -> BaselineResult | None:
    """The few lines of it for the status."""
    found = result.baseline
    if found is None:
        return None
    ordered = sorted(found.metrics, key=lambda one: _WORST_FIRST.index(one.verdict))
    return BaselineResult(
        source=found.source,
        verdict=found.verdict,
        why=found.why if len(found.why) <= 1024 else f"{found.why[:1022]} …",
        differences=found.differences[:_DIFFERENCES] or None,
        metrics=[_line(one) for one in ordered[:_SHOWN]] or None,
    )


def _line(one: Judged) -> BaselineMetric:
    rounded = quantities.significant
    return BaselineMetric(
        metric=one.metric,
        verdict=one.verdict,
        baseline=rounded(one.baseline),
        current=rounded(one.current),
        unit=one.unit or None,
        ratio=rounded(one.ratio),
        low=rounded(one.low),
        high=rounded(one.high),
        tolerance=one.tolerance,
    )
