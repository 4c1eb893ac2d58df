"""The load curve."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatebench_locust.phases import DRAIN, RAMP, STAGE, WARM_UP, Phase, phases_of, target, total_seconds
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
