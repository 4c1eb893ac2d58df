"""The search for a capacity finds it within its tolerance, says so where it cannot, and always ends."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatebench_locust.plan import Capacity
from gatebench_locust.search import FAILED, HELD, SATURATED, Finding, Purpose, Search

COST = 10.0


def limits(**changes: float) -> Capacity:
    out: dict[str, float] = {
        "start_rate": 100.0,
        "max_rate": 1e6,
        "step": 8.0,
        "settle": 1.0,
        "tolerance": 0.05,
        "max_steps": 200,
        "budget": 1e6,
    }
    return Capacity(objectives=(), **(out | changes))  # type: ignore[arg-type]  # max_steps stays whole


def run(search: Search, answer: Callable[[float], str]) -> tuple[Finding, float]:
    """(finding, seconds) of a search whose steps end as `answer` says."""
    elapsed = 0.0
    while (step := search.next(elapsed)) is not None:
        outcome = answer(step.rate)
        search.record(outcome, () if outcome == HELD else (f"{step.rate} is too much",))
        elapsed += COST
    return search.finding(), elapsed


def below(capacity: float) -> Callable[[float], str]:
    return lambda rate: HELD if rate <= capacity else FAILED


@given(st.floats(100, 5e5), st.floats(0.005, 0.5), st.floats(1, 1000))
def test_finds_the_capacity_within_its_tolerance(capacity: float, tolerance: float, start: float) -> None:
    search = Search(limits(tolerance=tolerance, start_rate=start), COST)
    finding, _ = run(search, below(capacity))
    assert finding.rate is not None
    assert finding.high is not None
    assert finding.rate == finding.low
    assert finding.rate <= capacity < finding.high
    assert finding.rate >= capacity * (1 - tolerance)
    assert finding.limited_by == (f"{finding.high} is too much",)


@settings(deadline=None, max_examples=3 * settings.default.max_examples)
@given(st.floats(150, 5e5), st.integers(0, 2**32), st.floats(0.0, 0.02))
def test_finds_the_capacity_of_a_noisy_server(capacity: float, seed: int, noise: float) -> None:
    chance = random.Random(seed)
    search = Search(limits(), COST)
    finding, _ = run(search, lambda rate: below(capacity * (1 + chance.uniform(-noise, noise)))(rate))
    assert finding.rate is not None, finding.message
    assert capacity * (1 - noise) * 0.95 - 1e-6 <= finding.rate <= capacity * (1 + noise)
    last = search.tried[-2:]
    assert [(one.step.rate, one.step.purpose, one.outcome) for one in last] == [
        (finding.rate, Purpose.CONFIRM, HELD)
    ] * 2
    assert finding.confirmations == tuple(one.step.number for one in last)
    refusals = [one for one in search.tried if one.step.purpose is Purpose.REFUSE and one.outcome == FAILED]
    assert finding.high in {one.step.rate for one in refusals}


@settings(deadline=None, max_examples=3 * settings.default.max_examples)
@given(
    st.integers(1, 30),
    st.floats(1, 400),
    st.floats(0.001, 0.9),
    st.integers(0, 2**32),
    st.lists(st.sampled_from([HELD, FAILED, SATURATED]), min_size=1, max_size=30),
)
def test_ends_within_its_budget_whatever_happens(
    steps: int, budget: float, tolerance: float, seed: int, outcomes: list[str]
) -> None:
    chance = random.Random(seed)
    search = Search(limits(max_steps=steps, budget=budget, tolerance=tolerance, max_rate=3000.0), COST)
    finding, elapsed = run(search, lambda rate: chance.choice(outcomes))
    assert elapsed <= budget
    assert len(search.tried) <= steps
    assert search.next(0.0) is None, "it had ended"
    assert all(0 < one.step.rate <= 3000.0 for one in search.tried)
    assert [one.step.number for one in search.tried] == list(range(1, len(search.tried) + 1))
    assert finding.message
    if finding.low is not None and finding.high is not None:
        assert finding.low < finding.high
    if finding.rate is not None:
        confirmed = [one for one in search.tried if one.step.number in finding.confirmations]
        assert len(confirmed) == 2
        assert {(one.step.rate, one.outcome) for one in confirmed} == {(finding.rate, HELD)}


def rates(search: Search) -> list[tuple[float, str]]:
    return [(one.step.rate, one.step.purpose.value) for one in search.tried]


def test_climbs_by_doubling_then_halves_the_bracket_and_confirms_last() -> None:
    search = Search(limits(tolerance=0.2), COST)
    finding, _ = run(search, below(500.0))
    assert rates(search) == [
        (100, "climb"),
        (200, "climb"),
        (400, "climb"),
        (800, "climb"),
        (600, "bisect"),
        (500, "bisect"),
        (600, "refuse"),
        (500, "confirm"),
        (500, "confirm"),
    ]
    assert (finding.rate, finding.low, finding.high) == (500, 500, 600)
    assert "500 requests/s held 2 times more, 600 requests/s did not" in finding.message


def test_where_the_highest_rate_holds_the_capacity_is_at_least_that() -> None:
    search = Search(limits(max_rate=250.0), COST)
    finding, _ = run(search, lambda rate: HELD)
    assert rates(search)[-3:] == [(250, "climb"), (250, "confirm"), (250, "confirm")]
    assert (finding.rate, finding.low, finding.high, finding.limited_by) == (250, 250, None, ())
    assert "no higher rate" in finding.message


def test_goes_down_where_the_start_is_too_much() -> None:
    finding, _ = run(Search(limits(), COST), below(30.0))
    assert finding.rate == pytest.approx(30, rel=0.05)
    search = Search(limits(), COST)
    finding, _ = run(search, lambda rate: FAILED)
    assert (finding.rate, finding.low) == (None, None)
    assert "even 1.562 requests/s did not hold" in finding.message
    assert len(search.tried) == 7


def test_a_failed_confirmation_moves_the_bracket_down() -> None:
    search = Search(limits(tolerance=0.2), COST)
    seen: list[float] = []

    def answer(rate: float) -> str:
        seen.append(rate)
        if rate == 500:  # it holds while it is looked for, and once more, but not twice
            return HELD if seen.count(500) <= 2 else FAILED
        return below(500.0)(rate)

    finding, _ = run(search, answer)
    assert rates(search)[6:] == [
        (600, "refuse"),
        (500, "confirm"),
        (500, "confirm"),
        (500, "refuse"),
        (400, "confirm"),
        (400, "confirm"),
    ]
    assert (finding.rate, finding.high) == (400, 500)


def test_an_upper_end_that_holds_after_all_moves_the_bracket_up_without_a_leap() -> None:
    search = Search(limits(tolerance=0.2, max_rate=850.0), COST)
    seen: list[float] = []

    def answer(rate: float) -> str:
        seen.append(rate)
        return FAILED if rate == 800 and seen.count(800) == 1 else HELD

    finding, _ = run(search, answer)
    assert rates(search)[3:] == [
        (800, "climb"),
        (600, "bisect"),
        (700, "bisect"),
        (800, "refuse"),
        (850, "climb"),
        (850, "confirm"),
        (850, "confirm"),
    ]
    assert (finding.rate, finding.high) == (850, None)
    search, seen = Search(limits(tolerance=0.2), COST), []
    finding, _ = run(search, lambda rate: below(1050.0)(rate) if rate >= 850 else answer(rate))
    assert rates(search)[6:] == [
        (800, "refuse"),
        (960, "climb"),
        (1280, "climb"),
        (1120, "bisect"),
        (1120, "refuse"),
        (960, "confirm"),
        (960, "confirm"),
    ]


def test_a_search_that_ends_at_the_generator_says_so_and_gives_no_capacity() -> None:
    search = Search(limits(), COST)
    finding, _ = run(search, lambda rate: HELD if rate <= 3000 else SATURATED)
    assert finding.rate is None
    assert finding.message.startswith("GeneratorSaturated")
    assert finding.low == pytest.approx(3000, rel=0.05)
    assert Purpose.CONFIRM not in {one.step.purpose for one in search.tried}


def test_a_generator_that_is_saturated_far_above_the_capacity_does_not_matter() -> None:
    def answer(rate: float) -> str:
        return SATURATED if rate > 1500 else below(1000.0)(rate)

    finding, _ = run(Search(limits(), COST), answer)
    assert finding.rate == pytest.approx(1000, rel=0.05)


def test_what_the_budget_was_too_small_for() -> None:
    finding, _ = run(Search(limits(max_steps=5), COST), below(500.0))
    assert (finding.rate, finding.low, finding.high) == (None, 400, 600)
    assert "the 5 steps that it may take were not enough; 400 requests/s held, 600 did not hold" in finding.message
    finding, _ = run(Search(limits(budget=45.0), COST), lambda rate: HELD if rate < 800 else SATURATED)
    assert "the 45 s that it may take were not enough" in finding.message
    assert "at 800 the generator was saturated" in finding.message
    finding, _ = run(Search(limits(budget=5.0), COST), lambda rate: HELD)
    assert (finding.rate, finding.low, finding.high) == (None, None, None)


def test_where_every_step_has_too_few_samples_that_is_said() -> None:
    search = Search(limits(max_rate=400.0), COST)
    while search.next(0.0) is not None:
        search.record(FAILED, ("latency.p99 is unmeasured",), unmeasured=True)
    assert rates(search) == [(100, "climb"), (200, "climb"), (400, "climb")]
    finding = search.finding()
    assert (finding.rate, finding.low, finding.high) == (None, None, None)
    assert finding.message == "at 400 requests/s the steps are too short: latency.p99 is unmeasured"


@pytest.mark.parametrize("capacity", [130.0, 5000.0])
def test_rates_with_too_few_samples_are_passed_over(capacity: float) -> None:
    search = Search(limits(), COST)
    while (step := search.next(0.0)) is not None:
        few = step.rate < 110
        outcome = FAILED if few or step.rate > capacity else HELD
        search.record(outcome, () if outcome == HELD else ("why",), unmeasured=few)
    assert search.finding().rate == pytest.approx(capacity, rel=0.05)


def test_a_capacity_below_what_can_be_measured_is_not_found() -> None:
    search = Search(limits(tolerance=0.2), COST)
    while (step := search.next(0.0)) is not None:
        search.record(FAILED, ("why",), unmeasured=step.rate < 170)
    assert rates(search) == [(100, "climb"), (200, "climb"), (150, "descend"), (175, "descend")]
    finding = search.finding()
    assert (finding.rate, finding.low, finding.high) == (None, None, 175)
    assert "at 150 requests/s the steps are too short" in finding.message


def test_a_search_that_was_broken_off_has_no_capacity() -> None:
    search = Search(limits(), COST)
    assert search.next(0.0) is not None
    search.record(HELD)
    assert search.next(COST) is not None
    finding = search.finding()
    assert (finding.rate, finding.low, finding.message) == (None, 100, "the search was broken off")
    with pytest.raises(ValueError, match="no step"):
        Search(limits(), COST).record(HELD)
