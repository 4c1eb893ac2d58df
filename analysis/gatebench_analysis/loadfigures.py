"""Figures of the result document that are made from the load: what went where, by stage, and by rate."""

from __future__ import annotations

from gatebench_analysis.models import Count, Document, Objects, Seconds


class Totals(Document):
    """Requests and the failures among them."""

    requests: Count = 0
    failures: Count = 0


class Counts(Document):
    """Where every request of the load document went: the parts add up to all of them."""

    warm_up: Totals = Totals()
    measured: Totals = Totals()
    """Stages that are no spikes, once their users were there."""
    settling: Totals = Totals()
    """Stages, before their users were all there."""
    ramps: Totals = Totals()
    spikes: Totals = Totals()
    search: Totals = Totals()
    """Steps of a capacity search, but for its confirmations, which are measured."""
    pauses: Totals = Totals()
    """Between repeats: what was on its way when users were told to stop."""
    direct: Totals = Totals()
    """Of the direct leg, straight to the upstream."""
    burst: Totals = Totals()
    """Of the burst straight to the upstream."""
    drain: Totals = Totals()
    other: Totals = Totals()
    """Of a phase that is not in the list of phases."""
    all: Totals = Totals()


class Performance(Document):
    """What came of a segment of the load; `seconds` are those that were measured."""

    seconds: Seconds | None = None
    requests: Count = 0
    failures: Count = 0
    dropped: Count | None = None
    throughput: float | None = None
    error_ratio: float | None = None
    p50_seconds: float | None = None
    p95_seconds: float | None = None
    p99_seconds: float | None = None


class StageFigures(Performance):
    """A stage or ramp in one line."""

    name: str = ""
    kind: str | None = None
    spike: bool = False
    users: Count | None = None
    rate: Seconds | None = None
    """Arrivals a second at its end, of open load."""
    repeat: Count = 0
    """The repeat that it belongs to, from 0."""
    p50_upper_seconds: float | None = None
    """Upper bound of p50 at 99 % confidence; None in documents of an operator that did not keep it."""
    p95_upper_seconds: float | None = None
    p99_upper_seconds: float | None = None


class FrontierPoint(Performance):
    """A step of a capacity search: what the gateway did at that rate."""

    rate: Seconds | None = None
    phase: int | None = None
    outcome: str | None = None
    """Held, Failed or GeneratorSaturated."""
    why: str = ""
    confirmation: bool = False
    """It is one of those that confirmed the capacity, and so part of the top-level metrics."""
    gateway_cpu_cores: float | None = None
    """Mean over the step."""


class Ceiling(Document):
    """What closed load can reach at most: users / (think time + latency)."""

    requests_per_second: float | None = None
    think_time_seconds: float | None = None
    latency_seconds: float | None = None
    """Mean of all requests, failures and streams included: what a user waits for."""
    think_time_bound: bool | None = None
    """Think time is longer than the latency, and at least 90 % of the ceiling was reached."""
    missing: str | None = None


class DirectRequests(Performance):
    """The direct leg's requests of a name."""

    name: str = ""


class Burst(Performance):
    """Closed load without think time, straight to the mock, which answers at once: its throughput is the ceiling of
    mock and fleet. Latencies are from the send."""

    users: Count | None = None


class DirectLeg(Performance):
    """The same requests straight to the upstream, at the rate that the gateway had reached. Latencies are of the
    successes that do not stream, counted as those through the gateway are: from the send after closed load, from the
    intended start after open."""

    rate: Seconds | None = None
    """Arrivals a second that were asked for."""
    differs: str | None = None
    """Why it cannot be compared with the gateway's load; None where it can."""
    by_request: Objects[DirectRequests] = []
    """By name, the most frequent first."""
    burst: Burst | None = None
    """What followed it; None where there was none, as before an upstream that is not the mock."""

    @property
    def ceiling(self) -> float | None:
        """Requests a second that mock and fleet answer without the gateway; None where that is not known."""
        return (self.burst.throughput or None) if self.burst is not None else None
