"""While the load runs: nothing may change, and whatever does ends it, named by its first cause.

A load is started once. What disturbs it makes the run invalid, stops it, and what was measured until then is
still collected for the result.
"""

from __future__ import annotations

from gatebench.api import quantities
from gatebench.api.reasons import ConditionType, Reason
from gatebench.api.status import Live
from gatebench.decide import ending, environment, podproblems, restart
from gatebench.decide.actions import StartLoad, StopLoad
from gatebench.decide.draft import Draft, Outcome, Stop, Wait, timestamp, unix
from gatebench.decide.snapshot import Container, FleetState, Pod, Snapshot
from gatebench.decide.world import World
from gatebench.plan import children, fleet, gateway
from gatebench.plan.run import Run

LIVE_INTERVAL = 10.0
_STEPS = {
    "Waiting": "WarmUp",
    "WarmUp": "WarmUp",
    "Stage": "Measuring",
    "Pause": "Pausing",
    "Direct": "MeasuringUpstream",
    "Ceiling": "MeasuringUpstream",
    "Draining": "Draining",
}
# How long a master that answered before may be silent before it counts as lost.
_SILENCE = 30.0


def run_load(run: Run, snap: Snapshot, world: World, draft: Draft) -> Outcome:
    """From the start to a load document. None: the document is there."""
    if snap.load is not None or snap.result is not None:
        _note_disturbance(run, snap, world, draft)
        return None
    disturbed = _note_disturbance(run, snap, world, draft)
    lost = _master_lost(run, snap, draft)
    if lost is not None:
        return lost
    state = snap.fleet
    if state is None:
        return Wait("Measuring")
    if state.attempt is None:
        return _begin(run, snap, world, draft, disturbed)
    if state.attempt != run.attempt:
        return draft.fail(
            ConditionType.VALID, Reason.RUN_DISTURBED, f"the master runs another attempt, {state.attempt}"
        )
    if state.result_ready:
        return Wait("Collecting")
    if disturbed or run.spec.cancel or ending.past_deadline(run, draft):
        draft.act(StopLoad(_stop_reason(run, draft)))
        return Wait("Draining")
    repeat = restart.due(run, snap)
    step = _STEPS.get(state.step, "Measuring") if repeat is None else restart.STEP
    _live(run, snap, state, step, draft)
    return Wait(step) if repeat is None else restart.carry_out(run, snap, world, draft, repeat)


def _stop_reason(run: Run, draft: Draft) -> str:
    if run.spec.cancel:
        return Reason.CANCELLED.value
    return draft.reason_of(ConditionType.VALID) or Reason.DEADLINE_EXCEEDED.value


def _begin(run: Run, snap: Snapshot, world: World, draft: Draft, disturbed: bool) -> Outcome:
    """The start was decided, and the master has not been told, or did not take it."""
    if disturbed:
        return _spoiled(draft)
    begun = unix(draft.get("started_at")) or snap.now
    seen, expected = (snap.fleet.seen if snap.fleet else 0), run.spec.load.workers
    if snap.now - begun >= world.settings.deadlines.workers:
        message = f"the master did not start the load: {seen} of {expected} workers are there"
        return draft.fail(ConditionType.FLEET_READY, Reason.WORKERS_TIMEOUT, message)
    draft.act(StartLoad(run.attempt))
    return Wait("WarmUp")


def _master_lost(run: Run, snap: Snapshot, draft: Draft) -> Outcome:
    """The master is gone, and the measurement with it."""
    pod = snap.pod_of(fleet.MASTER)
    if pod is not None and not pod.failed:
        return None
    if pod is None or (pod.deleting and not pod.disrupted):
        return _lost(draft, Reason.RUN_DISTURBED, f"pod {run.fleet.master} was deleted under load")
    container = pod.container(fleet.MASTER)
    how = podproblems.exit_words(container) if container else (pod.reason or "it ended")
    return _lost(draft, Reason.MASTER_LOST, f"the master ended before its result was collected: {how}")


