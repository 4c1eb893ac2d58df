"""Repeats: the same phases again, with nothing in flight between them, and only when the master is told to go on."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

from contract.fleetlab import engine, lab
from contract.fleetlab.reading import exact, total
from contract.fleetlab.upstream import Upstream

REPEATS = {"count": 2, "pauseSeconds": 1.0}
KINDS = ["WarmUp", "Stage", "Pause", "WarmUp", "Stage", "Drain"]


def fleet_of(kind: str, folder: pathlib.Path, request: pytest.FixtureRequest, url: str, **changes: Any) -> lab.Fleet:
    """A fleet of Python workers with users, or of Go ones with users or arrivals."""
    if kind == "python":
        return lab.Fleet(folder, lab.plan(url, **changes))
    if kind == "go-open":
        stages = [{"name": "stage-1", "durationSeconds": 2.0, "rate": 50.0}]
        changes = {"model": "Open", "thinkTimeSeconds": None, "stages": stages, "arrivals": "Constant"} | changes
    return engine.EngineFleet(request.getfixturevalue("binary"), folder, engine.plan(url, **changes))


def of_repeat(result: dict[str, Any], repeat: int, kind: str) -> int:
    """Requests of a repeat's phases of a kind."""
    phases = [p["index"] for p in result["phases"] if (p["repeat"], p["kind"]) == (repeat, kind)]
    return sum(total(result, phase=phase) for phase in phases)


@pytest.mark.parametrize("kind", ["python", "go-closed", "go-open"])
def test_two_repeats_have_a_load_each(tmp_path: pathlib.Path, request: pytest.FixtureRequest, kind: str) -> None:
    with Upstream(latency=0.3) as upstream, fleet_of(kind, tmp_path, request, upstream.url, repeats=REPEATS) as fleet:
        fleet.start()
        fleet.begin()
        assert fleet.wait(lambda s: s["step"] == "Pause")["repeat"] == 0
        assert fleet.wait(lambda s: s["repeat"] == 1)["repeats"] == 2
        result = fleet.result()
        codes = fleet.finish()
    assert result["outcome"] == "Finished", result["message"]
    exact(result, upstream.total)
    assert [p["kind"] for p in result["phases"]] == KINDS
    assert [p["repeat"] for p in result["phases"]] == [0, 0, 0, 1, 1, 1]
    assert [p["index"] for p in result["phases"]] == list(range(6))
    for repeat in (0, 1):
        assert of_repeat(result, repeat, "WarmUp") > 0
        assert of_repeat(result, repeat, "Stage") > 10, "each user sends more than once"
    pause = result["phases"][2]
    assert pause["endedAt"] - pause["startedAt"] >= 1.0
    # A user whose think time ends between two messages may still send once.
    assert of_repeat(result, 0, "Pause") <= (0 if kind == "go-open" else 10)
    assert set(codes.values()) == {0}


@pytest.mark.parametrize("kind", ["python", "go-open"])
def test_a_repeat_waits_until_the_master_is_told(
    tmp_path: pathlib.Path, request: pytest.FixtureRequest, kind: str
) -> None:
    repeats = {"count": 3, "pauseSeconds": 0.0, "hold": True}

    def go_on(repeat: Any, attempt: Any = "a1", token: str | None = lab.TOKEN, **more: str) -> tuple[int, Any]:
        body = {"attempt": attempt, "repeat": repeat} | more
        status, content = fleet.call("POST", "/v1/continue", body, token=token)
        return status, json.loads(content)

    with Upstream(latency=0.3) as upstream, fleet_of(kind, tmp_path, request, upstream.url, repeats=repeats) as fleet:
        fleet.start()
        assert go_on(1) == (409, {"error": "attempt", "attempt": None})
        fleet.begin()
        held = fleet.wait(lambda s: s["holding"] is not None)
        reached = upstream.total
        assert (held["holding"], held["repeat"], held["step"]) == (1, 0, "Pause")
        assert held["holdingSeconds"] >= 0
        assert held["repeatStartedAt"] < held["now"]
        assert held["live"]["inFlight"] in (None, 0)
        assert go_on(1, token=None)[0] == go_on(1, token="wrong")[0] == 401
        assert go_on(True)[0] == go_on("1")[0] == go_on(1, attempt=7)[0] == 400
        assert go_on(2) == go_on(0) == (409, {"error": "that repeat does not wait", "holding": 1})
        assert go_on(1, attempt="b2")[0] == 409
        elsewhere = "the target's name leads to 127.0.0.1, not yet to 10.0.0.9"
        assert go_on(1, address="10.0.0.9") == (409, {"error": elsewhere})
        assert fleet.state()["holding"] == 1
        assert upstream.total == reached, "something was sent while the fleet held"
        assert go_on(1, address="127.0.0.1") == go_on(1) == (200, {"repeat": 1})
        second = fleet.wait(lambda s: s["holding"] == 2)
        assert held["now"] < second["repeatStartedAt"] < second["now"]
        assert upstream.total > reached
        assert go_on(1)[0] == 200, "what it was told once it may be told again"
        assert fleet.state()["holding"] == 2
        assert go_on(2)[0] == 200
        result = fleet.result()
        fleet.finish()
    assert result["outcome"] == "Finished", result["message"]
    exact(result, upstream.total)
    assert [of_repeat(result, repeat, "Stage") > 0 for repeat in range(3)] == [True, True, True]


def test_a_fleet_that_holds_can_be_stopped(tmp_path: pathlib.Path, upstream: Upstream) -> None:
    with lab.Fleet(tmp_path, lab.plan(upstream.url, repeats=REPEATS | {"hold": True})) as fleet:
        fleet.start()
        fleet.begin()
        fleet.wait(lambda s: s["holding"] == 1)
        assert fleet.call("POST", "/v1/stop", {"reason": "cancelled"})[0] == 200
        result = fleet.result()
        assert fleet.state()["holding"] == 1, "in which pause it has ended is still to be seen"
    assert (result["outcome"], [p["kind"] for p in result["phases"]]) == ("Stopped", [*KINDS[:3], "Drain"])
    exact(result, upstream.total)
