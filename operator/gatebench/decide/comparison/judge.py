"""From the table and the objectives to the comparison's verdict; the result is stored before it is complete."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gatebench.api.comparisonstatus import ComparisonArtifacts, ComparisonRow, DeltaResult
from gatebench.api.reasons import ConditionType, Reason
from gatebench.decide.actions import Create
from gatebench.decide.comparison import deltas, table
from gatebench.decide.comparison.admission import problem
from gatebench.decide.comparison.draft import Draft
from gatebench.decide.comparison.runs import existing, run_list
from gatebench.decide.comparison.snapshot import Measured, RunFacts, Snapshot
from gatebench.decide.draft import Outcome, Stop, Wait, timestamp
from gatebench.plan import comparison as plan
from gatebench.plan.comparison import Comparison

_WARNINGS = 16
# Refusals of the result's ConfigMap: the comparison is complete without it.
_FINAL = ("Forbidden", "Quota", "Invalid")
# They are about the object, and not about what was compared.
_OF_THE_OBJECT = (ConditionType.RECONCILING, ConditionType.STALLED)
SCHEMA = "gatebench.dev/comparison/v1alpha1"
Found = Mapping[str, Sequence[tuple[int, Measured]]]


def judge(comparison: Comparison, snap: Snapshot, draft: Draft, early: Stop | None) -> Outcome:
    """The verdict; `early` is why the comparison ends before all of its runs were made."""
    if table.unread(comparison, snap):
        return Wait("Collecting")
    found = table.measured(comparison, snap)
    if early is not None and (problem(comparison) is not None or not any(found.values())):
        return early
    by_variant = table.sides(found)
    rows, outcomes = table.rows(comparison, by_variant), deltas.judge(comparison, by_variant)
    draft.set(table=rows or None, objectives=outcomes or None, warnings=_warnings(comparison, snap) or None)
    refused = any(denial.kind in _FINAL for denial in snap.denials)
    if not (snap.stored or snap.taken or refused):
        told = Draft(comparison, snap.now)
        told.conclude(_end(comparison, snap, found, outcomes, early, told))
        document = _document(comparison, snap, found, rows, outcomes) | {"status": _status(draft, told)}
        draft.act(Create(plan.result(comparison, json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1))))
        return Wait("Judging")
    if snap.stored:
        draft.set(artifacts=ComparisonArtifacts(result=comparison.names.result))
    return _end(comparison, snap, found, outcomes, early, draft)


def _end(
    comparison: Comparison,
    snap: Snapshot,
    found: Found,
    outcomes: Sequence[DeltaResult],
    early: Stop | None,
    draft: Draft,
) -> Stop:
    if early is not None:
        return early
    _valid(comparison, snap, found, draft)
    _passed(comparison, snap, outcomes, draft)
    return _verdict(draft)


def _valid(comparison: Comparison, snap: Snapshot, found: Found, draft: Draft) -> None:
    for variant in comparison.variants:
        if not found[variant]:
            first = next((run for slot, run in existing(comparison, snap) if slot.variant == variant), None)
            why = f"; {first.name}: {first.message}" if first is not None and first.message else ""
            reason = _reason(first)
            draft.condition(ConditionType.VALID, "False", reason, f"no run of {variant} is valid{why}")
            return
    if (change := table.changed(found)) is not None:
        draft.condition(ConditionType.VALID, "False", Reason.ENVIRONMENT_CHANGED, change)
        return
    count = sum(len(runs) for runs in found.values())
    message = f"{count} of {len(comparison.slots)} runs are valid and count."
    draft.condition(ConditionType.VALID, "True", Reason.MEASURED, message)


def _reason(run: RunFacts | None) -> Reason:
    known = {reason.value for reason in Reason}
    return Reason(run.reason) if run is not None and run.reason in known else Reason.NOT_MEASURED


def _passed(comparison: Comparison, snap: Snapshot, outcomes: Sequence[DeltaResult], draft: Draft) -> None:
    if draft.status_of(ConditionType.VALID) == "False":
        draft.condition(ConditionType.PASSED, "Unknown", Reason.NOT_MEASURED, "The comparison is not valid.")
        return
    broken = [_words(one) for one in outcomes if one.outcome == "Fail"] + _unfit(comparison, snap, "False")
    untold = [_words(one) for one in outcomes if one.outcome == "Unknown"] + _unfit(comparison, snap, "Unknown")
    if broken:
        draft.condition(ConditionType.PASSED, "False", Reason.OBJECTIVES_FAILED, "; ".join(broken))
    elif untold:
        draft.condition(ConditionType.PASSED, "Unknown", Reason.OBJECTIVES_UNKNOWN, "; ".join(untold))
    else:
        message = "All objectives are met." if outcomes else "No difference is bounded: the table says how they differ."
        draft.condition(ConditionType.PASSED, "True", Reason.OBJECTIVES_MET, message)


def _words(one: DeltaResult) -> str:
    seen = f" is worse by {one.observed}" if one.observed else ""
    why = f": {one.message}" if one.message else ""
    return f"{one.metric} of {one.variant}{seen} than {one.reference}, maxDelta {one.bound}{why}"


def _unfit(comparison: Comparison, snap: Snapshot, status: str) -> list[str]:
    """Variants of which more than half of the valid runs did not meet the objectives of the run itself."""
    out = []
    for variant in comparison.variants:
        runs = _valid_runs(comparison, snap, variant)
        missed = [run for run in runs if run.passed == status]
        if 2 * len(missed) > len(runs):
            verb = "did not meet" if status == "False" else "could not be judged by"
            said = f"{len(missed)} of {len(runs)} runs of {variant} {verb} the objectives of the template"
            out.append(f"{said}; {missed[0].name}: {missed[0].message}")
    return out


def _valid_runs(comparison: Comparison, snap: Snapshot, variant: str) -> list[RunFacts]:
    runs = (run for slot, run in existing(comparison, snap) if slot.variant == variant)
    return [run for run in runs if run.complete and run.valid == "True"]


def _warnings(comparison: Comparison, snap: Snapshot) -> list[str]:
    out = [said] if (said := table.unequal(comparison)) is not None else []
    if comparison.lending.seconds is None:
        out.append(f"each run had a fleet of its own: {comparison.lending.why_not}")
    if snap.taken:
        out.append(f"ConfigMap {comparison.names.result} is not this comparison's; the result is not stored")
    for _, run in existing(comparison, snap):
        if run.complete and run.valid != "True":
            out.append(f"left out: {run.name}, {run.reason}")
        elif run.complete and snap.measured.get(run.name, run) is None:
            out.append(f"left out: {run.name}, whose result cannot be read")
    for variant in comparison.variants:
        runs = _valid_runs(comparison, snap, variant)
        missed = sum(run.passed == "False" for run in runs)
        if missed and 2 * missed <= len(runs):
            out.append(f"{missed} of {len(runs)} runs of {variant} did not meet the objectives of the template")
    more = len(out) - _WARNINGS
    return out if more <= 0 else [*out[: _WARNINGS - 1], f"and {more + 1} more"]


def _document(
    comparison: Comparison,
    snap: Snapshot,
    found: Found,
    rows: Sequence[ComparisonRow],
    outcomes: Sequence[DeltaResult],
) -> dict[str, Any]:
    """All that the comparison comes to; what is missing is absent."""
    return {
        "schema": SCHEMA,
        "comparison": {"name": comparison.name, "namespace": comparison.namespace, "uid": comparison.uid},
        "finishedAt": timestamp(snap.now),
        "spec": dict(comparison.raw_spec),
        "variants": table.values(found),
        "runs": [one.model_dump(by_alias=True, exclude_none=True) for one in run_list(comparison, snap)],
        "table": [one.model_dump(by_alias=True, exclude_none=True) for one in rows],
        "objectives": [one.model_dump(by_alias=True, exclude_none=True) for one in outcomes],
    }


def _status(draft: Draft, told: Draft) -> dict[str, Any]:
    """What the object's status will say besides: the conditions with which it ends, the warnings, node and start."""
    conditions = [
        {"type": one.type, "status": one.status, "reason": one.reason, "message": one.message}
        for one in told.fields()["conditions"]
        if one.type not in _OF_THE_OBJECT
    ]
    fields = {"warnings": draft.get("warnings"), "node": draft.get("node"), "startedAt": draft.get("started_at")}
    return {"conditions": conditions, **{name: value for name, value in fields.items() if value is not None}}


def _verdict(draft: Draft) -> Stop:
    """Succeeded is Valid and Passed; its reason is that of the one that is not."""
    for kind in (ConditionType.VALID, ConditionType.PASSED):
        if draft.status_of(kind) != "True":
            reason = Reason(draft.reason_of(kind) or Reason.NOT_SUCCEEDED)
            return Stop(Reason.FINISHED, reason, draft.message_of(kind))
    return Stop(Reason.FINISHED, Reason.SUCCEEDED, "The comparison is valid and its objectives are met.")
