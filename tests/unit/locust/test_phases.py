"""The load curve."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatebench_locust.phases import (
    CEILING,
    DIRECT,
    DRAIN,
    PAUSE,
    RAMP,
    STAGE,
    WARM_UP,
    Phase,
    Rate,
    phases_of,
    target,
    total_seconds,
)
from gatebench_locust.plan import Plan, PlanError, parse


def document(**changes: Any) -> dict[str, Any]:
    out: dict[str, Any] = {
        "schema": "gatebench.dev/plan/v1",
        "run": {"namespace": "n", "name": "r", "uid": "u"},
        "expectedWorkers": 4,
        "target": "http://gateway:8080/",
        "timeoutSeconds": 60.0,
        "warmUpSeconds": 30.0,
        "spawnRatePerSecond": 50.0,
        "thinkTimeSeconds": None,
        "stages": [{"name": "stage-1", "durationSeconds": 60.0, "users": 500, "ramp": False}],
        "workload": {"scenario": "gateway-mix", "healthPath": "/health", "model": "loopback"},
        "maskedEnv": [],
        "drainSeconds": 60.0,
        "resultHoldSeconds": 3600.0,
    }
    return out | changes


def plan(**changes: Any) -> Plan:
    return parse(document(**changes))


GO = {"engine": "Go", "workload": {"requests": [{"name": "r"}]}}
CAPACITY = {"startRate": 100, "maxRate": 5000, "stepSeconds": 10, "budgetSeconds": 600}


def go(**changes: Any) -> Plan:
    return plan(**(GO | changes))


def stage(users: int, ramp: bool = False, name: str = "s") -> dict[str, Any]:
    return {"name": name, "durationSeconds": 10.0, "users": users, "ramp": ramp}


def test_warm_up_has_the_users_of_the_first_stage() -> None:
    phases = phases_of(plan())
    assert [(p.index, p.kind, p.users, p.before) for p in phases] == [
        (0, WARM_UP, 500, 0),
        (1, STAGE, 500, 500),
        (2, DRAIN, 0, 500),
    ]
    assert total_seconds(phases, 50.0) == 30 + 60


def test_before_a_ramp_each_worker_has_one_user() -> None:
    phases = phases_of(plan(stages=[stage(100, ramp=True), stage(100)]))
    assert [(p.kind, p.before, p.users) for p in phases] == [
        (WARM_UP, 0, 4),
        (RAMP, 4, 100),
        (STAGE, 100, 100),
        (DRAIN, 100, 0),
    ]


def test_without_warm_up_the_first_stage_starts_from_nothing() -> None:
    phases = phases_of(plan(warmUpSeconds=0.0))
    assert [(p.index, p.kind, p.before) for p in phases] == [(0, STAGE, 0), (1, DRAIN, 500)]
    assert total_seconds(phases, 50.0) == 10 + 60


def test_repeats_go_through_the_same_phases_with_a_pause_between() -> None:
    phases = phases_of(plan(stages=[stage(100), stage(40, ramp=True)], repeats={"count": 2, "pauseSeconds": 7}))
    assert [(p.index, p.kind, p.repeat, p.before, p.users) for p in phases] == [
        (0, WARM_UP, 0, 0, 100),
        (1, STAGE, 0, 100, 100),
        (2, RAMP, 0, 100, 40),
        (3, PAUSE, 0, 40, 0),
        (4, WARM_UP, 1, 0, 100),
        (5, STAGE, 1, 100, 100),
        (6, RAMP, 1, 100, 40),
        (7, DRAIN, 1, 40, 0),
    ]
    assert total_seconds(phases, 50.0) == 2 * (30 + 10 + 10) + 7
    assert target(phases[3], 0.0, 50.0) == (0, 40.0), "all users go at once"


DIRECT_LEG = {"target": "http://upstream:8080/", "durationSeconds": 20.0, "settleSeconds": 3.0}


def test_the_direct_leg_comes_after_the_last_repeat_and_a_pause() -> None:
    repeats = {"count": 2, "pauseSeconds": 7}
    phases = phases_of(go(stages=[stage(100)], repeats=repeats, direct=DIRECT_LEG))
    assert [(p.index, p.name, p.kind, p.repeat, p.before, p.users) for p in phases[5:]] == [
        (5, "pause-2", PAUSE, 1, 100, 0),
        (6, "direct", DIRECT, 1, 0, 0),
        (7, "drain", DRAIN, 1, 0, 0),
    ]
    assert total_seconds(phases, 50.0) == 2 * (30 + 10) + 2 * 7 + 3 + 20
    stages = [{"name": "a", "durationSeconds": 10.0, "rate": 500.0}]
    *_, pause, leg, drain = phases_of(go(model="Open", stages=stages, direct=DIRECT_LEG))
    assert (pause.rate, leg.rate, leg.users, drain.kind) == (Rate(0.0, 0.0, 0.0), None, 4, DRAIN)


BURST = {"users": 64, "durationSeconds": 5, "settleSeconds": 1, "headers": {"X": "y"}}


def test_the_burst_comes_last_and_has_users_that_locust_does_not_count() -> None:
    repeats = {"count": 2, "pauseSeconds": 7}
    phases = phases_of(go(stages=[stage(100)], repeats=repeats, direct=DIRECT_LEG | {"burst": BURST}))
    assert [(p.index, p.name, p.kind, p.repeat, p.before, p.users, p.burst) for p in phases[6:]] == [
        (6, "direct", DIRECT, 1, 0, 0, 0),
        (7, "burst", CEILING, 1, 0, 0, 64),
        (8, "drain", DRAIN, 1, 0, 0, 0),
    ]
    assert total_seconds(phases, 50.0) == 2 * (30 + 10) + 2 * 7 + 3 + 20 + 6
    assert target(phases[7], 3.0, 50.0)[0] == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"direct": DIRECT_LEG}, "direct needs engine Go"),
        (GO | {"model": "Capacity", "capacity": CAPACITY, "direct": DIRECT_LEG}, "model Closed or Open"),
        (GO | {"direct": {"target": "http://u"}}, "'durationSeconds' is missing"),
        (GO | {"direct": DIRECT_LEG | {"durationSeconds": 0}}, "durationSeconds must be above 0"),
        (GO | {"direct": DIRECT_LEG | {"settleSeconds": -1}}, "settleSeconds not negative"),
        (GO | {"direct": DIRECT_LEG | {"burst": {"users": 1}}}, "'durationSeconds' is missing"),
        (GO | {"direct": DIRECT_LEG | {"burst": BURST | {"users": 0}}}, "direct.burst: users must be at least 1"),
    ],
)
def test_a_direct_leg_that_cannot_be_driven_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(PlanError, match=words):
        plan(**changes)


def test_in_a_pause_of_open_load_nothing_arrives() -> None:
    stages = [{"name": "a", "durationSeconds": 10.0, "rate": 500.0}]
    phases = phases_of(go(model="Open", stages=stages, repeats={"count": 3, "pauseSeconds": 2, "hold": True}))
    pauses = [p for p in phases if p.kind == PAUSE]
    assert [(p.name, p.repeat, p.rate) for p in pauses] == [
        ("pause-1", 0, Rate(0.0, 0.0, 2.0)),
        ("pause-2", 1, Rate(0.0, 0.0, 2.0)),
    ]
    assert [p.rate.start for p in phases if p.kind == WARM_UP and p.rate] == [500.0] * 3


@pytest.mark.parametrize(
    ("repeats", "changes", "words"),
    [
        ({"count": 0}, {}, "count must be at least 1"),
        ({"count": 2, "pauseSeconds": -1}, {}, "pauseSeconds not negative"),
        ({"count": 2}, GO | {"model": "Capacity", "capacity": CAPACITY}, "a capacity search confirms itself"),
    ],
)
def test_repeats_that_make_no_sense_are_refused(repeats: dict[str, Any], changes: dict[str, Any], words: str) -> None:
    with pytest.raises(PlanError, match=words):
        plan(repeats=repeats, **changes)


@settings(deadline=None)
@given(st.integers(0, 5000), st.integers(0, 5000), st.floats(-1, 100))
def test_a_ramp_stays_between_its_ends_and_arrives(before: int, users: int, elapsed: float) -> None:
    ramp = Phase(1, "r", RAMP, 60.0, users, before)
    now, rate = target(ramp, elapsed, 50.0)
    assert min(before, users) <= now <= max(before, users)
    assert rate >= 1
    assert target(ramp, 60.0, 50.0)[0] == users
    assert target(ramp, 0.0, 50.0)[0] == before


def test_a_stage_asks_for_its_users_at_the_spawn_rate() -> None:
    assert target(Phase(1, "s", STAGE, 60.0, 7, 3), 1.0, 12.5) == (7, 12.5)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"schema": "other"}, "schema"),
        ({"workload": {}}, "workload needs"),
        ({"stages": []}, "at least one"),
        ({"expectedWorkers": 0}, "at least one"),
        ({"run": {"namespace": "n", "name": "r"}}, "'uid' is missing"),
        ({"timeoutSeconds": "x"}, "could not convert"),
    ],
)
def test_a_bad_plan_is_named(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(PlanError, match=text):
        plan(**changes)
    with pytest.raises(PlanError):
        parse([])


def test_what_a_plan_says() -> None:
    parsed = plan(thinkTimeSeconds={"min": 0, "max": 1})
    assert parsed.target == "http://gateway:8080"
    assert parsed.think_time is not None
    assert (parsed.think_time.min, parsed.think_time.max) == (0.0, 1.0)
    assert parsed.scenario is not None
    assert parsed.scenario.health_path == "/health"


def test_phases_of_open_load_have_rates_and_one_user_a_worker() -> None:
    stages = [
        {"name": "a", "durationSeconds": 10.0, "rate": 500.0},
        {"name": "b", "durationSeconds": 5.0, "rate": 900.0, "ramp": True},
        {"name": "c", "durationSeconds": 2.0, "rate": 5000.0, "spike": True},
    ]
    phases = phases_of(go(model="Open", stages=stages))
    assert [(p.index, p.kind, p.rate, p.spike) for p in phases] == [
        (0, WARM_UP, Rate(500, 500, 30), False),
        (1, STAGE, Rate(500, 500, 10), False),
        (2, RAMP, Rate(500, 900, 5), False),
        (3, STAGE, Rate(5000, 5000, 2), True),
        (4, DRAIN, None, False),
    ]
    assert {target(phase, 3.0, 50.0) for phase in phases[:-1]} == {(4, 4.0)}
    assert total_seconds(phases, 50.0) == 30 + 10 + 5 + 2
    assert phases[2].rate is not None
    assert phases[2].rate.wire() == {"from": 500, "to": 900, "seconds": 5}
    assert [phases[2].rate.at(seconds) for seconds in (-1, 0, 2.5, 9)] == [500, 500, 700, 900]


def test_before_a_ramp_of_arrivals_each_worker_has_one_a_second() -> None:
    ramp = {"name": "a", "durationSeconds": 10.0, "rate": 500.0, "ramp": True}
    phases = phases_of(go(model="Open", stages=[ramp]))
    assert [p.rate for p in phases] == [Rate(4, 4, 30), Rate(4, 500, 10), None]
    phases = phases_of(go(model="Open", stages=[ramp], warmUpSeconds=0))
    assert [p.rate for p in phases] == [Rate(0, 500, 10), None]


def test_a_search_knows_its_warm_up_and_its_drain_beforehand() -> None:
    phases = phases_of(go(model="Capacity", capacity=CAPACITY))
    assert [(p.kind, p.rate) for p in phases] == [(WARM_UP, Rate(100, 100, 30)), (DRAIN, None)]
