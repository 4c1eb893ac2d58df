"""Bounds that end a load: what is judged, when, and by how much."""

from __future__ import annotations

from typing import Any

import pytest

from contract.fleetlab.simulated import Gateway, same
from gatebench_locust import arrivals, document
from gatebench_locust.guards import Breach, Guard, Guards, parse
from gatebench_locust.plan import PlanError
from gatebench_locust.records import EndEarly
from unit.locust.fleet import Fleet
from unit.locust.test_phases import go, plan

SLOW = {"metric": "latency.p50", "above": 0.2, "windowSeconds": 3}


def row(count: int, seconds: float = 0.01, **given: Any) -> list[Any]:
    """A row of a worker's report."""
    known = {"phase": 1, "name": "chat", "good": True, "stream": False, "ttft": None, "gaps": None} | given
    phase, name, good, stream, ttft, gaps = known.values()
    return [phase, True, name, "POST", good, stream, count, 1, same(seconds, count), ttft, gaps, None]


def judge(metric: str, rows: list[list[Any]], since: float = 0.0, full: float | None = 0.0, **bound: Any) -> Any:
    """What comes of three seconds in which each time these rows were reported."""
    guards = Guards((parse({"metric": metric, "windowSeconds": 3} | (bound or {"above": 1e-9})),))
    for second in (11, 12, 13):
        guards.add(second, rows, {1, 2})
    breach = guards.check(13, since, full)
    return None if breach is None else breach.value


@pytest.mark.parametrize(
    ("metric", "rows", "value"),
    [
        ("throughput", [row(20), row(5, good=False)], 20.0),
        ("errorRatio", [row(15), row(5, good=False)], 0.25),
        ("errorRatio", [row(1), row(5, good=False)], None),  # 18 answers are too few
        ("latency.mean", [row(10, 0.1), row(10, 0.3)], 0.2),
        ("latency.mean", [row(6, 0.1)], None),
        ("latency.max", [row(1, 7.0)], 7.0),
        ("latency.p95", [row(70, 0.1)], 0.1),
        ("latency.p95", [row(60, 0.1)], None),  # 180 samples: 200 have ten above it
        ("latency.p50", [row(20, 0.1), row(50, 9.0, good=False), row(50, 9.0, stream=True)], 0.1),
        ("latency.p50", [row(20, 0.1), row(50, 9.0, phase=0)], 0.1),  # begun in the warm-up
        ("requests.chat.latency.p50", [row(20, 0.1), row(50, 9.0, name="other")], 0.1),
        ("requests.a.b.latency.p50", [row(20, 0.1, name="a.b", stream=True)], 0.1),
        ("ttft.p50", [row(20, 1.0, stream=True, ttft=same(0.2, 20))], 0.2),
        ("interToken.p50", [row(20, 1.0, stream=True, gaps=same(0.02, 400))], 0.02),
        ("ttft.p50", [row(20)], None),
    ],
)
def test_the_values_that_are_judged(metric: str, rows: list[list[Any]], value: float | None) -> None:
    found = judge(metric, rows)
    assert found == (None if value is None else pytest.approx(value, rel=2e-3))


def test_a_window_lies_in_the_load_and_for_the_least_throughput_in_what_has_all_users() -> None:
    rows = [row(20)]
    assert judge("throughput", rows, below=100) == 20.0
    assert judge("throughput", rows, since=10.5, below=100) == 20.0
    assert judge("throughput", rows, full=10.5, below=100) is None
    assert judge("throughput", rows, full=None, below=100) is None
    assert judge("throughput", rows, since=10.5, above=1) is None
    assert judge("throughput", rows, full=None, above=1) == 20.0
    assert judge("throughput", rows, below=20) is None, "the bound itself is no breach"


def test_each_second_is_judged_once_and_what_is_long_past_is_forgotten() -> None:
    guards = Guards((parse(SLOW),))
    for second in range(1, 101):
        guards.add(second, [row(20, 0.5 if second < 95 else 0.1)], {1})
    assert guards.check(95, 0, None) == Breach(guards.all[0], pytest.approx(0.5, rel=2e-3), 95.0)
    assert guards.check(95, 0, None) is None
    assert guards.check(99, 0, None) is None
    assert guards.judged == {guards.all[0]: 2}
    assert len(guards._seconds) <= 3 + 10


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"metric": "dropped", "above": 1}, "'dropped' cannot be told"),
        ({"metric": "latency.p99.upper", "above": 1}, "cannot be told"),
        ({"metric": "latency.p99"}, "needs either above or below"),
        ({"metric": "latency.p99", "above": 1, "below": 1}, "needs either above or below"),
        ({"metric": "latency.p99", "above": 1, "windowSeconds": 0.0}, "must be from 1 to 3600"),
    ],
)
def test_what_is_no_guard_is_refused(item: dict[str, Any], words: str) -> None:
    with pytest.raises(PlanError, match=words):
        plan(abort=[{"windowSeconds": 10} | item])


def test_a_fleet_ends_by_its_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway answers in 10 ms up to 300 requests a second, then in half a second."""
    stages = [{"name": n, "durationSeconds": 20.0, "rate": rate} for n, rate in (("low", 200.0), ("high", 400.0))]
    changes = {"model": "Open", "stages": stages, "expectedWorkers": 2, "arrivals": "Constant"}
    fleet = Fleet(go(**changes, abort=[SLOW, SLOW | {"metric": "latency.p99.9"}]), Gateway(300.0), monkeypatch)
    with pytest.raises(EndEarly):
        arrivals.lead(fleet)
    fleet.enter(fleet._last_phase())
    out = document.build(fleet, fleet.collector.requests, fleet.collector.failures)
    assert (out["outcome"], out["message"]) == ("Aborted", "latency.p50 was 0.5002 over 3 s, above 0.2")
    assert out["abort"] == SLOW | {"below": None, "value": pytest.approx(0.5, rel=1e-3), "at": out["abort"]["at"]}
    high = next(p for p in out["phases"] if p["name"] == "high")
    assert high["startedAt"] < out["abort"]["at"] < high["startedAt"] + 4, "two of three seconds are slow"
    assert high["endedAt"] - out["abort"]["at"] <= 1.5
    judged = {guard["metric"]: guard["judged"] for guard in out["guards"]}
    assert judged["latency.p50"] > 15
    assert judged["latency.p99.9"] == 0, "600 samples in a window are too few"
    assert [p["kind"] for p in out["phases"]] == ["WarmUp", "Stage", "Stage", "Drain"]


def test_a_bound_is_not_judged_in_the_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    stages = [{"name": "only", "durationSeconds": 1.0, "rate": 400.0}]
    changes = {"model": "Open", "stages": stages, "expectedWorkers": 2, "arrivals": "Constant"}
    fleet = Fleet(go(**changes, abort=[SLOW]), Gateway(300.0), monkeypatch)
    arrivals.lead(fleet)
    assert (fleet.outcome, fleet.breach) == (None, None)
    assert fleet.guards.judged == {Guard("latency.p50", None, "latency.p50", 3, above=0.2): 0}
