"""Judging a step of a capacity search: held, failed with its reasons, or nothing said of the gateway."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatebench_analysis import generator
from gatebench_locust import judging
from gatebench_locust.histogram import Histogram
from gatebench_locust.judging import Window, WorkerLoad, judge, measure
from gatebench_locust.objectives import Objective
from gatebench_locust.search import FAILED, HELD, SATURATED


def histogram(seconds: float, count: int) -> Histogram:
    out = Histogram()
    for _ in range(count):
        out.record(seconds)
    return out


def window(**changes: Any) -> Window:
    """200 arrivals a second for 10 s, all answered in 20 ms."""
    out = Window(
        rate=200.0,
        seconds=10.0,
        poisson=False,
        good=2000,
        failed=0,
        dropped=0,
        answered=200.0,
        latency=histogram(0.02, 2000),
        streams=Histogram(),
        ttft=Histogram(),
        gaps=Histogram(),
        delay=histogram(0.0001, 2000),
        workers=(WorkerLoad(0.3, 0.1, 0.0001), WorkerLoad(0.3, 0.1, 0.0001)),
        quiet=True,
    )
    return dataclasses.replace(out, **changes)


P99 = Objective("latency.p99", below=0.05)


@pytest.mark.parametrize("bound", [name for name in vars(generator) if name.startswith(("MAX_", "MIN_"))])
def test_a_step_is_held_to_the_bounds_of_a_runs_validity(bound: str) -> None:
    assert getattr(judging, bound) == getattr(generator, bound)


def test_no_bound_of_a_step_is_its_own() -> None:
    assert {name for name in vars(judging) if name.startswith(("MAX_", "MIN_"))} <= vars(generator).keys()


def test_a_step_holds_when_objectives_are_met_and_answers_keep_up() -> None:
    verdict = judge(window(), (P99, Objective("throughput", above=190), Objective("errorRatio", below=0.01)))
    assert (verdict.outcome, verdict.why) == (HELD, ())


@pytest.mark.parametrize(
    ("objective", "changes", "why"),
    [
        (Objective("latency.p99", below=0.01), {}, "latency.p99 0.02 s is above 0.01 s"),
        (Objective("latency.p99", below=0.01999), {}, "latency.p99 0.02002 s is above 0.01999 s"),
        (Objective("latency.mean", below=0.01), {}, "latency.mean 0.02 s is above 0.01 s"),
        (Objective("latency.max", below=0.01), {}, "latency.max 0.02 s is above 0.01 s"),
        (Objective("errorRatio", below=0.01), {"good": 1900, "failed": 100}, "errorRatio 0.05 is above 0.01"),
        (Objective("throughput", above=300.0), {}, "throughput 200 is below 300"),
        (Objective("dropped", below=0.0), {"dropped": 3}, "dropped 3 is above 0"),
        (
            Objective("ttft.p50", below=0.1),
            {"ttft": histogram(0.5, 100)},
            "ttft.p50 0.5 s is above 0.1 s",
        ),
        (
            Objective("interToken.p95", below=0.1),
            {"gaps": histogram(0.5, 200)},
            "interToken.p95 0.5 s is above 0.1 s",
        ),
    ],
)
def test_an_objective_that_is_missed_fails_the_step(objective: Objective, changes: dict[str, Any], why: str) -> None:
    verdict = judge(window(**changes), (P99, objective))
    assert (verdict.outcome, verdict.why, verdict.unmeasured) == (FAILED, (why,), False)


def test_a_percentile_of_too_few_samples_is_unmeasured_and_fails_the_step() -> None:
    few = window(latency=histogram(0.02, 999))
    verdict = judge(few, (P99,))
    assert (verdict.outcome, verdict.unmeasured) == (FAILED, True)
    assert verdict.why == ("latency.p99 is unmeasured: 999 samples are too few, it needs 1000",)
    assert judge(few, (P99, Objective("latency.max", below=0.01))).unmeasured is False
    assert judge(window(), (Objective("ttft.p50", below=1.0),)).why == ("ttft.p50 is unmeasured: there is no sample",)
    assert judge(window(), (Objective("latency.p99.9", below=1.0),)).unmeasured


@pytest.mark.parametrize(("metric", "needed"), [("p50", 20), ("p90", 100), ("p95", 200), ("p99", 1000)])
def test_sample_floors(metric: str, needed: int) -> None:
    assert measure(window(latency=histogram(0.02, needed - 1)), f"latency.{metric}")[0] is None
    assert measure(window(latency=histogram(0.02, needed)), f"latency.{metric}")[0] == pytest.approx(0.02, rel=0.001)


def test_answers_that_fall_behind_the_arrivals_fail_the_step() -> None:
    verdict = judge(window(answered=190.0), (P99,))
    assert verdict.outcome == FAILED
    assert verdict.why == ("190 answers/s did not keep up with 200 arrivals/s",)
    assert judge(window(answered=196.0), (P99,)).outcome == HELD
    assert judge(window(answered=None), ()).why == ("the rate of the answers is unmeasured: the window is too short",)
    dropping = judge(window(good=1500, dropped=500, answered=150.0), ())
    assert dropping.why == ("150 answers/s did not keep up with 200 arrivals/s",)


def test_chance_alone_does_not_fail_a_step_of_random_arrivals() -> None:
    by_chance = window(poisson=True, good=1900, latency=histogram(0.02, 1900), answered=183.0)
    assert judge(by_chance, (P99,)).outcome == HELD
    assert judge(dataclasses.replace(by_chance, poisson=False), (P99,)).outcome != HELD
    assert judge(window(poisson=True, answered=150.0), (P99,)).outcome == FAILED


def test_what_is_still_open_after_the_wait_fails_the_step() -> None:
    verdict = judge(window(quiet=False, good=500, latency=histogram(0.02, 500)), ())
    assert (verdict.outcome, verdict.unmeasured) == (FAILED, False)
    assert verdict.why == ("requests were still open when the wait for them ended",)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"workers": (WorkerLoad(0.2, 0.0, 0.0), WorkerLoad(0.95, 0.0, 0.0))}, "a worker used 95% of the CPU"),
        ({"workers": (WorkerLoad(0.2, 0.5, 0.002),)}, "waited for a CPU in 50% of its time"),
        ({"workers": (WorkerLoad(0.2, 0.5, None),)}, "waited for a CPU"),
        ({"delay": histogram(0.003, 2000)}, "sent 0.003 s late or more, at a median latency of 0.02 s"),
        ({"delay": histogram(0.01, 2000), "latency": Histogram(), "streams": histogram(0.02, 2000)}, "late or more"),
        ({"good": 1900, "answered": 190.0}, "made 190 arrivals/s of the 200 that were asked"),
    ],
)
def test_a_saturated_generator_says_nothing_of_the_gateway(changes: dict[str, Any], why: str) -> None:
    verdict = judge(window(**changes), (Objective("latency.max", below=0.0001),))
    assert verdict.outcome == SATURATED
    assert why in verdict.why[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"workers": (WorkerLoad(0.9, 0.25, 1.0), WorkerLoad(None, None, None))},
        {"workers": (WorkerLoad(0.04, 0.5, 0.0005),)},  # it waits, but a request hardly shows it
        {"delay": histogram(0.0009, 2000), "latency": histogram(0.001, 2000)},  # below a millisecond
        {"delay": histogram(0.0019, 2000)},  # below a tenth of the median
        {"delay": Histogram(), "workers": ()},
    ],
)
def test_a_generator_that_keeps_up_is_not_saturated(changes: dict[str, Any]) -> None:
    assert judge(window(**changes), (P99,)).outcome == HELD


@given(st.integers(0, 2000), st.integers(0, 2000), st.integers(0, 2000), st.floats(0, 400))
def test_a_step_that_did_not_hold_says_why(good: int, failed: int, dropped: int, answered: float) -> None:
    one = window(good=good, failed=failed, dropped=dropped, answered=answered, latency=histogram(0.02, good))
    verdict = judge(one, (P99, Objective("errorRatio", below=0.01), Objective("dropped", below=0.0)))
    assert bool(verdict.why) == (verdict.outcome != HELD)
    if failed > 0.02 * (good + failed):
        assert verdict.outcome != HELD
