"""The spec of a BenchmarkRun."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from gatebench.api.baseline import Baseline
from gatebench.api.fields import Model, duration, rule, rules
from gatebench.api.gateway import Gateway, Upstream
from gatebench.api.load import Load
from gatebench.api.objectives import Metrics, Objective
from gatebench.api.overhead import BURST_SECONDS, BURST_SETTLE_SECONDS, SETTLE_SECONDS, Overhead
from gatebench.api.repeats import Repeats
from gatebench.api.workload import Workload

MUTABLE_FIELDS = ("cancel", "suspend", "ttlSecondsAfterFinished")


class BenchmarkRunSpec(Model):
    """What to benchmark, with what load, and what is good enough.

    Immutable, except cancel, suspend and ttlSecondsAfterFinished: make a new run instead.
    """

    gateway: Gateway
    """The system under test."""
    upstream: Upstream | None = None
    """What the gateway forwards to. None: the gateway answers alone."""
    workload: Workload
    """What is sent."""
    load: Load
    """How much of it, from where."""
    repeats: Repeats | None = None
    """How often it is measured. None: once."""
    overhead: Overhead | None = None
    """Measures what the gateway adds to its upstream. None: it does not."""
    objectives: Annotated[list[Objective], Field(max_length=64)] | None = None
    """What is good enough. Unless one is about errorRatio, {metric: errorRatio, failAbove: 1%} is added."""
    metrics: Metrics | None = None
    """Figures from Prometheus besides the built-in ones."""
    baseline: Baseline | None = None
    """An earlier measurement that the run is compared with; docs/regression.md."""
    cleanup: Literal["Always", "OnSuccess", "Never"] = "Always"
    """When the pods of a finished run are removed. The result stays."""
    active_deadline_seconds: Annotated[int, Field(ge=30, le=1_209_600)] | None = None
    """Time limit from the moment the run gets its node. By default the length of the load and half an hour."""
    ttl_seconds_after_finished: Annotated[int, Field(ge=0, le=31_536_000)] | None = None
    """Deletes the run this long after it finished. None: it stays."""
    cancel: bool | None = None
    """Set to true to end the run; what was measured until then is kept, and the run does not succeed."""
    suspend: bool | None = None
    """Holds the run before its load starts; set to false to go on. Under load it is ignored."""


def immutability_rule() -> dict[str, str]:
    """One rule at the level of spec that compares every immutable field, also its presence.

    A rule on an optional field itself does not run when the field is added or removed.
    """
    names = [field.alias or name for name, field in BenchmarkRunSpec.model_fields.items()]
    parts = [
        f"has(self.{n}) == has(oldSelf.{n}) && (!has(self.{n}) || self.{n} == oldSelf.{n})"
        for n in names
        if n not in MUTABLE_FIELDS
    ]
    return rule(
        " && ".join(f"({p})" for p in parts),
        "spec is immutable, except cancel, suspend and ttlSecondsAfterFinished: create a run of another name instead",
    )


_ACROSS = (
    rule(
        "!has(self.objectives) || self.objectives.all(o, !has(o.stage) || (has(self.load.stages) &&"
        " self.load.stages.exists(s, has(s.name) && s.name == o.stage)))",
        "an objective's stage must be the name of a stage of load.stages",
    ),
    rule(
        "self.load.engine != 'Go' || has(self.workload.requests)",
        "engine Go sends workload.requests; scenarios and locustfiles need engine Locust",
    ),
    rule(
        "self.load.engine == 'Go' || !has(self.workload.requests) || self.workload.requests.all(r, !has(r.check)"
        " && !(has(r.body) && r.body.contains('{{')))",
        "check, and {{ }} in a body, need load.engine: Go",
    ),
    rule(
        "self.load.engine == 'Go' || !(has(self.workload.dataset) || has(self.workload.ca) || self.workload.http2)",
        "workload.dataset, ca and http2 need load.engine: Go",
    ),
    rule(
        "!has(self.workload.dataset) || (has(self.workload.requests) && self.workload.requests.exists(r, has(r.body)"
        " && r.body.contains('dataset')))",
        "workload.dataset needs a body with {{dataset}}",
    ),
    rule(
        "!has(self.workload.ca) || (has(self.gateway.url) && self.gateway.url.startsWith('https://'))",
        "workload.ca is for a gateway given by an https url",
    ),
    rule(
        "self.load.model != 'Closed' || !has(self.objectives) || self.objectives.all(o, o.metric != 'dropped')",
        "metric dropped is for models Open and Capacity: closed load drops nothing",
    ),
    rule(
        "self.load.model == 'Capacity' || !has(self.objectives) || self.objectives.all(o,"
        " o.metric != 'capacity.requestsPerSecond')",
        "metric capacity.requestsPerSecond needs load.model: Capacity",
    ),
    rule(
        "self.load.model != 'Capacity' || (has(self.objectives) && self.objectives.exists(o, has(o.failAbove)"
        " && (o.metric == 'errorRatio' || o.metric.startsWith('latency.') || o.metric.startsWith('ttft.')"
        " || o.metric.startsWith('interToken.')) && !o.metric.endsWith('.upper')))",
        "model Capacity needs an objective with failAbove on latency, ttft, interToken or errorRatio, such as {metric:"
        " latency.p99, failAbove: 50ms}: it finds the highest rate at which that holds",
    ),
    rule(
        "self.load.model != 'Capacity' || !has(self.objectives) || self.objectives.all(o, !has(o.abortAbove)"
        " && !has(o.abortBelow))",
        "model Capacity ends a step by itself where failAbove is broken: remove abortAbove and abortBelow",
    ),
    rule(
        "!has(self.overhead) || !self.overhead.enabled || !has(self.upstream)"
        " || (self.load.engine == 'Go' && self.load.model != 'Capacity')",
        "overhead with an upstream needs load.engine: Go, and model Closed or Open: only the Go workers can send to the"
        " upstream at the rate that the gateway has reached",
    ),
    rule(
        "(has(self.overhead) && self.overhead.enabled) || !has(self.objectives) || self.objectives.all(o,"
        " !o.metric.startsWith('overhead.'))",
        "metrics overhead.p50, overhead.p95 and overhead.p99 need overhead: {enabled: true}",
    ),
    rule(
        "self.load.model != 'Capacity' || !has(self.repeats)",
        "model Capacity confirms its rate by itself: remove repeats",
    ),
    rule(
        "!has(self.repeats) || !has(self.repeats.restartGateway) || !self.repeats.restartGateway"
        " || has(self.gateway.image)",
        "repeats.restartGateway needs gateway.image: a gateway given by url is not owned, so it is not restarted",
    ),
    rule(
        "self.load.model != 'Capacity' || !has(self.baseline)",
        "model Capacity has no repeats to compare with a baseline: remove baseline",
    ),
)
"""Rules between the parts of a spec."""


BenchmarkRunSpec.model_config = ConfigDict(
    **{
        **BenchmarkRunSpec.model_config,
        "json_schema_extra": rules(immutability_rule(), *_ACROSS),
    }
)


# A pod that ends and one that is scheduled, and the proof of its isolation.
_RESTART = 60.0


class Schedule(Model):
    """Times of the load that follow from the spec, in seconds."""

    warm_up: duration("0s", "24h")  # type: ignore[valid-type]
    stages: float
    drain: float
    repeats: int = 1
    pause: float = 0.0
    direct: float = 0.0
    """The leg straight to the upstream; 0: there is none."""
    burst: float = 0.0
    """What finds the ceiling of mock and fleet after it; 0: there is none."""
    restart: float = 0.0

    @property
    def load(self) -> float:
        """Warm-ups, stages and pauses of all repeats, the direct leg with a pause before it, and the burst."""
        pauses = self.repeats if self.direct else self.repeats - 1
        return self.repeats * (float(self.warm_up) + self.stages) + pauses * self.pause + self.direct + self.burst

    @property
    def total(self) -> float:
        """Longest time that the load can take once it has started."""
        drains = (self.repeats + bool(self.direct) + bool(self.burst)) * self.drain
        return self.load + drains + (self.repeats - 1) * self.restart


def restarts_gateway(spec: BenchmarkRunSpec) -> bool:
    """Whether each repeat has a gateway process of its own; a baseline needs that, so it is its default."""
    if spec.repeats is None or spec.repeats.count == 1:
        return False
    asked = spec.repeats.restart_gateway
    return asked if asked is not None else spec.baseline is not None and spec.gateway.image is not None


def direct_leg(spec: BenchmarkRunSpec) -> Overhead | None:
    """How the fleet sends straight to the upstream; None where it does not. A gateway that answers alone has none."""
    asked = spec.overhead is not None and spec.overhead.enabled
    return spec.overhead if asked and spec.upstream is not None else None


def has_burst(spec: BenchmarkRunSpec) -> bool:
    """Whether the ceiling of upstream and fleet is looked for: of the mock alone, never of somebody's own upstream."""
    return direct_leg(spec) is not None and spec.upstream is not None and spec.upstream.mock is not None


def schedule(spec: BenchmarkRunSpec) -> Schedule:
    """The times of the run's load. A search for a capacity takes at most its budget."""
    load, direct = spec.load, direct_leg(spec)
    searching = load.search.budget if load.model == "Capacity" else 0.0
    return Schedule(
        warm_up=load.warm_up,
        stages=searching + sum(stage.duration for stage in load.stages or ()),
        drain=spec.workload.timeout,
        repeats=spec.repeats.count if spec.repeats else 1,
        pause=spec.repeats.pause if spec.repeats else 0.0,
        direct=0.0 if direct is None else SETTLE_SECONDS + direct.duration,
        burst=BURST_SETTLE_SECONDS + BURST_SECONDS if has_burst(spec) else 0.0,
        restart=spec.gateway.readiness.timeout + _RESTART if restarts_gateway(spec) else 0.0,
    )


def active_deadline(spec: BenchmarkRunSpec) -> float:
    """Seconds from the Lease to the end of the run at the latest."""
    if spec.active_deadline_seconds is not None:
        return float(spec.active_deadline_seconds)
    return schedule(spec).total + 1800.0
