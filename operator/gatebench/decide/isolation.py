"""Exclusive cores, proven from inside before any load; and the pod still Guaranteed after what others injected."""

from __future__ import annotations

from gatebench.api.reasons import ConditionType, Reason
from gatebench.decide.draft import Draft, Outcome, Stop, Wait
from gatebench.decide.snapshot import Pod, Snapshot
from gatebench.decide.world import World
from gatebench.plan import gateway
from gatebench.plan.run import Run
from gatebench_analysis import isolation as analysis


def settle_seconds(world: World) -> float:
    """From the gateway's start to the first proof: only then has the kubelet moved the shared pool off the newly
    exclusive cores, and before that a proof would be luck."""
    return float(world.settings.cpu_manager_reconcile_period) + 1.0


def give_up_seconds(world: World) -> float:
    """From the gateway's start to the last one: two of the kubelet's rounds, and a slow one."""
    return 3.0 * float(world.settings.cpu_manager_reconcile_period) + 5.0


def prove(run: Run, snap: Snapshot, world: World, draft: Draft) -> Outcome:
    """Isolated, or the reason why not; with Preferred the run goes on without, marked."""
    if not run.isolated:
        draft.condition(
            ConditionType.ISOLATED,
            "False",
            Reason.NOT_REQUIRED,
            "Isolation was not asked for; none is claimed.",
        )
        return None
    pod = snap.pod_of("gateway")
    container = pod.container(gateway.CONTAINER) if pod is not None else None
    if pod is None or container is None or container.running_since is None:
        return Wait("Isolating")
    if pod.qos is not None and pod.qos != "Guaranteed":
        return _without(run, draft, Reason.QOS_NOT_GUARANTEED, _not_guaranteed(pod))
    age = snap.now - container.running_since
    if age < settle_seconds(world):
        draft.default(
            ConditionType.ISOLATED,
            "Unknown",
            Reason.PROVING,
            "Waits for the kubelet to settle the shared pool.",
        )
        return Wait("Isolating")
    if snap.probe is None or container.container_id is None:
        why = f"the probe did not answer: {snap.probe_error or 'no report yet'}"
        if age < world.settings.deadlines.ready:
            draft.condition(ConditionType.ISOLATED, "Unknown", Reason.PROVING, why)
            return Wait("Isolating")
        return _without(run, draft, Reason.CPU_NOT_PINNED, why)
    proof = analysis.prove(snap.probe, container.container_id, run.spec.gateway.cpus)
    if proof.proven:
        draft.condition(ConditionType.ISOLATED, "True", Reason.EXCLUSIVE, proof.message)
        return None
    if age < give_up_seconds(world):
        draft.condition(ConditionType.ISOLATED, "Unknown", Reason.PROVING, proof.message)
        return Wait("Isolating")
    return _without(run, draft, Reason.CPU_NOT_PINNED, proof.message)


def _without(run: Run, draft: Draft, reason: Reason, message: str) -> Outcome:
    if run.spec.gateway.isolation == "Required":
        begun = run.status.progress is not None and run.status.progress.attempt is not None
        sent = "no more load was sent" if begun else "no load was sent"
        draft.condition(ConditionType.ISOLATED, "False", reason, f"{message}; {sent}")
        if reason == Reason.QOS_NOT_GUARANTEED:
            draft.condition(ConditionType.VALID, "False", reason, message)
        return Stop(Reason.FAILED, reason, message)
    draft.condition(ConditionType.ISOLATED, "False", reason, f"{message}; isolation is Preferred, so the run goes on")
    return None


def _not_guaranteed(pod: Pod) -> str:
    guilty = [container.name for container in pod.containers if not container.guaranteed]
    names = ", ".join(guilty) or "an unknown container"
    return f"pod {pod.name} is {pod.qos}, not Guaranteed: requests and limits of {names} differ"
