"""Overhead is told only where both ways can be compared, and says why where they cannot."""

from __future__ import annotations

from typing import Any

import pytest

from gatebench_analysis import document, histograms, metrics, overhead, text
from gatebench_analysis.document import Result, RunInfo
from gatebench_analysis.objectives import Objective
from gatebench_analysis.observation import Measured, Missing
from gatebench_analysis.report import timelines
from gatebench_analysis.report.page import page
from gatebench_analysis.report.spread import overhead as drawn
from unit.analysis import builders

SPEC = {"overhead": {"enabled": True}, "upstream": {"mock": {}}}
INDEX = 3
THROUGH, STRAIGHT = builders.latencies(4690), builders.latencies(1172, seed=7, median=0.02)


def leg(count: int = 1172, failures: int = 0, **given: Any) -> dict[str, Any]:
    """Closed load of 80 s at 58.6 successes a second; then a pause, and 3 s and 20 s straight to the upstream."""
    values = STRAIGHT[:count] if count <= len(STRAIGHT) else builders.latencies(count, seed=7, median=0.02)
    # Users' latencies count from the send; those of the leg's arrivals from when they were due, a second before.
    late = builders.histogram([value + 1.0 for value in values])
    rows = [builders.row(INDEX, values, latency=late, serviceTime=builders.histogram(values))] if count else []
    rows += [builders.row(INDEX, [0.001] * 150, settled=False)]
    rows += [builders.row(INDEX, [0.001] * failures, outcome="failure")] if failures else []
    plain = builders.load()
    whole = {
        "engine": "Go",
        "requests": [*plain["requests"], *rows],
        "phases": [
            *plain["phases"][:2],
            builders.phase(2, "Pause", 90, 91, users=0),
            builders.phase(INDEX, "Direct", 91, 114, fullAt=builders.START + 94, users=None, rate=58.75),
            builders.phase(4, "Drain", 114, 115, users=None),
        ],
        "dropped": [{"phase": INDEX, "count": 2}],
        "endedAt": builders.START + 115,
    }
    return builders.load(**(whole | given))


def result(load: dict[str, Any] | None = None, spec: dict[str, Any] | None = None, **given: Any) -> Result:
    run = RunInfo(name="demo", namespace="bench", uid="u", spec=SPEC if spec is None else spec)
    return builders.result(run=run, load=leg() if load is None else load, **given)


def why(found: Result, name: str = "overhead.p50") -> str:
    figure = found.metrics[name]
    assert figure.value is None
    return figure.missing or f"n/a: {figure.not_applicable}"


def test_a_quantile_minus_that_of_the_direct_leg() -> None:
    found = result()
    through, straight = histograms.of_values(THROUGH), histograms.of_values(STRAIGHT)
    for name, thousandths in (("p50", 500), ("p95", 950), ("p99", 990)):
        ends = [samples.quantile(thousandths) for samples in (through, straight)]
        figure = found.metrics[f"overhead.{name}"]
        assert ends[0] is not None
        assert ends[1] is not None
        assert figure.value == pytest.approx(ends[0][0] - ends[1][0])
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low < figure.value < figure.high
    assert found.overhead is not None
    assert (found.overhead.requests, found.overhead.failures, found.overhead.dropped) == (1172, 0, 2)
    assert found.overhead.throughput == pytest.approx(58.6)
    assert found.overhead.p50_seconds == pytest.approx(0.02, rel=0.05)
    assert [one.name for one in found.overhead.by_request] == ["chat"]


def test_the_leg_is_no_part_of_any_other_figure() -> None:
    plain, found = builders.result(), result()
    assert found.counts.direct.requests == 1172 + 150
    parts = found.counts.model_dump()
    whole = parts.pop("all")
    assert sum(part["requests"] for part in parts.values()) == whole["requests"]
    for name, figure in plain.metrics.items():
        assert found.metrics[name] == figure, name
    assert not found.load.is_open
    assert found.window_seconds == plain.window_seconds


