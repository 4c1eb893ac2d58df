"""The exact PromQL. Golden files: UPDATE_GOLDEN=1 pytest tests/unit/measure writes them; read the diff."""

from __future__ import annotations

import dataclasses
import os
import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatebench.measure import queries, table
from gatebench.measure.queries import Plan, Query, plan_queries

GOLDEN = pathlib.Path(__file__).parents[2] / "golden" / "measure"
START, END = 1_700_000_000.0, 1_700_000_060.0


@dataclasses.dataclass(frozen=True)
class Own:
    name: str
    promql: str
    aggregate: str = "mean"


OWN = (
    Own("goroutines", 'go_goroutines{namespace="$namespace",pod="$pod"}', "max"),
    Own("served", 'sum(increase(http_requests_total{pod="$pod"}[$range]))'),
    Own("p95", "histogram_quantile(0.95, sum by (le) (rate(http_seconds_bucket{pod='$pod'}[1m])))"),
    Own("broken", "up{job=~'$job'}"),
)


def listed(plan: tuple[Query, ...]) -> str:
    lines = []
    for query in plan:
        when = f"at {query.at:.3f}"
        if query.kind == "range":
            when = f"{query.start:.0f} .. {query.end:.0f} step {query.step:g} s"
        lines.append(f"{query.name}\n  {query.promql}\n  {query.kind} {when}\n")
    return "".join(lines)


def check_golden(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert path.read_text() == text


def plan(start: float = START, end: float = END, interval: float = 15.0) -> Plan:
    return plan_queries("demo-1234abcd-gateway", "team-a", start, end, interval, OWN, chart_start=start - 30)


def test_the_queries_of_a_window() -> None:
    check_golden("window.txt", listed(plan().queries))


def test_the_live_queries() -> None:
    check_golden("live.txt", listed(queries.live_queries("demo-1234abcd-gateway", "team-a", END, 5.0)))


def test_the_table_of_metrics() -> None:
    text = "".join(" | ".join(row) + "\n" for row in table.rows())
    check_golden("table.txt", text)


def test_a_query_that_cannot_be_filled_in_is_not_asked_and_says_why() -> None:
    made = plan()
    assert made.refused == {"query.broken": "InvalidQuery: $job is unknown; there are $pod, $namespace, $range"}
    assert not any("broken" in query.name for query in made.queries)


def test_names_are_unique() -> None:
    names = [query.name for query in plan().queries]
    assert len(names) == len(set(names))


def test_a_window_is_exact_to_the_millisecond() -> None:
    made = plan(end=START + 59.5004)
    assert made.queries[0].promql.endswith("[59500ms]")
    assert made.queries[0].at == START + 59.5004


@pytest.mark.parametrize("seconds", [1.0, 59.0, 3_600.0, 86_400.0, 8 * 86_400.0])
@pytest.mark.parametrize("interval", [5.0, 15.0, 60.0])
def test_a_range_has_at_most_a_thousand_points(seconds: float, interval: float) -> None:
    for query in plan(end=START + seconds, interval=interval).queries:
        if query.kind == "range":
            assert (query.end - query.start) / query.step + 1 <= queries.MAX_POINTS
            assert query.step >= interval


def test_no_series_is_counted_twice() -> None:
    """The kubelet's /metrics/resource has container_cpu_usage_seconds_total too, without an image."""
    assert 'image!=""' in queries.selector(table.CPU, "p", "n")
    assert "container=" not in queries.selector(table.RECEIVED, "p", "n")


@given(st.text(max_size=40), st.text(max_size=40))
def test_labels_cannot_end_their_string(pod: str, namespace: str) -> None:
    text = queries.selector(table.CPU, pod, namespace)
    inside, unescaped, skip = False, 0, False
    for mark in text:
        if skip:
            skip = False
        elif mark == "\\":
            skip = True
        elif mark == '"':
            inside = not inside
            unescaped += 1
        elif not inside:
            assert mark in 'container_cpu_usage_seconds_total{}=,!"namespacepodimage'
    assert unescaped == 8
    assert not inside
    assert "\n" not in text
