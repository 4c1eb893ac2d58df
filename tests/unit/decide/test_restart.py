"""A gateway of its own for each repeat, however often the operator is killed meanwhile."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import refusals
from gatebench.api.reasons import ConditionType, Reason
from gatebench.decide import actions, restart
from gatebench.decide.draft import condition_of
from gatebench.decide.snapshot import Child, Container, Pod
from gatebench.decide.step import decide
from unit.decide.test_total import WORLD, ready_world, run_of

IDS = {0: "g" * 64, 1: "h" * 64, 2: "i" * 64}


class Cluster:
    """A run under load with three repeats, and what becomes of what the operator wants."""

    def __init__(self, isolation: str = "Required") -> None:
        spec = {**refusals.closed(), "repeats": {"count": 3, "restartGateway": True}}
        run = run_of({**spec, "gateway": {**spec["gateway"], "isolation": isolation, "cpus": 1, "memory": "1Gi"}})
        self.snap = ready_world(run)
        status = decide(run, self.snap, WORLD).status
        assert status.progress is not None
        assert status.progress.attempt is not None, status
        self.run = run.with_status(status)
        self.done: list[tuple[str, int]] = []
        assert self.snap.fleet is not None
        self.fleet(attempt=run.attempt, step="Stage", repeat=0, repeat_started=self.snap.now)

    def fleet(self, **given: Any) -> None:
        assert self.snap.fleet is not None
        self.snap = dataclasses.replace(self.snap, fleet=dataclasses.replace(self.snap.fleet, **given))

    def hold(self, repeat: int) -> None:
        """The repeat before has been measured."""
        self.pass_time(60)
        self.fleet(step="Pause", holding=repeat, holding_seconds=0.0)

    def pass_time(self, seconds: float) -> None:
        self.snap = dataclasses.replace(self.snap, now=self.snap.now + seconds)

    @property
    def gateway(self) -> Pod | None:
        return self.snap.pod_of("gateway")

    def put(self, pod: Pod | None) -> None:
        """The gateway's pod is this one."""
        name = self.run.names.gateway
        others = tuple(one for one in self.snap.pods if one.component != "gateway")
        children = {key: child for key, child in self.snap.children.items() if key != ("Pod", name)}
        if pod is not None:
            others, children = (*others, pod), children | {("Pod", name): Child("Pod", name, True, pod.deleting)}
        self.snap = dataclasses.replace(self.snap, pods=others, children=children)

    def change(self, **given: Any) -> None:
        assert self.gateway is not None
        self.put(dataclasses.replace(self.gateway, **given))

    def tick(self, kept: int = 99, patched: bool = True) -> None:
        """One look at the run; the operator is killed after so many actions, or before it has patched the status."""
        decision = decide(self.run, self.snap, WORLD)
        assert decision == decide(self.run, self.snap, WORLD)
        for action in [one for one in decision.actions if not isinstance(one, actions.Announce)][:kept]:
            self._do(action)
        if patched:
            self.run = self.run.with_status(decision.status)

    def _do(self, action: actions.Action) -> None:
        match action:
            case actions.StoreProbe():
                assert self.gateway is not None
                assert not self.gateway.deleting, "its probe is on the way out"
                name = ("ConfigMap", self.run.names.probe(action.repeat))
                self.snap = dataclasses.replace(
                    self.snap, children={**self.snap.children, name: Child(*name, ours=True)}
                )
                self.done.append(("kept", action.repeat))
            case actions.Delete(kind="Pod"):
                assert self.gateway is not None
                self.done.append(("deleted", self.gateway.repeat))
                self.change(deleting=True)
            case actions.Create():
                assert self.gateway is None
                metadata = action.manifest["metadata"]
                repeat = int(metadata["annotations"]["gatebench.dev/repeat"])
                self.done.append(("created", repeat))
                self.put(Pod(metadata["name"], "gateway", f"u{repeat}", self.snap.now, repeat=repeat))
            case actions.GoOn():
                assert self.gateway is not None
                assert (self.gateway.ready, self.gateway.repeat) == (True, action.repeat)
                self.done.append(("continued", action.repeat))
                self.fleet(
                    step="WarmUp",
                    holding=None,
                    repeat=action.repeat,
                    repeat_started=self.snap.now,
                    holding_seconds=None,
                )
            case _:
                raise AssertionError(action)

    def kubelet(self) -> None:
        """Pods that end are gone; new ones run, and are ready after a while."""
        pod = self.gateway
        if pod is None:
            return
        if pod.deleting:
            self.put(None)
        elif not pod.containers:
            names = (("gateway", IDS[pod.repeat]), ("probe", "p" * 64))
            run = tuple(
                Container(n, True, container_id=i, running_since=self.snap.now, guaranteed=True) for n, i in names
            )
            self.change(containers=run, phase="Running", node="node0", ip="10.0.0.9", qos="Guaranteed")
            report = {
                "self": {"cpus": [0], "cpusAllowed": "0"},
                "containers": [{"id": IDS[pod.repeat], "cpus": [1], "cpusAllowed": "1", "changes": []}],
            }
            self.snap = dataclasses.replace(self.snap, probe=report)
        elif not pod.ready:
            self.change(ready=True)

    def valid(self) -> tuple[str, str]:
        found = condition_of(self.run.status, ConditionType.VALID)
        assert found is not None
        return found.status, found.reason