def test_open_load_counts_both_from_when_requests_were_due() -> None:
    settled = {"users": None, "rate": 58.75}
    load = leg()
    load["phases"][:2] = [
        builders.phase(0, "WarmUp", 0, 10, **settled),
        builders.phase(1, "Stage", 10, 90, name="hold", **settled),
    ]
    load["dropped"] += [{"phase": 0, "count": 0}, {"phase": 1, "count": 0}]
    figure = result(load).metrics["overhead.p50"]
    assert figure.value is not None
    assert figure.value < -0.9, "the leg's latencies are a second more from when they were due"


def test_an_interval_covers_what_is_added() -> None:
    """Of 60 tries with 1,172 samples each, none whose interval misses the true 30 ms: it has 99 % on each side."""
    missed = 0
    for seed in range(60):
        through = histograms.of_values(v + 0.03 for v in builders.latencies(1172, seed=1000 + seed, median=0.02))
        straight = histograms.of_values(builders.latencies(1172, seed=2000 + seed, median=0.02))
        low, high = overhead._bounds([through], straight, 500)
        assert low is not None
        assert high is not None
        missed += not low <= 0.03 <= high
    assert missed == 0


@pytest.mark.parametrize(
    ("load", "words"),
    [
        (leg(count=900), "the direct path had 45 req/s, the gateway 58.6 req/s"),
        (leg(count=1400), "the direct path had 70 req/s"),
        (leg(count=900, failures=272), "with 272 failures"),
        (leg(count=0, failures=1172), "nothing succeeded on the direct path"),
        (leg(outcome="Stopped"), "the load ended before the direct leg was over: Stopped"),
        (builders.load(), "there was no direct leg: nothing was answered"),
    ],
)
def test_what_cannot_be_compared_is_missing(load: dict[str, Any], words: str) -> None:
    assert words in why(result(load))


def test_chance_is_no_other_rate() -> None:
    """Of few arrivals: 6 % fewer are within what Poisson arrivals do, of many they are not."""
    assert result(leg(count=1102)).metrics["overhead.p50"].value is not None
    window = overhead.Window(20.0, (), ())
    few, many = (_with(window, count) for count in (1102, 110_200))
    assert overhead._differs(58.6, few) is None
    assert overhead._differs(5860.0, many) is not None


def _with(window: overhead.Window, count: int) -> overhead.Window:
    load = builders.load(requests=[builders.row(1, []) | {"count": count}])
    rows = Result.model_validate({"load": load}).load.requests
    return overhead.Window(window.seconds, tuple(rows), ())


def test_few_samples_are_said() -> None:
    requests = [
        builders.row(1, THROUGH[:1600]),
        builders.row(INDEX, STRAIGHT[:400], serviceTime=builders.histogram(STRAIGHT[:400])),
    ]
    found = result(leg(requests=requests))
    assert found.metrics["overhead.p95"].value is not None
    assert why(found, "overhead.p99") == "the direct leg has 400 samples, p99 needs 459"
    assert "overhead.p99" in found.missing


ALONE = {"overhead": {"enabled": True}}


@pytest.mark.parametrize("load", [builders.load(), builders.open_load(), builders.search()])
def test_of_a_gateway_that_answers_alone_it_is_the_latency_itself(load: dict[str, Any]) -> None:
    objective = Objective("overhead.p50", fail_above=0.01, texts={"failAbove": "10ms"})
    found = result(load, spec=ALONE, objectives=(objective,))
    assert found.missing == result(load, spec={}).missing
    for name in ("p50", "p95", "p99"):
        own, latency = found.metrics[f"overhead.{name}"], found.metrics[f"latency.{name}"]
        assert own.value == latency.value
        assert own.low is not None
        assert own.high is not None
        assert own.low < latency.value < own.high  # type: ignore[operator]
        assert own.high == found.metrics[f"latency.{name}.upper"].value
        assert "answers alone" in own.note
    assert found.objectives[0].outcome == "Fail"
    assert found.objectives[0].message.endswith("above 10ms; the gateway answers alone: its latency itself")
    assert found.overhead is None
    assert "(the gateway answers alone: its latency itself)" in text.table(found)
    assert found.summary is not None
    assert found.summary["overhead"]["note"] == "the gateway answers alone: its latency itself"
    drawings = drawn(found)
    assert [(one.alone, one.direct_width, one.direct) for one in drawings] == [(True, 0.0, "-")] * 3
    html = page(found)
    assert "The gateway answers alone, without an upstream: its latency itself" in html
    assert " direct, " not in html


