"""The comparison's runs: one after the other, in their order, each made from what is seen of those before it."""

from __future__ import annotations

from collections.abc import Iterator

from gatebench.api import KIND
from gatebench.api.comparisonstatus import ComparisonRun
from gatebench.api.reasons import ConditionType, Reason
from gatebench.decide.actions import Announce, Create, Delete
from gatebench.decide.comparison.admission import WAITED_FOR, admit
from gatebench.decide.comparison.draft import Draft
from gatebench.decide.comparison.snapshot import RunFacts, Snapshot
from gatebench.decide.draft import Outcome, Stop, Wait, unix
from gatebench.plan import comparison as plan
from gatebench.plan import names
from gatebench.plan.comparison import Comparison, Slot

# So many runs of a variant in a row that sent no load end the comparison: the next would not either.
_FUTILE = 2


def existing(comparison: Comparison, snap: Snapshot) -> list[tuple[Slot, RunFacts]]:
    """The comparison's own runs, in the order of the slots."""
    found = ((slot, snap.runs.get(slot.name)) for slot in comparison.slots)
    return [(slot, run) for slot, run in found if run is not None and run.ours]


def advance(comparison: Comparison, snap: Snapshot, draft: Draft) -> Outcome:
    """Every run is complete and tidied up."""
    outcome = _advance(comparison, snap, draft)
    refused = next((denial for denial in snap.denials if denial.kind in WAITED_FOR), None)
    if refused is not None and isinstance(outcome, Wait):
        draft.condition(ConditionType.ACCEPTED, "Unknown", WAITED_FOR[refused.kind], refused.message)
    return outcome


def _advance(comparison: Comparison, snap: Snapshot, draft: Draft) -> Outcome:
    foreign = [name for name in sorted(snap.runs) if not snap.runs[name].ours]
    if foreign:
        message = f"{KIND} {foreign[0]} exists and is not this comparison's; it was left alone"
        return draft.fail(ConditionType.ACCEPTED, Reason.NAME_CONFLICT, message)
    for step in (_denied, admit):
        if (outcome := step(comparison, snap, draft)) is not None:
            return outcome
    runs = existing(comparison, snap)
    if (active := next(((slot, run) for slot, run in runs if not run.tidy), None)) is not None:
        return _under_way(comparison, *active, draft)
    if (futile := next(_futile(comparison, runs), None)) is not None:
        return futile
    have = {slot.name for slot, _ in runs}
    following = next((slot for slot in comparison.slots if slot.name not in have), None)
    if following is None:
        return None
    if comparison.spec.suspend:
        draft.condition(ConditionType.ACCEPTED, "True", Reason.SUSPENDED, "No further run is started.")
        return Wait("Suspended")
    if snap.pods:
        return Wait("CleaningUp")
    return _make(comparison, snap, following, runs, draft)


def _make(
    comparison: Comparison, snap: Snapshot, slot: Slot, runs: list[tuple[Slot, RunFacts]], draft: Draft
) -> Outcome:
    if runs and comparison.slots.index(slot) < comparison.slots.index(runs[-1][0]):
        message = f"{KIND} {slot.name} was missing and is made again"
        draft.act(Announce(Reason.CHILD_RECREATED.value, message, True))
    draft.act(Create(plan.run(comparison, slot, _pin(comparison, snap, slot))))
    draft.set(progress=_progress(comparison, slot, draft))
    return Wait("Running")


def _pin(comparison: Comparison, snap: Snapshot, slot: Slot) -> str | None:
    """The node of the runs before, for one that does not find it by the Lease that the comparison holds."""
    on_lease = any(lease.name.startswith(names.node_lease("")) for lease in snap.leases)
    if on_lease and plan.isolated(comparison, slot.variant):
        return None
    return next((run.node for _, run in existing(comparison, snap) if run.node is not None), None)


