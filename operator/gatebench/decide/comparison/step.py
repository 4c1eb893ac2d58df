"""One look at a comparison: which of its runs are done, and what comes next.

`decide` is total: for every comparison and every snapshot it gives a decision, the same one each time.
"""

from __future__ import annotations

from gatebench.api.comparisonstatus import BenchmarkComparisonStatus
from gatebench.api.reasons import ConditionType, Reason
from gatebench.decide.actions import DeleteRun, ReleaseLease
from gatebench.decide.comparison import judge, runs
from gatebench.decide.comparison.draft import Decision, Draft
from gatebench.decide.comparison.snapshot import Snapshot
from gatebench.decide.draft import Outcome, Stop, expired, is_status, timestamp
from gatebench.plan.comparison import Comparison


def decide(comparison: Comparison, snap: Snapshot) -> Decision:
    """What to do for the comparison now, and what its status says."""
    draft = Draft(comparison, snap.now)
    if comparison.deleting:
        return Decision((), comparison.status, idle=True)  # its runs go by their owner reference
    if is_complete(comparison):
        return _after(comparison, snap, draft)
    _begin(draft)
    runs.report(comparison, snap, draft)
    outcome = _next(comparison, snap, draft)
    if isinstance(outcome, Stop):
        _stop(snap, draft, outcome)
    elif outcome is not None:
        draft.set(step=outcome.step)
        _progressing(draft)
    return draft.decision()


def is_complete(comparison: Comparison) -> bool:
    """Whether the comparison has ended; only tidying is left."""
    return is_status(comparison.status, ConditionType.COMPLETE, "True")


def forbidden(comparison: Comparison, now: float, message: str) -> BenchmarkComparisonStatus:
    """The status of a comparison whose world may not be read: it waits for the right to come back."""
    if is_complete(comparison):
        return comparison.status
    draft = Draft(comparison, now)
    draft.condition(ConditionType.ACCEPTED, "Unknown", Reason.FORBIDDEN, message)
    _progressing(draft)
    return draft.decision().status


def _next(comparison: Comparison, snap: Snapshot, draft: Draft) -> Outcome:
    early = _ended_early(comparison, draft)
    outcome = runs.advance(comparison, snap, draft) if early is None else None
    if isinstance(outcome, Stop):
        early = outcome
    elif outcome is not None:
        return outcome
    if early is not None and (waits := runs.abort(comparison, snap, draft)) is not None:
        return waits
    return judge.judge(comparison, snap, draft, early)


def _ended_early(comparison: Comparison, draft: Draft) -> Stop | None:
    if comparison.spec.cancel:
        message = "cancelled; the runs that were complete by then are in the table"
        return Stop(Reason.CANCELLED, Reason.CANCELLED, message)
    if runs.past_deadline(comparison, draft):
        limit = comparison.spec.active_deadline_seconds
        message = f"the deadline of {limit} s passed; the runs that were complete by then are in the table"
        return Stop(Reason.DEADLINE_EXCEEDED, Reason.DEADLINE_EXCEEDED, message)
    return None


def _begin(draft: Draft) -> None:
    """Conditions that every comparison has from its first moment."""
    draft.default(ConditionType.COMPLETE, "False", Reason.RUNNING, "The comparison is not complete.")
    draft.default(ConditionType.VALID, "Unknown", Reason.RUNNING, "Nothing is compared yet.")
    draft.default(ConditionType.PASSED, "Unknown", Reason.RUNNING, "Nothing is judged yet.")
    draft.default(ConditionType.STALLED, "False", Reason.PROGRESSING, "")
    draft.default(ConditionType.RECONCILING, "True", Reason.PROGRESSING, "The comparison is being carried out.")


def _progressing(draft: Draft) -> None:
    draft.progressing((ConditionType.ACCEPTED,), "The comparison is being carried out.")


def _stop(snap: Snapshot, draft: Draft, outcome: Stop) -> None:
    """Sets what the comparison ends with; Complete last."""
    draft.conclude(outcome)
    draft.set(step="CleaningUp", finished_at=timestamp(snap.now))
    draft.set(progress=draft.progress(round=None, variant=None, run=None))


def _after(comparison: Comparison, snap: Snapshot, draft: Draft) -> Decision:
    """Ends the fleet and frees the node behind a comparison that is complete; deletes it when its time has passed."""
    draft.act(*runs.without_fleet(comparison, snap))
    left = snap.pods or snap.fleet
    if not left:
        draft.act(*(ReleaseLease(lease.name) for lease in snap.leases))
    tidy = not left and not snap.leases
    draft.set(step="Done" if tidy else "CleaningUp")
    ttl = comparison.spec.ttl_seconds_after_finished
    if expired(ttl, comparison.status.finished_at, snap.now):
        draft.act(DeleteRun())
    return draft.decision(idle=tidy and ttl is None)
