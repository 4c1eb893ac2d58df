"""The load document: what the master of the fleet gives at the end. Times are unix seconds by its clock."""

from __future__ import annotations

from typing import Literal

from gatebench_analysis.models import Count, Document, Objects, Rows, Seconds

PhaseKind = Literal["WarmUp", "Stage", "Ramp", "Search", "Pause", "Direct", "Ceiling", "Drain"]


class Histogram(Document):
    """An HDR histogram. Its data may have been dropped; count, sum and extremes stay."""

    encoding: str = "hdr-v2-base64"
    unit: str = "us"
    lowest: int = 1
    highest: int = 600_000_000
    digits: int = 3
    count: Count | None = None
    sum_seconds: Seconds | None = None
    """Exact sum of the samples, before bucketing."""
    min_seconds: Seconds | None = None
    max_seconds: Seconds | None = None
    clamped: Count | None = None
    """Samples above `highest`, counted as `highest`."""
    data: str | None = None


class Phase(Document):
    """A segment of the load as it was driven. A stage is measured from fullAt to endedAt.

    The kind Search is a part of a capacity search: a step's window where it has fullAt, else what lies around one.
    A Pause follows a repeat: nothing is sent. Direct and Ceiling are what goes straight to the upstream, at the rate of
    the gateway and as much as it can be, measured from fullAt.
    """

    index: int | None = None
    name: str = ""
    kind: PhaseKind | None = None
    started_at: float | None = None
    full_at: float | None = None
    """When all its users were there; of open load its start."""
    ended_at: float | None = None
    users: Count | None = None
    rate: Seconds | None = None
    """Arrivals a second of the whole fleet at its end; None in closed load."""
    spike: bool = False
    """A stage that is not part of the top-level metrics."""
    repeat: Count = 0
    """The repeat that it belongs to, from 0."""


class Worker(Document):
    """A worker of the fleet."""

    id: str = ""
    host: str | None = None
    kind: str | None = None
    lost: bool = False
    cpu_ratio_mean: float | None = None
    """CPU of what it may use, over the stages."""
    cpu_ratio_max: float | None = None
    run_queue_wait_ratio: float | None = None
    """Its threads' waiting to run, of waiting and running, over the stages."""
    gc_pause_seconds: Seconds | None = None
    """For how long the collector of garbage has stopped it, over the stages."""
    in_flight_max: Count | None = None
    """The most requests that it had in flight at once."""
    reports: Count | None = None
    missing_reports: Count | None = None


class Requests(Document):
    """Requests that were started in a phase, by name, method, outcome and whether they stream."""

    phase: int | None = None
    settled: bool = False
    """Started after the phase's users were all there."""
    name: str = ""
    method: str | None = None
    outcome: Literal["success", "failure"] | None = None
    stream: bool = False
    count: Count | None = None
    bytes: Count | None = None
    latency: Histogram | None = None
    """To the last byte: from the intended start in open load, from the send in closed."""
    ttft: Histogram | None = None
    inter_token: Histogram | None = None
    service_time: Histogram | None = None
    """From the send to the last byte, of open load."""
    output_tokens: Count | None = None


class Error(Document):
    """Failures of one kind."""

    phase: int | None = None
    settled: bool = False
    name: str = ""
    kind: str = "other"
    status: int | None = None
    message: str = ""
    count: Count | None = None


class DispatchDelay(Document):
    """How late requests were sent after they were due, in a phase."""

    phase: int | None = None
    histogram: Histogram | None = None


class Dropped(Document):
    """Arrivals of a phase that were due and not sent: as many requests as allowed were in flight."""

    phase: int | None = None
    count: Count | None = None


class SearchStep(Document):
    """A rate that a capacity search tried; `phase` is the index of its measured window."""

    phase: int | None = None
    rate: Seconds | None = None
    outcome: Literal["Held", "Failed", "GeneratorSaturated"] | None = None
    why: str = ""


class Capacity(Document):
    """What a capacity search found."""

    requests_per_second: Seconds | None = None
    """The rate at which all objectives held, and held again; None where the search ended without one."""
    bracket: list[float | None] = []
    """[the highest rate that held, the lowest that did not]."""
    limited_by: list[str] = []
    """What did not hold at the upper end."""
    steps: Objects[SearchStep] = []
    message: str = ""

    @property
    def low(self) -> float | None:
        """The highest rate that held."""
        return self.bracket[0] if self.bracket else None

    @property
    def high(self) -> float | None:
        """The lowest rate that did not hold."""
        return self.bracket[1] if len(self.bracket) > 1 else None

    @property
    def open_ended(self) -> bool:
        """Whether the rate that was found is maxRate itself: what is above it was not tried."""
        return self.requests_per_second is not None and self.high is None


class Guard(Document):
    """A bound that ends the load: above it, or below it, over a window. In the metric's unit."""

    metric: str = ""
    above: float | None = None
    below: float | None = None
    window_seconds: Seconds | None = None
    judged: Count | None = None
    """How often there was enough in its window to judge it."""


class Abort(Guard):
    """The bound that ended the load."""

    value: float | None = None
    at: float | None = None
    """The end of its window."""


class Series(Document):
    """A table over time; `columns` names the cells of each row. The first column is `at`, in unix seconds."""

    step_seconds: float | None = None
    columns: list[str] = []
    rows: Rows = []


class ForeignJoin(Document):
    """A client that joined the master and is not of this run."""

    id: str = ""
    count: Count | None = None


class Integrity(Document):
    """Whether the histograms add up to what Locust counted."""

    locust_requests: Count | None = None
    locust_failures: Count | None = None
    histogram_requests: Count | None = None
    histogram_failures: Count | None = None
    agree: bool | None = None
    garbage_messages: Count | None = None
    foreign_joins: Objects[ForeignJoin] = []
    missing_reports: Count | None = None


class ThinkTime(Document):
    """Pause between an answer and the next request, uniform; seconds."""

    min: Seconds | None = None
    max: Seconds | None = None


class Load(Document):
    """The load document. Locust's own CSVs and HTML are kept apart."""

    attempt: str | None = None
    engine: str | None = None
    engine_version: str | None = None
    outcome: Literal["Finished", "Aborted", "Stopped", "WorkerLost", "Failed"] | None = None
    message: str = ""
    started_at: float | None = None
    ended_at: float | None = None
    phases: Objects[Phase] = []
    expected_workers: Count | None = None
    workers: Objects[Worker] = []
    requests: Objects[Requests] = []
    errors: Objects[Error] = []
    dispatch_delay: Objects[DispatchDelay] = []
    dropped: Objects[Dropped] | None = None
    """By phase, of open load."""
    capacity: Capacity | None = None
    abort: Abort | None = None
    """Of a load that was aborted."""
    guards: Objects[Guard] = []
    series: Series = Series()
    integrity: Integrity | None = None
    think_time_seconds: ThinkTime | None = None

    @property
    def is_open(self) -> bool:
        """Whether arrivals followed a rate."""
        own = (phase for phase in self.phases if phase.kind != "Direct")  # which follows a rate after any load
        return self.capacity is not None or any(phase.rate is not None for phase in own)
