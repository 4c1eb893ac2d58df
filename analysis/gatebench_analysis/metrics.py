"""The one list of metrics: their names, units, and what exactly each is made from.

The CRD takes its pattern from here, the documentation its table, and objectives their values.
"""

from __future__ import annotations

import dataclasses
import enum
import re

from gatebench_analysis import overhead, repeats, spikefigures
from gatebench_analysis.document import Result
from gatebench_analysis.observation import Measured, Missing, NotApplicable, Observation

__all__ = [
    "CATALOGUE",
    "PATTERN",
    "Measured",
    "Metric",
    "Missing",
    "NotApplicable",
    "Observation",
    "Origin",
    "find",
    "observe",
    "page",
]


class Origin(enum.StrEnum):
    """Who measures."""

    FLEET = "fleet"
    """The load generator, in the load document."""
    PROBE = "probe"
    """The isolation probe beside the gateway."""
    GATEWAY = "gateway"
    """Prometheus; CPU and memory of a window under 60 s come from the probe."""
    KUBELET = "kubelet"
    """The pod's status."""
    QUERY = "query"
    """A PromQL query of the run."""
    COURSE = "course"
    """How the load went over time: slopes of the longest measured stage, and spikes."""


@dataclasses.dataclass(frozen=True)
class Metric:
    """A metric. `unit` is s, 1/s, ratio, bytes, bytes/s, cores, count, number (of a query), or one an hour: bytes/h."""

    name: str
    unit: str
    description: str
    source: str
    """The exact series or histogram."""
    origin: Origin = Origin.FLEET
    request: str | None = None
    """The request name, of requests.NAME.…"""
    whole: bool = False
    """It is of the whole load, and cannot be told for one stage."""

    @property
    def staged(self) -> bool:
        """Whether it can be told for one stage; figures of the gateway cover the whole measured window."""
        if self.name in spikefigures.UNITS:
            return True
        return self.origin is Origin.FLEET and not self.whole


_QUANTILE_WORDS = {"p50": "Median", "p90": "90th percentile", "p95": "95th percentile", "p99": "99th percentile"}
_QUANTILE_WORDS |= {"p99.9": "99.9th percentile"}
_FLOORS = {"p50": 7, "p90": 44, "p95": 90, "p99": 459, "p99.9": 4603}


def _distribution(prefix: str, what: str, source: str) -> list[Metric]:
    out = [Metric(f"{prefix}.mean", "s", f"Mean of {what}.", f"{source}: sum / count, not from buckets")]
    for name, words in _QUANTILE_WORDS.items():
        floor = _FLOORS[name]
        out.append(Metric(f"{prefix}.{name}", "s", f"{words} of {what}; missing below {floor} samples.", source))
    out.append(Metric(f"{prefix}.max", "s", f"Largest of {what}.", f"{source}: the largest sample itself"))
    for name, words in _QUANTILE_WORDS.items():
        text = f"Upper bound of the {words[0].lower()}{words[1:]} of {what}, at 99 % confidence, by order statistics."
        out.append(Metric(f"{prefix}.{name}.upper", "s", text, source))
    return out


def _client(prefix: str, who: str, latency: str) -> list[Metric]:
    return [
        Metric(f"{prefix}throughput", "1/s", f"Successes{who} a second.", "successes / measured seconds"),
        Metric(f"{prefix}errorRatio", "ratio", f"Share of failures{who}.", "failures / (successes + failures)"),
        *_distribution(f"{prefix}latency", latency, "latency histograms of successes"),
        *_distribution(
            f"{prefix}ttft",
            f"the time to the first non-empty content delta of streams{who}",
            "ttft histograms of successes",
        ),
        *_distribution(
            f"{prefix}interToken",
            f"the gaps between content deltas of streams{who}",
            "interToken histograms of successes",
        ),
        Metric(
            f"{prefix}tokensPerSecond",
            "1/s",
            f"Output tokens of answers{who} a second, where they are counted.",
            "outputTokens of successes / measured seconds",
        ),
    ]


def _gateway(name: str, unit: str, description: str, source: str, origin: Origin = Origin.GATEWAY) -> Metric:
    return Metric(f"gateway.{name}", unit, description, source, origin)


def _slope(name: str, unit: str, what: str, source: str) -> Metric:
    words = f"Growth of {what} an hour, over the longest measured stage (at least 30 min); by Theil-Sen."
    return Metric(name, unit, words, source, Origin.COURSE, whole=True)


