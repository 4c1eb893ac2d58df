"""Another run's plan at the master: what is taken, what is refused, and what the successor begins with."""

from __future__ import annotations

import json
import os
import pathlib
import sys
from collections.abc import Callable
from typing import Any

import pytest
from locust.rpc import Message
from locust.runners import STATE_INIT, STATE_RUNNING

from gatebench_locust import again, handover, state, wire
from gatebench_locust.again import Successor
from gatebench_locust.conductor import Conductor
from gatebench_locust.handover import Handover
from gatebench_locust.plan import PlanError, parse
from gatebench_locust.records import Refused
from gatebench_locust.roster import Roster
from gatebench_locust.worker import Worker
from unit.locust.test_phases import document


def plan(uid: str, **changes: Any) -> dict[str, Any]:
    return document() | {"run": {"namespace": "team", "name": uid, "uid": uid}, "expectedWorkers": 2} | changes


class Runner:
    """As much of Locust's master as is used."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any, str]] = []
        self.user_count = 0

    def send_message(self, kind: str, data: Any, client_id: str) -> None:
        self.sent.append((kind, data, client_id))


class Fleet:
    """A conductor with two workers, another one that is lost, and one that has not joined."""

    def __init__(self, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.goes: list[Callable[[], None]] = []
        monkeypatch.setattr(handover.gevent, "spawn", self.goes.append)
        self.conductor = Conductor(parse(plan("a")), Roster(), lambda: None)
        self.conductor.runner = self.runner = Runner()
        for name in ("w0", "w1", "lost", "late"):
            self.conductor.roster.prove(name, "h", "Python", 0.0).joined = name != "late"
        self.conductor.roster.members["lost"].lost = True
        self.successor = Successor({}, "/", str(folder))
        self.handover = Handover(self.conductor, self.successor)

    def refusal(self, given: Any) -> dict[str, Any]:
        with pytest.raises(Refused) as caught:
            self.handover.take(given)
        return dict(caught.value.payload)


@pytest.fixture
def fleet(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    return Fleet(tmp_path, monkeypatch)


def test_a_plan_goes_to_the_workers_that_are_there(fleet: Fleet) -> None:
    given = plan("b", target="http://münchen:1")
    assert fleet.handover.take(given) == "b"
    assert [(kind, to) for kind, _, to in fleet.runner.sent] == [(wire.PLAN, "w0"), (wire.PLAN, "w1")]
    assert all(json.loads(data["plan"]) == given for _, data, _ in fleet.runner.sent)
    assert json.loads(pathlib.Path(fleet.successor.plan).read_text()) == given
    assert fleet.conductor.roster.closed, "who joins now would be left behind"
    assert len(fleet.goes) == 1


def test_from_then_on_only_the_same_plan_is_heard(fleet: Fleet) -> None:
    fleet.handover.check()
    fleet.handover.take(plan("b"))
    assert fleet.handover.take(plan("b")) == "b"
    for other in ("a", "c"):
        assert fleet.refusal(plan(other))["run"] == "b"
    with pytest.raises(Refused):
        fleet.handover.check()
    assert (len(fleet.goes), len(fleet.runner.sent)) == (1, 2)


def test_the_present_plan_changes_nothing(fleet: Fleet) -> None:
    fleet.conductor.attempt = "a1"
    assert fleet.handover.take(plan("a")) == "a"
    assert fleet.handover.run is None
    assert not fleet.goes


def test_a_load_is_not_interrupted_and_a_sealed_result_is_no_load(fleet: Fleet) -> None:
    fleet.conductor.attempt = "a1"
    assert fleet.refusal(plan("b")) == {"error": "a load is under way"}
    fleet.conductor.sealed = True
    assert fleet.handover.take(plan("b")) == "b"


def test_pods_cannot_change(fleet: Fleet) -> None:
    assert fleet.refusal(plan("b", expectedWorkers=3))["differs"] == ["expectedWorkers"]
    requests = {"requests": [{"name": "r"}]}
    other = plan("b", expectedWorkers=1, engine="Go", workload=requests)
    assert fleet.refusal(other)["differs"] == ["engine", "expectedWorkers"]
    assert not fleet.goes


@pytest.mark.parametrize("wrong", [{"expectedWorkers": 1e999}, {"x": 1e999}, {"stages": None}, {"schema": "v0"}])
def test_what_is_no_plan_is_not_handed_on(fleet: Fleet, wrong: dict[str, Any]) -> None:
    with pytest.raises(PlanError):
        fleet.handover.take(plan("b") | wrong)
    assert not fleet.goes


def test_a_plan_that_cannot_be_stored_is_refused(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    tmp_path.rmdir()
    assert fleet.refusal(plan("b"))["error"].startswith("the plan cannot be stored")
    assert (fleet.handover.run, fleet.runner.sent, fleet.goes) == (None, [], [])


def test_the_state_names_the_run(fleet: Fleet) -> None:
    fleet.conductor.runner.clients = {}
    assert state.build(fleet.conductor, False)["run"] == "a"


def test_the_successor_is_this_process_as_it_was_started(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Executed(Exception):
        pass

    calls: list[Any] = []

    def execve(*call: Any) -> None:
        calls.append((*call, os.getcwd()))
        raise Executed

    monkeypatch.chdir("/")
    monkeypatch.setattr(again.os, "execve", execve)
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "gatebench_locust", "worker"])
    successor = Successor({"LOCUST_USERS": "9", "GATEBENCH_PLAN": "/etc/plan"}, str(tmp_path), str(tmp_path))
    reading, writing = os.pipe()
    os.set_inheritable(reading, True)
    try:
        with pytest.raises(Executed):
            successor.begin()
        assert not os.get_inheritable(reading)
    finally:
        os.close(reading)
        os.close(writing)
    arguments = [sys.executable, "-m", "gatebench_locust", "worker"]
    environment = {"LOCUST_USERS": "9", "GATEBENCH_PLAN": f"{tmp_path}/plan.json"}
    assert calls == [(sys.executable, arguments, environment, str(tmp_path))]


class Connection:
    """A worker's, to a master that closes it at once."""

    def __init__(self, did: list[str]) -> None:
        self.socket = self
        self._did = did

    def get_monitor_socket(self, events: int) -> Connection:
        self._did.append("watch")
        return self

    def poll(self, milliseconds: int) -> int:
        self._did.append("wait")
        return 1

    def send(self, message: Message) -> None:
        self._did.append(message.type)