def test_alone_what_the_latency_lacks_is_missing_here_too() -> None:
    few = builders.load(requests=[builders.row(1, THROUGH[:100])])
    found = result(few, spec=ALONE)
    assert found.metrics["overhead.p95"].value is not None
    assert why(found, "overhead.p99") == found.metrics["latency.p99"].missing
    slow = builders.load(requests=[builders.row(1, [700.0] * 600)])
    assert result(slow, spec=ALONE).metrics["overhead.p50"].note == "> 10 min"
    assert result(builders.load(requests=[]), spec=ALONE).metrics["overhead.p50"].value is None


def with_burst(rate: float, seconds: float = 5.0, **given: Any) -> dict[str, Any]:
    """The leg, and then a burst of `rate` answers a second; its first second does not count."""
    load = leg()
    drain = load["phases"].pop()
    ended = 121.0 - 5.0 + seconds
    burst = builders.phase(4, "Ceiling", 115, ended, fullAt=builders.START + ended - seconds, users=64, **given)
    load["phases"] += [burst, {**drain, "index": 5, "startedAt": burst["endedAt"], "endedAt": burst["endedAt"] + 1}]
    count = round(rate * seconds)
    load["requests"] += [builders.row(4, [0.001] * count), builders.row(4, [0.001] * 77, settled=False)]
    load["endedAt"] = burst["endedAt"] + 1
    return load


def test_the_burst_is_the_ceiling_of_mock_and_fleet() -> None:
    plain, found = result(), result(with_burst(400.0))
    assert found.validity == []
    assert found.overhead is not None
    burst = found.overhead.burst
    assert burst is not None
    assert (burst.users, burst.requests, burst.seconds, found.overhead.ceiling) == (64, 2000, 5.0, 400.0)
    assert found.counts.burst.requests == 2077
    assert found.counts.direct == plain.counts.direct
    assert found.metrics == plain.metrics, "the burst is no part of any other figure"
    assert found.overhead.model_copy(update={"burst": None}) == plain.overhead
    assert "mock and fleet without the gateway: at most 400 req/s" in text.table(found)
    assert "burst 2,077" in text.table(found)
    assert found.summary is not None
    assert found.summary["overhead"]["ceilingRequestsPerSecond"] == 400
    assert "Mock and fleet without the gateway: at most 400 req/s, without think time." in page(found)
    assert document.read(document.write(found)).overhead == found.overhead
    assert "ceilingRequestsPerSecond" not in (plain.summary or {})["overhead"]


@pytest.mark.parametrize(("rate", "bound"), [(50.0, True), (58.6 / 0.9 - 0.1, True), (58.6 / 0.9 + 0.3, False)])
def test_a_gateway_near_the_ceiling_may_be_bound_by_the_upstream(rate: float, bound: bool) -> None:
    found = result(with_burst(rate, seconds=20.0))
    assert [one.reason for one in found.validity] == (["UpstreamBound"] if bound else [])
    if bound:
        one = found.validity[0]
        assert one.status == "False"
        assert "58.6 req/s came through the gateway" in one.message
        assert "less than 90 % are allowed" in one.message
        assert "give the mock more CPU" in one.remedy
        assert found.summary is None


def test_a_mock_that_waited_in_the_burst_is_not_judged_by_it() -> None:
    """Its account is of its whole life, and the burst keeps it busy on purpose."""
    waited = {"delay": {"count": 5000}, "cpuSeconds": 10.0, "runQueueWaitSeconds": 60.0}
    assert [one.reason for one in result(upstream=waited).validity] == ["UpstreamBound"]
    assert result(with_burst(400.0), upstream=waited).validity == []


def test_the_fastest_stage_is_held_against_the_ceiling() -> None:
    """Its average over stages of other rates would hide it."""
    load = with_burst(70.0)
    load["phases"][1:2] = [
        builders.phase(1, "Stage", 10, 50, name="slow"),
        builders.phase(9, "Stage", 50, 90, name="fast"),
    ]
    load["requests"][1:2] = [builders.row(1, THROUGH[:1940]), builders.row(9, THROUGH[1940:])]
    found = result(load)
    assert "68.8 req/s came through the gateway" in found.validity[0].message