def _lost(draft: Draft, reason: Reason, message: str) -> Stop:
    if draft.status_of(ConditionType.VALID) != "False":
        draft.condition(ConditionType.VALID, "False", reason, message)
    if reason == Reason.MASTER_LOST:
        draft.condition(ConditionType.FLEET_READY, "False", reason, message)
    return _spoiled(draft)


def _spoiled(draft: Draft) -> Stop:
    """The end of a run whose Valid is False: by the reason that stands there, which was the first."""
    first = Reason(draft.reason_of(ConditionType.VALID) or Reason.RUN_DISTURBED)
    return Stop(Reason.FAILED, first, draft.message_of(ConditionType.VALID))


def _note_disturbance(run: Run, snap: Snapshot, world: World, draft: Draft) -> bool:
    """Sets Valid=False at the first cause, and keeps it. Returns whether the run is disturbed."""
    if draft.status_of(ConditionType.VALID) == "False":
        return True
    found = _disturbance(run, snap, world, draft)
    if found is None:
        return False
    draft.condition(ConditionType.VALID, "False", *found)
    return True


def _disturbance(run: Run, snap: Snapshot, world: World, draft: Draft) -> tuple[Reason, str] | None:
    """The first cause: what was done by hand comes before what follows from it."""
    done = _outcome(snap) in ("Finished", "Aborted")
    begun = unix(draft.get("started_at")) or snap.now
    # Once the load has finished the fleet's work is done, and its integrity is in the document.
    over = (fleet.MASTER, fleet.WORKER) if done else ()
    spared = ("gateway",) if restart.spares(run, snap) else ()
    pods = [pod for pod in snap.pods if pod.component not in (*over, *spared)]
    again = restart.since(run, snap, begun)
    for pod in pods:
        if pod.deleting and not pod.disrupted:
            return Reason.RUN_DISTURBED, f"pod {pod.name} was deleted under load"
    found = None if done else _vanished(run, snap, world) or _lost_workers(run, snap)
    if found is not None:
        return found
    found = next((found for pod in pods if (found := _pod_disturbance(run, pod, begun, again)) is not None), None)
    return found or environment.changed(run, snap, world, again)


def _outcome(snap: Snapshot) -> str | None:
    """How the load ended, once that is known."""
    if snap.result is not None:
        return snap.result.load_outcome()
    return None if snap.load is None else str(snap.load.get("outcome"))


def _lost_workers(run: Run, snap: Snapshot) -> tuple[Reason, str] | None:
    state = snap.fleet
    if state is None or not state.lost:
        return None
    expected = run.spec.load.workers
    return (
        Reason.WORKER_LOST,
        f"{len(state.lost)} of {expected} workers lost under load: {', '.join(state.lost[:4])}"
        f" (expected {expected}, seen {state.seen})",
    )


def _came_back(container: Container, begun: float) -> bool:
    """Whether the container was started again after the load began; a restart before it does not count."""
    return container.running_since is not None and container.running_since > begun


def _pod_disturbance(run: Run, pod: Pod, begun: float, again: float) -> tuple[Reason, str] | None:
    container = pod.containers[0] if pod.containers else None
    if pod.component == fleet.WORKER and (pod.failed or pod.disrupted):
        how = podproblems.exit_words(container) if container else ""
        if container is not None and container.exit_code == fleet.LOST_MASTER:
            # The kubelet may tell of the workers' end before that of the master, which is its cause.
            return Reason.MASTER_LOST, f"pod {pod.name} has lost its master under load: {how}"
        return Reason.WORKER_LOST, f"pod {pod.name} ended under load: {pod.reason or how}"
    if pod.component == "gateway":
        return _gateway_disturbance(run, pod, again)
    if pod.component == "upstream" and container is not None and (pod.failed or _came_back(container, begun)):
        return Reason.RUN_DISTURBED, f"the mock restarted under load: {podproblems.exit_words(container)}"
    return None


