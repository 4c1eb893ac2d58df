"""The load document: what the master of the fleet gives at the end. Times are unix seconds by its clock."""

from __future__ import annotations

from typing import Literal

from gatebench_analysis.models import Count, Document, Objects, Rows, Seconds

PhaseKind = Literal["WarmUp", "Stage", "Ramp", "Drain"]


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
    """A segment of the load as it was driven. A stage is measured from fullAt to endedAt."""

    index: int | None = None
    name: str = ""
    kind: PhaseKind | None = None
    started_at: float | None = None
    full_at: float | None = None
    """When all its users were there."""
    ended_at: float | None = None
    users: Count | None = None


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
    ttft: Histogram | None = None
    inter_token: Histogram | None = None
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
    outcome: Literal["Finished", "Stopped", "WorkerLost", "Failed"] | None = None
    message: str = ""
    started_at: float | None = None
    ended_at: float | None = None
    phases: Objects[Phase] = []
    expected_workers: Count | None = None
    workers: Objects[Worker] = []
    requests: Objects[Requests] = []
    errors: Objects[Error] = []
    dispatch_delay: Objects[DispatchDelay] = []
    series: Series = Series()
    integrity: Integrity | None = None
    think_time_seconds: ThinkTime | None = None
