"""Names of metrics: one list, one pattern; and what each is worth on a load document whose figures are known."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatebench_analysis import metrics
from gatebench_analysis.document import Result
from gatebench_analysis.load import Load
from gatebench_analysis.metrics import Measured, Missing, NotApplicable
from unit.analysis import builders


def concrete(name: str) -> str:
    return name.replace("NAME", "chat.v1" if name.startswith("requests.") else "my-query")


def on(document: dict[str, Any]) -> Result:
    return Result(load=Load.model_validate(document))


@pytest.mark.parametrize("metric", metrics.CATALOGUE, ids=lambda metric: metric.name)
def test_every_metric_is_found_and_matches_the_pattern(metric: metrics.Metric) -> None:
    name = concrete(metric.name)
    found = metrics.find(name)
    assert found is not None
    assert (found.name, found.unit, found.origin) == (name, metric.unit, metric.origin)
    assert re.search(metrics.PATTERN, name)
    assert metric.description.endswith(".")
    assert metric.source


WORDS = st.sampled_from(
    [
        "requests",
        "latency",
        "p95",
        "p99",
        "p99.9",
        "upper",
        "query",
        "gateway",
        "cpu",
        "mean",
        "x",
        "",
        "ttft",
        "/a b",
        "9",
    ]
)


@given(st.one_of(st.lists(WORDS, max_size=6).map(".".join), st.text(max_size=20)))
def test_the_pattern_accepts_what_is_found_and_nothing_else(name: str) -> None:
    assert bool(re.fullmatch(metrics.PATTERN.removeprefix("^").removesuffix("$"), name)) == (
        metrics.find(name) is not None
    )


def test_a_request_name_may_look_like_a_metric() -> None:
    found = metrics.find("requests.a.latency.latency.p95")
    assert found is not None
    assert found.request == "a.latency"
    assert metrics.find("requests..latency.p95") is None


def test_the_pattern_has_nothing_that_go_lacks() -> None:
    assert not re.search(r"\(\?|\\[dwsbAZ]|\{\d", metrics.PATTERN)
    assert metrics.PATTERN.startswith("^")
    assert metrics.PATTERN.endswith("$")


def test_the_page_has_a_row_for_each() -> None:
    assert metrics.page().count("\n") == len(metrics.CATALOGUE) + 2


def value(result: Result, name: str, stage: str | None = None) -> float:
    seen = metrics.observe(result, name, stage)
    assert isinstance(seen, Measured), seen
    return seen.value


def why(result: Result, name: str, stage: str | None = None) -> str:
    seen = metrics.observe(result, name, stage)
    assert isinstance(seen, Missing), seen
    return seen.why


def test_figures_of_a_plain_load() -> None:
    result = on(builders.load())
    truth = sorted(builders.latencies(4690))
    assert value(result, "throughput") == pytest.approx(4690 / 80)
    assert value(result, "errorRatio") == pytest.approx(10 / 4700)
    assert value(result, "latency.mean") == pytest.approx(sum(truth) / len(truth))
    assert value(result, "latency.p95") == pytest.approx(truth[4455], rel=1e-3)
    assert value(result, "latency.p99.9") == pytest.approx(truth[4685], rel=1e-3)
    assert value(result, "latency.max") == truth[-1]
    assert value(result, "latency.p99.upper") > value(result, "latency.p99")
    assert value(result, "requests.chat.latency.p50") == value(result, "latency.p50")


def test_warm_up_ramps_and_what_is_not_settled_stay_out() -> None:
    document = builders.load(
        phases=[
            builders.phase(0, "WarmUp", 0, 10),
            builders.phase(1, "Ramp", 10, 20, name="up"),
            builders.phase(2, "Stage", 20, 60, name="low", fullAt=builders.START + 30),
            builders.phase(3, "Stage", 60, 100, name="high"),
        ],
        requests=[
            builders.row(0, [9.0] * 50),
            builders.row(1, [8.0] * 50, settled=False),
            builders.row(2, [7.0] * 50, settled=False),
            builders.row(2, [0.1] * 300),
            builders.row(3, [0.2] * 800),
        ],
    )
    result = on(document)
    assert value(result, "throughput") == pytest.approx(1100 / 70)
    assert value(result, "latency.max") == 0.2
    assert value(result, "throughput", "low") == pytest.approx(300 / 30)
    assert value(result, "latency.p50", "high") == 0.2
    assert value(result, "latency.p50", "up") == 8.0
    assert "no stage" not in why(result, "latency.p50", "nowhere")
    assert "nowhere" in why(result, "latency.p50", "nowhere")


def test_streams_are_kept_apart() -> None:
    stream = builders.row(
        1,
        [2.0] * 200,
        name="stream",
        stream=True,
        ttft=builders.histogram([0.3] * 200),
        interToken=builders.histogram([0.01] * 4000),
        outputTokens=8000,
    )
    result = on(builders.load(requests=[builders.row(1, [0.1] * 800), stream]))
    assert value(result, "throughput") == pytest.approx(1000 / 80)
    assert value(result, "latency.max") == 0.1
    assert value(result, "requests.stream.latency.p95") == 2.0
    assert value(result, "ttft.p95") == 0.3
    assert value(result, "requests.stream.ttft.p50") == 0.3
    assert value(result, "interToken.p99") == 0.01
    assert value(result, "tokensPerSecond") == 100.0
    assert "no request streams" in why(result, "requests.chat.ttft.p50")


def test_a_load_that_only_streams_has_no_plain_latency() -> None:
    only = builders.row(1, [2.0] * 500, stream=True, ttft=builders.histogram([0.3] * 500))
    assert "all requests stream" in why(on(builders.load(requests=[only])), "latency.p95")


def test_percentiles_below_their_floor_are_missing() -> None:
    result = on(builders.load(requests=[builders.row(1, [0.1] * 458)]))
    assert why(result, "latency.p99") == "p99 needs 459 samples, there are 458"
    assert "p99" in why(result, "latency.p99.upper")
    assert value(result, "latency.p95") == 0.1


def test_nothing_sent_is_missing_and_not_zero() -> None:
    result = on(builders.load(requests=[]))
    for name in ("throughput", "errorRatio", "latency.p99", "latency.mean", "tokensPerSecond"):
        assert "no request" in why(result, name)


def test_nothing_but_failures_is_a_throughput_of_zero() -> None:
    result = on(builders.load(requests=[builders.row(1, [0.1] * 100, outcome="failure")]))
    assert value(result, "throughput") == 0
    assert value(result, "errorRatio") == 1
    assert "no request succeeded" in why(result, "latency.p50")


def test_a_damaged_row_makes_figures_unknown() -> None:
    for broken in ({"count": None}, {"outcome": "maybe"}, {"phase": "one"}, {"count": -3}):
        rows = [builders.row(1, [0.1] * 500), builders.row(1, [0.1] * 500) | broken]
        result = on(builders.load(requests=rows))
        assert "damaged" in why(result, "throughput")
    half = builders.row(1, [0.1] * 500, latency=None)
    assert "damaged" in why(on(builders.load(requests=[half])), "latency.p50")
    rubbish = builders.row(1, [0.1] * 500, latency={**builders.histogram([0.1] * 500), "data": "HISTFAAAA"})
    assert "cannot be read" in why(on(builders.load(requests=[rubbish])), "latency.p50")


def test_above_ten_minutes() -> None:
    seen = metrics.observe(on(builders.load(requests=[builders.row(1, [700.0] * 500)])), "latency.p50")
    assert seen == Measured(600.0, "> 10 min", above=True)


def test_figures_of_the_gateway() -> None:
    result = builders.result()
    assert value(result, "gateway.cpu.mean") == 0.58
    assert value(result, "gateway.restarts") == 0
    assert value(result, "gateway.foreignTime") == pytest.approx(0.01, abs=1e-6)
    assert isinstance(metrics.observe(result, "gateway.throttledRatio"), NotApplicable)
    assert "whole measured window" in why(result, "gateway.cpu.mean", "hold")
    assert why(result, "nonsense") == "nonsense is no metric"
