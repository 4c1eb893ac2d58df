"""Which node a gateway gets, and what is done about pods that other runs' pods keep off it."""

from __future__ import annotations

import dataclasses

import pytest

from gatebench.api.reasons import ConditionType, Reason
from gatebench.decide.actions import Delete, TakeLease
from gatebench.decide.draft import condition_of
from gatebench.decide.podproblems import ANEW_SECONDS
from gatebench.decide.snapshot import Lease, NodeFacts, Snapshot
from gatebench.decide.step import decide
from unit.decide.test_total import NOW, WORLD, demo, demo_of, ready_world, replaced

LATER = NOW + 20  # isolation can be proven by then
ROOM = {"allocatable_cores": 64.0, "allocatable_bytes": 2.0**40}
AFFINITY = (
    "0/2 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules, 1 node(s) didn't match."
)


def node(name: str, manager: str | None, *, busy: bool = False) -> NodeFacts:
    lease = Lease(f"node-{name}", "another", "team/another") if busy else None
    labels = {} if manager is None else {"gatebench.dev/cpu-manager": manager}
    return NodeFacts(name, labels=labels, lease=lease, **ROOM)


def placed(isolation: str, *nodes: NodeFacts) -> str | None:
    """The node that a run takes; None: it waits for one."""
    decision = decide(demo_of(isolation), Snapshot(now=NOW, nodes=nodes), WORLD)
    taken = [action.name for action in decision.actions if isinstance(action, TakeLease)]
    if not taken:
        assert decision.status.step == "Queued", decision
    return taken[0].removeprefix("node-") if taken else None


def test_a_static_node_is_taken_first() -> None:
    nodes = node("a", None), node("b", "none"), node("c", "static")
    assert placed("Required", *nodes) == placed("Preferred", *nodes) == "c"


def test_isolation_that_is_required_waits_for_a_static_node() -> None:
    nodes = node("a", None), node("b", "none"), node("c", "static", busy=True)
    assert placed("Required", *nodes) is None
    assert placed("Preferred", *nodes) == "a"
    assert placed("Required", *nodes, node("d", "static")) == "d"


def test_where_no_node_is_known_to_be_static_any_may_be() -> None:
    assert placed("Required", node("a", None, busy=True), node("b", None)) == "b"


@pytest.mark.fault(8)
@pytest.mark.parametrize("component", ["gateway", "worker", "master"])
@pytest.mark.parametrize(
    ("age", "why", "deleting", "anew"),
    [
        (ANEW_SECONDS + 1, AFFINITY, False, True),
        (ANEW_SECONDS - 1, AFFINITY, False, False),
        (ANEW_SECONDS + 1, AFFINITY, True, False),
        (ANEW_SECONDS + 1, "0/2 nodes are available: 2 Insufficient cpu.", False, False),
    ],
)
def test_a_pod_that_waits_for_another_runs_pods_is_made_again(
    component: str, age: float, why: str, deleting: bool, anew: bool
) -> None:
    run = demo()
    state = {"phase": "Pending", "node": None, "ready": False, "unschedulable": why, "containers": ()}
    snap, pod = replaced(ready_world(run), component, created_at=LATER - age, deleting=deleting, **state)
    decision = decide(run, dataclasses.replace(snap, now=LATER), WORLD)
    assert (Delete("Pod", pod.name) in decision.actions) is anew
    assert condition_of(decision.status, ConditionType.COMPLETE).status == "False"  # type: ignore[union-attr]


def test_a_gateway_that_was_placed_late_has_its_time_from_then_on() -> None:
    run = demo()
    deadlines = WORLD.settings.deadlines
    long_ago, limit = NOW - 1000, deadlines.schedule + deadlines.pull
    state = {"phase": "Pending", "ready": False, "containers": (), "created_at": long_ago}
    for since, failed in ((1.0, False), (limit + 1, True)):
        snap, _ = replaced(ready_world(run), "gateway", scheduled_at=LATER - since, **state)
        status = decide(run, dataclasses.replace(snap, now=LATER), WORLD).status
        ready = condition_of(status, ConditionType.GATEWAY_READY)
        assert ready is not None
        assert (ready.reason == Reason.GATEWAY_FAILED) is failed
