"""The one table of the gateway's metrics: which series each comes from, and how. The documentation has it."""

from __future__ import annotations

import dataclasses
import enum


class Scope(enum.StrEnum):
    """Which of a pod's series a selector takes."""

    CONTAINER = "container"
    """One container's."""
    PROCESS = "process"
    """What the gateway tells of its own process, where gateway.metricsPath is scraped."""
    SANDBOX = "sandbox"
    """The pod's, which all its containers share: network."""


@dataclasses.dataclass(frozen=True)
class Source:
    """A series of the kubelet's cAdvisor, or of the gateway itself."""

    series: str
    scope: Scope = Scope.CONTAINER
    counter: bool = True


CPU = Source("container_cpu_usage_seconds_total")
MEMORY_MAX = Source("container_memory_max_usage_bytes", counter=False)
WORKING_SET = Source("container_memory_working_set_bytes", counter=False)
RSS = Source("container_memory_rss", counter=False)
CFS_PERIODS = Source("container_cpu_cfs_periods_total")
CFS_THROTTLED = Source("container_cpu_cfs_throttled_periods_total")
RECEIVED = Source("container_network_receive_bytes_total", Scope.SANDBOX)
TRANSMITTED = Source("container_network_transmit_bytes_total", Scope.SANDBOX)
CPU_WAITING = Source("container_pressure_cpu_waiting_seconds_total")

GOROUTINES = Source("go_goroutines", Scope.PROCESS, counter=False)
FDS = Source("process_open_fds", Scope.PROCESS, counter=False)

SOURCES = (CPU, MEMORY_MAX, WORKING_SET, RSS, CFS_PERIODS, CFS_THROTTLED, RECEIVED, TRANSMITTED, CPU_WAITING)


class How(enum.StrEnum):
    """How the samples of the window become one value."""

    RATE = "rate"
    """Increase from the first to the last sample, over the time between them."""
    PEAK_RATE = "peakRate"
    """The highest rate over 2 x max(scrape interval, 15 s)."""
    MAX = "max"
    """The highest sample."""
    LAST = "last"
    """The last sample."""
    SHARE = "share"
    """Increase of the first source over the increase of the second."""


@dataclasses.dataclass(frozen=True)
class Metric:
    """A metric of the gateway."""

    name: str
    unit: str
    how: How
    sources: tuple[Source, ...]
    """In order of preference; of a share: part and whole."""
    note: str = ""
    """What a reader of the figure should know."""
    absent: str = ""
    """Set: why the metric cannot exist where its series are absent; it is then NotApplicable, not missing."""
    zero: str = ""
    """Set: why samples that are all 0 are no measurement; the next source is taken."""


METRICS = (
    Metric("gateway.cpu.mean", "cores", How.RATE, (CPU,), "CPU of the gateway's container."),
    Metric(
        "gateway.cpu.max",
        "cores",
        How.PEAK_RATE,
        (CPU,),
        "The kubelet samples every 10 to 15 s: shorter peaks do not show.",
    ),
    Metric(
        "gateway.memory.peak",
        "bytes",
        How.MAX,
        (MEMORY_MAX, WORKING_SET),
        "The kernel's own high-water mark since the container's start, page cache included; where the kernel"
        " keeps none, the highest working set that was sampled.",
        zero="the kernel keeps no high-water mark",
    ),
    Metric(
        "gateway.memory.end",
        "bytes",
        How.LAST,
        (WORKING_SET, RSS),
        "What the kubelet counts against the limit, at the end of the window.",
        zero="the kubelet reported no memory",
    ),
    Metric(
        "gateway.throttledRatio",
        "ratio",
        How.SHARE,
        (CFS_THROTTLED, CFS_PERIODS),
        "Share of the quota's periods in which the container was held back.",
        absent="a container on exclusive cores has no CPU quota, so nothing can throttle it",
    ),
    Metric(
        "gateway.network.receive",
        "bytes/s",
        How.RATE,
        (RECEIVED,),
        "Of the pod, all interfaces but loopback.",
    ),
    Metric(
        "gateway.network.transmit",
        "bytes/s",
        How.RATE,
        (TRANSMITTED,),
        "Of the pod, all interfaces but loopback.",
    ),
    Metric(
        "gateway.pressure.cpu",
        "ratio",
        How.RATE,
        (CPU_WAITING,),
        "Share of the time in which a thread of it waited for a CPU (PSI): Kubernetes 1.34, cgroup v2.",
        zero="the node's kernel reports no pressure (PSI needs cgroup v2)",
    ),
)


@dataclasses.dataclass(frozen=True)
class Chart:
    """A curve of the result's charts."""

    name: str
    unit: str
    source: Source


CHARTS = (
    Chart("gateway.cpu", "cores", CPU),
    Chart("gateway.memory", "bytes", WORKING_SET),
    # The slope of a leak is judged on this one: page cache comes and goes.
    Chart("gateway.memory.rss", "bytes", RSS),
    Chart("gateway.goroutines", "count", GOROUTINES),
    Chart("gateway.fds", "count", FDS),
    Chart("gateway.network.receive", "bytes/s", RECEIVED),
    Chart("gateway.network.transmit", "bytes/s", TRANSMITTED),
    Chart("gateway.pressure.cpu", "ratio", CPU_WAITING),
)


def rows() -> list[tuple[str, str, str, str, str]]:
    """For the documentation: metric, unit, series, how, note."""
    return [
        (metric.name, metric.unit, ", else ".join(_series(metric)), metric.how.value, metric.note) for metric in METRICS
    ]


def _series(metric: Metric) -> list[str]:
    if metric.how is How.SHARE:
        part, whole = metric.sources
        return [f"{part.series} / {whole.series}"]
    return [source.series for source in metric.sources]