@pytest.mark.parametrize("rate", [None, 0.0])
def test_without_an_answer_in_the_burst_there_is_no_ceiling(rate: float | None) -> None:
    load = with_burst(0.0)
    load["phases"][4]["fullAt"] = None if rate is None else load["phases"][4]["fullAt"]
    found = result(load)
    assert found.validity == []
    assert found.overhead is not None
    assert found.overhead.ceiling is None
    assert "at most" not in text.table(found).partition("overhead ")[2].partition("\n")[0]


def test_a_worker_that_is_busy_in_the_burst_alone_is_not_saturated() -> None:
    """Workers' figures are of the stages, and late sends and drops are looked for in these alone."""
    load = with_burst(400.0)
    load["dispatchDelay"].append({"phase": 4, "histogram": builders.histogram([0.5] * 2000)})
    assert result(load).validity == []


def test_the_burst_is_not_drawn() -> None:
    load = with_burst(400.0)
    rows = [[builders.START + second, 50, 58, 0, 0.05, 0.08, 0.1] for second in range(122)]
    for row in rows[117:]:
        row[2] = 400
    load["series"] = {**load["series"], "rows": rows}
    line = timelines.timeline(result(load))
    assert line is not None
    chart = next(one for one in timelines.charts(line) if one.id == "throughput")
    assert max(value for value in chart.curves[0].values if value is not None) == 58
    assert [band.label for band in chart.bands][-3:] == ["direct leg", "burst", "drain"]


@pytest.mark.parametrize("spec", [{}, {"overhead": {}}, {"overhead": {"enabled": False}}, {"overhead": 3}])
def test_nobody_asked(spec: dict[str, Any]) -> None:
    found = result(builders.load(), spec=spec)
    assert not [name for name in found.metrics if name.startswith("overhead")]
    assert metrics.observe(found, "overhead.p50") == Missing(overhead.NOT_ASKED)
    assert "overhead" not in text.table(found)


def test_damaged_histograms_are_missing() -> None:
    load = leg()
    load["requests"][3]["serviceTime"] = {"count": 3, "data": "AAAA"}
    assert "cannot be read" in why(result(load))


def test_objectives_the_summary_the_table_and_the_report_have_it() -> None:
    held = Objective("overhead.p50", fail_above=0.05)
    failed = Objective("overhead.p50", fail_above=0.01, texts={"failAbove": "10ms"})
    found = result(objectives=(held, failed))
    assert [one.outcome for one in found.objectives[:2]] == ["Pass", "Fail"]
    assert "overhead.p50 is 29.9 ms, above 10ms" in found.objectives[1].message
    assert found.summary is not None
    assert found.summary["overhead"]["p50Seconds"] == pytest.approx(found.metrics["overhead.p50"].value, rel=1e-3)
    assert found.summary["overhead"]["p99Interval"] == {"low": 0.05091, "high": 0.06797}
    assert "overhead    p50 29.9 ms (28.8 ms to 31.1 ms)  p95 48.3 ms (45.1 ms to 51.1 ms)  p99" in text.table(found)
    assert [one.quantile for one in drawn(found)] == ["p50", "p95", "p99"]
    assert "Overhead" in page(found)
    again = document.read(document.write(found))
    assert isinstance(metrics.observe(again, "overhead.p99"), Measured)
    assert again.overhead == found.overhead


def test_repeats_make_the_interval_wider() -> None:
    load = leg()
    once = result(load)
    load["phases"][1:2] = [
        builders.phase(1, "Stage", 10, 50, name="hold"),
        builders.phase(5, "Stage", 50, 90, name="hold", repeat=1),
    ]
    for phase in load["phases"][3:]:
        phase["repeat"] = 1
    load["requests"][1:3] = [builders.row(1, THROUGH[:2345]), builders.row(5, [v + 0.01 for v in THROUGH[2345:]])]
    twice = result(load).metrics["overhead.p50"]
    first = once.metrics["overhead.p50"]
    assert twice.value == pytest.approx((first.value or 0) + 0.005, abs=0.002)
    assert (twice.high or 0) - (twice.low or 0) > (first.high or 0) - (first.low or 0)
