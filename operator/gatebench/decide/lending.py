"""A fleet that the run's comparison lends it: taken over from the run before, or made anew where that left it broken.

The fleet belongs to the comparison and stays behind the run. Its pods are kept; its processes begin anew with each
run's plan. It is never half restarted: where a part is gone, all of its pods go, and the run makes new ones.
"""

from __future__ import annotations

from gatebench.api.reasons import Reason
from gatebench.decide.actions import Announce, Delete, HandOver
from gatebench.decide.draft import Draft, Outcome
from gatebench.decide.snapshot import FleetState, Pod, Snapshot
from gatebench.decide.world import World
from gatebench.plan import document, fleet
from gatebench.plan.run import Run

# The master's steps in which it sends nothing and can be given another plan.
_IDLE = ("Waiting", "Finished", "Failed")


def renew(run: Run, snap: Snapshot, draft: Draft) -> bool:
    """Whether the fleet of an earlier run is of no use to this one and is being removed."""
    if run.lender is None:
        return False
    pods = (*snap.pods_of(fleet.MASTER), *snap.pods_of(fleet.WORKER))
    why = _unfit(run, snap.fleet, pods)
    if why is None:
        return False
    if not any(pod.deleting for pod in pods):
        draft.act(Announce(Reason.FLEET_RENEWED.value, f"The comparison's fleet is made anew: {why}"))
    # The plan goes too: it is that of the run for which the fleet was made.
    wanted = [("Pod", pod.name) for pod in pods if not pod.deleting] + [("ConfigMap", run.fleet.plan)]
    draft.act(*(Delete(kind, name) for kind, name in wanted if snap.child(kind, name) is not None))
    return True


def _unfit(run: Run, state: FleetState | None, pods: tuple[Pod, ...]) -> str | None:
    """What is wrong with a fleet that was there before the run; None: nothing, or it is the run's own making."""
    if not any(pod.created_at < run.created_at for pod in pods):
        return None
    workers = run.spec.load.workers
    sound = [pod for pod in pods if not (pod.failed or pod.deleting or pod.disrupted)]
    if len(sound) != workers + 1:
        return f"{len(sound)} of its {workers + 1} pods are left"
    if state is None or has_plan(run, state):
        return None
    if state.step not in _IDLE:
        return "it still sends the load of a run that is over"
    # A worker that fell silent, or did not come back with the plan before this one.
    return f"{state.seen} of its {workers} workers are left" if state.seen < workers else None


def hand_over(run: Run, snap: Snapshot, world: World, draft: Draft) -> Outcome:
    """Gives the fleet the run's plan. Waits for nothing: the gateway comes up meanwhile."""
    state = snap.fleet
    if state is not None and not has_plan(run, state) and state.seen == run.spec.load.workers:
        draft.act(HandOver(document.document(run)))
    return None


def has_plan(run: Run, state: FleetState) -> bool:
    """Whether the fleet works by the plan of this run."""
    return run.lender is None or state.run == run.uid
