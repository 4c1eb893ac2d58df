"""Pods as kubelets and schedulers leave them -> facts."""

from __future__ import annotations

from typing import Any

import pytest

from gatebench.decide.snapshot import Container, Pod
from gatebench.io import pods
from unit.io.samples import CONTAINER_ID, child, running_pod


def pod(status: dict[str, Any], *, node: str | None = "node0", **container: Any) -> Pod:
    spec: dict[str, Any] = {"containers": [{"name": "gateway", **container}]}
    if node is not None:
        spec["nodeName"] = node
    return pods.parse(child("Pod", "p", component="gateway", spec=spec, status=status) | {})


def only(given: Pod) -> Container:
    (container,) = given.containers
    return container


def state(state: dict[str, Any], last: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    status = {"name": "gateway", "state": state, "lastState": last or {}, **more}
    return {"phase": "Running", "containerStatuses": [status]}


def test_a_running_pod() -> None:
    parsed = pods.parse(running_pod("demo-gateway", "gateway", "gateway", "probe", ip="10.1.2.3"))
    assert (parsed.name, parsed.component, parsed.node, parsed.ip) == (
        "demo-gateway",
        "gateway",
        "node0",
        "10.1.2.3",
    )
    assert [c.name for c in parsed.containers] == ["gateway", "probe"]
    assert parsed.containers[0].container_id == CONTAINER_ID
    assert parsed.containers[0].running_since == 1800000000.0
    assert not parsed.failed


def test_unschedulable_carries_the_schedulers_message() -> None:
    message = "0/2 nodes are available: 2 Insufficient cpu."
    conditions = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}]
    parsed = pod({"phase": "Pending", "conditions": conditions}, node=None)
    assert parsed.unschedulable == message
    assert parsed.node is None
    assert pod({"conditions": [{"type": "PodScheduled", "status": "True"}]}).unschedulable is None


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("ImagePullBackOff", 'Back-off pulling image "x"'),
        ("CreateContainerConfigError", 'configmap "settings" not found'),
    ],
)
def test_a_container_that_waits_says_why(reason: str, message: str) -> None:
    container = only(pod(state({"waiting": {"reason": reason, "message": message}})))
    assert (container.waiting_reason, container.waiting_message) == (reason, message)
    assert container.running_since is None
    assert container.exit_code is None


def test_a_crash_loop_has_the_last_end() -> None:
    ended = {"terminated": {"reason": "Error", "exitCode": 3, "message": '{"reason": "ScriptInvalid"}'}}
    container = only(pod(state({"waiting": {"reason": "CrashLoopBackOff"}}, ended, restartCount=4)))
    assert (container.restarts, container.exit_code, container.terminated_reason) == (4, 3, "Error")
    assert container.termination_message == '{"reason": "ScriptInvalid"}'


def test_an_out_of_memory_kill_is_seen_after_the_container_came_back() -> None:
    ended = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    running = {"running": {"startedAt": "2027-01-15T08:00:05Z"}}
    container = only(pod(state(running, ended, restartCount=1)))
    assert (container.terminated_reason, container.exit_code) == ("OOMKilled", 137)
    assert container.running_since == 1800000005.0


def test_an_evicted_pod_is_failed_and_disrupted() -> None:
    parsed = pod(
        {
            "phase": "Failed",
            "reason": "Evicted",
            "message": "The node was low on resource: memory.",
            "conditions": [{"type": "DisruptionTarget", "status": "True"}],
        }
    )
    assert parsed.failed
    assert parsed.disrupted
    assert parsed.reason == "Evicted"
    assert parsed.containers[0].container_id is None


def test_a_pod_that_its_node_refused() -> None:
    parsed = pod({"phase": "Failed", "reason": "UnexpectedAdmissionError", "message": "not enough cpus"})
    assert (parsed.reason, parsed.message) == ("UnexpectedAdmissionError", "not enough cpus")
    assert parsed.failed


def test_a_pod_without_any_status_yet() -> None:
    parsed = pods.parse(child("Pod", "p", component="master", spec={"containers": [{"name": "master"}]}))
    assert (parsed.phase, parsed.ready, parsed.ip, parsed.qos) == ("Pending", False, None, None)


@pytest.mark.parametrize(
    ("resources", "guaranteed"),
    [
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1000m", "memory": "1024Mi"}}, True),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, True),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}, False),
        ({"limits": {"memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}}, False),
        ({"limits": {"cpu": "0", "memory": "1Gi"}}, False),
        ({}, False),
    ],
)
def test_guaranteed_means_requests_equal_limits(resources: dict[str, Any], guaranteed: bool) -> None:
    assert only(pod({}, resources=resources)).guaranteed is guaranteed


def test_an_injected_init_container_counts_too() -> None:
    given = child(
        "Pod",
        "p",
        spec={"containers": [{"name": "gateway"}], "initContainers": [{"name": "istio-init"}]},
        status={"initContainerStatuses": [{"name": "istio-init", "state": {"terminated": {"exitCode": 0}}}]},
    )
    parsed = pods.parse(given)
    assert [(c.name, c.exit_code) for c in parsed.containers] == [("gateway", None), ("istio-init", 0)]


def test_messages_keep_their_end_within_a_bound() -> None:
    container = only(pod(state({"waiting": {"reason": "ErrImagePull", "message": "x" * 9000 + "the cause"}})))
    assert container.waiting_message is not None
    assert len(container.waiting_message) == 4096
    assert container.waiting_message.endswith("the cause")


def test_the_address_is_that_of_a_container_that_runs() -> None:
    found = pods.parse(running_pod("m", "master", "master", ip="10.0.0.9"))
    assert pods.address([found], "master", "master") == "10.0.0.9"
    assert pods.address([found], "master", "other") is None
    waiting = pods.parse(
        child("Pod", "m", component="master", spec={"containers": [{"name": "master"}]}, status={"podIP": "1"})
    )
    assert pods.address([waiting], "master", "master") is None
