"""Open load and capacity searches as the master leads them, with simulated workers in a time of their own."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from contract.fleetlab.simulated import Gateway, Worker
from gatebench_locust import arrivals, capacity, direct, document, metrics, state
from gatebench_locust.phases import SEARCH, STAGE
from gatebench_locust.records import EndEarly
from unit.locust.fleet import Fleet
from unit.locust.test_phases import go

SEARCH_PLAN = {"startRate": 100, "maxRate": 5000, "stepSeconds": 10, "settleSeconds": 2, "budgetSeconds": 2000}
P99 = {"metric": "latency.p99", "below": 0.1}


def searching(monkeypatch: pytest.MonkeyPatch, gateway: Gateway, cpu: float = 0.2, **changes: Any) -> Fleet:
    plan = go(
        model="Capacity",
        stages=[],
        expectedWorkers=2,
        arrivals="Constant",
        timeoutSeconds=10.0,
        capacity=SEARCH_PLAN | {"objectives": [P99]} | changes,
    )
    return Fleet(plan, gateway, monkeypatch, cpu)


def built(fleet: Fleet) -> dict[str, Any]:
    return document.build(fleet, fleet.collector.requests, fleet.collector.failures)


def test_open_stages_follow_each_other_without_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    stages = [
        {"name": "a", "durationSeconds": 10.0, "rate": 200.0},
        {"name": "b", "durationSeconds": 5.0, "rate": 400.0, "ramp": True},
        {"name": "c", "durationSeconds": 2.5, "rate": 800.0, "spike": True},
    ]
    fleet = Fleet(go(model="Open", stages=stages, expectedWorkers=2), Gateway(1e9), monkeypatch)
    arrivals.lead(fleet)
    told = [course.message for course in fleet.workers["w1"].courses]
    assert [(m["phase"], m["settled"], m["worker"], m["workers"]) for m in told] == [
        (0, False, 1, 2),
        (1, True, 1, 2),
        (2, False, 1, 2),
        (3, True, 1, 2),
    ]
    assert told[2]["rate"] == {"from": 200.0, "to": 400.0, "seconds": 5.0}
    starts = [m["startsAt"] for m in told]
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert gaps == pytest.approx([30.0, 10.0, 5.0], abs=1e-5)
    assert fleet.clock.time() == pytest.approx(starts[-1] + 2.5, abs=1e-5), "the drain begins when the last stage ends"
    assert fleet.runner.user_count == 2
    out = built(fleet)
    assert [(p["kind"], p["rate"], p["spike"], p["users"], p["fullAt"] is not None) for p in out["phases"]] == [
        ("WarmUp", 200.0, False, None, False),
        ("Stage", 200.0, False, None, True),
        ("Ramp", 400.0, False, None, False),
        ("Stage", 800.0, True, None, True),
    ]
    for record, start in zip(fleet.records, starts, strict=True):
        assert record.started == start
        assert record.full in (None, start)
    assert out["capacity"] is None
    assert (out["engine"], out["engineVersion"]) == ("Go", "1.2.3")
    assert out["dropped"] == [{"phase": phase, "count": 0} for phase in range(4)]


DIRECT_LEG = {"target": "http://upstream:8080", "durationSeconds": 10.0, "settleSeconds": 2.0}


def test_the_direct_leg_has_the_rate_of_the_gateways_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    stages = [
        {"name": "a", "durationSeconds": 10.0, "rate": 200.0},
        {"name": "b", "durationSeconds": 20.0, "rate": 400.0},
        {"name": "burst", "durationSeconds": 5.0, "rate": 900.0, "spike": True},
    ]
    # Above 300 a second half of the arrivals is dropped: those of stage b and of the spike.
    gateway = Gateway(1e9, error_ratio=0.1, dropped_above=300.0)
    repeats = {"count": 2, "pauseSeconds": 1.0, "hold": False}
    plan = go(model="Open", stages=stages, expectedWorkers=2, repeats=repeats, direct=DIRECT_LEG)
    fleet = Fleet(plan, gateway, monkeypatch)
    arrivals.lead(fleet)
    *_, pause, leg = fleet.records
    assert (pause.phase.kind, leg.phase.kind) == ("Pause", "Direct")
    assert leg.phase.rate is not None
    assert leg.phase.rate.start == pytest.approx((10 * 200 + 20 * 400 / 2) / 30, rel=0.02)
    told = [course.message for course in fleet.workers["w0"].courses if course.message.get("direct")]
    assert [(m["phase"], m["settled"], m["rate"]["seconds"]) for m in told] == [
        (leg.phase.index, False, 12.0),
        (leg.phase.index, True, 12.0),
    ]
    assert leg.full == pytest.approx(leg.started + 2.0, abs=0.01)
    assert fleet.clock.time() == pytest.approx(leg.started + 12.0, abs=0.01)
    assert not any(c.message.get("direct") for c in fleet.workers["w0"].courses if c.message["phase"] < leg.phase.index)
    assert fleet.measured == {1, 2, 3, 6, 7, 8}, "no figure of the run is about the leg"
    assert (fleet.step, fleet.rate()) == ("Direct", leg.phase.rate.start)


BURST = {"users": 64, "durationSeconds": 5.0, "settleSeconds": 1.0}


def test_the_burst_begins_when_the_direct_leg_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    stages = [{"name": "a", "durationSeconds": 10.0, "rate": 200.0}]
    plan = go(model="Open", stages=stages, expectedWorkers=2, direct=DIRECT_LEG | {"burst": BURST})
    fleet = Fleet(plan, Gateway(100.0, backlog=4.0), monkeypatch)  # above 100 a second it goes on for 4 s
    arrivals.lead(fleet)
    *_, leg, burst = fleet.records
    assert (burst.phase.kind, burst.phase.rate, fleet.step, fleet.rate()) == ("Ceiling", None, "Ceiling", None)
    assert leg.ended == pytest.approx(leg.started + 12.0, abs=0.01), "the wait is no part of the leg"
    assert burst.started == leg.ended
    told = [course.message for course in fleet.workers["w0"].courses if "burst" in course.message]
    assert [(m["phase"], m["settled"], m["burst"], "rate" in m) for m in told] == [
        (burst.phase.index, False, 0, False),
        (burst.phase.index, False, 64, False),
        (burst.phase.index, True, 64, False),
    ]
    assert burst.full is not None
    assert burst.full - 1.0 - burst.started > 4.0, "what the leg left behind is answered first"
    assert fleet.clock.time() == pytest.approx(burst.full + 5.0, abs=0.01)
    assert fleet.measured == {1}
    assert fleet.runner.user_count == 2
    out = built(fleet)["phases"][-1]
    assert (out["kind"], out["users"], out["rate"]) == ("Ceiling", 64, None)


def test_no_burst_upon_a_leg_that_is_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    stages = [{"name": "a", "durationSeconds": 10.0, "rate": 200.0}]
    plan = go(model="Open", stages=stages, expectedWorkers=2, timeoutSeconds=2.0, direct=DIRECT_LEG | {"burst": BURST})
    gateway = Gateway(1e9)
    fleet = Fleet(plan, gateway, monkeypatch)
    asked = direct.run

    def run(conductor: Any, phase: Any) -> None:
        gateway.capacity, gateway.backlog = 1.0, 1000.0
        asked(conductor, phase)

    monkeypatch.setattr(direct, "run", run)
    arrivals.lead(fleet)
    burst = fleet.records[-1]
    assert (burst.phase.kind, burst.full) == ("Ceiling", None)
    assert {course.message.get("burst") for course in fleet.workers["w0"].courses} == {None, 0}


def test_without_an_answer_through_the_gateway_nothing_goes_straight(monkeypatch: pytest.MonkeyPatch) -> None:
    stages = [{"name": "a", "durationSeconds": 10.0, "rate": 0.0}]
    leg = DIRECT_LEG | {"burst": BURST}
    plan = go(model="Open", stages=stages, warmUpSeconds=0.0, expectedWorkers=2, direct=leg)
    fleet = Fleet(plan, Gateway(1e9), monkeypatch)
    arrivals.lead(fleet)
    assert [record.phase.kind for record in fleet.records] == ["Stage", "Pause"]
    assert fleet._last_phase().index == 4


def test_a_stop_ends_open_load_and_leaves_no_phase_that_ends_before_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    stages = [{"name": name, "durationSeconds": 10.0, "rate": 200.0} for name in "ab"]
    fleet = Fleet(go(model="Open", stages=stages, expectedWorkers=2), Gateway(1e9), monkeypatch)
    fleet.breaks_at = fleet.clock.now + 39.9
    with pytest.raises(EndEarly):
        arrivals.lead(fleet)
    fleet.enter(fleet._last_phase())
    assert [record.phase.index for record in fleet.records] == [0, 1, 3]
    assert all(record.ended is None or record.ended >= record.started for record in fleet.records)


def test_the_state_of_open_load(monkeypatch: pytest.MonkeyPatch) -> None:
    stages = [{"name": "a", "durationSeconds": 60.0, "rate": 200.0}]
    fleet = Fleet(go(model="Open", stages=stages, expectedWorkers=2), Gateway(1e9, dropped_above=100.0), monkeypatch)
    monkeypatch.setattr(state, "time", fleet.clock)
    assert fleet.rate() is None
    assert fleet.target() == (2, 2.0)
    fleet.breaks_at = fleet.clock.now + 50
    with pytest.raises(EndEarly):
        arrivals.lead(fleet)
    now = state.build(fleet, False)
    assert (now["targetRate"], now["targetUsers"], now["totalSeconds"]) == (200.0, 2, 90.0)
    assert now["live"]["inFlight"] == 6
    assert now["live"]["dropped"] == sum(fleet.collector.dropped.values()) > 1000
    text = metrics.exposition(fleet).decode()
    assert "gatebench_fleet_rate_target 200.0" in text
    assert "gatebench_fleet_in_flight 6.0" in text
    assert f"gatebench_fleet_dropped_total {float(now['live']['dropped'])}" in text


def test_a_search_finds_the_capacity(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = searching(monkeypatch, Gateway(750.0))
    idle = Worker("gone", Gateway(1.0), 0.1)
    idle.told({"phase": 0, "settled": False, "startsAt": 0.0, "workers": 1, "rate": {"from": 0, "to": 0, "seconds": 1}})
    fleet.collector.note("gone", idle.report(fleet.clock.time()), fleet.clock.time())  # it left before the start
    capacity.lead(fleet)
    out = built(fleet)
    found = out["capacity"]
    assert found["requestsPerSecond"] == pytest.approx(750, rel=0.05)
    low, high = found["bracket"]
    assert low == found["requestsPerSecond"] <= 750 < high
    assert found["limitedBy"] == ["latency.p99 0.5 s is above 0.1 s"]
    assert not fleet.message
    kinds = {p["index"]: p["kind"] for p in out["phases"]}
    stages = [index for index, kind in kinds.items() if kind == STAGE]
    last = found["steps"][-2:]
    assert [step["phase"] for step in last] == stages
    assert {(step["rate"], step["outcome"], step["why"]) for step in last} == {(low, "Held", "")}
    for step in found["steps"]:
        phase = next(p for p in out["phases"] if p["index"] == step["phase"])
        assert phase["rate"] == step["rate"]
        assert phase["endedAt"] - phase["startedAt"] == pytest.approx(10.0, abs=0.01)
        assert phase["fullAt"] == phase["startedAt"]
        rows = [row for row in out["requests"] if row["phase"] == step["phase"]]
        assert sum(row["count"] for row in rows) == pytest.approx(step["rate"] * 10, abs=2)
        assert all(row["settled"] for row in rows)
        assert (step["outcome"] == "Held") == (step["rate"] <= 750)
    assert {kind for index, kind in kinds.items() if index and index not in stages} == {SEARCH}
    assert [p["index"] for p in out["phases"]] == list(range(len(out["phases"])))
    assert fleet._last_phase().index == len(out["phases"])
    assert out["requests"][0]["serviceTime"]["count"] > 0
    for worker in out["workers"]:
        assert worker["inFlightMax"] == 3
        assert 0.01 < worker["gcPauseSeconds"] < 0.02 + 1e-9, "of the two confirmations"
        assert worker["cpuRatioMean"] == pytest.approx(0.2 * low / 2 / 1000, rel=0.2)


def test_after_a_step_arrivals_pause_until_nothing_is_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = searching(monkeypatch, Gateway(150.0, backlog=7.0), maxSteps=2)
    capacity.lead(fleet)
    pauses = [r for r in fleet.records if r.phase.name.endswith("-pause")]
    assert [r.phase.rate.end for r in pauses if r.phase.rate] == [0.0, 0.0]
    first, second = pauses
    assert first.ended is not None
    assert first.ended - first.started < 4.0
    assert fleet.clock.time() - second.started >= 7.0
    assert fleet.search is not None
    assert fleet.search.tried[1].why == ("latency.p99 0.5 s is above 0.1 s",)


def test_a_wait_for_what_is_in_flight_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = searching(monkeypatch, Gateway(150.0, backlog=1e6), maxSteps=2)
    capacity.lead(fleet)
    assert fleet.search is not None
    assert "requests were still open when the wait for them ended" in fleet.search.tried[1].why
    assert 10 < fleet.clock.time() - fleet.records[-1].started < 15
    assert "the 2 steps that it may take" in fleet.message


def settling(fleet: Fleet) -> dict[float, float]:
    """How long the steps have settled, by their rates; the last one of each rate."""
    settles = [r for r in fleet.records if r.phase.name.endswith("-settle")]
    return {r.phase.rate.end: r.ended - r.started for r in settles if r.phase.rate and r.ended is not None}


def test_after_a_step_that_did_not_hold_the_next_settles_until_latency_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = searching(monkeypatch, Gateway(750.0, disturbed=9.0))
    capacity.lead(fleet)
    found = built(fleet)["capacity"]
    assert found["requestsPerSecond"] == pytest.approx(750, rel=0.05)
    assert [s for s in found["steps"] if (s["outcome"] == "Held") != (s["rate"] <= 750)] == []
    seconds = settling(fleet)
    assert [seconds[rate] for rate in (100.0, 200.0, 400.0, 800.0)] == [pytest.approx(2.0, abs=0.01)] * 4
    assert 4.0 < seconds[600.0] < 9.0, "after 800, which did not hold"


def test_latency_that_does_not_come_back_is_waited_for_within_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = searching(monkeypatch, Gateway(750.0, disturbed=1e6), maxSteps=5)
    capacity.lead(fleet)
    assert settling(fleet)[600.0] == pytest.approx(12.0, abs=0.01)
    begins = next(r.started for r in fleet.records if r.phase.name == "step-1-settle")
    budget = fleet.clock.time() - begins - 4.0
    fleet = searching(monkeypatch, Gateway(750.0, disturbed=1e6), maxSteps=5, budgetSeconds=budget)
    capacity.lead(fleet)
    assert 2.0 < settling(fleet)[600.0] < 12.0, "the step itself must fit into the budget"


def test_before_a_step_has_held_no_latency_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = searching(monkeypatch, Gateway(10.0), maxSteps=3)
    capacity.lead(fleet)
    assert list(settling(fleet).values()) == [pytest.approx(2.0, abs=0.01)] * 3


def test_a_search_stays_within_its_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = searching(monkeypatch, Gateway(750.0, backlog=5.0), budgetSeconds=60)
    begins = fleet.clock.now
    capacity.lead(fleet)
    assert fleet.clock.now - begins <= 30 + 60 + 1
    found = built(fleet)["capacity"]
    assert found["requestsPerSecond"] is None
    assert "the 60 s that it may take were not enough" in found["message"] == fleet.message
    assert STAGE not in {record.phase.kind for record in fleet.records}


def test_a_search_that_ends_at_the_generator_has_no_capacity(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = searching(monkeypatch, Gateway(1e9), cpu=1.0)  # 1,000 requests a second and worker are all that it can
    capacity.lead(fleet)
    out = built(fleet)
    found = out["capacity"]
    assert found["requestsPerSecond"] is None
    assert found["message"].startswith("GeneratorSaturated")
    assert {step["outcome"] for step in found["steps"]} == {"Held", "GeneratorSaturated"}
    assert found["bracket"][0] == pytest.approx(1800, rel=0.06)
    assert "of the CPU that it may use" in found["limitedBy"][0]


@pytest.mark.parametrize(
    ("gateway", "why"),
    [
        (Gateway(1e9, error_ratio=0.1), "errorRatio 0.098 is above 0.01"),
        (Gateway(1e9, dropped_above=50.0), "dropped 498 is above 0; 50 answers/s did not keep up"),
    ],
)
def test_a_gateway_that_does_not_do_what_is_asked_has_none(
    monkeypatch: pytest.MonkeyPatch, gateway: Gateway, why: str
) -> None:
    fleet = searching(monkeypatch, gateway, maxSteps=1, objectives=[])
    capacity.lead(fleet)
    (step,) = built(fleet)["capacity"]["steps"]
    assert step["outcome"] == "Failed"
    assert why in step["why"]


def test_a_search_that_is_stopped_shows_what_it_has_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = searching(monkeypatch, Gateway(750.0))
    fleet.breaks_at = fleet.clock.now + 55
    with pytest.raises(EndEarly):
        capacity.lead(fleet)
    found = built(fleet)["capacity"]
    assert (found["requestsPerSecond"], found["message"]) == (None, "the search was broken off")
    assert [step["rate"] for step in found["steps"]] == [100]
    assert fleet.outcome == "Stopped"
