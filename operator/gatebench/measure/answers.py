"""From Prometheus' answers to figures, each of which is a value, missing, or not applicable.

A reason of what is missing begins with a word for machines (NoSeries, MetricsIncomplete, AmbiguousQuery,
NotANumber, AboveBound, QueryFailed, InvalidQuery) and goes on for people.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from gatebench.measure import figures, gateway, own, queries, samples, table
from gatebench.measure.figures import Answers, Failed, Missing, Reply, Value

__all__ = ["Answers", "Failed", "Live", "Reply", "Resources", "parse_answers", "parse_live"]


@dataclasses.dataclass(frozen=True)
class Resources:
    """The gateway's figures over the measured window, by metric name."""

    values: Mapping[str, float] = dataclasses.field(default_factory=dict)
    missing: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Metric -> 'Reason: message'."""
    not_applicable: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Metric -> why it cannot exist here."""
    series: Mapping[str, list[tuple[float, float]]] = dataclasses.field(default_factory=dict)
    """Curve -> (unix seconds, value)."""
    sources: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Metric -> the series that its value came from."""
    above: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """Metric that is missing -> what it is known to be above."""


@dataclasses.dataclass(frozen=True)
class Live:
    """The gateway's CPU (cores) and memory (bytes) now; None: not known."""

    cpu_cores: float | None = None
    memory_bytes: float | None = None


def parse_answers(plan: queries.Plan, answers: Answers) -> Resources:
    """The figures of the window that `plan` asked about."""
    values: dict[str, float] = {}
    sources: dict[str, str] = {}
    not_applicable: dict[str, str] = {}
    missing: dict[str, str] = dict(plan.refused)
    above: dict[str, float] = {}
    found: dict[str, Value | Missing] = {
        metric.name: gateway.metric_figure(metric, plan, answers) for metric in table.METRICS
    }
    found |= {name: own.query_figure(name, how, plan, answers) for name, how in plan.aggregates.items()}
    impossible = {metric.name: metric.absent for metric in table.METRICS if metric.absent}
    # Where the container has no series at all, nothing is known of its quota either.
    seen = isinstance(found["gateway.cpu.mean"], Value)
    for name, figure in found.items():
        if isinstance(figure, Value):
            values[name], sources[name] = figure.number, figure.source
        elif figure.reason == "NoSeries" and seen and name in impossible:
            not_applicable[name] = impossible[name]
        else:
            missing[name] = str(figure)
            if figure.above is not None:
                above[name] = figure.above
    return Resources(values, missing, not_applicable, _curves(plan, answers), sources, above)


def parse_live(answers: Answers) -> Live:
    """What is known of the present moment."""
    return Live(_now(answers, queries.LIVE_CPU), _now(answers, queries.LIVE_MEMORY))


def _now(answers: Answers, name: str) -> float | None:
    found = figures.read(answers, name)
    if isinstance(found, Missing) or len(found) != 1:
        return None
    points = samples.finite(found[0].points)
    return points[-1][1] if points else None


def _curves(plan: queries.Plan, answers: Answers) -> dict[str, list[tuple[float, float]]]:
    """The charts' curves; one that is absent or ambiguous is left out."""
    out: dict[str, list[tuple[float, float]]] = {}
    for query in plan.queries:
        if query.kind != "range" or query.name.startswith(queries.TOP):
            continue
        found = figures.read(answers, query.name)
        if isinstance(found, Missing):
            continue
        line = samples.join(found)
        points = samples.finite(line.points) if line is not None else ()
        if points:
            out[query.name.removeprefix(queries.CHART)] = list(points)
    return out
