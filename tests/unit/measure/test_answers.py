"""From answers to figures: what is not known is missing, with its reason, and never 0."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatebench.measure import queries, table
from gatebench.measure.answers import Failed, Live, Reply, Resources, parse_answers, parse_live
from gatebench.measure.queries import Plan, plan_queries

START, END = 1000.0, 1060.0
LABELS = {"namespace": "ns", "pod": "pod", "container": "gateway", "id": "/one", "image": "i"}


@dataclasses.dataclass(frozen=True)
class Own:
    name: str
    promql: str
    aggregate: str = "mean"


Points = list[tuple[float, float]]


def plan(*own: Own, end: float = END) -> Plan:
    return plan_queries("pod", "ns", START, end, 15.0, own)


def matrix(*series: Points, **labels: str) -> Reply:
    return Reply([{"metric": {**LABELS, **labels}, "values": [[at, str(v)] for at, v in s]} for s in series])


def ramp(rate: float, start: float = START, end: float = END, base: float = 100.0, step: float = 10.0) -> Points:
    times = [start + step / 2 + i * step for i in range(int((end - start) / step))]
    return [(at, base + rate * (at - times[0])) for at in times]


def flat(value: float) -> Points:
    return ramp(0.0, base=value)


def source(of: table.Source) -> str:
    return f"{queries.SAMPLES}{of.series}"


WHOLE: dict[str, Reply | Failed] = {
    source(table.CPU): matrix(ramp(0.5)),
    source(table.MEMORY_MAX): matrix(flat(900.0)),
    source(table.WORKING_SET): matrix([*flat(500.0)[:-1], (1055.0, 600.0)]),
    source(table.RSS): matrix(flat(400.0)),
    source(table.CFS_PERIODS): matrix(ramp(10.0)),
    source(table.CFS_THROTTLED): matrix(ramp(1.0)),
    source(table.RECEIVED): Reply(
        [
            {"metric": {"interface": name}, "values": [[at, str(v)] for at, v in ramp(rate)]}
            for name, rate in (("eth0", 20.0), ("eth1", 5.0))
        ]
    ),
    source(table.TRANSMITTED): matrix(ramp(30.0), interface="eth0"),
    source(table.CPU_WAITING): matrix(ramp(0.25)),
}


def parse(*own: Own, end: float = END, **changed: Any) -> Resources:
    """The answers of a whole window but for `changed`."""
    return parse_answers(plan(*own, end=end), WHOLE | changed)


def test_a_whole_window() -> None:
    found = parse()
    assert found.values == pytest.approx(
        {
            "gateway.cpu.mean": 0.5,
            "gateway.cpu.max": 0.5,
            "gateway.memory.peak": 900.0,
            "gateway.memory.end": 600.0,
            "gateway.throttledRatio": 0.1,
            "gateway.network.receive": 25.0,
            "gateway.network.transmit": 30.0,
            "gateway.pressure.cpu": 0.25,
        }
    )
    assert found.missing == {}
    assert found.not_applicable == {}
    assert found.sources["gateway.memory.peak"] == "container_memory_max_usage_bytes"


def test_every_metric_of_the_table_has_an_outcome_when_nothing_is_there() -> None:
    found = parse_answers(plan(), {query.name: Reply([]) for query in plan().queries})
    assert found.values == {}
    assert set(found.missing) == {metric.name for metric in table.METRICS}
    assert all(reason.startswith("NoSeries: ") for reason in found.missing.values())
    assert found.series == {}


def test_what_was_not_asked_is_missing() -> None:
    assert parse_answers(plan(), {}).missing["gateway.cpu.mean"] == "QueryFailed: it was not asked"


def test_a_query_that_failed_is_missing_with_prometheus_words() -> None:
    found = parse(**{source(table.CPU): Failed("too many samples")})
    assert found.missing["gateway.cpu.mean"] == "QueryFailed: too many samples"


def test_no_quota_is_not_applicable_only_where_the_container_was_seen() -> None:
    absent = {source(table.CFS_PERIODS): Reply([]), source(table.CFS_THROTTLED): Reply([])}
    found = parse(**absent)
    assert "exclusive" in found.not_applicable["gateway.throttledRatio"]
    assert "gateway.throttledRatio" not in found.missing
    unseen = parse(**absent, **{source(table.CPU): Reply([])})
    assert unseen.not_applicable == {}
    assert unseen.missing["gateway.throttledRatio"].startswith("NoSeries")


def test_no_period_elapsed_is_no_ratio() -> None:
    found = parse(**{source(table.CFS_PERIODS): matrix(flat(7.0)), source(table.CFS_THROTTLED): matrix(flat(0.0))})
    assert found.missing["gateway.throttledRatio"].startswith("NotANumber")


def test_the_highest_rate_is_over_the_gap_limit() -> None:
    points = [(1005.0, 0.0), (1015.0, 1.0), (1025.0, 2.0), (1035.0, 12.0), (1045.0, 22.0), (1055.0, 32.0)]
    found = parse(**{source(table.CPU): matrix(points)})
    assert found.values["gateway.cpu.max"] == pytest.approx(1.0)
    assert found.values["gateway.cpu.mean"] == pytest.approx(32.0 / 50)


@pytest.mark.fault(21)
def test_the_peak_falls_back_to_the_working_set_where_the_kernel_keeps_none() -> None:
    for answer in (Reply([]), matrix(flat(0.0))):
        found = parse(**{source(table.MEMORY_MAX): answer})
        assert found.values["gateway.memory.peak"] == 600.0
        assert found.sources["gateway.memory.peak"] == "container_memory_working_set_bytes"


def test_a_fall_back_does_not_hide_an_ambiguity() -> None:
    found = parse(**{source(table.MEMORY_MAX): matrix(flat(1.0), flat(2.0))})
    assert found.missing["gateway.memory.peak"].startswith("AmbiguousQuery")


@pytest.mark.fault(21)
def test_pressure_that_was_never_counted_is_missing() -> None:
    found = parse(**{source(table.CPU_WAITING): matrix(flat(0.0))})
    assert "cgroup v2" in found.missing["gateway.pressure.cpu"]


@pytest.mark.fault(21)
@pytest.mark.parametrize("bad", ["NaN", "+Inf", "-Inf"])
def test_not_a_number_is_missing(bad: str) -> None:
    points = [[at, str(v)] for at, v in ramp(1.0)]
    points[2][1] = bad
    found = parse(**{source(table.CPU): Reply([{"metric": LABELS, "values": points}])})
    assert found.missing["gateway.cpu.mean"].startswith("NotANumber")
    assert "gateway.cpu.mean" not in found.values


@pytest.mark.fault(21)
@pytest.mark.parametrize(
    ("kept", "whole"),
    [
        (lambda at: True, True),
        (lambda at: at > 1030, False),  # it begins too late
        (lambda at: at < 1030, False),  # it ends too early
        (lambda at: at < 1010 or at > 1050, False),
        (lambda at: at < 1020 or at > 1040, True),
    ],
)
def test_gaps(kept: Any, whole: bool) -> None:
    points = [point for point in ramp(1.0) if kept(point[0])]
    found = parse(**{source(table.CPU): matrix(points)})
    if whole:
        assert found.values["gateway.cpu.mean"] == pytest.approx(1.0)
    else:
        assert found.missing["gateway.cpu.mean"].startswith("MetricsIncomplete")
        assert "gateway.cpu.mean" not in found.values


def test_samples_outside_of_the_window_do_not_count() -> None:
    points = [(990.0, 1.0), (999.9, 2.0), *ramp(1.0), (1060.5, 1e9)]
    assert parse(**{source(table.CPU): matrix(points)}).values["gateway.cpu.mean"] == pytest.approx(1.0)


def test_one_sample_is_no_rate() -> None:
    found = parse(end=START + 20, **{source(table.CPU): matrix([(1010.0, 5.0)])})
    assert found.missing["gateway.cpu.mean"].startswith("MetricsIncomplete")


@pytest.mark.fault(21)
def test_a_reset_within_one_series_counts_from_zero() -> None:
    points = [(1005.0, 50.0), (1015.0, 60.0), (1025.0, 3.0), (1035.0, 13.0), (1045.0, 23.0), (1055.0, 33.0)]
    found = parse(**{source(table.CPU): matrix(points)})
    assert found.values["gateway.cpu.mean"] == pytest.approx((10 + 3 + 30) / 50)


@pytest.mark.fault(21)
def test_a_restart_is_one_line_whose_counter_begins_again() -> None:
    """A new container has a new cgroup, so a new series; it may already be above the old one's last value."""
    first, second = ramp(1.0, 1000, 1030, base=5.0), ramp(1.0, 1030, 1060, base=40.0)
    answer = Reply(
        [
            {"metric": {**LABELS, "id": name}, "values": [[at, str(v)] for at, v in points]}
            for name, points in (("/two", second), ("/one", first))
        ]
    )
    found = parse(**{source(table.CPU): answer})
    assert found.values["gateway.cpu.mean"] == pytest.approx((20 + 40 + 20) / 50)