def _gateway_disturbance(run: Run, pod: Pod, begun: float) -> tuple[Reason, str] | None:
    container = pod.container(gateway.CONTAINER)
    if pod.disrupted or (pod.failed and pod.reason == "NodeLost"):
        return (
            Reason.NODE_LOST,
            f"pod {pod.name} was taken off node {pod.node}: {pod.message or pod.reason or ''}",
        )
    if container is None:
        return None
    if pod.failed or container.running_since is None:
        return Reason.GATEWAY_FAILED, f"the gateway ended under load: {podproblems.exit_words(container)}"
    if _came_back(container, begun):
        return (
            Reason.GATEWAY_RESTARTED,
            f"the gateway restarted under load: {podproblems.exit_words(container)}",
        )
    return _resized(run, container)


def _resized(run: Run, container: Container) -> tuple[Reason, str] | None:
    """A pod can be resized in place: its figures are then of two sizes."""
    spec = run.spec.gateway
    asked = {"cpu": float(spec.cpus), "memory": quantities.quantity_value(spec.memory)}
    found = [
        f"{name} is {container.limits[name]:g} and was {value:g}"
        for name, value in asked.items()
        if container.limits.get(name, value) != value
    ]
    return (Reason.CPU_SET_CHANGED, f"the gateway was resized under load: {', '.join(found)}") if found else None


def _vanished(run: Run, snap: Snapshot, world: World) -> tuple[Reason, str] | None:
    """A child that was there when the load began and is there no more."""
    wanted = children.desired(
        run, world.settings, node=None, operator_namespace=world.operator_namespace, key=world.key
    )
    for manifest in wanted:
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        if (kind, name) == ("Pod", run.names.gateway) and restart.spares(run, snap):
            continue
        # A Secret cannot be looked for.
        if kind != "Secret" and snap.child(kind, name) is None:
            return Reason.RUN_DISTURBED, f"{kind} {name} was deleted under load"
    return None


def _live(run: Run, snap: Snapshot, state: FleetState, step: str, draft: Draft) -> None:
    """Progress, and at most every ten seconds the live figures."""
    total, elapsed = state.total, state.elapsed
    before = run.status.live
    at = unix(before.at) if before is not None else None
    if at is not None and snap.now - at < LIVE_INTERVAL and draft.get("step") == step:
        return
    percent = int(min(100.0, 100.0 * elapsed / total)) if elapsed is not None and total else None
    draft.set(
        progress=draft.progress(
            stage=state.stage,
            repeat=None if run.spec.repeats is None or state.repeat is None else state.repeat + 1,
            repeats=None if run.spec.repeats is None else run.spec.repeats.count,
            elapsed_seconds=None if elapsed is None else round(elapsed, 1),
            total_seconds=total,
            percent=percent,
            workers_seen=state.seen,
        ),
        live=Live(
            at=timestamp(snap.now),
            # The users of open load are names in Locust's page; what is asked for is the rate.
            users=None if run.spec.load.is_open else state.users,
            rate=_figure(state.rate) if run.spec.load.is_open else None,
            requests_per_second=_figure(state.live.get("requestsPerSecond")),
            error_ratio=_figure(state.live.get("errorRatio")),
            in_flight=_count(state.live.get("inFlight")),
            dropped=_count(state.live.get("dropped")),
            p50_seconds=_figure(state.live.get("p50Seconds")),
            p95_seconds=_figure(state.live.get("p95Seconds")),
            p99_seconds=_figure(state.live.get("p99Seconds")),
            gateway_cpu_cores=_figure(snap.live.cpu_cores if snap.live else None),
            gateway_memory_bytes=_figure(snap.live.memory_bytes if snap.live else None),
        ),
    )


def _figure(value: float | None) -> float | None:
    """Four significant digits: enough for people, and it keeps the status from churning."""
    return None if value is None else float(f"{value:.4g}")


def _count(value: float | None) -> int | None:
    return None if value is None else int(value)
