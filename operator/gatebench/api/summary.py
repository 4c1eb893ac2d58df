"""The few lines of a result that fit into a status. An absent field is a missing value, never a zero."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gatebench.api.fields import Model

Label = Annotated[str, Field(max_length=512)]


class Latency(Model):
    """Latency of the successful requests that do not stream, in seconds."""

    mean: float | None = None
    """Mean."""
    p50: float | None = None
    """Median."""
    p90: float | None = None
    """90th percentile."""
    p95: float | None = None
    """95th percentile."""
    p99: float | None = None
    """99th percentile; absent below 459 requests."""
    p999: float | None = None
    """99.9th percentile; absent below 4,603 requests."""
    p95_upper: float | None = None
    """Upper bound of p95 at 99 % confidence."""
    p99_upper: float | None = None
    """Upper bound of p99 at 99 % confidence."""
    max: float | None = None
    """Largest."""


class RequestSummary(Model):
    """One request name."""

    name: Label
    """Name of the request."""
    throughput: float | None = None
    """Successes per second."""
    error_ratio: float | None = None
    """Share of failures."""
    p50_seconds: float | None = None
    """Median latency, in seconds."""
    p95_seconds: float | None = None
    """95th percentile, in seconds."""
    p99_seconds: float | None = None
    """99th percentile, in seconds."""


class GatewaySummary(Model):
    """Resources of the gateway over the measured window."""

    cpu_cores_mean: float | None = None
    """Mean CPU, in cores."""
    cpu_cores_max: float | None = None
    """Highest CPU, in cores."""
    memory_peak_bytes: float | None = None
    """Highest memory, in bytes."""
    memory_end_bytes: float | None = None
    """Memory at the end, in bytes."""
    throttled_ratio: float | None = None
    """Share of throttled periods; absent without a quota."""
    restarts: int | None = None
    """Restarts of the gateway's container."""
    foreign_time_ratio: float | None = None
    """Share of the gateway's cores that others took."""
    steal_ratio: float | None = None
    """Share of the gateway's cores that the hypervisor took."""
    run_queue_wait_ratio: float | None = None
    """Share of the time that the gateway's threads waited to run."""


class WarmUp(Model):
    """What the warm-up sent; not part of any other figure."""

    requests: int | None = None
    """Completed requests."""
    failures: int | None = None
    """Failed requests."""


class Ceiling(Model):
    """What closed load can reach at most: users / (think time + latency)."""

    requests_per_second: float | None = None
    """The ceiling at the measured latency."""
    think_time_bound: bool | None = None
    """True where think time, not the gateway, set the throughput."""


class Streams(Model):
    """Streams, successful ones."""

    ttft_p50_seconds: float | None = None
    """Median time to the first token, in seconds."""
    ttft_p95_seconds: float | None = None
    """95th percentile of the time to the first token, in seconds."""
    ttft_p99_seconds: float | None = None
    """99th percentile of the time to the first token, in seconds; absent below 459 requests."""
    inter_token_p50_seconds: float | None = None
    """Median gap between tokens, in seconds."""
    inter_token_p99_seconds: float | None = None
    """99th percentile of the gaps between tokens, in seconds."""
    tokens_per_second: float | None = None
    """Output tokens per second of all answers."""


class Bracket(Model):
    """What a search for a capacity has narrowed it down to, in arrivals per second."""

    low: float | None = None
    """The highest rate that held; absent where none did."""
    high: float | None = None
    """The lowest rate that did not hold; absent where all did."""


class CapacitySummary(Model):
    """What a search for a capacity found. The result has each of its steps."""

    requests_per_second: float | None = None
    """The highest rate at which the objectives hold, confirmed twice; absent where the search ended before that."""
    bracket: Bracket | None = None
    """What it lies between."""
    limited_by: Annotated[list[Label], Field(max_length=4)] | None = None
    """What did not hold above it."""


class Between(Model):
    """The smallest and the largest value of any repeat."""

    low: float | None = None
    """The smallest."""
    high: float | None = None
    """The largest."""


class Spread(Model):
    """How far the repeats lie apart."""

    throughput: Between | None = None
    """Successful requests per second."""
    p95_seconds: Between | None = None
    """95th percentile of the latency, in seconds."""


class Interval(Model):
    """An interval of what the gateway adds, from bounds at 99 % confidence."""

    low: float | None = None
    """The lower end, in seconds."""
    high: float | None = None
    """The upper end, in seconds."""


class OverheadSummary(Model):
    """What the gateway adds to the latency of its upstream."""

    p50_seconds: float | None = None
    """To the median, in seconds."""
    p95_seconds: float | None = None
    """To the 95th percentile, in seconds."""
    p99_seconds: float | None = None
    """To the 99th percentile, in seconds."""
    p50_interval: Interval | None = None
    """Where what is added to the median lies."""
    p95_interval: Interval | None = None
    """The same of p95."""
    p99_interval: Interval | None = None
    """The same of p99."""
    ceiling_requests_per_second: float | None = None
    """What the mock and the fleet reach without the gateway and without think time."""
    note: Label | None = None
    """What else there is to know of them, such as that the gateway answers alone."""


class Display(Model):
    """Figures as the printer columns show them."""

    throughput: Label | None = None
    """Throughput, in requests per second."""
    p95: Label | None = None
    """95th percentile of the latency."""


class Summary(Model):
    """The few lines of the result that fit here. Absent where the measurement is not valid."""

    throughput: float | None = None
    """Successful requests per second over the measured window."""
    window_seconds: float | None = None
    """Length of the measured window."""
    requests: int | None = None
    """Requests in it, failures included."""
    failures: int | None = None
    """Failures in it."""
    error_ratio: float | None = None
    """Share of failures."""
    latency_seconds: Latency | None = None
    """Latency, in seconds."""
    by_request: Annotated[list[RequestSummary], Field(max_length=10)] | None = None
    """The same by request name, the ten most frequent."""
    offered_rate: float | None = None
    """Arrivals per second that were asked for over the measured window (models Open and Capacity)."""
    dropped: int | None = None
    """Arrivals in it that were dropped, since as many requests as allowed were in flight."""
    repeats: int | None = None
    """How many measurements the figures are the medians of; absent where there was one."""
    spread: Spread | None = None
    """How far these lie apart."""
    overhead: OverheadSummary | None = None
    """What the gateway adds, where spec.overhead asked for it."""
    streams: Streams | None = None
    """Times of streams, where something streams."""
    capacity: CapacitySummary | None = None
    """The capacity (model Capacity)."""
    gateway: GatewaySummary | None = None
    """The gateway's resources."""
    warm_up: WarmUp | None = None
    """The warm-up, apart."""
    ceiling: Ceiling | None = None
    """What the load could have reached."""
    display: Display | None = None
    """Figures for the printer columns."""