ALL = [("kept", 0), ("deleted", 0), ("created", 1), ("continued", 1)]
ALL += [("kept", 1), ("deleted", 1), ("created", 2), ("continued", 2)]


@settings(deadline=None, max_examples=settings.default.max_examples * 2 // 5)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.booleans(), st.booleans()), max_size=40),
    st.sampled_from(["Required", "None"]),
)
def test_each_repeat_gets_a_gateway_of_its_own_however_often_the_operator_is_killed(
    kills: list[tuple[int, bool, bool, bool]], isolation: str
) -> None:
    cluster = Cluster(isolation)
    for repeat in (1, 2):
        cluster.hold(repeat)
        for _ in range(60):
            kept, patched, silent, still = kills.pop() if kills else (99, True, False, False)
            state = cluster.snap.fleet
            if silent:  # the master does not answer for once
                cluster.snap = dataclasses.replace(cluster.snap, fleet=None)
            cluster.tick(kept, patched)
            if silent:
                cluster.snap = dataclasses.replace(cluster.snap, fleet=state)
            if not still:
                cluster.kubelet()
            cluster.pass_time(5)
            assert cluster.snap.fleet is not None
            if cluster.snap.fleet.holding is None:
                break
        cluster.tick()
    assert cluster.done == ALL
    assert cluster.valid() == ("Unknown", Reason.RUNNING)
    assert not [p for p in cluster.snap.pods if p.component == "gateway" and p.repeat != 2]


def restarted() -> Cluster:
    """The second repeat is under load, with a gateway of its own."""
    cluster = Cluster()
    cluster.hold(1)
    while cluster.snap.fleet is not None and cluster.snap.fleet.holding is not None:
        cluster.tick()
        cluster.kubelet()
        cluster.pass_time(5)
    cluster.fleet(step="Stage")
    cluster.pass_time(30)
    cluster.tick()
    assert cluster.valid() == ("Unknown", Reason.RUNNING)
    return cluster


@pytest.mark.parametrize("later", [False, True])
def test_a_gateway_that_is_deleted_by_hand_under_load_is_no_restart_of_ours(later: bool) -> None:
    cluster = restarted() if later else Cluster()
    cluster.change(deleting=True)
    stop = decide(cluster.run, cluster.snap, WORLD)
    assert actions.StopLoad("RunDisturbed") in stop.actions
    found = condition_of(stop.status, ConditionType.VALID)
    assert found is not None
    assert (found.status, found.reason) == ("False", Reason.RUN_DISTURBED)
    cluster.put(None)
    gone = condition_of(decide(cluster.run, cluster.snap, WORLD).status, ConditionType.VALID)
    assert gone is not None
    assert (gone.status, gone.reason) == ("False", Reason.RUN_DISTURBED)


