"""Arrivals at a rate, what was dropped of them, spikes, and searches for a capacity."""

from __future__ import annotations

from typing import Any

import pytest

from gatebench_analysis import document, frontier, metrics, summary, text
from gatebench_analysis.document import Result
from gatebench_analysis.load import Load
from gatebench_analysis.measured import Account
from gatebench_analysis.metrics import Measured, Missing, NotApplicable
from gatebench_analysis.objectives import Objective
from gatebench_analysis.report import headline, searches
from unit.analysis import builders
from unit.analysis.builders import START

WITHIN = (Objective("latency.p50", fail_above=0.078), Objective("capacity.requestsPerSecond", fail_below=70))


def open_result(**given: Any) -> Result:
    return builders.result(load=builders.open_load(**given))


def searched(probe_seconds: int = 100, **given: Any) -> Result:
    return builders.result(
        load=builders.search(**given), probe=builders.probe(probe_seconds), objectives=WITHIN, resources=None
    )


def value(result: Result, name: str, stage: str | None = None) -> float:
    seen = metrics.observe(result, name, stage)
    assert isinstance(seen, Measured), seen
    return seen.value


def why(result: Result, name: str, stage: str | None = None) -> str:
    seen = metrics.observe(result, name, stage)
    assert isinstance(seen, Missing), seen
    return seen.why


def reasons(result: Result) -> list[tuple[str, str]]:
    return [(one.status, one.reason) for one in result.validity]


def test_open_load_is_measured_from_its_start_and_has_no_ceiling() -> None:
    result = open_result()
    assert result.validity == []
    assert value(result, "throughput") == pytest.approx(4690 / 80)
    assert value(result, "dropped") == 0
    assert result.offered_rate == 60
    assert result.ceiling.requests_per_second is None
    assert result.stages[0].rate == 60
    shown = summary.summary(result) or {}
    assert (shown["offeredRate"], shown["dropped"], "ceiling" in shown) == (60, 0, False)


def test_service_time_stays_in_the_result() -> None:
    result = document.read(document.write(open_result()))
    account = Account(result.load)
    rows = [row for row in account.window().rows if row.outcome == "success"]
    truth = sorted(builders.latencies(4690, seed=5, median=0.045))
    service = account.samples(rows, "serviceTime").quantile(500)
    assert service is not None
    assert service[0] == pytest.approx(truth[2345], rel=2e-3)
    assert "service time  p50 45.0 ms" in text.table(result).replace("45 ms", "45.0 ms")
    assert "serviceTime" not in str(metrics.CATALOGUE), "no objective can be about it"


def test_dropped_arrivals_saturate_the_generator_with_figures() -> None:
    result = builders.result(
        load=builders.open_load(dropped=[{"phase": 0, "count": 900}, {"phase": 1, "count": 300}]),
        facts=builders.facts(max_in_flight=1000),
    )
    assert reasons(result) == [("False", "GeneratorSaturated")]
    message = result.validity[0].message
    assert "300 arrivals (6 %)" in message
    assert "a worker had its share of the 1,000 requests that may be (load.maxInFlight) in flight" in message
    assert "lower rate" in result.validity[0].remedy
    assert value(result, "dropped") == 300
    assert value(result, "dropped", "hold") == 300


def test_what_the_warm_up_dropped_spoils_nothing() -> None:
    result = open_result(dropped=[{"phase": 0, "count": 900}])
    assert result.validity == []
    assert value(result, "dropped") == 0


def test_how_many_were_in_flight_is_told_where_the_bound_is_not_known() -> None:
    message = open_result(dropped=[{"phase": 1, "count": 3}]).validity[0].message
    assert "18 requests were in flight" in message


def test_a_document_that_does_not_say_what_was_dropped_is_not_taken_for_none() -> None:
    assert "does not say" in why(open_result(dropped=None), "dropped")
    assert "does not say" in why(open_result(dropped=[{"phase": 1}]), "dropped")


