"""A bound that ends the load: broken under load, not in the warm-up, and by what the whole fleet has reported."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from contract.fleetlab import engine, lab
from contract.fleetlab.reading import exact, total
from contract.fleetlab.upstream import Upstream

SLOW = {"metric": "latency.p50", "above": 0.2, "windowSeconds": 2}
FEW = {"metric": "throughput", "below": 1.0, "windowSeconds": 2}


def fleet_of(kind: str, folder: pathlib.Path, request: pytest.FixtureRequest, url: str, **changes: Any) -> lab.Fleet:
    """A fleet of Python workers with users, or of Go ones with arrivals, under a load of ten minutes."""
    stage = {"name": "long", "durationSeconds": 600.0}
    if kind == "python":
        return lab.Fleet(folder, lab.plan(url, stages=[stage | {"users": 20}], **changes))
    document = engine.plan(url, model="Open", thinkTimeSeconds=None, stages=[stage | {"rate": 50.0}], **changes)
    return engine.EngineFleet(request.getfixturevalue("binary"), folder, document)


@pytest.mark.parametrize("kind", ["python", "go-open"])
def test_a_gateway_that_gets_slow_ends_the_load(
    tmp_path: pathlib.Path, request: pytest.FixtureRequest, kind: str
) -> None:
    abort = [FEW, SLOW]
    with Upstream() as upstream, fleet_of(kind, tmp_path, request, upstream.url, abort=abort) as fleet:
        fleet.start()
        fleet.begin()
        fleet.wait(lambda s: s["step"] == "Stage" and s["elapsedSeconds"] > 5)
        upstream.latency = 0.5
        state = fleet.wait(lambda s: s["reason"] == "Aborted")
        assert state["message"].startswith("latency.p50 was 0.5")
        result = fleet.result()
        codes = fleet.finish()
    assert result["outcome"] == "Aborted"
    exact(result, upstream.total)
    found = result["abort"]
    assert {key: found[key] for key in SLOW} == SLOW
    assert found["value"] == pytest.approx(0.5, rel=0.5)
    _, stage, drain = result["phases"]
    # In the order of things: the window lies in the stage, and the load ended after it.
    assert stage["startedAt"] <= found["at"] - 2 <= found["at"] <= drain["startedAt"] == stage["endedAt"]
    assert total(result, phase=stage["index"]) > 0
    assert total(result, phase=drain["index"]) == 0
    judged = {guard["metric"]: guard["judged"] for guard in result["guards"]}
    assert judged["latency.p50"] > 0, judged
    assert judged["throughput"] > 0, judged
    assert set(codes.values()) == {0}


def test_a_gateway_that_answers_no_more_ends_the_load(tmp_path: pathlib.Path, upstream: Upstream) -> None:
    stages = [{"name": "long", "durationSeconds": 600.0, "users": 10}]
    with lab.Fleet(tmp_path, lab.plan(upstream.url, stages=stages, abort=[FEW], timeoutSeconds=60.0)) as fleet:
        fleet.start()
        fleet.begin()
        fleet.wait(lambda s: s["step"] == "Stage" and (s["live"]["requests"] or 0) > 50)
        upstream.latency = 3600.0
        result = fleet.result()
    assert (result["outcome"], result["abort"]["metric"], result["abort"]["value"]) == ("Aborted", "throughput", 0.0)
    exact(result, upstream.total)
    hung = [error for error in result["errors"] if error["kind"] == "timeout"]
    assert sum(error["count"] for error in hung) == 10, "what was open when the load ended"


def test_nothing_is_judged_in_the_warm_up(tmp_path: pathlib.Path, upstream: Upstream) -> None:
    upstream.latency = 0.5
    with lab.Fleet(tmp_path, lab.plan(upstream.url, warmUpSeconds=6.0, abort=[SLOW | {"above": 0.3}])) as fleet:
        fleet.start()
        fleet.begin()
        fleet.wait(lambda s: s["step"] == "WarmUp" and (s["live"]["requests"] or 0) > 50)
        upstream.latency = 0.005
        result = fleet.result()
    assert (result["outcome"], result["abort"]) == ("Finished", None)
    assert total(result, phase=0) > 50