_ROWS = "the series of the load"
_COURSE = (
    _slope("latency.p95.slope", "s/h", "the latency's 95th percentile", f"{_ROWS}: p95Seconds"),
    _slope("errorRatio.slope", "ratio/h", "the share of failures", f"{_ROWS}: failures / requests"),
    _slope(
        "gateway.memory.slope",
        "bytes/h",
        "the gateway's resident memory",
        "container_memory_rss; below 16 samples: the probe's rssBytes",
    ),
    _slope("gateway.goroutines.slope", "count/h", "goroutines", "go_goroutines of gateway.metricsPath"),
    _slope("gateway.fds.slope", "count/h", "open file descriptors", "process_open_fds of gateway.metricsPath"),
    _slope("gateway.threads.slope", "count/h", "threads", "the probe's threads"),
    Metric(
        "spike.errorRatio",
        "ratio",
        "Highest share of failures in a second of a spike.",
        f"{_ROWS}: failures / requests",
        Origin.COURSE,
    ),
    Metric("spike.p99", "s", "Worst 99th percentile of a second of a spike.", f"{_ROWS}: p99Seconds", Origin.COURSE),
    Metric(
        "spike.recoverySeconds",
        "s",
        "From a spike's end until p95 is back within 10 % of before; of several spikes the longest.",
        f"{_ROWS}: p95Seconds, as medians of 5 rows",
        Origin.COURSE,
    ),
    Metric(
        "spike.shed",
        "count",
        "Requests of the spikes that were refused (429, 503), or dropped before they were sent.",
        "errors and dropped of the spikes",
        Origin.COURSE,
    ),
)
_OVERHEAD = tuple(
    Metric(
        f"overhead.{name}",
        "s",
        f"What the gateway adds to the {words[0].lower()}{words[1:]} of the latency of successes that do not stream.",
        f"latency.{name} minus that of the direct leg, at the same rate; without an upstream latency.{name} itself",
        whole=True,
    )
    for name, words in _QUANTILE_WORDS.items()
    if f"overhead.{name}" in overhead.NAMES
)
_BELOW_A_MINUTE = "; windows under 60 s: the probe's"
_FIXED = (
    *_client("", "", "the latency of successes that do not stream, to the last byte"),
    Metric(
        "dropped",
        "count",
        "Arrivals that were due and not sent, since as many requests as allowed were in flight (open load).",
        "dropped of the measured stages",
    ),
    Metric(
        "capacity.requestsPerSecond",
        "1/s",
        "Highest rate of arrivals at which the objectives hold, confirmed twice (model Capacity).",
        "the steps of the search",
        whole=True,
    ),
    *_OVERHEAD,
    _gateway(
        "cpu.mean",
        "cores",
        "Mean CPU of the gateway's container.",
        f"container_cpu_usage_seconds_total{_BELOW_A_MINUTE} cpuSeconds",
    ),
    _gateway(
        "cpu.max",
        "cores",
        "Highest CPU over 2 x max(scrape interval, 15 s); over 5 s where it is the probe's.",
        f"container_cpu_usage_seconds_total{_BELOW_A_MINUTE} cpuSeconds",
    ),
    _gateway(
        "memory.peak",
        "bytes",
        "Highest memory: since the container's start, page cache included; of the probe, resident in the window.",
        f"container_memory_max_usage_bytes, else container_memory_working_set_bytes{_BELOW_A_MINUTE} rssBytes",
    ),
    _gateway(
        "memory.end",
        "bytes",
        "Memory at the end of the window.",
        f"container_memory_working_set_bytes{_BELOW_A_MINUTE} rssBytes",
    ),
    _gateway(
        "throttledRatio",
        "ratio",
        "Share of the quota's periods in which the container was held back. Exclusive cores have no quota.",
        "container_cpu_cfs_throttled_periods_total / container_cpu_cfs_periods_total",
    ),
    _gateway("restarts", "count", "Restarts of the gateway's container.", "the pod's restartCount", Origin.KUBELET),
    _gateway(
        "foreignTime",
        "ratio",
        "Share of the gateway's exclusive cores that others took.",
        "busySeconds of its CPUs minus cpuSeconds of its processes, / (window x CPUs)",
        Origin.PROBE,
    ),
    _gateway(
        "network.receive",
        "bytes/s",
        "Received by the pod, all interfaces but loopback.",
        "container_network_receive_bytes_total",
    ),
    _gateway(
        "network.transmit",
        "bytes/s",
        "Sent by the pod, all interfaces but loopback.",
        "container_network_transmit_bytes_total",
    ),
    _gateway(
        "pressure.cpu",
        "ratio",
        "Share of the time in which a thread of the gateway waited for a CPU (PSI).",
        "container_pressure_cpu_waiting_seconds_total",
    ),
    *_COURSE,
)
_PER_REQUEST = tuple(
    _client("requests.NAME.", " of that name", "the latency of successes of that name, to the last byte")
)
_QUERY = Metric("query.NAME", "number", "A query of spec.metrics.queries, in its own unit.", "its PromQL", Origin.QUERY)
CATALOGUE: tuple[Metric, ...] = (*_FIXED, *_PER_REQUEST, _QUERY)
"""Every metric; NAME stands for the name of a request or query."""

