"""Go workers with a real Locust master: closed load, what is measured of it, and what Locust's own tables say."""

from __future__ import annotations

import collections
import json
import pathlib
import subprocess
from typing import Any

from contract.fleetlab.engine import EngineFleet, agrees, plan
from contract.fleetlab.lab import TOKEN, free_port, request
from contract.fleetlab.reading import errors, exact, total
from contract.fleetlab.upstream import Upstream

LONG = [{"name": "long", "durationSeconds": 600.0, "users": 10, "ramp": False}]


def version(binary: pathlib.Path) -> str:
    return subprocess.run([binary, "version"], check=True, capture_output=True, text=True).stdout.strip()


def test_a_whole_run(tmp_path: pathlib.Path, binary: pathlib.Path, upstream: Upstream) -> None:
    workload = {"requests": [request(weight=3), request(name="talk", stream=True), get("models", "/v1/models")]}
    with EngineFleet(binary, tmp_path, plan(upstream.url, workload=workload)) as fleet:
        fleet.start()
        assert fleet.state()["step"] == "Waiting"
        fleet.begin()
        live = fleet.wait(lambda s: s["step"] == "Stage" and (s["live"]["requests"] or 0) > 50)
        assert live["users"] == live["targetUsers"] == 10
        assert sorted(w["users"] for w in live["workers"]) == [5, 5]
        assert {w["state"] for w in live["workers"]} == {"running"}
        page = json.loads(fleet.call("GET", "/stats/requests", token=None, port=fleet.web_port)[1])
        assert page["user_count"] == 10
        assert [w["user_count"] for w in page["workers"]] == [5, 5]
        result = fleet.result()
        reached = upstream.total
        agrees(fleet.table("stats"), result)
        assert fleet.table("failures") == fleet.table("exceptions") == []
        assert 0 < int(fleet.table("history")[-1]["Total Request Count"]) <= reached
        assert fleet.call("GET", "/v1/report.html")[1].startswith(b"<!DOCTYPE html>")
        codes = fleet.finish()
    assert result["outcome"] == "Finished", result["message"]
    exact(result, reached)
    assert upstream.total == reached, "requests after the result"
    assert (result["engine"], result["engineVersion"]) == ("Go", version(binary))
    assert result["integrity"]["missingReports"] == 0
    assert [p["kind"] for p in result["phases"]] == ["WarmUp", "Stage", "Drain"]
    assert total(result, phase=0) > 0
    assert total(result, phase=1, settled=True) > 0
    assert total(result, phase=2) == 0, "a request was started after the last stage"
    assert sum(row[2] for row in result["series"]["rows"]) == total(result)
    assert upstream.counts["GET", "/v1/models"] == total(result, name="models")
    streams = [r for r in result["requests"] if r["name"] == "talk"]
    for row in streams:
        assert row["stream"]
        assert row["ttft"]["count"] == row["count"]
        assert row["interToken"]["count"] == row["count"] * (upstream.tokens - 1)
        assert row["outputTokens"] == row["count"] * upstream.tokens * 2  # its usage says twice as many as it sends
    for worker in result["workers"]:
        assert worker["kind"] == "Go"
        assert 0 < worker["cpuRatioMean"] < 1
        assert worker["gcPauseSeconds"] >= 0
        assert 0 < worker["inFlightMax"] <= 5
    assert 0 < sum(d["histogram"]["count"] for d in result["dispatchDelay"]) <= total(result)
    assert codes == {"master": 0, "worker-0": 0, "worker-1": 0}
    assert TOKEN not in fleet.log("master") + fleet.log("worker-0") + json.dumps(result)


def get(name: str, path: str, **changes: Any) -> dict[str, Any]:
    return {"name": name, "api": "HTTP", "path": path, **changes}


def test_stages_and_ramps_in_their_order(tmp_path: pathlib.Path, binary: pathlib.Path) -> None:
    stages = [
        {"name": "rise", "durationSeconds": 2.0, "users": 20, "ramp": True},
        {"name": "high", "durationSeconds": 2.0, "users": 20, "ramp": False},
        {"name": "fall", "durationSeconds": 2.0, "users": 4, "ramp": True},
        {"name": "low", "durationSeconds": 2.0, "users": 4, "ramp": False},
    ]
    document = plan("", stages=stages, thinkTimeSeconds={"min": 0.0, "max": 0.0})
    with Upstream(latency=0.1) as upstream, EngineFleet(binary, tmp_path, document | {"target": upstream.url}) as fleet:
        fleet.start()
        fleet.begin()
        result = fleet.result()
        reached = upstream.total
        agrees(fleet.table("stats"), result)
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
    # Little's law: 20 users of 0.1 s each for 2 s, then 4.
    high, low = total(result, phase=2, settled=True), total(result, phase=4, settled=True)
    assert 200 < high <= 420
    assert 40 < low <= 84


