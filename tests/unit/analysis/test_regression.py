"""A verdict says no more than the repeats bear out, and says what would settle the rest."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatebench_analysis import regression
from gatebench_analysis.document import Figure, Repeat, Result, RunInfo
from gatebench_analysis.regression import Comparison, MetricVerdict, Side, compare, side

STEADY = (1.0, 1.004, 0.996, 1.002, 0.998)
ENVIRONMENT = {"node": "n1", "kernel": "6.1", "images": {"gateway": "a", "mock": "m"}}


def repeats(metric: str, values: Any, **given: Any) -> Side:
    given.setdefault("name", "one")
    return Side(repeats=[{metric: value} for value in values], **given)


def judged(metric: str, before: Any, after: Any, tolerance: float) -> MetricVerdict:
    comparison = compare(repeats(metric, before), repeats(metric, after, name="other"), {metric: tolerance})
    (one,) = comparison.metrics
    assert comparison.verdict == one.verdict
    return one


@pytest.mark.parametrize(
    ("metric", "factor", "tolerance", "verdict"),
    [
        ("latency.p95", 1.10, 0.03, "Regressed"),
        ("latency.p95", 0.90, 0.03, "Better"),
        ("latency.p95", 1.03, 0.10, "Same"),
        ("latency.p95", 0.95, 0.10, "Same"),
        ("latency.p95", 1.03, 0.03, "Inconclusive"),
        ("latency.p95", 1.03, 0.0, "Regressed"),
        ("latency.p95", 1.0, 0.0, "Inconclusive"),
        ("latency.p95", 0.97, 0.0, "Better"),
        ("throughput", 0.90, 0.03, "Regressed"),
        ("throughput", 1.10, 0.03, "Better"),
        ("throughput", 0.97, 0.10, "Same"),
        ("requests.chat.throughput", 0.90, 0.03, "Regressed"),
        ("requests.chat.tokensPerSecond", 1.10, 0.03, "Better"),
        ("requests.throughput.latency.p95", 1.10, 0.03, "Regressed"),
        ("capacity.requestsPerSecond", 0.90, 0.03, "Regressed"),
        ("gateway.memory.peak", 1.10, 0.03, "Regressed"),
        ("query.spent", 1.10, 0.03, "Regressed"),
    ],
)
def test_a_shift_by_a_known_factor(metric: str, factor: float, tolerance: float, verdict: str) -> None:
    one = judged(metric, [0.2 * value for value in STEADY], [0.2 * factor * value for value in STEADY], tolerance)
    assert (one.verdict, one.tolerance, one.absolute) == (verdict, tolerance, False)
    assert one.ratio == pytest.approx(factor)
    assert one.baseline == pytest.approx(0.2)
    assert one.current == pytest.approx(0.2 * factor)
    assert one.low is not None
    assert one.high is not None
    assert one.low <= factor <= one.high
    assert one.why


LOGS = st.lists(st.floats(-0.3, 0.3), min_size=4, max_size=6)


@given(LOGS, LOGS, st.sampled_from([0.0, 0.03, 0.1]), st.sampled_from(["latency.p95", "throughput"]))
def test_a_verdict_agrees_with_its_interval(before: Any, after: Any, tolerance: float, metric: str) -> None:
    one = judged(metric, [math.exp(value) for value in before], [math.exp(value) for value in after], tolerance)
    assert one.low is not None
    assert one.high is not None
    bad = one.high < 1 - tolerance if metric == "throughput" else one.low > 1 + tolerance
    good = one.low > 1 if metric == "throughput" else one.high < 1
    inside = 1 - tolerance <= one.low and one.high <= 1 + tolerance
    # Bounds that are the tolerance to the last digit may fall on either side.
    if min(abs(bound - edge) for bound in (one.low, one.high) for edge in (1 - tolerance, 1, 1 + tolerance)) > 1e-9:
        expected = "Regressed" if bad else "Same" if inside else "Better" if good else "Inconclusive"
        assert one.verdict == expected


@given(LOGS, LOGS, st.sampled_from([0.0, 0.05]))
def test_nothing_is_better_and_worse_from_both_ends(before: Any, after: Any, tolerance: float) -> None:
    ends = [math.exp(value) for value in before], [math.exp(value) for value in after]
    forth, back = (judged("latency.p50", *pair, tolerance).verdict for pair in (ends, ends[::-1]))
    assert {forth, back} != {"Regressed"}
    assert {forth, back} != {"Better"}
    if forth == "Regressed":
        assert back == "Better"


@pytest.mark.parametrize(
    ("before", "after", "metrics", "needed"), [(3, 3, 1, 4), (4, 4, 4, 5), (5, 3, 1, 4), (1, 1, 1, 4), (5, 5, 13, 6)]
)
def test_too_few_repeats_name_the_number_needed(before: int, after: int, metrics: int, needed: int) -> None:
    names = [f"query.q{index}" for index in range(metrics)]
    sides = [
        Side(name, [dict.fromkeys(names, factor * value) for value in STEADY[:count]])
        for name, count, factor in (("one", before, 1.0), ("other", after, 2.0))
    ]
    found = compare(sides[0], sides[1], dict.fromkeys(names, 0.1))
    assert found.verdict == "Inconclusive"
    assert {one.verdict for one in found.metrics} == {"Inconclusive"}
    assert all(f"{before} against {after} repeats" in one.why for one in found.metrics)
    assert all(f"{needed} a side" in one.why for one in found.metrics)
    assert found.metrics[0].ratio == pytest.approx(2.0, rel=0.02)


def test_holm_counts_all_metrics_that_have_a_tolerance() -> None:
    """Four pairs of 25 in the wrong order: p = 0.0476, enough by itself, not among two."""
    before = (1.0, 2.0, 3.0, 4.0, 10.5)
    after = (10.0, 10.1, 10.2, 10.3, 11.0)
    alone = judged("latency.p95", before, after, 0.0)
    assert alone.verdict == "Regressed"
    both = compare(
        Side("one", [{"latency.p95": value, "query.q": 1.0} for value in before]),
        Side("other", [{"latency.p95": value, "query.q": 1.0} for value in after]),
        {"latency.p95": 0.0, "query.q": 0.1},
    )
    verdict = both.metrics[0]
    assert verdict.verdict == "Inconclusive"
    assert "Holm" in verdict.why
    assert (verdict.low, verdict.high) == (alone.low, alone.high)
    assert both.metrics[1].verdict == "Same"


def test_the_worst_metric_decides() -> None:
    before = {"latency.p50": 1.0, "latency.p95": 1.0, "throughput": 1.0}

    def found(**factors: float) -> Comparison:
        after = {**before, **{name.replace("_", "."): factor for name, factor in factors.items()}}
        sides = [Side(name, [{key: value * one for key, value in row.items()} for one in STEADY])
                 for name, row in (("one", before), ("other", after))]  # fmt: skip
        return compare(sides[0], sides[1], dict.fromkeys(before, 0.05))

    assert found(latency_p50=0.5, latency_p95=0.5, throughput=2.0).verdict == "Better"
    assert found(latency_p50=0.5).verdict == "Same"
    assert found(latency_p50=0.5, latency_p95=1.05).verdict == "Inconclusive"
    regressed = found(latency_p95=1.05, throughput=0.5)
    assert regressed.verdict == "Regressed"
    assert regressed.why.startswith("throughput: ")
    assert "latency.p95" not in regressed.why


def test_error_ratios_are_compared_by_their_difference() -> None:
    none, few, many = [0.0] * 5, [0.001, 0.002, 0.0, 0.001, 0.0015], [0.05, 0.06, 0.055, 0.052, 0.058]
    same = judged("errorRatio", none, none, 0.01)
    assert (same.verdict, same.ratio, same.low, same.high, same.absolute) == ("Same", 0.0, 0.0, 0.0, True)
    assert judged("errorRatio", none, few, 0.01).verdict == "Same"
    worse = judged("errorRatio", few, many, 0.01)
    assert worse.verdict == "Regressed"
    assert worse.ratio == pytest.approx(0.054, abs=0.001)
    assert "points" in worse.why
    assert judged("errorRatio", many, few, 0.01).verdict == "Better"
    assert judged("requests.chat.errorRatio", none, many, 0.01).verdict == "Regressed"


def test_a_default_tolerance_is_at_most_a_point_of_a_share() -> None:
    names = ["latency.p95", "errorRatio", "throughput"]
    assert regression.tolerances(names, 0.1) == {"latency.p95": 0.1, "errorRatio": 0.01, "throughput": 0.1}
    assert regression.tolerances(names, 0.0)["errorRatio"] == 0.0
    own = regression.tolerances(names, 0.1, {"errorRatio": 0.05, "latency.p99": 0.2})
    assert own == {"latency.p95": 0.1, "errorRatio": 0.05, "throughput": 0.1, "latency.p99": 0.2}


def test_what_has_no_ratio_is_inconclusive_unless_it_is_all_the_same() -> None:
    assert judged("dropped", [0.0] * 5, [0.0] * 5, 0.1).verdict == "Same"
    odd = judged("dropped", [0.0] * 5, [100.0, 101.0, 102.0, 103.0, 104.0], 0.1)
    assert odd.verdict == "Inconclusive"
    assert (odd.baseline, odd.current, odd.ratio) == (0.0, 102.0, None)
    assert "0 have no ratio" in odd.why


def test_a_missing_metric_is_missing() -> None:
    found = compare(repeats("latency.p50", STEADY), repeats("latency.p95", STEADY, name="other"), {"latency.p95": 0.1})
    (one,) = found.metrics
    assert (one.verdict, one.baseline, one.ratio, one.low) == ("Inconclusive", None, None, None)
    assert one.why == "it is missing in one"


def test_environments_that_differ_are_not_compared() -> None:
    other = {"node": "n2", "kernel": "6.1", "os": "new", "images": {"gateway": "b", "mock": "m2"}, "specHash": "x"}
    found = compare(
        repeats("latency.p95", STEADY, environment={**ENVIRONMENT, "specHash": "y"}),
        repeats("latency.p95", [2 * value for value in STEADY], environment=other),
        {"latency.p95": 0.1},
    )
    assert found.differences == ("images.mock", "node")  # the gateway is what is compared; os is known of one side only
    assert found.verdict == "Inconclusive"
    assert "differ in images.mock, node" in found.why
    assert found.metrics[0].ratio == pytest.approx(2.0)


def test_repeats_of_one_process_are_not_compared() -> None:
    found = compare(
        repeats("latency.p95", STEADY, name="old", one_process=True),
        repeats("latency.p95", [2 * value for value in STEADY], name="new"),
        {"latency.p95": 0.1},
    )
    assert found.verdict == "Inconclusive"
    assert "OneProcess" in found.why
    assert "old" in found.why
    assert "restartGateway" in found.why


@pytest.mark.parametrize("given", [{}, {"latency.p95": -0.1}, {"latency.p95": 1.0}, {"latency.p95": math.nan}])
def test_tolerances_have_to_be_shares(given: dict[str, float]) -> None:
    one = repeats("latency.p95", STEADY)
    with pytest.raises(ValueError, match="tolerance"):
        compare(one, one, given)


def test_equal_sides_are_seldom_called() -> None:
    """600 tries at tolerance 0 with four correlated metrics; the limit is the 99.9 % quantile at 5 %."""
    source, names = random.Random(3), ["latency.p50", "latency.p95", "latency.p99", "throughput"]

    def one(name: str) -> Side:
        rows = []
        for _ in range(5):
            level = source.gauss(0, 0.02)
            rows.append({metric: math.exp(level + source.gauss(0, 0.02)) for metric in names})
        return Side(name, rows)

    found = [compare(one("a"), one("b"), dict.fromkeys(names, 0.0)).verdict for _ in range(600)]
    assert found.count("Regressed") <= 0.05 * 600 + 3.1 * math.sqrt(0.05 * 0.95 * 600)
    assert found.count("Same") == 0


def result(values: dict[str, float], spec: dict[str, Any] | None = None, **environment: Any) -> Result:
    figures = {name: Figure(value=value, unit="s") for name, value in values.items()}
    return Result(run=RunInfo(spec=spec or {}), metrics=figures, environment=environment)


def test_each_result_is_a_repeat() -> None:
    results = [result({"latency.p95": value, "latency.p50": 1.0}, node="n1") for value in (1.0, 2.0, 3.0)]
    found = side("new", results, ["latency.p95", "latency.p99"])
    assert found == Side("new", [{"latency.p95": value} for value in (1.0, 2.0, 3.0)], {"node": "n1"}, False)


def test_what_is_only_a_bound_is_no_value() -> None:
    above = Result(metrics={"latency.p99": Figure(value=600.0, unit="s", above=True)})
    assert side("new", [above], ["latency.p99"]).repeats == [{}]


def with_repeats(values: tuple[float, ...], spec: dict[str, Any]) -> Result:
    """A result of several repeats and one that was broken off."""
    own = [
        Repeat(
            index=index,
            whole=index < len(values),
            metrics={"latency.p95": Figure(value=value, unit="s")},
            gateway={"gateway.memory.peak": Figure(value=100 * value, unit="bytes")},
        )
        for index, value in enumerate((*values, 99.0))
    ]
    return result({"latency.p95": 9.0, "latency.p50": 9.0}, spec).model_copy(update={"repeats": own})


@pytest.mark.parametrize(
    ("spec", "one_process"),
    [
        ({"repeats": {"restartGateway": True}}, False),
        ({"repeats": {"restartGateway": False}}, True),
        ({"repeats": {"count": 3}}, True),
        ({"repeats": {"count": 3}, "baseline": {"run": "old"}}, True),
        ({"repeats": {"restartGateway": True}, "baseline": {"run": "old"}}, False),
    ],
)
def test_repeats_of_one_result(spec: dict[str, Any], one_process: bool) -> None:
    names = ["latency.p95", "gateway.memory.peak", "latency.p50"]
    found = side("new", [with_repeats((1.0, 2.0, 6.0), spec)], names)
    assert found.repeats == [{"latency.p95": one, "gateway.memory.peak": 100 * one} for one in (1.0, 2.0, 6.0)]
    assert found.one_process is one_process


def test_of_several_processes_each_gives_one_value() -> None:
    shared: dict[str, Any] = {"repeats": {"restartGateway": False}}
    found = side("new", [with_repeats(values, shared) for values in ((1.0, 2.0, 6.0), (3.0, 4.0))], ["latency.p95"])
    assert [row["latency.p95"] for row in found.repeats] == [2.0, 3.5]
    assert not found.one_process


def test_the_load_belongs_to_the_environment() -> None:
    def of(users: int, image: str) -> Side:
        spec = {"gateway": {"image": image, "cpus": 2}, "load": {"stages": [{"users": users}], "engine": "Go"}}
        return side(image, [result({"latency.p95": 1.0}, spec)], ["latency.p95"])

    assert compare(of(10, "a"), of(10, "b"), {"latency.p95": 0.1}).differences == ()
    assert compare(of(10, "a"), of(20, "b"), {"latency.p95": 0.1}).differences == ("load.stages",)


def test_results_of_one_side_that_differ_are_not_one_environment() -> None:
    mixed = side("new", [result({"latency.p95": 1.0}, node=node) for node in ("n2", "n1")], ["latency.p95"])
    assert mixed.environment == {"node": "n1 / n2"}
