"""A fleet that a comparison lends to its runs: handed over, kept, and made anew where it is broken."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from gatebench.api.reasons import ConditionType, Reason
from gatebench.decide.actions import Acknowledge, Action, Announce, Create, Delete, HandOver, StartLoad
from gatebench.decide.draft import condition_of
from gatebench.decide.snapshot import Child, Pod, Snapshot
from gatebench.decide.step import decide
from gatebench.plan import fleet, names
from gatebench.plan.run import Run
from unit.decide.test_total import NOW, WORLD, demo, ready_world

LENDER = names.Owner("impact", "uid-c", "BenchmarkComparison")


def lent(created_at: float = NOW) -> Run:
    """A run of a comparison that lends it its fleet."""
    return dataclasses.replace(demo(), comparison=LENDER, lent_seconds=9000, created_at=created_at)


def world_of(given: Run, **state: Any) -> Snapshot:
    """Everything is up; the fleet is lent, and was there before the run where that is younger than its pods."""
    snap = ready_world(given)
    assert snap.fleet is not None
    parts = given.fleet
    ours = {parts.master, parts.plan, parts.token, parts.workers, *map(parts.worker, range(given.spec.load.workers))}
    children = {
        (kind, name): dataclasses.replace(child, lent=name in ours) for (kind, name), child in snap.children.items()
    }
    leases = tuple(dataclasses.replace(lease, holder=given.holder) for lease in snap.leases)
    fleet_state = dataclasses.replace(snap.fleet, **{"run": given.uid, **state})
    return dataclasses.replace(snap, children=children, leases=leases, fleet=fleet_state)


def of(actions: tuple[Action, ...], kind: type) -> list[Any]:
    return [action for action in actions if isinstance(action, kind)]


def test_a_fleet_with_this_runs_plan_is_started_as_ones_own() -> None:
    run = lent()
    snap = world_of(run)
    first = decide(run, snap, WORLD)
    assert of(first.actions, HandOver) == []
    second = decide(run.with_status(first.status), snap, WORLD)
    assert of(second.actions, StartLoad) == [StartLoad(run.attempt)]


@pytest.mark.parametrize("step", ["Waiting", "Finished", "Failed"])
def test_a_fleet_with_the_plan_of_the_run_before_gets_this_ones_and_is_not_started(step: str) -> None:
    run = lent(created_at=NOW + 5)
    earlier = world_of(run, run="uid-0", attempt=None if step == "Waiting" else "uid-0-1", step=step)
    decision = decide(run, earlier, WORLD)
    [handed] = of(decision.actions, HandOver)
    assert handed.plan["run"]["uid"] == run.uid
    assert handed.plan["target"] == f"http://{run.names.gateway}:{run.spec.gateway.port}"
    assert of(decision.actions, Delete) == []
    progress = decision.status.progress
    assert progress is not None
    assert (progress.attempt, progress.workers_seen) == (None, 0)
    joining = condition_of(decision.status, ConditionType.FLEET_READY)
    assert joining is not None
    assert (joining.status, joining.reason) == ("Unknown", Reason.JOINING)
    begun = decide(run.with_status(decision.status), world_of(run), WORLD)
    assert begun.status.progress is not None
    assert begun.status.progress.attempt == run.attempt


def test_the_plan_is_handed_over_while_the_gateway_still_comes_up() -> None:
    run = lent(created_at=NOW + 5)
    snap = world_of(run, run="uid-0", step="Finished")
    pods = tuple(dataclasses.replace(p, ready=False) if p.component == "gateway" else p for p in snap.pods)
    decision = decide(run, dataclasses.replace(snap, pods=pods), WORLD)
    assert len(of(decision.actions, HandOver)) == 1
    assert decision.status.step == "Starting"


def test_a_fleet_whose_master_misses_workers_that_are_there_is_made_anew() -> None:
    run = lent(created_at=NOW + 5)
    decision = decide(run, world_of(run, run="uid-0", seen=1, step="Finished", lost=("w1",)), WORLD)
    assert of(decision.actions, HandOver) == []
    assert ("Pod", run.fleet.master) in {(one.kind, one.name) for one in of(decision.actions, Delete)}
    [told] = [one for one in of(decision.actions, Announce) if one.reason == Reason.FLEET_RENEWED]
    assert "1 of its 2 workers are left" in told.message


def test_workers_that_come_back_with_this_runs_plan_are_awaited() -> None:
    run = lent(created_at=NOW + 5)
    decision = decide(run, world_of(run, seen=1), WORLD)
    assert of(decision.actions, Delete) == []
    assert decision.status.step == "Joining"


def changed(snap: Snapshot, component: str, **fields: Any) -> Snapshot:
    """The same with one pod of a component changed."""
    first: Pod = snap.pods_of(component)[0]
    pods = tuple(dataclasses.replace(pod, **fields) if pod is first else pod for pod in snap.pods)
    return dataclasses.replace(snap, pods=pods)


@pytest.mark.parametrize("component", [fleet.MASTER, fleet.WORKER])
@pytest.mark.parametrize("what", [{"phase": "Failed"}, {"disrupted": True}, None])
def test_a_broken_fleet_of_an_earlier_run_is_made_anew_as_a_whole(component: str, what: dict[str, Any] | None) -> None:
    run = lent(created_at=NOW + 5)
    snap = world_of(run, run="uid-0", step="Finished")
    gone = snap.pods_of(component)[0].name
    if what is not None:
        snap = changed(snap, component, **what)
    else:
        children = {key: child for key, child in snap.children.items() if key != ("Pod", gone)}
        pods = tuple(pod for pod in snap.pods if pod.name != gone)
        snap = dataclasses.replace(snap, children=children, pods=pods)
    decision = decide(run, snap, WORLD)
    deleted = {(one.kind, one.name) for one in of(decision.actions, Delete)}
    all_pods = {("Pod", run.fleet.master), *(("Pod", run.fleet.worker(i)) for i in range(run.spec.load.workers))}
    left = all_pods if what is not None else all_pods - {("Pod", gone)}
    assert deleted == {*left, ("ConfigMap", run.fleet.plan)}
    assert [one.reason for one in of(decision.actions, Announce) if one.reason == Reason.FLEET_RENEWED] != []
    assert of(decision.actions, Create) == []
    # Once they are gone they are made again, with this run's plan.
    after = dataclasses.replace(
        snap,
        children={key: child for key, child in snap.children.items() if key not in deleted and key != ("Pod", gone)},
        pods=tuple(pod for pod in snap.pods if pod.component not in names.FLEET),
        fleet=None,
    )
    made = {
        (one.manifest["kind"], one.manifest["metadata"]["name"]): one.manifest
        for one in of(decide(run, after, WORLD).actions, Create)
    }
    assert made.keys() == {*all_pods, ("ConfigMap", run.fleet.plan), ("Secret", run.fleet.token)}
    assert run.uid in made["ConfigMap", run.fleet.plan]["data"]["plan.json"]
    assert all(names.is_owned(manifest["metadata"], LENDER.uid) for manifest in made.values())


def test_a_fleet_that_still_sends_the_load_of_a_run_that_is_over_is_made_anew() -> None:
    run = lent(created_at=NOW + 5)
    decision = decide(run, world_of(run, run="uid-0", attempt="uid-0-1", step="Stage"), WORLD)
    assert ("Pod", run.fleet.master) in {(one.kind, one.name) for one in of(decision.actions, Delete)}
    assert of(decision.actions, HandOver) == []


def test_pods_on_their_way_out_are_awaited_and_told_of_once() -> None:
    run = lent(created_at=NOW + 5)
    snap = world_of(run, run="uid-0", step="Finished")
    going = tuple(dataclasses.replace(p, deleting=True) if p.component in names.FLEET else p for p in snap.pods)
    decision = decide(run, dataclasses.replace(snap, pods=going), WORLD)
    assert [one.name for one in of(decision.actions, Delete)] == [run.fleet.plan]
    assert [one for one in of(decision.actions, Announce) if one.reason == Reason.FLEET_RENEWED] == []


def test_a_fleet_of_the_runs_own_making_is_completed_and_not_made_anew() -> None:
    run = lent()
    snap = world_of(run)
    gone = run.fleet.worker(0)
    children = {key: child for key, child in snap.children.items() if key[1] != gone}
    pods = tuple(pod for pod in snap.pods if pod.name != gone)
    decision = decide(run, dataclasses.replace(snap, children=children, pods=pods), WORLD)
    assert of(decision.actions, Delete) == []
    assert [one.manifest["metadata"]["name"] for one in of(decision.actions, Create)] == [gone]


def test_a_run_of_ones_own_has_no_fleet_handed_over() -> None:
    run = demo()
    snap = ready_world(run)
    assert snap.fleet is not None
    assert of(decide(run, snap, WORLD).actions, HandOver) == []


def test_behind_a_run_the_fleet_stays_and_is_told_so() -> None:
    run = lent()
    snap = world_of(run)
    run = run.with_status(decide(run, snap, WORLD).status)
    cancelled = dataclasses.replace(run, spec=run.spec.model_copy(update={"cancel": True}))
    under = dataclasses.replace(snap, load={"outcome": "Stopped"}, fleet=None)
    ended = decide(cancelled, dataclasses.replace(under, pods=(), load=None), WORLD)
    run = run.with_status(ended.status)
    logs = {("ConfigMap", run.names.logs): Child("ConfigMap", run.names.logs, True)}
    tidying = decide(run, dataclasses.replace(snap, children={**snap.children, **logs}), WORLD)
    assert of(tidying.actions, Acknowledge) == [Acknowledge(keep=True)]
    deleted = {one.name for one in of(tidying.actions, Delete)}
    assert run.names.gateway in deleted
    assert deleted & {run.fleet.master, run.fleet.plan, run.fleet.token, run.fleet.worker(0)} == set()
    # With its own pods gone it is done, whatever the fleet is doing.
    alone = {key: child for key, child in {**snap.children, **logs}.items() if child.lent or key in logs}
    pods = tuple(pod for pod in snap.pods if pod.component in names.FLEET)
    done = decide(run, dataclasses.replace(snap, children=alone, pods=pods), WORLD)
    assert (done.status.step, done.idle) == ("Done", True)
