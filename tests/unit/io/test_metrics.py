"""When Prometheus is asked about a run, and what becomes of its answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from gatebench.decide.snapshot import MetricsAnswer
from gatebench.io import metrics
from gatebench.io.prometheus import Unavailable
from gatebench.measure.answers import Reply
from gatebench.measure.queries import LIVE_CPU, LIVE_MEMORY, Query
from unit.io import samples
from unit.io.fakekube import NOW, SETTINGS, World, world
from unit.io.test_observe import LOAD


class FakePrometheus:
    """Answers every query with `result`, or with nothing at all."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer
        self.asked: list[list[Query]] = []

    async def ask(self, queries: Iterable[Query], deadline: float = 30.0) -> Any:
        self.asked.append(list(queries))
        if self.answer is None:
            return Unavailable("Prometheus at http://p: the connection is refused")
        return {query.name: Reply(self.answer) for query in self.asked[-1]}


def with_prometheus(w: World, fake: FakePrometheus, *, now: float = NOW) -> FakePrometheus:
    w.context.prometheus = fake  # type: ignore[assignment]
    w.context.now = lambda: now
    return fake


def test_the_measured_window_spans_the_stages_once_their_users_are_there() -> None:
    assert metrics.measured_window(LOAD) == (NOW - 88, NOW - 21)
    assert metrics.measured_window({"phases": [{"kind": "Ramp", "fullAt": 1.0, "endedAt": 2.0}]}) is None
    unfinished = {"phases": [{"kind": "Stage", "fullAt": None, "endedAt": 2.0}]}
    assert metrics.measured_window(unfinished) is None
    assert metrics.measured_window({"phases": [3, {"kind": "Stage", "fullAt": "x"}]}) is None


async def test_an_answer_is_asked_for_once_and_kept() -> None:
    run = samples.run(samples.STARTED)
    async with world() as w:
        fake = with_prometheus(w, FakePrometheus([]))
        first = await metrics.of_window(run, LOAD, w.context)
        assert first is not None
        assert first.unavailable is None
        assert first.resources is not None
        assert first.resources.missing["gateway.cpu.mean"].startswith("NoSeries")
        assert await metrics.of_window(run, LOAD, w.context) is first
        assert len(fake.asked) == 1
        instant = next(query for query in fake.asked[0] if query.kind == "instant")
        assert f'pod="{run.names.gateway}"' in instant.promql
        assert instant.at == NOW - 21


@pytest.mark.fault(20)
async def test_no_answer_is_said_and_asked_for_again() -> None:
    run = samples.run(samples.STARTED)
    async with world() as w:
        fake = with_prometheus(w, FakePrometheus())
        for _ in range(2):
            answer = await metrics.of_window(run, LOAD, w.context)
            assert answer == MetricsAnswer(unavailable="Prometheus at http://p: the connection is refused")
        assert len(fake.asked) == 2


async def test_the_windows_last_sample_is_waited_for() -> None:
    run = samples.run(samples.STARTED)
    interval = SETTINGS.prometheus.scrape_interval
    async with world() as w:
        fake = with_prometheus(w, FakePrometheus([]), now=NOW - 21 + interval - 1)
        assert await metrics.of_window(run, LOAD, w.context) is None
        assert not fake.asked
        w.context.now = lambda: NOW - 21 + interval
        assert await metrics.of_window(run, LOAD, w.context) is not None


async def test_a_gateway_that_is_not_owned_has_no_figures_to_ask_for() -> None:
    run = samples.run(samples.STARTED, gateway={"url": "http://gw.example"})
    async with world() as w:
        fake = with_prometheus(w, FakePrometheus([]))
        assert await metrics.of_window(run, LOAD, w.context) == MetricsAnswer()
        assert not fake.asked


async def test_live_figures_are_asked_for_every_ten_seconds() -> None:
    run = samples.run(samples.STARTED)
    async with world() as w:
        fake = with_prometheus(w, FakePrometheus([{"metric": {}, "value": [NOW, "0.5"]}]))
        for _ in range(3):
            live = await metrics.live(run, w.context)
            assert live is not None
            assert (live.cpu_cores, live.memory_bytes) == (0.5, 0.5)
        assert [[query.name for query in asked] for asked in fake.asked] == [[LIVE_CPU, LIVE_MEMORY]]
        w.context.now = lambda: NOW + 10
        fake.answer = None
        assert await metrics.live(run, w.context) is None
        assert len(fake.asked) == 2
