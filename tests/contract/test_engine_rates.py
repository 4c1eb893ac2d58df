"""Go workers with a real Locust master: open load."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from contract.fleetlab.engine import EngineFleet, agrees, plan
from contract.fleetlab.reading import exact, total
from contract.fleetlab.upstream import Upstream


def rates(target: str, *stages: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A plan of open load."""
    return plan(target, model="Open", thinkTimeSeconds=None, stages=list(stages), maxInFlight=100) | changes


def stage(name: str, seconds: float, rate: float, ramp: bool = False) -> dict[str, Any]:
    return {"name": name, "durationSeconds": seconds, "rate": rate, "ramp": ramp}


@pytest.mark.parametrize("arrivals", ["Constant", "Poisson"])
def test_open_load_is_the_rate_that_was_asked_for(
    tmp_path: pathlib.Path, binary: pathlib.Path, upstream: Upstream, arrivals: str
) -> None:
    document = rates(upstream.url, stage("even", 10.0, 100.0), arrivals=arrivals, seed=7)
    with EngineFleet(binary, tmp_path, document) as fleet:
        fleet.start()
        fleet.begin()
        live = fleet.wait(lambda s: s["stage"] == "even" and (s["live"]["requests"] or 0) > 200)
        assert (live["targetRate"], live["users"]) == (100.0, 2)
        result = fleet.result()
        agrees(fleet.table("stats"), result)
        codes = fleet.finish()
    assert result["outcome"] == "Finished", result["message"]
    exact(result, upstream.total)
    sent = total(result, phase=1, settled=True)
    # A Poisson process of 1,000 arrivals has a deviation of 32 of its own.
    assert abs(sent - 1000) <= (5 if arrivals == "Constant" else 128)
    assert sum(d["count"] for d in result["dropped"]) == 0
    for row in result["requests"]:
        assert row["serviceTime"]["count"] == row["count"]
        # From the intended start: never shorter than from the send.
        assert row["latency"]["sumSeconds"] >= row["serviceTime"]["sumSeconds"]
    delays = {d["phase"]: d["histogram"] for d in result["dispatchDelay"]}
    assert delays[1]["count"] == sent
    assert set(codes.values()) == {0}


def test_rates_climb_and_fall_evenly(tmp_path: pathlib.Path, binary: pathlib.Path, upstream: Upstream) -> None:
    stages = (stage("low", 2.0, 20.0), stage("rise", 4.0, 100.0, ramp=True), stage("high", 2.0, 100.0))
    with EngineFleet(binary, tmp_path, rates(upstream.url, *stages)) as fleet:
        fleet.start()
        fleet.begin()
        result = fleet.result()
    exact(result, upstream.total)
    counts = [total(result, phase=p["index"]) for p in result["phases"]]
    assert counts == [pytest.approx(n, abs=3) for n in (20, 40, 240, 200, 0)]


def test_arrivals_beyond_the_bound_are_dropped_and_counted(tmp_path: pathlib.Path, binary: pathlib.Path) -> None:
    document = rates("", stage("even", 4.0, 100.0), maxInFlight=10, warmUpSeconds=0.0)
    with (
        Upstream(latency=0.5) as upstream,
        EngineFleet(binary, tmp_path, document | {"target": upstream.url}) as fleet,
    ):
        fleet.start()
        fleet.begin()
        result = fleet.result()
    exact(result, upstream.total)
    dropped = sum(d["count"] for d in result["dropped"])
    assert abs(total(result) + dropped - 400) <= 4
    assert 50 < total(result) <= 90  # ten at once, half a second each
    assert sum(w["inFlightMax"] for w in result["workers"]) == 10


def test_open_load_does_not_wait_for_answers(tmp_path: pathlib.Path, binary: pathlib.Path) -> None:
    """What a stalled answer delays shows: a closed load of as many users would have sent a fifth of this."""
    document = rates("", stage("even", 4.0, 50.0), maxInFlight=1000, warmUpSeconds=0.0)
    with (
        Upstream(latency=1.0) as upstream,
        EngineFleet(binary, tmp_path, document | {"target": upstream.url}) as fleet,
    ):
        fleet.start()
        fleet.begin()
        result = fleet.result()
    exact(result, upstream.total)
    assert abs(total(result) - 200) <= 3
    assert 40 < sum(w["inFlightMax"] for w in result["workers"]) <= 60