_BY_NAME = {metric.name: metric for metric in _FIXED}
_BY_SUFFIX = {metric.name.removeprefix("requests.NAME"): metric for metric in _PER_REQUEST}
_STATISTICS = r"(mean|max|(p50|p90|p95|p99|p99\.9)(\.upper)?)"
_CLIENT = rf"(throughput|errorRatio|tokensPerSecond|(latency|ttft|interToken)\.{_STATISTICS})"
_GATEWAY = "|".join(re.escape(m.name.removeprefix("gateway.")) for m in _FIXED if m.name.startswith("gateway."))
_OWN = r"dropped|capacity\.requestsPerSecond|(latency\.p95|errorRatio)\.slope"
_OWN += r"|overhead\.(p50|p95|p99)|spike\.(errorRatio|p99|recoverySeconds|shed)"
PATTERN = rf"^((requests\..+\.)?{_CLIENT}|{_OWN}|gateway\.({_GATEWAY})|query\.[a-zA-Z][a-zA-Z0-9_-]*)$"
"""Matches the valid names, in Go's and Rust's regular expressions too."""
_QUERY_NAME = re.compile(r"query\.[a-zA-Z][a-zA-Z0-9_-]*")


def find(name: str) -> Metric | None:
    """The metric of that name; None where there is none."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    if _QUERY_NAME.fullmatch(name):
        return dataclasses.replace(_QUERY, name=name)
    if not name.startswith("requests.") or "\n" in name:
        return None
    rest = name.removeprefix("requests.")
    for suffix, metric in _BY_SUFFIX.items():
        if rest.endswith(suffix) and rest != suffix:
            return dataclasses.replace(metric, name=name, request=rest.removesuffix(suffix))
    return None


def observe(result: Result, name: str, stage: str | None = None) -> Observation:
    """The metric over all measured stages, or over the stage of that name. Never raises."""
    metric = find(name)
    if metric is None:
        return Missing(f"{name} is no metric")
    if metric.origin is Origin.COURSE:
        return _of_course(result, metric, stage)
    if metric.origin is not Origin.FLEET:
        if stage is not None:
            return Missing(f"{name} covers the whole measured window, not a stage")
        figure = result.gateway.get(name)
        return figure.observation() if figure is not None else Missing("it was not measured")
    if stage is not None and not metric.staged:
        return Missing(f"{name} is of the whole load, not of a stage")
    if stage is None and (figure := result.metrics.get(name)) is not None:
        return figure.observation()
    if name in overhead.NAMES:
        return Missing(overhead.NOT_ASKED)
    local = name.removeprefix(f"requests.{metric.request}.") if metric.request is not None else name
    return repeats.observe(result.load, local, request=metric.request, stage=stage)


def _of_course(result: Result, metric: Metric, stage: str | None) -> Observation:
    if stage is not None and metric.staged:
        return spikefigures.observe(result.load, metric.name, stage)
    if stage is not None:
        return Missing(f"{metric.name} covers the longest measured stage, whichever that is")
    figure = result.course.get(metric.name)
    return figure.observation() if figure is not None else Missing("it was not measured")


def page() -> str:
    """The metrics as a page of Markdown."""
    head = "| Metric | Unit | Meaning | Made from |\n|---|---|---|---|\n"
    rows = (f"| `{m.name}` | {m.unit} | {m.description} | {m.source} |" for m in CATALOGUE)
    return head + "\n".join(rows) + "\n"
