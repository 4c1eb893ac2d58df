"""What ends a load: the first cause is named, not what followed from it."""

from __future__ import annotations

import dataclasses

import pytest

from gatebench.api.reasons import REMEDIES, ConditionType, Reason
from gatebench.api.status import BenchmarkRunStatus
from gatebench.decide import environment
from gatebench.decide.draft import condition_of
from gatebench.decide.snapshot import Pod, Snapshot
from gatebench.decide.step import decide
from gatebench.plan import fleet
from gatebench.plan.run import Run
from unit.decide.test_total import WORLD, demo, ready_world


def under_load() -> tuple[Run, Snapshot]:
    """A run whose load has begun."""
    run = demo()
    snap = ready_world(run)
    run = run.with_status(decide(run, snap, WORLD).status)
    assert snap.fleet is not None
    state = dataclasses.replace(snap.fleet, attempt=run.attempt, step="Stage")
    return run, dataclasses.replace(snap, fleet=state)


def with_ended_worker(snap: Snapshot, code: int) -> Snapshot:
    """The same, where a worker has ended with an exit code."""
    worker = next(pod for pod in snap.pods if pod.component == fleet.WORKER)
    ended = dataclasses.replace(worker.containers[0], exit_code=code, running_since=None)
    changed = dataclasses.replace(worker, phase="Failed", ready=False, containers=(ended,))
    return dataclasses.replace(snap, pods=tuple(changed if pod is worker else pod for pod in snap.pods))


@pytest.mark.parametrize(
    ("code", "reason"), [(fleet.LOST_MASTER, Reason.MASTER_LOST), (137, Reason.WORKER_LOST), (1, Reason.WORKER_LOST)]
)
def test_a_worker_that_lost_its_master_is_not_the_cause(code: int, reason: Reason) -> None:
    run, snap = under_load()
    valid = condition_of(decide(run, with_ended_worker(snap, code), WORLD).status, ConditionType.VALID)
    assert valid is not None
    assert (valid.status, valid.reason) == ("False", reason)


def test_a_gateway_that_ends_before_the_master_was_told_to_start_is_named() -> None:
    run, snap = under_load()
    gateway, fleet_state = snap.pod_of("gateway"), snap.fleet
    assert gateway is not None
    assert fleet_state is not None
    ended = tuple(
        dataclasses.replace(one, ready=False, running_since=None, terminated_reason="OOMKilled", exit_code=137)
        if one.name == "gateway"
        else one
        for one in gateway.containers
    )
    pods = tuple(
        dataclasses.replace(pod, ready=False, containers=ended) if pod is gateway else pod for pod in snap.pods
    )
    waiting = dataclasses.replace(fleet_state, attempt=None, step="Waiting")
    status = decide(run, dataclasses.replace(snap, pods=pods, fleet=waiting), WORLD).status
    for kind in (ConditionType.VALID, ConditionType.SUCCEEDED):
        found = condition_of(status, kind)
        assert found is not None
        assert (found.status, found.reason) == ("False", Reason.GATEWAY_FAILED)
        assert "OOMKilled" in found.message


@pytest.mark.parametrize("disrupted", [True, False])
def test_a_gateway_that_is_evicted_has_lost_its_node_and_one_that_is_deleted_was_disturbed(disrupted: bool) -> None:
    run, snap = under_load()
    gateway = snap.pod_of("gateway")
    assert gateway is not None
    going = dataclasses.replace(gateway, deleting=True, disrupted=disrupted)
    pods = tuple(going if pod is gateway else pod for pod in snap.pods)
    valid = condition_of(decide(run, dataclasses.replace(snap, pods=pods), WORLD).status, ConditionType.VALID)
    assert valid is not None
    assert (valid.status, valid.reason) == ("False", Reason.NODE_LOST if disrupted else Reason.RUN_DISTURBED)
    assert not disrupted or f"node {gateway.node}" in valid.message


def with_image(snap: Snapshot, component: str, image: str | None) -> Snapshot:
    """The same, where the pods of a component run that image."""

    def changed(pod: Pod) -> Pod:
        if pod.component != component:
            return pod
        return dataclasses.replace(
            pod, containers=tuple(dataclasses.replace(c, image_id=image) for c in pod.containers)
        )

    return dataclasses.replace(snap, pods=tuple(map(changed, snap.pods)))


