"""Published references, and what figures are beside them."""

from __future__ import annotations

import datetime
import re

import pytest

from gatebench_analysis import metrics, options, reference
from gatebench_analysis.foreign.figures import Figures, make
from gatebench_analysis.rating import rate, times

GOOD = {
    "throughput": 1050.0,
    "latency.p50": 0.095,
    "latency.p95": 0.145,
    "latency.p99": 0.220,
    "overhead.p50": 0.006,
    "errorRatio": 0.001,
}


def figures(instances: int | None = 1, **changed: float | None) -> Figures:
    named = {name.replace("_", "."): value for name, value in changed.items()}
    found = make("mine", "gatebench", {**GOOD, **named}, samples=100_000)
    return Figures(found.name, found.tool, found.values, found.missing, instances=instances)


@pytest.mark.parametrize("name", reference.names())
def test_every_reference_says_where_it_is_from(name: str) -> None:
    found = reference.get(name)
    assert found is not None
    assert found.source.startswith("https://")
    assert datetime.date.fromisoformat(found.date) <= datetime.date.today()
    assert found.instances >= 1
    assert len(found.environment) > 40
    assert found.figures.keys() >= {"throughput", "latency.p50", "latency.p95", "latency.p99"}
    # Metrics of ours, but for the overhead, which only a run has.
    assert all(metrics.find(metric) for metric in found.figures if not metric.startswith("overhead."))


def test_the_published_figures() -> None:
    def told(name: str) -> list[float]:
        found = reference.get(name)
        assert found is not None
        return [found.figures[m].value for m in ("throughput", "latency.p50", "latency.p95", "latency.p99")]

    assert told("litellm-4") == [1170, 0.1, 0.15, 0.24]
    assert told("litellm-2") == [1035.7, 0.2, 0.63, 1.2]
    assert told("tokligence") == [7700, 0.003, 0.01, 0.15]
    found = reference.get("tokligence")
    assert found is not None
    assert "performance lower bound" in found.environment
    assert found.figures["latency.p95"].words("s") == "10 ms to 32 ms"
    assert found.figures["throughput"].words("1/s") == "7,700+ req/s"


def test_the_help_names_all_of_them() -> None:
    named = re.split(r", | or ", options.REFERENCE.removesuffix("."))
    assert tuple(named) == (*reference.names(), reference.NONE)
    assert options.DEFAULT_REFERENCE in named


def test_a_reference_that_is_not_there_names_those_that_are() -> None:
    assert reference.get("none") is None
    with pytest.raises(ValueError, match="use one of litellm-4, litellm-2, tokligence, or none"):
        reference.get("litellm")


def status(metric: str, **changed: float | None) -> str:
    found = reference.get("litellm-4")
    assert found is not None
    return next(row.status for row in rate(figures(**changed), found).rows if row.metric == metric)


@pytest.mark.parametrize(
    ("metric", "good", "investigate", "issue"),
    [
        ("throughput", 0.85 * 1170, 0.849 * 1170, 499.0),
        ("latency.p50", 0.12, 0.1201, 0.2001),
        ("latency.p95", 0.18, 0.1801, 0.3001),
        ("latency.p99", 0.3, 0.3001, 0.4801),
        ("overhead.p50", 0.01, 0.0101, None),
    ],
)
def test_bounds(metric: str, good: float, investigate: float, issue: float | None) -> None:
    name = metric.replace(".", "_")
    assert status(metric, **{name: good}) == "Good"
    assert status(metric, **{name: investigate}) == "Needs investigation"
    if issue is not None:
        assert status(metric, **{name: issue}) == "Performance issue"
    assert status(metric, **{name: None}) == "Unknown"


def test_one_per_cent_of_errors_is_an_issue() -> None:
    assert status("errorRatio", errorRatio=0.0099) == "Good"
    assert status("errorRatio", errorRatio=0.01) == "Performance issue"


def test_together_it_is_the_worst_and_unknown_without_a_figure() -> None:
    litellm = reference.get("litellm-4")
    assert litellm is not None
    assert rate(figures(), litellm).status == "Good"
    assert rate(figures(overhead_p50=None), litellm).status == "Good", "only a run of gatebench has it"
    unknown = rate(figures(latency_p99=None), litellm)
    assert (unknown.status, unknown.why) == ("Unknown", "P99 latency: gatebench does not tell it")
    worst = rate(figures(latency_p99=None, latency_p95=0.2, throughput=400.0), litellm)
    assert (worst.status, worst.why) == ("Performance issue", "Throughput")


def test_factors_and_instances() -> None:
    litellm, tokligence = reference.get("litellm-4"), reference.get("tokligence")
    assert litellm is not None
    assert tokligence is not None
    found = rate(figures(throughput=7700.0, latency_p50=0.003), litellm)
    words = {row.metric: row.factor_words for row in found.rows}
    assert words["throughput"] == "6.6x faster"
    assert words["latency.p50"] == "33x faster"
    assert found.per_instance is not None
    assert found.per_instance.reference == 292.5
    assert found.per_instance.factor == pytest.approx(7700 / 292.5)
    assert rate(figures(instances=None), litellm).per_instance is None
    # Of a range, the end that asks less.
    p95 = next(row for row in rate(figures(latency_p95=0.032), tokligence).rows if row.metric == "latency.p95")
    assert (p95.status, p95.factor) == ("Good", 1.0)


@pytest.mark.parametrize(
    ("factor", "said"),
    [(None, ""), (0.0, ""), (1.04, "the same"), (0.96, "the same"), (1.4, "1.4x faster"), (0.5, "2x slower")],
)
def test_times(factor: float | None, said: str) -> None:
    assert times(factor) == said
