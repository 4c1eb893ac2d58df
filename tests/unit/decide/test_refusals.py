"""Pods that a node's kubelet refuses, and a gateway's pod that is not Guaranteed once others have changed it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from gatebench.api.reasons import ConditionType, Reason
from gatebench.decide.actions import Announce, Delete
from gatebench.decide.draft import condition_of
from gatebench.decide.snapshot import Snapshot
from gatebench.decide.step import Decision, decide
from unit.decide.test_total import NOW, WORLD, demo, demo_of, ready_world, replaced

KINDS = {"gateway": ConditionType.GATEWAY_READY, "worker": ConditionType.FLEET_READY}
PAUSES = (5.0, 10.0, 20.0)


def refused(snap: Snapshot, component: str, made: float, now: float) -> Snapshot:
    """The snapshot where a node has refused the first pod of a component, made at that time."""
    state: dict[str, Any] = {"phase": "Failed", "ready": False, "containers": (), "created_at": made}
    why = {"reason": "UnexpectedAdmissionError", "message": "not enough cpus available"}
    changed, _ = replaced(snap, component, **state, **why)
    return dataclasses.replace(changed, now=now)


def made_again(decision: Decision) -> bool:
    """Whether the pod is deleted, with an event."""
    deleted = any(isinstance(action, Delete) and action.kind == "Pod" for action in decision.actions)
    reasons = [action.reason for action in decision.actions if isinstance(action, Announce) and action.warning]
    assert not deleted or Reason.NODE_ADMISSION_REJECTED in reasons
    return deleted


@pytest.mark.fault(9)
@pytest.mark.parametrize("component", sorted(KINDS))
def test_a_pod_that_its_node_refuses_is_made_again_after_longer_and_longer_pauses(component: str) -> None:
    run, made = demo(), NOW + 20
    for pause in PAUSES:
        soon = decide(run, refused(ready_world(run), component, made, made + pause - 0.1), WORLD)
        assert not made_again(soon)
        decision = decide(run, refused(ready_world(run), component, made, made + pause), WORLD)
        assert made_again(decision)
        found = condition_of(decision.status, KINDS[component])
        assert found is not None
        assert (found.status, found.reason) == ("Unknown", Reason.NODE_ADMISSION_REJECTED)
        run, made = run.with_status(decision.status), made + pause + 1
    status = decide(run, refused(ready_world(run), component, made, made), WORLD).status
    found = condition_of(status, ConditionType.SUCCEEDED)
    assert found is not None
    assert (found.status, found.reason) == ("False", Reason.NODE_ADMISSION_REJECTED)
    assert "UnexpectedAdmissionError: not enough cpus available (4 times)" in found.message
    assert "whole cores with SMT alignment" in found.message


@pytest.mark.fault(11)
@pytest.mark.parametrize("isolation", ["Required", "Preferred"])
def test_a_gateway_that_is_not_guaranteed_is_not_isolated_and_names_the_container(isolation: str) -> None:
    run = demo_of(isolation)
    snap = ready_world(run)
    gateway = snap.pod_of("gateway")
    assert gateway is not None
    injected = dataclasses.replace(gateway.containers[0], name="istio-proxy", guaranteed=False)
    burstable, _ = replaced(snap, "gateway", qos="Burstable", containers=(*gateway.containers, injected))
    status = decide(run, burstable, WORLD).status
    isolated, valid = condition_of(status, ConditionType.ISOLATED), condition_of(status, ConditionType.VALID)
    assert isolated is not None
    assert (isolated.status, isolated.reason) == ("False", Reason.QOS_NOT_GUARANTEED)
    assert "is Burstable, not Guaranteed: requests and limits of istio-proxy differ" in isolated.message
    begun = status.progress is not None and status.progress.attempt is not None
    if isolation == "Required":
        assert not begun
        assert valid is not None
        assert (valid.status, valid.reason) == ("False", Reason.QOS_NOT_GUARANTEED)
    else:
        assert begun
        assert valid is None or valid.status != "False"