@pytest.mark.parametrize("component", ["gateway", "upstream", fleet.MASTER])
def test_another_image_under_load_is_another_environment(component: str) -> None:
    run, snap = under_load()
    snap = with_image(snap, component, "image@sha256:one")
    run = run.with_status(decide(run, snap, WORLD).status)
    for image in ("image@sha256:one", None):
        assert not condition_is(
            decide(run, with_image(snap, component, image), WORLD).status, Reason.ENVIRONMENT_CHANGED
        )
    status = decide(run, with_image(snap, component, "image@sha256:two"), WORLD).status
    valid = condition_of(status, ConditionType.VALID)
    assert valid is not None
    assert (valid.status, valid.reason) == ("False", Reason.ENVIRONMENT_CHANGED)
    assert "was image@sha256:one and is image@sha256:two" in valid.message
    assert valid.message.endswith(f"Remedy: {REMEDIES[Reason.ENVIRONMENT_CHANGED]}.")


def condition_is(status: BenchmarkRunStatus, reason: Reason) -> bool:
    return any(one.reason == reason for one in status.conditions or ())


def test_another_kernel_or_node_under_load_is_another_environment() -> None:
    run, snap = under_load()
    assert run.status.environment is not None
    other = run.status.environment.model_copy(update={"node": "node7", "kernel": "5.4"})
    found = environment.changed(run.with_status(run.status.model_copy(update={"environment": other})), snap, WORLD, 0.0)
    assert found is not None
    assert "the node was node7 and is node0" in found[1]
    assert environment.changed(run, snap, WORLD, 0.0) is None


def test_other_cpus_are_another_environment_only_after_a_restart() -> None:
    run, snap = under_load()
    gateway = snap.pod_of("gateway")
    assert gateway is not None
    begun = gateway.containers[0].running_since
    assert run.status.environment is not None
    assert begun is not None
    other = run.status.environment.model_copy(update={"cpuset": "7"})
    moved = run.with_status(run.status.model_copy(update={"environment": other}))
    assert environment.changed(moved, snap, WORLD, begun + 1) is None
    found = environment.changed(moved, snap, WORLD, begun - 1)
    assert found is not None
    assert "the gateway's CPU set was 7 and is " in found[1]


@pytest.mark.parametrize(
    ("limits", "resized"),
    [({}, None), ({"cpu": 1.0, "memory": 2.0**31}, None), ({"cpu": 2.0, "memory": 2.0**31}, "cpu is 2 and was 1"),
     ({"cpu": 1.0, "memory": 2.0**30}, "memory is 1.07374e+09 and was 2.14748e+09")],
)  # fmt: skip
def test_a_gateway_that_is_resized_has_figures_of_two_sizes(limits: dict[str, float], resized: str | None) -> None:
    run, snap = under_load()
    gateway = snap.pod_of("gateway")
    assert gateway is not None
    containers = tuple(
        dataclasses.replace(one, limits=limits) if one.name == "gateway" else one for one in gateway.containers
    )
    pods = tuple(dataclasses.replace(pod, containers=containers) if pod is gateway else pod for pod in snap.pods)
    valid = condition_of(decide(run, dataclasses.replace(snap, pods=pods), WORLD).status, ConditionType.VALID)
    assert valid is not None
    if resized is None:
        assert valid.status == "Unknown"
    else:
        assert (valid.status, valid.reason) == ("False", Reason.CPU_SET_CHANGED)
        assert resized in valid.message


@pytest.mark.parametrize("kind", ["Service", "NetworkPolicy", "ConfigMap"])
def test_whatever_is_deleted_under_load_disturbs_the_run(kind: str) -> None:
    run, snap = under_load()
    gone = next(key for key in snap.children if key[0] == kind)
    children = {key: child for key, child in snap.children.items() if key != gone}
    valid = condition_of(decide(run, dataclasses.replace(snap, children=children), WORLD).status, ConditionType.VALID)
    assert valid is not None
    assert (valid.status, valid.reason) == ("False", Reason.RUN_DISTURBED)
    assert gone[1] in valid.message