@pytest.mark.parametrize("later", [False, True])
def test_a_gateway_that_comes_back_under_load_has_restarted(later: bool) -> None:
    cluster = restarted() if later else Cluster()
    assert cluster.gateway is not None
    first, *others = cluster.gateway.containers
    cluster.pass_time(5)
    back = dataclasses.replace(first, restarts=1, running_since=cluster.snap.now)
    cluster.change(containers=(back, *others))
    found = condition_of(decide(cluster.run, cluster.snap, WORLD).status, ConditionType.VALID)
    assert found is not None
    assert (found.status, found.reason) == ("False", Reason.GATEWAY_RESTARTED)


def test_what_a_probe_does_not_tell_in_time_is_kept_as_missing() -> None:
    cluster = Cluster()
    cluster.hold(1)

    def wanted(seconds: float) -> list[actions.Action]:
        cluster.fleet(holding_seconds=seconds)
        return [one for one in decide(cluster.run, cluster.snap, WORLD).actions if isinstance(one, actions.StoreProbe)]

    assert wanted(0.0) == [actions.StoreProbe(0)]
    assert wanted(WORLD.settings.deadlines.ready) == [actions.StoreProbe(0, give_up=True)]


def test_a_gateway_that_does_not_come_back_ends_the_load() -> None:
    cluster = Cluster()
    cluster.hold(1)
    for _ in range(4):
        cluster.tick()
        cluster.kubelet()
    cluster.change(ready=False)
    cluster.pass_time(cluster.run.spec.gateway.readiness.timeout + 1)
    decision = decide(cluster.run, cluster.snap, WORLD)
    assert actions.StopLoad("GatewayFailed") in decision.actions
    found = condition_of(decision.status, ConditionType.VALID)
    assert found is not None
    assert (found.status, found.reason) == ("False", Reason.GATEWAY_FAILED)
    assert "before repeat 2 container gateway was not ready within" in found.message


def test_cores_that_are_not_its_own_any_more_end_the_load() -> None:
    cluster = Cluster()
    cluster.hold(1)
    for _ in range(6):
        cluster.tick()
        cluster.kubelet()
    shared = {"self": {"cpus": [0, 1]}, "containers": [{"id": IDS[1], "cpus": [0, 1], "changes": []}]}
    cluster.snap = dataclasses.replace(cluster.snap, probe=shared)
    cluster.pass_time(60)
    found = condition_of(decide(cluster.run, cluster.snap, WORLD).status, ConditionType.VALID)
    assert found is not None
    assert (found.status, found.reason) == ("False", Reason.CPU_NOT_PINNED)
    isolated = condition_of(decide(cluster.run, cluster.snap, WORLD).status, ConditionType.ISOLATED)
    assert isolated is not None
    assert "; no more load was sent" in isolated.message


@pytest.mark.parametrize("asked", [True, False])
def test_a_run_that_is_cancelled_while_its_gateway_is_away_is_cancelled_and_not_disturbed(asked: bool) -> None:
    cluster = Cluster()
    cluster.hold(1)
    while cluster.gateway is not None:
        cluster.tick()
        cluster.kubelet()
    run = dataclasses.replace(cluster.run, spec=cluster.run.spec.model_copy(update={"cancel": True}))
    decision = decide(run, cluster.snap, WORLD)
    assert [one for one in decision.actions if not isinstance(one, actions.Announce)] == [actions.StopLoad("Cancelled")]
    phases = [{"kind": kind, "repeat": 0, "startedAt": 1.0} for kind in ("Stage", "Pause", "Drain")]
    load = {"outcome": "Stopped", "endedAt": cluster.snap.now, "phases": phases}
    state = dataclasses.replace(cluster.snap.fleet, step="Finished", result_ready=True) if cluster.snap.fleet else None
    over = dataclasses.replace(cluster.snap, load=load, fleet=state if asked else None)
    found = condition_of(decide(run.with_status(decision.status), over, WORLD).status, ConditionType.VALID)
    assert found is not None
    assert found.status == "Unknown"


def test_without_restarts_nothing_is_spared() -> None:
    run = run_of({**refusals.closed(), "repeats": {"count": 3}})
    snap = ready_world(run)
    assert not restart.spares(run, snap)
    assert restart.since(run, snap, 7.0) == 7.0
    assert restart.due(run, snap) is None
