"""A gateway process of its own for each repeat: while the fleet holds, the gateway's pod is made anew.

How far that is follows from what there is: the probe's report of the repeat before is kept, the old pod is gone, the
new one is there (it says for which repeat), is ready and has its cores. An operator that was killed goes on from there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from gatebench.api.reasons import ConditionType, Reason
from gatebench.decide import gateway, isolation
from gatebench.decide.actions import Create, Delete, GoOn, StopLoad, StoreProbe
from gatebench.decide.draft import Draft, Outcome, Stop, Wait
from gatebench.decide.snapshot import Pod, Snapshot
from gatebench.decide.world import World
from gatebench.plan import gateway as planned
from gatebench.plan.run import Run

PAUSED, STEP = "Pause", "Restarting"
# A restart after the load went on is told from this one by time, and the clocks of two nodes differ.
SETTLE_SECONDS = 5.0


def due(run: Run, snap: Snapshot) -> int | None:
    """The repeat before which the gateway is to be restarted now; None: there is nothing to restart."""
    state = snap.fleet
    if not run.restarts_gateway or state is None or state.attempt != run.attempt or state.step != PAUSED:
        return None
    return state.holding


def spares(run: Run, snap: Snapshot) -> bool:
    """Whether the gateway may be gone, or new, without having been disturbed."""
    if not run.restarts_gateway:
        return False
    if snap.fleet is not None:
        held = snap.fleet.holding
        return held is not None and _kept(run, snap, held - 1)
    phases = [phase for phase in _phases(snap) if phase.get("kind") != "Drain"]
    if not phases:
        return snap.load is None and snap.result is None  # the next look tells whether the fleet holds
    return phases[-1].get("kind") == PAUSED


def since(run: Run, snap: Snapshot, begun: float) -> float:
    """From when on the gateway's process must not have started again: the load's begin, or that of the repeat."""
    if not run.restarts_gateway:
        return begun
    starts = [snap.fleet.repeat_started] if snap.fleet is not None else list(_starts(snap))
    known = [start for start in starts if start is not None]
    if spares(run, snap) or not known:
        return math.inf
    return max(begun, *known)


def _phases(snap: Snapshot) -> list[dict[str, Any]]:
    """The phases of the load, once it is over."""
    if snap.result is not None:
        return [phase.model_dump(by_alias=True) for phase in snap.result.load.phases]
    found = (snap.load or {}).get("phases")
    return [phase for phase in found if isinstance(phase, dict)] if isinstance(found, list) else []


def _starts(snap: Snapshot) -> Iterator[float]:
    """When each repeat began."""
    first: dict[object, float] = {}
    for phase in _phases(snap):
        start = phase.get("startedAt")
        if isinstance(start, int | float) and phase.get("kind") != "Drain":
            first.setdefault(phase.get("repeat"), float(start))
    yield from first.values()


def _kept(run: Run, snap: Snapshot, repeat: int) -> bool:
    child = snap.child("ConfigMap", run.names.probe(repeat))
    return child is not None and child.ours


def carry_out(run: Run, snap: Snapshot, world: World, draft: Draft, repeat: int) -> Outcome:
    """The next thing to do for the restart before a repeat, and what to wait for."""
    pod = snap.pod_of("gateway")
    if pod is None or pod.repeat != repeat:
        return _replace(run, snap, world, draft, pod, repeat)
    outcome = (
        gateway.ready(run, snap, world, draft) or _settled(pod, snap, world) or isolation.prove(run, snap, world, draft)
    )
    if isinstance(outcome, Stop):
        return _give_up(draft, outcome.why, f"before repeat {repeat + 1} {outcome.message}")
    if isinstance(outcome, Wait):
        return Wait(STEP)
    container = pod.container(planned.CONTAINER)
    late = container is not None and snap.now - (container.running_since or snap.now) >= world.settings.deadlines.ready
    # Where names are slow to follow, the warm-up has to do.
    draft.act(GoOn(run.attempt, repeat, None if late else pod.ip))
    return Wait(STEP)


def _replace(run: Run, snap: Snapshot, world: World, draft: Draft, pod: Pod | None, repeat: int) -> Outcome:
    """First the report, then the old pod goes, then the new one comes."""
    name = run.names.probe(repeat - 1)
    taken = snap.child("ConfigMap", name)
    if taken is not None and not taken.ours:
        return _give_up(draft, Reason.RUN_DISTURBED, f"ConfigMap {name} exists and is not this run's")
    if taken is None:
        waited = (snap.fleet.holding_seconds if snap.fleet is not None else None) or 0.0
        draft.act(StoreProbe(repeat - 1, give_up=waited >= world.settings.deadlines.ready))
        return Wait(STEP)
    message = f"The gateway is restarted before repeat {repeat + 1}."
    draft.condition(ConditionType.GATEWAY_READY, "Unknown", Reason.STARTING, message)
    if pod is None:
        node = run.status.environment.node if run.status.environment is not None else None
        draft.act(Create(planned.pod(run, world.settings, node, repeat)))
    elif not pod.deleting:
        draft.act(Delete("Pod", pod.name))
    return Wait(STEP)


def _settled(pod: Pod, snap: Snapshot, world: World) -> Outcome:
    container = pod.container(planned.CONTAINER)
    if container is None or container.running_since is None:
        return Wait(STEP)
    settle = max(SETTLE_SECONDS, isolation.settle_seconds(world))
    return Wait(STEP) if snap.now - container.running_since < settle else None


def _give_up(draft: Draft, reason: Reason, message: str) -> Outcome:
    """The load ends, and what was measured until then is collected."""
    draft.condition(ConditionType.VALID, "False", reason, message)
    draft.act(StopLoad(reason.value))
    return Wait("Draining")
