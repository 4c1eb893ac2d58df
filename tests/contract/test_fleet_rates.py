"""A real master that leads open load and a capacity search, with workers that speak as the Go engine does."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest

from contract.fleetlab.goworker import GoWorker
from contract.fleetlab.lab import Fleet, plan
from contract.fleetlab.reading import exact, total
from contract.fleetlab.simulated import Gateway

TARGET = "http://127.0.0.1:9"  # nobody sends anything there


@contextlib.contextmanager
def fleet_of(
    folder: pathlib.Path, gateway: Gateway, **changes: Any
) -> Iterator[tuple[Fleet, tuple[GoWorker, GoWorker]]]:
    """A master and two workers of it, once they have joined."""
    document = plan(TARGET, engine="Go", thinkTimeSeconds=None, **changes)
    with Fleet(folder, document) as fleet:
        fleet.run("master", "master")
        fleet.wait(lambda s: True)
        one = GoWorker(fleet.locust_port, "one_1", gateway)
        other = GoWorker(fleet.locust_port, "two_2", gateway)
        with one, other:
            fleet.wait(lambda s: len(s["workers"]) == 2)
            yield fleet, (one, other)


def test_open_load(tmp_path: pathlib.Path) -> None:
    stages = [
        {"name": "even", "durationSeconds": 3.0, "rate": 200.0, "ramp": False},
        {"name": "high", "durationSeconds": 2.0, "rate": 400.0, "ramp": False, "spike": True},
    ]
    gateway = Gateway(1e9, error_ratio=0.1, dropped_above=300.0)
    with fleet_of(tmp_path, gateway, model="Open", stages=stages, maxInFlight=10) as (fleet, workers):
        fleet.begin()
        live = fleet.wait(lambda s: s["stage"] == "even" and (s["live"]["requests"] or 0) > 100)
        assert (live["targetRate"], live["users"], live["targetUsers"]) == (200.0, 2, 2)
        assert live["live"]["inFlight"] == 6
        assert sorted(w["users"] for w in live["workers"]) == [1, 1]
        result = fleet.result()
        codes = fleet.finish()
        assert all(worker.quit.wait(5) for worker in workers)
    assert codes == {"master": 0}
    assert result["outcome"] == "Finished", result["message"]
    exact(result, sum(worker.sent for worker in workers))
    assert (result["engine"], result["engineVersion"]) == ("Go", "0.9.1")
    told = [worker.phases for worker in workers]
    assert [{phase["worker"] for phase in phases} for phases in told] in ([{0}, {1}], [{1}, {0}])
    for phases in told:
        assert [(p["phase"], p["settled"], p["workers"]) for p in phases] == [(0, False, 2), (1, True, 2), (2, True, 2)]
        assert [p["startsAt"] for p in phases] == [p["startedAt"] for p in result["phases"][:-1]]
    shown = [(p["kind"], p["rate"], p["spike"], p["users"]) for p in result["phases"]]
    assert shown == [
        ("WarmUp", 200.0, False, None),
        ("Stage", 200.0, False, None),
        ("Stage", 400.0, True, None),
        ("Drain", None, False, None),
    ]
    even, high = result["phases"][1:3]
    assert even["endedAt"] - even["fullAt"] == pytest.approx(3.0, abs=0.01)
    assert high["endedAt"] - high["fullAt"] == pytest.approx(2.0, abs=0.5)
    assert total(result, phase=1, settled=True) == 600
    dropped = {row["phase"]: row["count"] for row in result["dropped"]}
    assert (dropped[0], dropped[1]) == (0, 0)
    assert dropped[2] == pytest.approx(400, abs=10)
    for row in result["requests"]:
        assert row["serviceTime"]["count"] == row["count"]
    for worker in result["workers"]:
        assert (worker["kind"], worker["inFlightMax"]) == ("Go", 3)
        assert worker["gcPauseSeconds"] > 0


def test_a_capacity_search(tmp_path: pathlib.Path) -> None:
    search = {
        "startRate": 200.0,
        "maxRate": 1000.0,
        "stepSeconds": 3.0,
        "settleSeconds": 1.0,
        "tolerance": 0.5,
        "maxSteps": 10,
        "budgetSeconds": 100.0,
        "objectives": [{"metric": "latency.p95", "below": 0.1}],
    }
    with fleet_of(tmp_path, Gateway(250.0), model="Capacity", stages=[], capacity=search) as (fleet, workers):
        fleet.begin()
        state = fleet.wait(lambda s: s["stage"] == "step-1")
        assert (state["step"], state["targetRate"], state["totalSeconds"]) == ("Stage", 200.0, 101.0)
        result = fleet.result(120)
        fleet.finish()
    assert result["outcome"] == "Finished", result["message"]
    exact(result, sum(worker.sent for worker in workers))
    capacity = result["capacity"]
    assert [(s["rate"], s["outcome"]) for s in capacity["steps"]] == [
        (200.0, "Held"),
        (400.0, "Failed"),
        (400.0, "Failed"),
        (200.0, "Held"),
        (200.0, "Held"),
    ], capacity
    assert (capacity["requestsPerSecond"], capacity["bracket"]) == (200.0, [200.0, 400.0])
    assert capacity["limitedBy"] == ["latency.p95 0.5 s is above 0.1 s"]
    stages = [p["index"] for p in result["phases"] if p["kind"] == "Stage"]
    assert stages == [s["phase"] for s in capacity["steps"][-2:]]
    for step in capacity["steps"]:
        assert total(result, phase=step["phase"], settled=True) == pytest.approx(3 * step["rate"], abs=4)
    assert [p["index"] for p in result["phases"]] == list(range(len(result["phases"])))


def test_a_lost_worker_ends_a_search(tmp_path: pathlib.Path) -> None:
    search = {"startRate": 200.0, "maxRate": 1e5, "stepSeconds": 3.0, "budgetSeconds": 100.0}
    with fleet_of(tmp_path, Gateway(1e9), model="Capacity", stages=[], capacity=search) as (fleet, (_, other)):
        fleet.begin()
        fleet.wait(lambda s: s["stage"] == "step-2")
        other.__exit__()
        result = fleet.result(30)
        fleet.finish()
    assert result["outcome"] == "WorkerLost"
    capacity = result["capacity"]
    assert (capacity["requestsPerSecond"], capacity["message"]) == (None, "the search was broken off")
    assert [s["rate"] for s in capacity["steps"]] == [200.0]


def test_a_worker_of_the_other_engine_is_not_taken(tmp_path: pathlib.Path) -> None:
    stages = [{"name": "even", "durationSeconds": 1.0, "rate": 200.0}]
    with fleet_of(tmp_path, Gateway(1e9), model="Open", stages=stages) as (fleet, _):
        with GoWorker(fleet.locust_port, "snake_1", Gateway(1e9), kind="Python"):
            state = fleet.wait(lambda s: s["foreignJoins"] > 0)
        assert len(state["workers"]) == 2
        assert "the plan is for engine Go, it is a Python worker" in fleet.log("master")
        assert fleet.run("python", "worker").wait(30) == 2
        assert "it is for engine Go, this is a Python worker" in fleet.log("python")
        fleet.processes.pop("python")
