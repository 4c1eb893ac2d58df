"""A real master and real workers, from the start barrier to the acknowledged result."""

from __future__ import annotations

import json
import pathlib
import time

import pytest

from contract.fleetlab.lab import TOKEN, Fleet, plan
from contract.fleetlab.reading import exact, total
from contract.fleetlab.upstream import Upstream


def test_a_whole_run(tmp_path: pathlib.Path) -> None:
    with Upstream() as upstream, Fleet(tmp_path, plan(upstream.url), GATEBENCH_POD_UID="uid-0") as fleet:
        fleet.start()
        assert [w["pod"] for w in fleet.state()["workers"]] == ["uid-0"] * 2
        assert fleet.state()["step"] == "Waiting"
        assert fleet.call("GET", "/v1/result")[0] == 409
        assert fleet.call("POST", "/v1/ack", {})[0] == 409
        fleet.begin()
        fleet.begin()  # the same attempt again is no second start
        status, content = fleet.call("POST", "/v1/start", {"attempt": "another"})
        assert (status, json.loads(content)["error"]) == (409, "attempt")
        live = fleet.wait(lambda s: s["step"] == "Stage" and (s["live"]["requests"] or 0) > 50)
        assert live["users"] == live["targetUsers"] == 10
        assert sorted(w["users"] for w in live["workers"]) == [5, 5]
        metrics = fleet.call("GET", "/metrics", token=None)[1].decode()
        assert 'gatebench_fleet_workers{state="joined"} 2.0' in metrics
        result = fleet.result()
        reached = upstream.total
        assert fleet.call("GET", "/v1/report.html")[1].startswith(b"<!DOCTYPE html>")
        for name in ("stats", "history", "failures", "exceptions"):
            status, content = fleet.call("GET", f"/v1/csv/{name}.csv")
            assert status == 200
            assert content.count(b",") >= 3
        codes = fleet.finish()
    assert result["outcome"] == "Finished", result["message"]
    exact(result, reached)
    assert upstream.total == reached, "requests after the result"
    assert result["integrity"]["missingReports"] == 0
    assert [p["kind"] for p in result["phases"]] == ["WarmUp", "Stage", "Drain"]
    stage = result["phases"][1]
    assert stage["endedAt"] - stage["fullAt"] >= 2.0
    assert total(result, phase=0) > 0
    assert total(result, phase=1, settled=True) > 0
    assert total(result, phase=2) == 0, "a request was started after the last stage"
    assert sum(row[2] for row in result["series"]["rows"]) == total(result)
    assert sum(d["histogram"]["count"] for d in result["dispatchDelay"]) <= total(result)
    for worker in result["workers"]:
        assert 0 < worker["cpuRatioMean"] <= worker["cpuRatioMax"] * 1.5
        assert worker["kind"] == "Python"
    assert codes == {"master": 0, "worker-0": 0, "worker-1": 0}
    assert TOKEN not in fleet.log("master") + fleet.log("worker-0") + json.dumps(result)


def test_stages_and_ramps_in_their_order(tmp_path: pathlib.Path) -> None:
    stages = [
        {"name": "rise", "durationSeconds": 2.0, "users": 20, "ramp": True},
        {"name": "high", "durationSeconds": 2.0, "users": 20, "ramp": False},
        {"name": "fall", "durationSeconds": 2.0, "users": 4, "ramp": True},
        {"name": "low", "durationSeconds": 2.0, "users": 4, "ramp": False},
    ]
    with Upstream(latency=0.2) as upstream, Fleet(tmp_path, plan(upstream.url, stages=stages)) as fleet:
        fleet.start()
        fleet.begin()
        result = fleet.result()
        reached = upstream.total
    exact(result, reached)
    kinds = [(p["name"], p["kind"], p["users"], p["fullAt"] is not None) for p in result["phases"]]
    assert kinds == [
        ("warm-up", "WarmUp", 2, False),
        ("rise", "Ramp", 20, False),
        ("high", "Stage", 20, True),
        ("fall", "Ramp", 4, False),
        ("low", "Stage", 4, True),
        ("drain", "Drain", None, False),
    ]
    # Little's law, roughly: 20 users of 0.2 s and some think time, then 4.
    high, low = total(result, phase=2, settled=True), total(result, phase=4, settled=True)
    assert high > 2.5 * low > 0
    for earlier, later in zip(result["phases"], result["phases"][1:], strict=False):
        assert earlier["endedAt"] == later["startedAt"]


def test_what_is_still_open_after_the_drain_is_a_failure_and_counted(tmp_path: pathlib.Path) -> None:
    workload = {"requests": [_get("hang", "/hang"), _get("fine", "/fine")]}
    document = plan(upstream_url := "", workload=workload, timeoutSeconds=60.0, drainSeconds=1.0)
    assert upstream_url == ""
    with Upstream() as upstream, Fleet(tmp_path, document | {"target": upstream.url}) as fleet:
        fleet.start()
        fleet.begin()
        began = time.monotonic()
        result = fleet.result()
        assert time.monotonic() - began < 30
        exact(result, upstream.total)
    hung = [r for r in result["requests"] if r["name"] == "hang"]
    assert {r["outcome"] for r in hung} == {"failure"}
    assert total(result, name="hang") == upstream.counts["GET", "/hang"] > 0
    assert {e["kind"] for e in result["errors"]} == {"timeout"}
    assert max(r["latency"]["maxSeconds"] for r in hung) > 1.0


