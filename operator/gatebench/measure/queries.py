"""Builds what Prometheus is asked: the exact PromQL, as instant queries and as ranges for the charts.

Figures of the window come from the raw samples inside it (`series[window]`, evaluated at the window's end):
they show gaps, resets and duplicates, which a rate hides, and are not extrapolated.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from gatebench.measure import table
from gatebench.measure.templates import InvalidQuery, check, escaped, fill, top_quantile, uses

__all__ = ["Plan", "Query", "UserQuery", "check", "live_queries", "plan_queries", "selector"]

CONTAINER = "gateway"
MAX_POINTS = 1000
# cAdvisor samples every 10 to 15 s, however often it is scraped.
SAMPLING_SECONDS = 15.0

SAMPLES = "samples/"
CHART = "chart/"
TOP = "top/"
LIVE_CPU = "live/cpu"
LIVE_MEMORY = "live/memory"


class UserQuery(Protocol):
    """A query that a run brings."""

    @property
    def name(self) -> str:
        """Its name: the metric is query.NAME."""

    @property
    def promql(self) -> str:
        """The query with its variables."""

    @property
    def aggregate(self) -> str:
        """mean, max, min, last or increase."""


@dataclasses.dataclass(frozen=True)
class Query:
    """One question. Times are unix seconds."""

    name: str
    promql: str
    kind: Literal["instant", "range"]
    at: float = 0.0
    """Of an instant query."""
    start: float = 0.0
    """Of a range, as end and step."""
    end: float = 0.0
    step: float = 0.0


@dataclasses.dataclass(frozen=True)
class Plan:
    """All that is asked about one measured window, and what is needed to read the answers."""

    start: float
    end: float
    scrape_interval: float
    queries: tuple[Query, ...]
    aggregates: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """query.NAME -> how its values become one."""
    refused: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """query.NAME -> why it is not asked."""

    @property
    def gap_limit(self) -> float:
        """Seconds without a sample beyond which a series has a gap."""
        return gap_limit(self.scrape_interval)


def gap_limit(scrape_interval: float) -> float:
    """Twice the interval at which samples can come."""
    return 2 * max(scrape_interval, SAMPLING_SECONDS)


def step_for(seconds: float, scrape_interval: float) -> float:
    """Whole seconds between a range's points: at least the scrape interval, and at most MAX_POINTS points."""
    return float(math.ceil(max(scrape_interval, seconds / (MAX_POINTS - 1), 1.0)))


def span(seconds: float) -> str:
    """A length of time as PromQL has it, exact to the millisecond and at least 1 ms."""
    milliseconds = max(1, round(seconds * 1000))
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"


def selector(source: table.Source, pod: str, namespace: str, container: str = CONTAINER) -> str:
    """The series of one container or one pod.

    image!="" takes cAdvisor's series of containers alone: neither the pod's sum of them, nor the copy that
    the kubelet's /metrics/resource has, whatever the scraping jobs are called.
    """
    matchers = [f'namespace="{escaped(namespace)}"', f'pod="{escaped(pod)}"']
    if source.scope is table.Scope.CONTAINER:
        matchers += [f'container="{escaped(container)}"', 'image!=""']
    elif source.scope is table.Scope.SANDBOX:
        # Network belongs to the sandbox, whose image some runtimes do not name.
        matchers += ['interface!="lo"']
    return f"{source.series}{{{','.join(matchers)}}}"


def plan_queries(
    pod: str,
    namespace: str,
    start: float,
    end: float,
    scrape_interval: float,
    user_queries: Sequence[UserQuery] = (),
    chart_start: float | None = None,
) -> Plan:
    """What to ask about the window from `start` to `end`; charts begin at `chart_start` (of the warm-up)."""
    samples = tuple(
        Query(
            f"{SAMPLES}{source.series}",
            f"{selector(source, pod, namespace)}[{span(end - start)}]",
            "instant",
            at=end,
        )
        for source in table.SOURCES
    )
    first = start if chart_start is None else min(chart_start, start)
    step = step_for(end - first, scrape_interval)
    charts = tuple(
        Query(
            f"{CHART}{chart.name}",
            _curve(chart.source, pod, namespace, scrape_interval),
            "range",
            start=first,
            end=end,
            step=step,
        )
        for chart in table.CHARTS
    )
    asked: list[Query] = []
    aggregates: dict[str, str] = {}
    refused: dict[str, str] = {}
    values = {"pod": pod, "namespace": namespace, "range": span(end - start)}
    for query in user_queries:
        name = f"query.{query.name}"
        try:
            asked += _user(name, query.promql, values, start, end, scrape_interval)
        except InvalidQuery as error:
            refused[name] = f"InvalidQuery: {error}"
        else:
            aggregates[name] = query.aggregate
    return Plan(start, end, scrape_interval, (*samples, *charts, *asked), aggregates, refused)


def _curve(source: table.Source, pod: str, namespace: str, scrape_interval: float) -> str:
    series = selector(source, pod, namespace)
    if not source.counter:
        return series
    rate = f"rate({series}[{span(2 * gap_limit(scrape_interval))}])"
    return f"sum without (interface) ({rate})" if source.scope is table.Scope.SANDBOX else rate


def _user(
    name: str, promql: str, values: Mapping[str, str], start: float, end: float, scrape_interval: float
) -> list[Query]:
    """A query with $range covers the window itself, so it is asked once; any other one is sampled over it."""
    filled = fill(promql, values)
    top = top_quantile(filled)
    texts = {name: filled} if top is None else {name: filled, f"{TOP}{name}": top}
    if uses(promql, "range"):
        return [Query(key, text, "instant", at=end) for key, text in texts.items()]
    step = step_for(end - start, scrape_interval)
    return [Query(key, text, "range", start=start, end=end, step=step) for key, text in texts.items()]


def live_queries(pod: str, namespace: str, now: float, scrape_interval: float) -> tuple[Query, Query]:
    """The gateway's CPU (cores) and memory (bytes) now."""
    cpu = _curve(table.CPU, pod, namespace, scrape_interval)
    return (
        Query(LIVE_CPU, cpu, "instant", at=now),
        Query(LIVE_MEMORY, selector(table.WORKING_SET, pod, namespace), "instant", at=now),
    )