def _under_way(comparison: Comparison, slot: Slot, run: RunFacts, draft: Draft) -> Wait:
    draft.set(progress=_progress(comparison, slot, draft))
    if run.complete or run.deleting:
        return Wait("CleaningUp")
    return Wait("Queued" if run.step == "Queued" else "Running")


def _progress(comparison: Comparison, slot: Slot, draft: Draft) -> object:
    return draft.progress(round=slot.round, rounds=comparison.rounds, variant=slot.variant, run=slot.name)


def _futile(comparison: Comparison, runs: list[tuple[Slot, RunFacts]]) -> Iterator[Stop]:
    """Why going on makes no sense."""
    for _, run in runs:
        if run.accepted == "False":
            yield _stop(run, f"run {run.name} was not accepted: {run.message}")
    for variant in comparison.variants:
        last = [run for slot, run in runs if slot.variant == variant][-_FUTILE:]
        if len(last) == _FUTILE and all(run.started_at is None for run in last):
            yield _stop(
                last[-1], f"the last {_FUTILE} runs of {variant} sent no load; {last[-1].name}: {last[-1].message}"
            )


def _stop(run: RunFacts, message: str) -> Stop:
    known = {reason.value for reason in Reason}
    return Stop(Reason.FAILED, Reason(run.reason) if run.reason in known else Reason.NOT_MEASURED, message)


def _denied(comparison: Comparison, snap: Snapshot, draft: Draft) -> Outcome:
    """What the API server refused for good; what it may take later is tried again below."""
    for denial in snap.denials:
        if denial.kind == "Invalid":
            return draft.fail(ConditionType.ACCEPTED, Reason.INVALID_SPEC, denial.message)
        if denial.kind == "Terminating":
            return Wait("Pending")
    return None


def abort(comparison: Comparison, snap: Snapshot, draft: Draft) -> Outcome:
    """No run is under way any more: one that is is deleted, for what it measured could not be used."""
    under_way = [run for _, run in existing(comparison, snap) if not run.complete]
    draft.act(*(Delete(KIND, run.name) for run in under_way if not run.deleting))
    return Wait("Cancelling") if under_way else None


def without_fleet(comparison: Comparison, snap: Snapshot) -> Iterator[Delete]:
    """Deletes what there is of the fleet. The token cannot be listed: it goes while the plan is there."""
    for child in snap.fleet:
        if not child.deleting:
            yield Delete(child.kind, child.name)
            if (child.kind, child.name) == ("ConfigMap", comparison.names.plan):
                yield Delete("Secret", comparison.names.token)


def report(comparison: Comparison, snap: Snapshot, draft: Draft) -> None:
    """What the status says of the runs, whatever is decided."""
    runs = existing(comparison, snap)
    done, total = sum(run.complete for _, run in runs), len(comparison.slots)
    draft.set(
        progress=draft.progress(rounds=comparison.rounds, done=done, total=total, display=f"{done}/{total}"),
        runs=run_list(comparison, snap) or None,
    )
    for field in ("node", "node_acquired_at", "started_at"):
        seen = sorted(value for _, run in runs if (value := getattr(run, field)) is not None)
        if draft.get(field) is None and seen:
            draft.set(**{field: seen[0]})


def run_list(comparison: Comparison, snap: Snapshot) -> list[ComparisonRun]:
    """The runs, and whether each counts."""
    return [_words(slot, run) for slot, run in existing(comparison, snap)]


def _words(slot: Slot, run: RunFacts) -> ComparisonRun:
    valid = (run.valid or "Unknown") if run.complete else None
    why = run.reason if valid not in (None, "True") else None
    return ComparisonRun(name=run.name, round=slot.round, variant=slot.variant, valid=valid, reason=why)


def past_deadline(comparison: Comparison, draft: Draft) -> bool:
    """Whether activeDeadlineSeconds has passed since the first run got its node."""
    begun, limit = unix(draft.get("node_acquired_at")), comparison.spec.active_deadline_seconds
    return begun is not None and limit is not None and draft.now - begun >= limit
