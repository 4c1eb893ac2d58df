"""The fleet joins and is started, once: the attempt is written into the status before the master is told."""

from __future__ import annotations

from gatebench.api.reasons import ConditionType, Reason
from gatebench.api.run import schedule
from gatebench.decide import lending, podproblems
from gatebench.decide.draft import Draft, Outcome, Wait, timestamp
from gatebench.decide.snapshot import FleetState, Pod, Snapshot
from gatebench.decide.world import World
from gatebench.plan import fleet
from gatebench.plan.run import Run


def joined(run: Run, snap: Snapshot, world: World, draft: Draft) -> Outcome:
    """The master has all its workers."""
    expected = run.spec.load.workers
    for pod in (*snap.pods_of(fleet.MASTER), *snap.pods_of(fleet.WORKER)):
        outcome = _pod(run, pod, snap.now, world, draft)
        if outcome is not None:
            return outcome
    # Of a fleet that still has the plan of the run before none has joined this one.
    state = snap.fleet if snap.fleet is not None and lending.has_plan(run, snap.fleet) else None
    seen = _seen(state, snap) if state is not None else 0
    draft.set(progress=draft.progress(workers_seen=seen, workers_expected=expected))
    if state is not None and state.attempt is not None:
        message = "the master says that a load was started, and this run has started none"
        return draft.fail(ConditionType.FLEET_READY, Reason.RUN_DISTURBED, message)
    if seen == expected:
        draft.condition(ConditionType.FLEET_READY, "True", Reason.JOINED, f"{seen} of {expected} workers have joined.")
        return None
    return _wait(run, snap, world, draft, seen, expected)


def start(run: Run, snap: Snapshot, world: World, draft: Draft) -> Outcome:
    """Writes the attempt down; the next tick starts it. A suspended run is held here."""
    if run.spec.suspend:
        draft.condition(ConditionType.ACCEPTED, "True", Reason.SUSPENDED, "Held before its load: spec.suspend is true.")
        return Wait("Suspended")
    draft.set(
        progress=draft.progress(
            attempt=run.attempt, total_seconds=schedule(run.spec).load, elapsed_seconds=0.0, percent=0
        ),
        started_at=timestamp(snap.now),
    )
    return Wait("WarmUp")


def _wait(run: Run, snap: Snapshot, world: World, draft: Draft, seen: int, expected: int) -> Outcome:
    begun = max(draft.since(ConditionType.GATEWAY_READY), _newest(snap))
    limit = world.settings.deadlines.workers
    message = f"{seen} of {expected} workers have joined"
    if snap.fleet is None and snap.fleet_error:
        message += f"; the master did not answer: {snap.fleet_error}"
    ended = [_ended(pod) for pod in snap.pods_of(fleet.WORKER) if pod.failed]
    if ended:
        message += "; " + "; ".join(ended[:3])
    if snap.now - begun >= limit:
        return draft.fail(ConditionType.FLEET_READY, Reason.WORKERS_TIMEOUT, f"{message}; waited {limit:g} s")
    draft.condition(ConditionType.FLEET_READY, "Unknown", Reason.JOINING, message)
    return Wait("Joining")


def _seen(state: FleetState, snap: Snapshot) -> int:
    """Workers that have joined. A pod that was deleted by force can go on for seconds beside the one that has its name:
    its worker would be lost at the beginning of the load."""
    here = {pod.uid for pod in snap.pods_of(fleet.WORKER) if not (pod.deleting or pod.failed)}
    return state.seen - sum(uid not in here for uid in state.pods)


def _newest(snap: Snapshot) -> float:
    """When the youngest pod of the fleet was made: one that was made again has its time, too."""
    return max((pod.created_at for pod in snap.pods if pod.component in (fleet.MASTER, fleet.WORKER)), default=0.0)


def _ended(pod: Pod) -> str:
    container = pod.containers[0] if pod.containers else None
    return f"pod {pod.name}: " + (podproblems.exit_words(container) if container else pod.reason or "ended")


def _pod(run: Run, pod: Pod, now: float, world: World, draft: Draft) -> Outcome:
    container = pod.containers[0] if pod.containers else None
    script = podproblems.script_error(container)
    if script is not None:
        return draft.fail(ConditionType.FLEET_READY, Reason.SCRIPT_INVALID, f"the locustfile cannot be run: {script}")
    limits, own = world.settings.deadlines, run.lender is None
    outcome = podproblems.answer(ConditionType.FLEET_READY, "Joining", pod, now, limits, draft, anew=own)
    if outcome is not None:
        return outcome
    if pod.component == fleet.MASTER and pod.failed:
        return draft.fail(
            ConditionType.FLEET_READY, Reason.MASTER_LOST, f"the master ended before the load: {_ended(pod)}"
        )
    return None