def test_closed_load_has_neither_dropped_nor_a_capacity() -> None:
    result = builders.result()
    for name in ("dropped", "capacity.requestsPerSecond"):
        assert isinstance(metrics.observe(result, name), NotApplicable)
        assert name not in result.metrics
    assert "capacity.requestsPerSecond" not in open_result().metrics
    assert "dropped" not in (summary.summary(result) or {})


def test_a_spike_has_figures_of_its_own_alone() -> None:
    calm, burst = {"users": None, "rate": 60.0}, {"users": None, "rate": 600.0, "spike": True}
    result = open_result(
        phases=[
            builders.phase(0, "Stage", 0, 40, name="calm", **calm),
            builders.phase(1, "Stage", 40, 50, name="burst", **burst),
            builders.phase(2, "Stage", 50, 90, name="after", **calm),
        ],
        requests=[
            builders.row(0, builders.latencies(2400)),
            builders.row(1, [0.9] * 6000),
            builders.row(2, builders.latencies(2400, seed=2)),
        ],
        integrity=None,
        errors=[],
    )
    assert value(result, "throughput") == pytest.approx(60)
    assert value(result, "latency.max") < 0.5
    assert value(result, "latency.p50", "burst") == pytest.approx(0.9, rel=1e-3)
    assert (result.counts.measured.requests, result.counts.spikes.requests) == (4800, 6000)
    assert result.offered_rate == 60
    assert "burst (spike)" in text.table(result)


def test_only_the_confirmations_of_a_search_are_measured() -> None:
    result = searched()
    assert result.validity == []
    assert result.window_seconds == 20
    assert value(result, "throughput") == pytest.approx(75)
    assert value(result, "latency.p50") == pytest.approx(0.075, rel=0.05)
    assert value(result, "capacity.requestsPerSecond") == 75
    assert result.offered_rate == 75
    counts = result.counts
    assert (counts.measured.requests, counts.settling.requests) == (1500, 0)
    assert counts.search.requests == counts.all.requests - 1500
    assert result.verdict.status == "True"


def test_the_frontier_has_each_step_by_rate_with_the_gateways_cpu() -> None:
    points = searched().frontier
    assert [(one.rate, one.outcome, one.confirmation) for one in points] == [
        (50, "Held", False),
        (75, "Held", False),
        (75, "Held", True),
        (75, "Held", True),
        (80, "Failed", False),
        (100, "Failed", False),
    ]
    last = points[-1]
    assert last.throughput == pytest.approx(100)
    assert last.p50_seconds == pytest.approx(0.1, rel=0.05)
    assert last.why == "latency.p50 0.1 s is above 0.078 s"
    assert last.gateway_cpu_cores == pytest.approx(0.6, rel=1e-3)
    assert last.p99_seconds == pytest.approx(0.2, rel=0.2)
    assert points[0].seconds == 10


def test_a_step_that_the_probe_did_not_see_has_no_cpu() -> None:
    points = searched(probe_seconds=30).frontier
    assert [one.gateway_cpu_cores is None for one in points] == [False, True, True, True, True, True]


def test_status_and_table_show_the_capacity() -> None:
    result = searched()
    shown = (summary.summary(result) or {})["capacity"]
    assert shown == {
        "requestsPerSecond": 75,
        "bracket": {"low": 75, "high": 80},
        "limitedBy": ["latency.p50 0.08 s is above 0.078 s"],
    }
    table = text.table(result)
    assert "75 req/s; 80 req/s did not hold: latency.p50 0.08 s is above 0.078 s" in table
    assert "GATEWAY CPU" in table
    assert "Held, confirmed" in table


