"""A stage that still drifts is found; noise, however it clusters in time, is not taken for a drift."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from gatebench_analysis import steady
from gatebench_analysis.document import Result
from gatebench_analysis.objectives import Objective
from unit.analysis import builders
from unit.analysis.builders import START

pytestmark = pytest.mark.slow

TRIES = 200


def noisy(source: random.Random, seconds: int, share: float, kept: float) -> list[float]:
    """A series around 0 of that standard deviation, each value keeping that part of the one before (AR(1))."""
    fresh, value, out = share * math.sqrt(1 - kept * kept), source.gauss(0, share), []
    for _ in range(seconds):
        value = kept * value + source.gauss(0, fresh)
        out.append(value)
    return out


def called(seconds: int, share: float, kept: float, course: Callable[[float], float]) -> float:
    """In how many of the tries a drift is found in a log-normal series around `course`, of the stage's share."""
    found = 0
    for seed in range(TRIES):
        noise = noisy(random.Random(seed), seconds, share, kept)
        found += steady.drift([course(i / seconds) * math.exp(n) for i, n in enumerate(noise)]) is not None
    return found / TRIES


@pytest.mark.parametrize("seconds", [120, 600, 1800])
@pytest.mark.parametrize(("share", "kept"), [(0.1, 0.0), (0.3, 0.0), (0.1, 0.5), (0.2, 0.5), (0.1, 0.8)])
def test_noise_is_a_drift_in_at_most_one_stage_of_a_hundred(seconds: int, share: float, kept: float) -> None:
    assert called(seconds, share, kept, lambda _: 1.0) <= 0.01


def test_noise_of_which_ten_seconds_are_as_one_is_taken_for_a_drift_in_at_most_one_short_stage_of_twenty() -> None:
    assert called(120, 0.2, 0.9, lambda _: 1.0) <= 0.05
    assert called(600, 0.2, 0.9, lambda _: 1.0) <= 0.02


@pytest.mark.parametrize("seconds", [120, 1800])
@pytest.mark.parametrize(
    "course",
    [lambda at: 1 + 0.7 * at, lambda at: 1.7 - 0.7 * at, lambda at: 1.0 if at < 0.5 else 1.3],
    ids=["rising", "falling", "step"],
)
def test_a_real_drift_is_found(seconds: int, course: Callable[[float], float]) -> None:
    assert called(seconds, 0.1, 0.5, course) >= 0.95


def test_less_than_the_floor_is_none_however_sure_it_is() -> None:
    assert called(1800, 0.01, 0.0, lambda at: 1.0 if at < 0.5 else 1.09) == 0.0
    assert called(1800, 0.01, 0.0, lambda at: 1.0 if at < 0.5 else 1.12) == 1.0


@pytest.mark.parametrize("values", [[], [1.0] * 31, [0.0] * 64, [1.0] * 64, [1.0] * 33])
def test_what_cannot_drift_or_be_told_is_none(values: Sequence[float]) -> None:
    assert steady.drift(values) is None


def with_series(course: Callable[[int], tuple[int, float]], **given: Any) -> dict[str, Any]:
    """A stage of 160 s, whose seconds have these requests and this latency."""
    rows = []
    for second in range(170):
        requests, latency = course(second)
        rows.append([START + second, 50, requests, 0, latency, 1.5 * latency, 2 * latency])
    phases = [builders.phase(0, "WarmUp", 0, 10), builders.phase(1, "Stage", 10, 170, name="hold")]
    document = builders.load(phases=phases, endedAt=START + 171)
    return {**document, "series": {**document["series"], "rows": rows}, **given}


def judged(load: dict[str, Any], **given: Any) -> Result:
    """The run of that load; the probe saw all of it."""
    return builders.result(load=load, probe=builders.probe(seconds=280), **given)


def reasons(result: Result) -> list[str]:
    return [one.reason for one in result.validity]


def test_a_latency_that_rises_makes_a_run_invalid() -> None:
    result = judged(with_series(lambda second: (58, 0.05 + 0.001 * second)))
    assert reasons(result) == ["NotSteady"]
    found = result.validity[0]
    assert found.status == "False"
    assert "latency still drifts in stage hold: " in found.message
    assert "10 % are allowed" in found.message
    assert result.summary is None


def test_a_rate_that_falls_makes_a_run_invalid() -> None:
    result = judged(with_series(lambda second: (200 - second, 0.05)))
    assert reasons(result) == ["NotSteady"]
    assert "the rate still drifts in stage hold: 150 req/s" in result.validity[0].message


def test_the_warm_up_may_drift() -> None:
    assert not reasons(judged(with_series(lambda second: (58, 0.5 - 0.045 * min(second, 10)))))


@pytest.mark.parametrize("changed", [{"spike": True}, {"kind": "Ramp"}, {"fullAt": START + 60}])
def test_spikes_ramps_and_stages_below_two_minutes_are_not_looked_at(changed: dict[str, Any]) -> None:
    document = with_series(lambda second: (58, 0.05 + 0.001 * second))
    document["phases"][1] |= changed
    assert "NotSteady" not in reasons(judged(document))


def test_each_stage_is_level_by_itself() -> None:
    phases = [
        builders.phase(0, "WarmUp", 0, 10),
        builders.phase(1, "Stage", 10, 140, name="low"),
        builders.phase(2, "Stage", 140, 270, name="high", users=100),
    ]
    document = with_series(lambda second: (58, 0.05), phases=phases, endedAt=START + 271)
    document["series"]["rows"] = [
        [START + second, 50, 58 if second < 140 else 116, 0, 0.05, 0.08, 0.1] for second in range(270)
    ]
    assert "NotSteady" not in reasons(judged(document))


def test_a_drift_that_an_objective_bounds_is_a_finding_about_the_gateway() -> None:
    bound = Objective("latency.p95.slope", fail_above=0.001, texts={"failAbove": "1ms/h"})
    result = builders.result(
        load=with_series(lambda second: (58, 0.05 + 0.001 * second)), objectives=(*builders.OBJECTIVES, bound)
    )
    assert "NotSteady" not in reasons(result)