class Next:
    def __init__(self, did: list[str]) -> None:
        self._did = did

    def store(self, text: str) -> None:
        self._did.append(f"store {text}")

    def begin(self) -> None:
        self._did.append("begin")


@pytest.mark.parametrize(
    ("attempt", "users", "finished", "taken"),
    [
        (None, STATE_INIT, False, True),
        ("a1", STATE_INIT, False, False),
        (None, STATE_RUNNING, False, False),
        ("a1", STATE_RUNNING, False, False),
        ("a1", STATE_INIT, True, True),
    ],
)
def test_a_worker_takes_another_plan_unless_a_load_is_under_way(
    monkeypatch: pytest.MonkeyPatch, attempt: str | None, users: str, finished: bool, taken: bool
) -> None:
    did: list[str] = []
    worker = Worker.__new__(Worker)
    worker.greenlet = ()
    monkeypatch.setattr(Worker, "successor", Next(did), raising=False)
    worker.client, worker.client_id, worker.worker_state = Connection(did), "w0", users
    worker._attempt, worker._finished, worker._leaving = attempt, finished, False
    worker._on_plan(None, Message(wire.PLAN, {"plan": "{}"}, "w0"))
    # It watches before it answers: the master may be gone right after.
    assert did == (["store {}", "watch", wire.PLAN_ACK, "wait", "begin"] if taken else [])
    assert worker._leaving == taken, "only then does it not miss its master"
