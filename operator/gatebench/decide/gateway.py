"""The gateway and its upstream come up: ready, or the reason why not."""

from __future__ import annotations

from gatebench.api.reasons import ConditionType, Reason
from gatebench.decide import podproblems
from gatebench.decide.draft import Draft, Outcome, Wait
from gatebench.decide.snapshot import Pod, Snapshot
from gatebench.decide.world import World
from gatebench.plan import gateway, upstream
from gatebench.plan.run import Run

_CRASHES = 3


def ready(run: Run, snap: Snapshot, world: World, draft: Draft) -> Outcome:
    """The gateway and the mock answer."""
    if run.spec.gateway.url is not None:
        draft.condition(
            ConditionType.GATEWAY_READY,
            "True",
            Reason.NOT_OWNED,
            f"{run.spec.gateway.url} is not owned by this run.",
        )
    for component, container in (("upstream", upstream.CONTAINER), ("gateway", gateway.CONTAINER)):
        pod = snap.pod_of(component)
        if pod is None:
            continue
        outcome = _come_up(run, pod, container, snap.now, world, draft)
        if outcome is not None:
            return outcome
    if run.spec.gateway.image is not None:
        pod = snap.pod_of("gateway")
        if pod is None:
            return Wait("Starting")
        draft.condition(
            ConditionType.GATEWAY_READY, "True", Reason.READY, f"Pod {pod.name} is ready on node {pod.node}."
        )
    return None


def _come_up(run: Run, pod: Pod, container_name: str, now: float, world: World, draft: Draft) -> Outcome:
    """One pod: its problems first, then its readiness."""
    limits = world.settings.deadlines
    outcome = podproblems.answer(ConditionType.GATEWAY_READY, "Starting", pod, now, limits, draft)
    if outcome is not None:
        return outcome
    container = pod.container(container_name)
    failed = Reason.GATEWAY_FAILED if container_name == gateway.CONTAINER else Reason.UPSTREAM_FAILED
    limit = run.spec.gateway.readiness.timeout if failed == Reason.GATEWAY_FAILED else world.settings.deadlines.ready
    if container is not None and (container.restarts >= _CRASHES or pod.failed):
        message = f"container {container_name} ended {max(container.restarts, 1)} times before it was ready: "
        return draft.fail(ConditionType.GATEWAY_READY, failed, message + podproblems.exit_words(container))
    if pod.ready and not pod.deleting:
        return None
    begun = container.running_since if container is not None and container.restarts == 0 else None
    placed = pod.scheduled_at if pod.scheduled_at is not None else pod.created_at
    waited = now - (begun if begun is not None else placed)
    if pod.node is None or (container is not None and container.running_since is None and container.restarts == 0):
        limit = world.settings.deadlines.schedule + world.settings.deadlines.pull
    if waited >= limit:
        ended = ""
        if container is not None and container.terminated_reason:
            ended = f"; it ended before with {podproblems.exit_words(container)}"
        path = run.spec.gateway.readiness.path
        message = f"container {container_name} was not ready within {limit:g} s (path {path})"
        return draft.fail(ConditionType.GATEWAY_READY, failed, message + ended)
    draft.condition(ConditionType.GATEWAY_READY, "Unknown", Reason.STARTING, f"Pod {pod.name} is not ready yet.")
    return Wait("Starting")
