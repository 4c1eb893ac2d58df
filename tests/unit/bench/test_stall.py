"""What the engine's p99 at a server that stalls is held to."""

from __future__ import annotations

import pytest
from bench.engine import stall
from bench.engine.figures import Values, quantile, stalled

RECKONED = stalled(30, stall.RATE, stall.BASE, stall.STALL, stall.EVERY)
P99 = quantile(RECKONED, 0.99)


def one(told: float | None, own: Values) -> dict[str, stall.Told]:
    record = {"p50Seconds": quantile(own, 0.5), "p99Seconds": quantile(own, 0.99)}
    return {"engine": {"p99Seconds": told}, stall.RECORD: record}


def met(told: float | None, own: Values, reckoned: float = P99) -> list[bool]:
    return [check.met for check in stall.checks([one(told, own)], reckoned)]


def test_it_is_held_to_the_record_and_to_what_is_reckoned() -> None:
    own = RECKONED + 0.0002
    assert met(P99 + 0.0003, own) == [True, True]
    assert met(P99 * 1.02, own) == met(P99 * 0.98, own) == [False, False]
    assert met(None, own) == [False, False]


def test_a_record_that_is_wrong_as_the_engine_is_does_not_hide_it() -> None:
    omitted = RECKONED[RECKONED < 0.5]  # the worst of it is in neither
    told = quantile(omitted, 0.99)
    assert met(told, omitted) == [True, False]
    # Where the server needs longer for those who waited than the 1 % have room for, the two differ too.
    behind = RECKONED + (RECKONED > 0.02) * 0.05
    assert met(quantile(behind, 0.99), behind) == [True, False]


@pytest.mark.parametrize("work", [0.0, 0.02])
def test_the_work_of_one_answer_is_added_to_what_is_reckoned(work: float) -> None:
    own = RECKONED + work
    assert met(P99 + work, own) == [True, True]
    assert met(P99 + work + 0.012, own)[1] is False
    second = stall.checks([one(P99, own)], P99)[1]
    assert f"{P99 + work:.6g} within 1%" in second.bound


def test_a_record_below_the_delay_adds_nothing() -> None:
    assert f"{P99:.6g} within" in stall.checks([one(P99, RECKONED - 0.001)], P99)[1].bound


def test_of_several_rounds_the_one_in_the_middle_is_judged() -> None:
    fine, off, unknown = one(P99, RECKONED), one(P99 * 1.02, RECKONED), one(None, RECKONED)
    assert [check.met for check in stall.checks([off, fine, fine], P99)] == [True, True]
    assert [check.met for check in stall.checks([off, unknown, fine], P99)] == [False, False]
