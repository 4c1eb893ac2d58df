"""How a run ends: cancelled, past its deadline, or stopped by what a step found; and what is left to do after.

Complete is set last, and no condition changes after it. Then the fleet is acknowledged, the children go, the
Lease is freed and, when its time to live has passed, the run itself.
"""

from __future__ import annotations

from gatebench.api.reasons import ConditionType, Reason
from gatebench.api.run import active_deadline
from gatebench.api.status import Artifacts
from gatebench.decide.actions import Acknowledge, Delete, DeleteRun, ReleaseLease, StoreLogs
from gatebench.decide.draft import Decision, Draft, Outcome, Stop, expired, is_status, timestamp, unix
from gatebench.decide.snapshot import Snapshot
from gatebench.decide.world import World
from gatebench.plan import fleet
from gatebench.plan.run import Run

# What is kept when the children go.
_KEPT = ("result", "report", "logs")
# How long a run that is complete waits for the logs to be stored, and for a kept fleet to be acknowledged.
_LOGS_SECONDS = 30.0


def is_complete(run: Run) -> bool:
    """Whether the run has ended; only tidying is left."""
    return is_status(run.status, ConditionType.COMPLETE, "True")


def past_deadline(run: Run, draft: Draft) -> bool:
    """Whether activeDeadlineSeconds has passed since the run got its node."""
    begun = unix(draft.get("node_acquired_at"))
    return begun is not None and draft.now - begun >= active_deadline(run.spec)


def is_expired(run: Run, now: float) -> bool:
    """Whether its time to live has passed."""
    return is_complete(run) and expired(run.spec.ttl_seconds_after_finished, run.status.finished_at, now)


def before_load(run: Run, snap: Snapshot, world: World, draft: Draft) -> Outcome:
    """Cancel and deadline, while there is nothing to collect."""
    if run.spec.cancel:
        return Stop(Reason.CANCELLED, Reason.CANCELLED, "cancelled before the load; nothing was measured")
    if past_deadline(run, draft):
        waited = active_deadline(run.spec)
        waits_for = draft.message_of(ConditionType.FLEET_READY) or draft.message_of(ConditionType.GATEWAY_READY)
        message = f"the deadline of {waited:g} s passed before the load: {waits_for}"
        return Stop(Reason.DEADLINE_EXCEEDED, Reason.DEADLINE_EXCEEDED, message)
    return None


def under_load(run: Run, snap: Snapshot, world: World, draft: Draft) -> Outcome:
    """The deadline again, with a grace in which a load that was stopped is collected."""
    begun = unix(draft.get("node_acquired_at"))
    if snap.load is not None or snap.result is not None or begun is None:
        return None  # a finished load is collected even past the deadline
    grace = run.spec.workload.timeout + 60.0
    if snap.now - begun >= active_deadline(run.spec) + grace:
        message = f"the deadline of {active_deadline(run.spec):g} s passed, and the fleet gave no result"
        return Stop(Reason.DEADLINE_EXCEEDED, Reason.DEADLINE_EXCEEDED, message)
    return None


def stop(run: Run, snap: Snapshot, world: World, draft: Draft, outcome: Stop) -> None:
    """Sets what the run ends with; Complete last."""
    not_measured = "Nothing was measured."
    for kind in (
        ConditionType.ACCEPTED,
        ConditionType.GATEWAY_READY,
        ConditionType.ISOLATED,
        ConditionType.FLEET_READY,
    ):
        draft.default(kind, "Unknown", Reason.NOT_MEASURED, "The run ended before this was known.")
    draft.default(ConditionType.VALID, "Unknown", Reason.NOT_MEASURED, not_measured)
    draft.default(ConditionType.PASSED, "Unknown", Reason.NOT_MEASURED, not_measured)
    if draft.status_of(ConditionType.VALID) == "Unknown" and draft.reason_of(ConditionType.VALID) == Reason.RUNNING:
        draft.condition(ConditionType.VALID, "Unknown", Reason.NOT_MEASURED, not_measured)
    if draft.status_of(ConditionType.PASSED) == "Unknown" and draft.reason_of(ConditionType.PASSED) == Reason.RUNNING:
        draft.condition(ConditionType.PASSED, "Unknown", Reason.NOT_MEASURED, not_measured)
    draft.end(outcome, "The run is complete.")
    kept = {name: getattr(run.names, name) for name in _KEPT if _stored(run, snap, name)}
    if snap.pods:
        kept["logs"] = run.names.logs
    draft.set(finished_at=timestamp(draft.now), live=None, artifacts=Artifacts(**kept))
    draft.act(StoreLogs())


def _stored(run: Run, snap: Snapshot, name: str) -> bool:
    return snap.child("ConfigMap", getattr(run.names, name)) is not None


def after(run: Run, snap: Snapshot, world: World, draft: Draft) -> Decision:
    """Tidies up behind a run that is complete."""
    finished = unix(run.status.finished_at) or snap.now
    master = snap.pod_of(fleet.MASTER)
    if master is not None and not master.failed and not master.deleting:
        draft.act(Acknowledge(keep=run.lender is not None))
    clean = run.spec.cleanup == "Always" or (
        run.spec.cleanup == "OnSuccess" and is_status(run.status, ConditionType.SUCCEEDED, "True")
    )
    if clean and _wait_for_logs(run, snap, draft, finished):
        return draft.decision()
    removable = _removable(run, snap)
    if clean:
        draft.act(*(Delete(kind, name) for kind, name in removable))
    gone = not snap.own_pods
    if gone:
        draft.act(*(ReleaseLease(lease.name) for lease in snap.leases if lease.holder == run.uid))
    # Its result goes with it, and a run that is to be compared with that has yet to read it.
    if is_expired(run, snap.now) and not snap.needed_by:
        draft.act(DeleteRun())
    tidy = not clean or (gone and not removable)
    draft.set(step="Done" if tidy else "CleaningUp")
    # A kept gateway keeps its node's Lease until the run is deleted: others must not be measured beside it.
    leases = [lease for lease in snap.leases if lease.holder == run.uid] if gone else []
    idle = tidy and not leases and run.spec.ttl_seconds_after_finished is None
    return draft.decision(idle=idle)


def _wait_for_logs(run: Run, snap: Snapshot, draft: Draft, finished: float) -> bool:
    if snap.child("ConfigMap", run.names.logs) is not None or not snap.own_pods:
        return False
    if snap.now - finished >= _LOGS_SECONDS:
        return False
    draft.act(StoreLogs())
    return True


def _removable(run: Run, snap: Snapshot) -> list[tuple[str, str]]:
    """Children to delete, the load first. The token cannot be listed: it goes while the plan is there."""
    kept = {getattr(run.names, name) for name in _KEPT}
    order = {"Pod": 0, "Service": 1, "NetworkPolicy": 2, "ConfigMap": 3}
    listed = [
        (child.kind, child.name)
        for child in snap.children.values()
        if child.ours and not child.lent and not child.deleting and child.name not in kept
    ]
    if ("ConfigMap", run.fleet.plan) in listed:
        listed.append(("Secret", run.fleet.token))
    return sorted(listed, key=lambda item: (order.get(item[0], 2), item[1]))