@pytest.mark.fault(23)
@pytest.mark.parametrize("label", ["id", "job", "replica"])
def test_two_series_at_once_are_ambiguous(label: str) -> None:
    answer = Reply(
        [{"metric": {**LABELS, label: name}, "values": [[at, str(v)] for at, v in ramp(1.0)]} for name in ("a", "b")]
    )
    found = parse(**{source(table.CPU): answer})
    reason = found.missing["gateway.cpu.mean"]
    assert reason == f'AmbiguousQuery: 2 series where one is due: {{{label}="a"}}, {{{label}="b"}}'
    assert "gateway.cpu.mean" not in found.values


@pytest.mark.fault(23)
def test_series_of_two_jobs_one_after_the_other_are_ambiguous_too() -> None:
    answer = Reply(
        [
            {"metric": {**LABELS, "job": job}, "values": [[at, str(v)] for at, v in points]}
            for job, points in (("a", ramp(1.0, 1000, 1030)), ("b", ramp(1.0, 1030, 1060)))
        ]
    )
    assert parse(**{source(table.CPU): answer}).missing["gateway.cpu.mean"].startswith("AmbiguousQuery")


@pytest.mark.fault(20)
@pytest.mark.parametrize("result", [None, {}, [1], [[]], [{"metric": 1}], [{"values": 3}], [{"values": [["x"]]}], "x"])
def test_nonsense_is_missing(result: Any) -> None:
    found = parse(**{source(table.CPU): Reply(result)})
    assert found.missing["gateway.cpu.mean"].startswith("NotANumber")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["metric", "value", "values", "a"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(JSON, JSON)
def test_no_answer_breaks_the_parser(one: Any, other: Any) -> None:
    names = [query.name for query in plan(Own("own", "x")).queries]
    found = parse_answers(plan(Own("own", "x")), {name: Reply(one if i % 2 else other) for i, name in enumerate(names)})
    assert all(math.isfinite(value) for value in found.values.values())
    expected = {metric.name for metric in table.METRICS} | {"query.own"}
    assert set(found.values) | set(found.missing) | set(found.not_applicable) == expected


# The queries of runs


def own(aggregate: str, points: Points, promql: str = "x", top: Points | None = None) -> Resources:
    given = Own("own", promql, aggregate)
    changed: dict[str, Any] = {"query.own": matrix(points)}
    if top is not None:
        changed["top/query.own"] = matrix(top)
    return parse_answers(plan(given), WHOLE | changed)


SAMPLED = [(1000.0, 4.0), (1015.0, 2.0), (1030.0, 6.0), (1045.0, 1.0), (1060.0, 3.0)]


@pytest.mark.parametrize(
    ("aggregate", "number"),
    [("mean", 3.2), ("max", 6.0), ("min", 1.0), ("last", 3.0), ("increase", 2.0 + 4.0 + 1.0 + 2.0)],
)
def test_aggregates(aggregate: str, number: float) -> None:
    found = own(aggregate, SAMPLED)
    assert found.values["query.own"] == pytest.approx(number)
    assert found.series["query.own"] == SAMPLED


@pytest.mark.parametrize("aggregate", ["mean", "max", "min", "last", "increase"])
def test_a_query_over_the_range_is_its_own_aggregate(aggregate: str) -> None:
    given = Own("own", "sum(increase(x[$range]))", aggregate)
    made = plan(given)
    assert made.queries[-1].kind == "instant"
    answer = Reply([{"metric": {}, "value": [END, "7"]}])
    assert parse_answers(made, WHOLE | {"query.own": answer}).values["query.own"] == 7.0


def test_a_scalar_is_taken() -> None:
    made = plan(Own("own", "scalar(rate(x[$range]))"))
    assert parse_answers(made, WHOLE | {"query.own": Reply([END, "7"])}).values["query.own"] == 7.0


@pytest.mark.fault(21)
def test_a_query_without_traffic_is_missing_and_not_zero() -> None:
    found = own("mean", [(at, math.nan) for at, _ in SAMPLED])
    assert found.missing["query.own"].startswith("NotANumber")
    assert own("mean", []).missing["query.own"] == "NoSeries: the query gave no series"


@pytest.mark.fault(21)
def test_a_query_with_a_gap_is_missing() -> None:
    found = own("mean", [SAMPLED[0], SAMPLED[3], SAMPLED[4]])
    assert found.missing["query.own"].startswith("MetricsIncomplete: the query has no sample for 45 s")


@pytest.mark.fault(23)
def test_a_query_with_two_series_is_ambiguous() -> None:
    made = plan(Own("own", "x"))
    found = parse_answers(made, WHOLE | {"query.own": matrix(SAMPLED, SAMPLED)})
    assert found.missing["query.own"].startswith("AmbiguousQuery: 2 series")


QUANTILE = "histogram_quantile(0.95, x)"


@pytest.mark.fault(22)
@pytest.mark.parametrize("aggregate", ["mean", "max"])
def test_a_quantile_in_the_last_bucket_is_above_its_bound(aggregate: str) -> None:
    points = [(at, 10.0) for at, _ in SAMPLED]
    found = own(aggregate, points, QUANTILE, top=points)
    assert "query.own" not in found.values
    assert found.missing["query.own"] == "AboveBound: > 10: the quantile lies in the histogram's +Inf bucket"
    assert found.above == {"query.own": 10.0}


@pytest.mark.fault(22)
def test_aggregates_that_do_not_rest_on_capped_points_are_values() -> None:
    points = [(1000.0, 10.0), (1015.0, 2.0), (1030.0, 1.0), (1045.0, 2.0), (1060.0, 3.0)]
    top = [(at, 10.0) for at, _ in points]
    assert own("min", points, QUANTILE, top).values["query.own"] == 1.0
    assert own("last", points, QUANTILE, top).values["query.own"] == 3.0
    assert own("max", points, QUANTILE, top).above == {"query.own": 10.0}
    assert own("mean", points, QUANTILE, top).above == {"query.own": pytest.approx(3.6)}


@pytest.mark.fault(22)
def test_a_quantile_that_cannot_be_compared_is_missing() -> None:
    made = plan(Own("own", QUANTILE, "max"))
    found = parse_answers(made, WHOLE | {"query.own": matrix(SAMPLED), "top/query.own": Failed("too slow")})
    assert found.missing["query.own"].startswith("QueryFailed")


def test_a_query_that_was_refused_is_missing() -> None:
    found = parse_answers(plan(Own("own", "x[$foo]")), WHOLE)
    assert found.missing["query.own"].startswith("InvalidQuery: $foo is unknown")


# Curves and the present


def test_curves_leave_out_what_is_no_number() -> None:
    curve = [(1000.0, 0.1), (1015.0, math.nan), (1030.0, 0.3)]
    found = parse(**{"chart/gateway.cpu": matrix(curve), "chart/gateway.memory": matrix(curve, curve)})
    assert found.series == {"gateway.cpu": [(1000.0, 0.1), (1030.0, 0.3)]}


def test_live() -> None:
    one = Reply([{"metric": {}, "value": [END, "0.75"]}])
    assert parse_live({queries.LIVE_CPU: one}) == Live(cpu_cores=0.75)
    assert parse_live({queries.LIVE_MEMORY: one}) == Live(memory_bytes=0.75)


@pytest.mark.fault(23)
def test_live_is_unknown_rather_than_a_guess() -> None:
    two = Reply([{"metric": {"id": name}, "value": [END, "0.75"]} for name in "ab"])
    nan = Reply([{"metric": {}, "value": [END, "NaN"]}])
    for answer in (two, nan, Reply([]), Failed("no"), Reply(None)):
        assert parse_live({queries.LIVE_CPU: answer}) == Live()


def test_what_the_gateway_tells_of_its_own_process_is_a_curve() -> None:
    chart = queries.CHART
    found = parse(**{f"{chart}gateway.goroutines": matrix(flat(12.0)), f"{chart}gateway.fds": Reply([])})
    assert [value for _, value in found.series["gateway.goroutines"]] == [12.0] * 6
    assert "gateway.fds" not in found.series
