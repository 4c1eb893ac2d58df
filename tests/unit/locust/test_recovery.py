"""Whether latency is back after a step of a search that did not hold."""

from __future__ import annotations

import types
from typing import Any

import pytest

from gatebench_locust.recorder import Row
from gatebench_locust.recovery import Recovery, longest
from unit.locust.test_phases import go


class Settling:
    """Phase 3 as the master hears of it from one worker, after a step whose median was 10 ms."""

    def __init__(self) -> None:
        self.rows: dict[Any, Row] = {}
        self.workers: dict[str, Any] = {}
        collector = types.SimpleNamespace(rows=self.rows, workers=self.workers)
        conductor: Any = types.SimpleNamespace(
            collector=collector, roster=types.SimpleNamespace(joined=[types.SimpleNamespace(id="w")])
        )
        self._recovery = Recovery(conductor, 3, usual=0.01)

    def answered(
        self, count: int, seconds: float, *, phase: int = 3, good: bool = True, stream: bool = False
    ) -> Settling:
        row = self.rows.setdefault((phase, False, "r", "GET", good, stream), Row())
        for _ in range(count):
            row.latency.record(seconds)
        return self

    def back(self) -> bool:
        """After one more second."""
        second = self.workers["w"].second + 1 if self.workers else 1000
        self.workers["w"] = types.SimpleNamespace(second=second)
        return self._recovery.back()

    def still(self) -> bool:
        """Within the same second."""
        return self._recovery.back()


@pytest.mark.parametrize(("seconds", "back"), [(0.01, True), (0.001, True), (0.0134, True), (0.0136, False)])
def test_it_is_back_within_a_quarter_and_a_millisecond(seconds: float, back: bool) -> None:
    settling = Settling()
    assert not settling.still(), "nobody has reported"
    assert settling.answered(100, seconds).back() is back
    assert settling.still() is back


def test_the_latest_second_decides() -> None:
    settling = Settling()
    assert not settling.answered(1000, 0.5).back()
    assert settling.answered(100, 0.01).back()
    settling.answered(100, 0.5)
    assert settling.still(), "that second is not complete"
    assert not settling.back()


def test_where_a_second_has_few_answers_so_many_count_as_make_a_median() -> None:
    settling = Settling()
    assert not settling.answered(10, 0.5).back()
    assert not settling.answered(5, 0.01).back(), "15 in all are too few"
    assert settling.answered(15, 0.01).back()


def test_where_nothing_is_answered_it_is_not_back() -> None:
    settling = Settling()
    assert settling.answered(100, 0.01).back()
    assert not settling.back()


def test_failures_and_other_phases_say_nothing() -> None:
    settling = Settling().answered(100, 0.01, good=False).answered(100, 0.01, phase=2)
    assert not settling.back()


def test_streams_count_where_there_is_nothing_else() -> None:
    assert Settling().answered(100, 0.01, stream=True).back()
    assert Settling().answered(100, 0.5, stream=True).answered(100, 0.01).back()


@pytest.mark.parametrize(
    ("step", "left", "seconds"), [(30.0, 100.0, 10.0), (3.0, 100.0, 3.0), (30.0, 4.0, 4.0), (30.0, -5.0, 0.0)]
)
def test_how_long_it_is_waited_for(step: float, left: float, seconds: float) -> None:
    search = {"startRate": 1, "maxRate": 2, "stepSeconds": step, "budgetSeconds": 100, "objectives": []}
    wanted = go(model="Capacity", stages=[], capacity=search).capacity
    assert wanted is not None
    assert longest(wanted, left) == seconds