def test_where_the_highest_rate_that_may_be_tried_held_the_capacity_is_at_least_that() -> None:
    steps = [(25, "Held"), (50, "Held"), (50, "Held"), (50, "Held")]
    result = searched(steps=steps)
    assert result.capacity is not None
    assert (result.capacity.requests_per_second, result.capacity.high) == (50, None)
    assert "capacity    at least 50 req/s (maxRate)\n" in text.table(result)
    drawn = searches.chart(result)
    assert drawn is not None
    assert [line.label for line in drawn.lines] == ["capacity at least 50 req/s"]
    assert drawn.summary == "All objectives hold up to 50 req/s, which is maxRate: more was not tried."
    assert headline.tiles(result)[0].note == "at least: maxRate itself held"
    for shut in (searched(), searched(steps=[(50, "Failed"), (25, "Failed")], confirmed=0, message="none")):
        assert "at least" not in text.table(shut)


def test_a_search_that_found_nothing_holds_and_says_why() -> None:
    result = searched(
        steps=[(50, "Failed"), (25, "Failed")], confirmed=0, message="even 25 requests/s did not hold: latency.p50"
    )
    assert result.validity == []
    assert result.verdict.status == "Unknown"
    assert "even 25 requests/s did not hold" in why(result, "capacity.requestsPerSecond")
    assert "even 25 requests/s did not hold" in why(result, "throughput")
    assert {"capacity.requestsPerSecond", "throughput"} <= set(result.missing)
    shown = summary.summary(result) or {}
    assert shown["capacity"]["bracket"] == {"high": 25}
    assert "requestsPerSecond" not in shown["capacity"]
    assert "none found, between - and 25 req/s" in text.table(result)


def test_a_search_without_traffic_is_no_measurement() -> None:
    load = builders.search(steps=[(50, "Failed")], confirmed=0)
    assert ("False", "NoTraffic") in reasons(builders.result(load={**load, "requests": []}))


@pytest.mark.parametrize(
    ("steps", "low"),
    [
        ([(50, "Held"), (100, "GeneratorSaturated"), (75, "Held"), (90, "GeneratorSaturated")], "75 req/s held"),
        ([(50, "GeneratorSaturated")], "no rate held"),
    ],
)
def test_a_search_that_ends_at_the_generator_is_saturated(steps: list[tuple[float, str]], low: str) -> None:
    result = searched(steps=steps, confirmed=0)
    assert reasons(result)[0] == ("False", "GeneratorSaturated")
    assert low in result.validity[0].message
    assert f"at {steps[-1][0]} req/s it did not keep up" in result.validity[0].message
    assert result.summary is None


def test_a_saturated_step_above_a_capacity_spoils_nothing() -> None:
    steps = [(50, "Held"), (200, "GeneratorSaturated"), (100, "Failed"), (75, "Held"), (75, "Held")]
    assert searched(steps=steps).validity == []
    unfinished = searched(steps=steps[:3], confirmed=0)
    assert reasons(unfinished) == [], "it ended between 50 and 100, below what the generator can do"


def test_dropped_arrivals_end_a_step_and_not_the_run() -> None:
    load = builders.search()
    dropped = [{**one, "count": 7} for one in load["dropped"]]
    assert builders.result(load={**load, "dropped": dropped}).validity == []


def test_the_capacity_survives_the_smallest_document() -> None:
    full = searched()
    thin = document.read(document.fit(full, 9000))
    assert thin.dropped
    assert value(thin, "capacity.requestsPerSecond") == 75
    assert len(thin.frontier) == len(full.frontier)


def test_steps_without_a_window_are_left_out() -> None:
    load = Load.model_validate(builders.search())
    blind = load.model_copy(update={"phases": []})
    assert frontier.points(blind, Account(blind), lambda start, end: 1.0) == []
    assert frontier.offered(Load.model_validate(builders.load())) is None


def test_a_stage_of_the_capacity_cannot_be_asked_for() -> None:
    assert "whole load" in why(searched(), "capacity.requestsPerSecond", "step-5")


def test_an_unsettled_step_is_not_measured() -> None:
    account = Account(Load.model_validate(builders.search()))
    assert account.window(2).total() == 500
    assert account.window(1).seconds is None
    assert account.window(2).phases[0].full_at == START + 12