def test_a_stop_ends_the_load_with_a_partial_result(tmp_path: pathlib.Path) -> None:
    stages = [{"name": "long", "durationSeconds": 600.0, "users": 10, "ramp": False}]
    with Upstream() as upstream, Fleet(tmp_path, plan(upstream.url, stages=stages)) as fleet:
        fleet.start()
        fleet.begin()
        fleet.wait(lambda s: (s["live"]["requests"] or 0) > 20)
        assert fleet.call("POST", "/v1/stop", {"reason": "cancelled"})[0] == 200
        result = fleet.result(20)
        exact(result, upstream.total)
        assert fleet.state()["reason"] == "Stopped"
        codes = fleet.finish()
    assert (result["outcome"], result["message"]) == ("Stopped", "cancelled")
    assert set(codes.values()) == {0}


def test_the_api_wants_the_token_and_the_page_is_for_looking_only(tmp_path: pathlib.Path) -> None:
    with Upstream() as upstream, Fleet(tmp_path, plan(upstream.url)) as fleet:
        fleet.start()
        for token in (None, "wrong", TOKEN + "x", ""):
            assert fleet.call("GET", "/v1/state", token=token)[0] == 401
            assert fleet.call("POST", "/v1/start", {"attempt": "x"}, token=token)[0] == 401
        assert fleet.call("GET", "/healthz", token=None) == (200, b"ok\n")
        assert fleet.call("GET", "/v1/nothing")[0] == 404
        assert fleet.call("GET", "/v1/start")[0] == 405
        assert fleet.call("POST", "/v1/start", {"attempt": ""})[0] == 400
        assert fleet.call("POST", "/v1/start", [1])[0] == 400
        assert fleet.call("POST", "/v1/start", {"attempt": "x" * 70_000})[0] == 413
        page = fleet.web_port
        assert fleet.call("GET", "/", token=None, port=page)[0] == 200
        assert fleet.call("GET", "/stats/requests", token=None, port=page)[0] == 200
        for method, path in [
            ("POST", "/swarm"),
            ("GET", "/swarm"),
            ("POST", "/stop"),
            ("GET", "/stop"),
            ("POST", "/stats/reset"),
            ("GET", "/stats/reset"),
            ("POST", "/user"),
            ("DELETE", "/"),
            ("POST", "/login"),
            ("GET", "//swarm"),
        ]:
            assert fleet.call(method, path, body={}, token=None, port=page)[0] == 403, path
        assert fleet.state()["step"] == "Waiting"


@pytest.mark.fault(15)
def test_a_start_needs_every_worker(tmp_path: pathlib.Path) -> None:
    with Upstream() as upstream, Fleet(tmp_path, plan(upstream.url)) as fleet:
        fleet.start(workers=1)
        status, content = fleet.call("POST", "/v1/start", {"attempt": "a1"})
        assert (status, json.loads(content)) == (409, {"error": "workers", "seen": 1, "expected": 2})
        fleet.run("worker-1", "worker")
        fleet.wait(lambda s: len(s["workers"]) == 2)
        fleet.processes["worker-0"].kill()
        fleet.processes.pop("worker-0").wait()
        fleet.wait(lambda s: len(s["workers"]) == 1)  # gone again before the start
        assert fleet.call("POST", "/v1/start", {"attempt": "a1"})[0] == 409
        fleet.run("worker-2", "worker")
        fleet.wait(lambda s: len(s["workers"]) == 2)
        fleet.begin()
        result = fleet.result()
        exact(result, upstream.total)


def _get(name: str, path: str) -> dict[str, object]:
    return {"name": name, "api": "HTTP", "path": path}


def test_a_result_that_nobody_wants_is_not_held_for_ever(tmp_path: pathlib.Path) -> None:
    with Upstream() as upstream, Fleet(tmp_path, plan(upstream.url, resultHoldSeconds=1.0)) as fleet:
        fleet.start()
        fleet.begin()
        codes = {name: process.wait(40) for name, process in fleet.processes.items()}
        assert set(codes.values()) == {0}
        assert "nobody has acknowledged" in fleet.log("master")


def test_a_terminated_master_takes_its_workers_with_it(tmp_path: pathlib.Path) -> None:
    stages = [{"name": "long", "durationSeconds": 600.0, "users": 10, "ramp": False}]
    with Upstream() as upstream, Fleet(tmp_path, plan(upstream.url, stages=stages)) as fleet:
        fleet.start()
        fleet.begin()
        fleet.wait(lambda s: (s["live"]["requests"] or 0) > 20)
        fleet.processes["master"].terminate()
        codes = {name: process.wait(20) for name, process in fleet.processes.items()}
    assert codes == {"master": 4, "worker-0": 0, "worker-1": 0}
