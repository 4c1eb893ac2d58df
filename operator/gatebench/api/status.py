"""The status of a BenchmarkRun. An absent field is a missing value, never a zero."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatebench.api.baseline import BaselineResult
from gatebench.api.fields import Model
from gatebench.api.summary import Label, Summary

ConditionStatus = Literal["True", "False", "Unknown"]
Words = Annotated[str, Field(max_length=4096)]


class Condition(Model):
    """A condition as every Kubernetes API has it."""

    type: Label
    """Its type."""
    status: ConditionStatus
    """True, False or Unknown."""
    reason: Label
    """One word for machines."""
    message: Words = ""
    """A sentence for people, with figures and the remedy."""
    last_transition_time: Label
    """When status last changed (RFC 3339)."""
    observed_generation: int | None = None
    """The generation of the spec that it is about."""


class Progress(Model):
    """How far the run is."""

    attempt: Label | None = None
    """Identity of the load that was started. A load is started at most once."""
    stage: Label | None = None
    """The phase of the load: warm-up or a stage's name."""
    repeat: int | None = None
    """The repeat that is under way, from 1."""
    repeats: int | None = None
    """How many there are."""
    elapsed_seconds: float | None = None
    """Seconds since the load started."""
    total_seconds: float | None = None
    """Seconds that the load takes; of a search for a capacity, at most."""
    percent: int | None = None
    """How much of the load is done."""
    workers_seen: int | None = None
    """Workers that joined."""
    workers_expected: int | None = None
    """Workers that must join."""
    admission_rejections: int | None = None
    """How often a node refused the gateway's pod."""


class Images(Model):
    """The images that ran, with digest where the node reports one."""

    gateway: Label | None = None
    """The gateway's."""
    locust: Label | None = None
    """The fleet's: of the master, and of the workers unless they are Go."""
    engine: Label | None = None
    """That of Go workers."""
    mock: Label | None = None
    """The mock's."""
    probe: Label | None = None
    """The probe's."""


class Environment(Model):
    """Where the numbers come from: what must be equal for two runs to be comparable."""

    node: Label | None = None
    """The gateway's node."""
    cpu_model: Label | None = None
    """CPU model of the node, as the probe reads it."""
    kernel: Label | None = None
    """Kernel of the node."""
    kubelet: Label | None = None
    """Version of the node's kubelet."""
    os: Label | None = None
    """Operating system of the node."""
    cpuset: Label | None = None
    """CPUs that the gateway's processes may use."""
    isolation: Literal["Proven", "NotProven", "NotClaimed"] | None = None
    """Whether exclusive cores were proven."""
    isolation_proof: Words | None = None
    """How, in words."""
    colocated: bool | None = None
    """True where a generator ran on the gateway's node."""
    spec_hash: Label | None = None
    """Hash of the spec without its mutable fields."""
    images: Images | None = None
    """The images that ran."""
    operator_version: Label | None = None
    """Version of the operator."""


class Live(Model):
    """Figures while the load runs; at most every ten seconds."""

    at: Label
    """When they were read."""
    users: int | None = None
    """Users now (model Closed)."""
    rate: float | None = None
    """Arrivals per second that are asked for now (models Open and Capacity)."""
    requests_per_second: float | None = None
    """Completed requests per second."""
    error_ratio: float | None = None
    """Share of failures."""
    in_flight: int | None = None
    """Requests in flight, where the workers tell."""
    dropped: int | None = None
    """Arrivals that were dropped so far (models Open and Capacity)."""
    p50_seconds: float | None = None
    """Median latency, in seconds."""
    p95_seconds: float | None = None
    """95th percentile of the latency, in seconds."""
    p99_seconds: float | None = None
    """99th percentile of the latency, in seconds."""
    gateway_cpu_cores: float | None = None
    """CPU that the gateway uses, in cores."""
    gateway_memory_bytes: float | None = None
    """Memory that the gateway uses, in bytes."""


class ObjectiveResult(Model):
    """What became of an objective."""

    metric: Label
    """Its metric."""
    stage: Label | None = None
    """Its stage."""
    outcome: Literal["Good", "Pass", "Warn", "Fail", "Unknown", "NotApplicable"]
    """Good: target met. Pass: within bounds. Fail makes Passed=False, Unknown makes it Unknown."""
    observed: Label | None = None
    """The value, for people."""
    value: float | None = None
    """The value in `unit`."""
    unit: Label | None = None
    """SI unit of the value."""
    bound: Label | None = None
    """The bound that decided."""
    message: Words | None = None
    """A sentence where there is more to say."""


class Artifacts(Model):
    """ConfigMaps that keep what the run left."""

    result: Label | None = None
    """The result document, under result.json.gz."""
    report: Label | None = None
    """Locust's own report and CSVs."""
    logs: Label | None = None
    """The last 64 KiB of each container's log, masked."""


class BenchmarkRunStatus(Model):
    """What became of the run."""

    observed_generation: int | None = None
    """Generation of the spec that this status is about."""
    step: Label | None = None
    """Where the run is, for people; machines read the conditions."""
    conditions: Annotated[list[Condition], Field(max_length=16)] | None = None
    """Accepted, GatewayReady, Isolated, FleetReady, Complete, Valid, Passed, Succeeded, Reconciling, Stalled."""
    progress: Progress | None = None
    """How far it is."""
    queued_at: Label | None = None
    """When it was accepted and began to wait for a node."""
    node_acquired_at: Label | None = None
    """When it got its node; activeDeadlineSeconds counts from here."""
    started_at: Label | None = None
    """When the load started."""
    finished_at: Label | None = None
    """When the run was complete."""
    environment: Environment | None = None
    """Where the numbers come from."""
    live: Live | None = None
    """Figures while the load runs."""
    summary: Summary | None = None
    """The measurement, where it is valid."""
    objectives: Annotated[list[ObjectiveResult], Field(max_length=80)] | None = None
    """The objectives."""
    baseline: BaselineResult | None = None
    """How the run stands against spec.baseline."""
    missing: Annotated[list[Label], Field(max_length=64)] | None = None
    """Metrics that could not be measured."""
    warnings: Annotated[list[Label], Field(max_length=16)] | None = None
    """What a reader should know, though it does not make the run invalid."""
    artifacts: Artifacts | None = None
    """Where the rest is."""
