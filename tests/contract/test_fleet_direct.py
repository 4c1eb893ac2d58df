"""The direct leg: what a real gateway adds to the real mock, measured by a Locust master and Go workers."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

from contract.fleetlab import alone, engine
from contract.fleetlab.alone import Serve
from contract.fleetlab.reading import exact, total
from gatebench_analysis.assemble import Inputs, RunInfo, assemble
from gatebench_analysis.document import Result

LATENCY, ADDED = 0.02, 0.003
BURST_HEADERS = {"X-Gatebench-Burst": "true"}
CHAT = "/v1/chat/completions"


def plan(gateway: str, upstream: str, model: str, **changes: Any) -> dict[str, Any]:
    """Two repeats, and the direct leg."""
    names = {"short": 3, "long": 1}
    requests = [engine.lab.request(name=name, weight=weight) for name, weight in names.items()]
    direct = {"target": upstream, "durationSeconds": 5.0, "settleSeconds": 1.0, "maxInFlight": 1000}
    direct["burst"] = {"users": 16, "durationSeconds": 2.0, "settleSeconds": 0.5, "headers": BURST_HEADERS}
    shape: dict[str, Any] = {"stages": [{"name": "steady", "durationSeconds": 3.0, "users": 10, "ramp": False}]}
    if model == "Open":
        shape = {"stages": [{"name": "steady", "durationSeconds": 3.0, "rate": 100.0}], "thinkTimeSeconds": None}
    repeats = {"count": 2, "pauseSeconds": 0.5, "hold": False}
    workload = {"requests": requests}
    return engine.plan(gateway, model=model, direct=direct, repeats=repeats, workload=workload) | shape | changes


def run(binary: pathlib.Path, folder: pathlib.Path, document: dict[str, Any]) -> dict[str, Any]:
    """The load document of a fleet that has gone through a plan."""
    with engine.EngineFleet(binary, folder, document) as fleet:
        fleet.start()
        fleet.begin()
        state = fleet.wait(lambda s: s["step"] == "Direct" and (s["live"]["inFlight"] or 0) > 0)
        assert (state["stage"], state["targetRate"] > 0) == ("direct", True)
        state = fleet.wait(lambda s: s["step"] == "Ceiling" and (s["live"]["inFlight"] or 0) > 0)
        assert (state["stage"], state["targetRate"]) == ("burst", None)
        assert state["live"]["inFlight"] <= 16
        result = fleet.result()
        codes = fleet.finish()
    assert result["outcome"] == "Finished", result["message"]
    assert set(codes.values()) == {0}
    return result


def judged(load: dict[str, Any], account: dict[str, Any] | None = None) -> Result:
    """The result of a run that asked for the overhead."""
    spec = {"overhead": {"enabled": True}, "upstream": {"mock": {}}}
    return assemble(Inputs(RunInfo(name="r", namespace="n", uid="u", spec=spec), load, upstream=account))


def beside_the_ceiling(result: Result) -> list[str]:
    """Reasons that rest on the burst; a busy machine may make the mock late by its own account besides."""
    return [one.reason for one in result.validity if "mock and fleet reach without it" in one.message]


def account(mock: alone.Mock) -> dict[str, Any]:
    """What the mock says of itself."""
    return dict(json.loads(mock.get("/gatebench/v1/account")))


@pytest.mark.measures
@pytest.mark.parametrize("model", ["Closed", "Open"])
def test_what_a_gateway_adds(tmp_path: pathlib.Path, binary: pathlib.Path, serve: Serve, model: str) -> None:
    mock = serve(f"--latency={LATENCY}s")
    gateway = serve(f"--upstream={mock.url}", f"--cpu-per-request={ADDED}s")
    load = run(binary, tmp_path, plan(gateway.url, mock.url, model))
    through, reached = gateway.counts()[CHAT, "200"], mock.counts()[CHAT, "200"]
    kinds = [p["kind"] for p in load["phases"]]
    assert kinds == ["WarmUp", "Stage", "Pause", "WarmUp", "Stage", "Pause", "Direct", "Ceiling", "Drain"]
    assert [p["index"] for p in load["phases"]] == list(range(9))
    straight, fast = total(load, phase=6), total(load, phase=7)
    exact(load, reached)
    assert (total(load) - straight - fast, total(load)) == (through, reached)
    for phase in (6, 7):
        assert {r["name"] for r in load["requests"] if r["phase"] == phase} == {"short", "long"}
    told = account(mock)
    result = judged(load, told)
    assert (result.counts.direct.requests, result.counts.burst.requests) == (straight, fast)
    assert result.counts.all.requests == reached
    # The burst does without the mock's latency, so its requests are no part of what the mock says of its delays.
    assert told["delay"]["count"] == reached - fast
    assert told["delay"]["intendedSeconds"]["p50"] == pytest.approx(LATENCY, rel=0.01)
    found, leg = result.metrics, result.overhead
    assert leg is not None
    assert leg.throughput == pytest.approx(found["throughput"].value, rel=0.2)
    assert [one.name for one in leg.by_request] == ["short", "long"]
    assert leg.p50_seconds is not None
    assert LATENCY <= leg.p50_seconds < found["latency.p50"].value  # type: ignore[operator]
    assert leg.differs is None
    added = found["overhead.p50"]
    assert added.value is not None
    assert added.low is not None
    assert added.high is not None
    assert added.low <= added.value <= added.high
    assert added.value >= ADDED / 2, "each request costs the gateway's processor that long"
    assert found["overhead.p95"].value is not None
    burst = leg.burst
    assert burst is not None
    assert (burst.users, burst.failures, burst.seconds) == (16, 0, pytest.approx(2.0, abs=0.3))
    assert burst.p50_seconds is not None
    assert burst.p50_seconds < LATENCY
    assert leg.ceiling is not None
    assert leg.ceiling > 16 / LATENCY, "more than users could who wait for that latency"
    assert leg.ceiling > 2 * found["throughput"].value  # type: ignore[operator]
    assert not beside_the_ceiling(result)


@pytest.mark.measures
def test_a_gateway_that_adds_little_at_full_load_is_bound_by_the_upstream(
    tmp_path: pathlib.Path, binary: pathlib.Path, serve: Serve
) -> None:
    """Here without a gateway at all, and by a ceiling of one user, so that sixteen reach it on any machine."""
    mock = serve("--latency=0s")
    document = plan(mock.url, mock.url, "Closed", thinkTimeSeconds={"min": 0.0, "max": 0.0}, spawnRatePerSecond=100.0)
    document["direct"]["burst"]["users"] = 1
    stages = [{"name": "steady", "durationSeconds": 3.0, "users": 16, "ramp": False}]
    with engine.EngineFleet(binary, tmp_path, document | {"stages": stages, "repeats": {"count": 1}}) as fleet:
        fleet.start()
        fleet.begin()
        load = fleet.result()
        fleet.finish()
    result = judged(load, account(mock))
    assert beside_the_ceiling(result) == ["UpstreamBound"], result.validity


def test_without_an_answer_there_is_no_leg(tmp_path: pathlib.Path, binary: pathlib.Path, serve: Serve) -> None:
    mock = serve("--latency=1ms")
    nobody = f"http://127.0.0.1:{engine.lab.free_port()}"
    stages = [{"name": "s", "durationSeconds": 1.0, "rate": 0.0}]
    changes = {"stages": stages, "warmUpSeconds": 0.0, "repeats": {"count": 1}}
    document = plan(nobody, mock.url, "Open", **changes)
    with engine.EngineFleet(binary, tmp_path, document) as fleet:
        fleet.start()
        fleet.begin()
        load = fleet.result()
        fleet.finish()
    assert [p["kind"] for p in load["phases"]] == ["Stage", "Pause", "Drain"]
    assert mock.counts().get((CHAT, "200"), 0) == total(load) == 0
    figure = judged(load).metrics["overhead.p50"]
    assert figure.value is None
    assert "nothing was answered" in (figure.missing or "")