def test_what_is_still_open_after_the_drain_is_a_failure_and_counted(
    tmp_path: pathlib.Path, binary: pathlib.Path, upstream: Upstream
) -> None:
    workload = {"requests": [get("hang", "/hang"), get("fine", "/fine")]}
    document = plan(upstream.url, workload=workload, timeoutSeconds=60.0, drainSeconds=1.0)
    with EngineFleet(binary, tmp_path, document) as fleet:
        fleet.start()
        fleet.begin()
        result = fleet.result(30)
        exact(result, upstream.total)
        agrees(fleet.table("stats"), result)
    hung = [r for r in result["requests"] if r["name"] == "hang"]
    assert {r["outcome"] for r in hung} == {"failure"}
    assert total(result, name="hang") == upstream.counts["GET", "/hang"] > 0
    assert {(e["kind"], e["message"]) for e in result["errors"]} == {("timeout", "still open when the load ended")}
    assert max(r["latency"]["maxSeconds"] for r in hung) > 1.0


def test_failures_by_their_kinds(tmp_path: pathlib.Path, binary: pathlib.Path, upstream: Upstream) -> None:
    workload = {
        "requests": [
            get("broken", "/status?code=500"),
            get("moved", "/status?code=302"),
            get("created", "/status?code=201", expect={"status": 201}),
            get("closed", "/close"),
            get("slow", "/hang"),
            request(name="cut", path="/cut", stream=True),
        ]
    }
    document = plan(upstream.url, workload=workload, timeoutSeconds=0.5)
    with EngineFleet(binary, tmp_path, document) as fleet:
        fleet.start()
        fleet.begin()
        result = fleet.result()
        exact(result, upstream.total)
        agrees(fleet.table("stats"), result)
        rows = fleet.table("failures")
    found = errors(result)
    assert found.keys() == {
        ("broken", "http"),
        ("moved", "http"),
        ("closed", "reset"),
        ("slow", "timeout"),
        ("cut", "streamCut"),
    }
    assert upstream.counts["GET", "/elsewhere"] == 0, "a redirect was followed"
    # Locust's table, which knows no phases, has the same counts under the same names.
    table: collections.Counter[tuple[str, str]] = collections.Counter()
    for row in rows:
        table[row["Name"], row["Error"].split(":")[0]] += int(row["Occurrences"])
    assert table == found
    slow = [r["latency"] for r in result["requests"] if r["name"] == "slow"]
    assert all(0.5 <= h["minSeconds"] <= h["maxSeconds"] < 1.5 for h in slow)


def test_refused_connections_are_counted_and_no_latency_is_invented(
    tmp_path: pathlib.Path, binary: pathlib.Path
) -> None:
    with EngineFleet(binary, tmp_path, plan(f"http://127.0.0.1:{free_port()}")) as fleet:
        fleet.start()
        fleet.begin()
        result = fleet.result()
        agrees(fleet.table("stats"), result)
    exact(result, None)
    assert errors(result) == {("chat", "refused"): total(result)}
    assert total(result) > 100
    for row in result["requests"]:
        assert row["outcome"] == "failure"
        assert row["latency"]["maxSeconds"] < 0.5, "refused at once"
        assert row["bytes"] == 0
        assert row["ttft"] is None
    assert {e["status"] for e in result["errors"]} == {None}


def test_a_stop_ends_the_load_with_a_partial_result(
    tmp_path: pathlib.Path, binary: pathlib.Path, upstream: Upstream
) -> None:
    with EngineFleet(binary, tmp_path, plan(upstream.url, stages=LONG)) as fleet:
        fleet.start()
        fleet.begin()
        fleet.wait(lambda s: (s["live"]["requests"] or 0) > 20)
        assert fleet.call("POST", "/v1/stop", {"reason": "cancelled"})[0] == 200
        result = fleet.result(20)
        exact(result, upstream.total)
        codes = fleet.finish()
    assert (result["outcome"], result["message"]) == ("Stopped", "cancelled")
    assert set(codes.values()) == {0}
