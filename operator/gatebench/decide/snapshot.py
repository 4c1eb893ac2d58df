"""What is known of a run at one moment: plain facts, read by io and judged here.

Times are unix seconds. None is "not known", never zero.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from gatebench.api import KIND
from gatebench.measure.answers import Resources
from gatebench_analysis.document import Result


@dataclasses.dataclass(frozen=True)
class Container:
    """One container of a pod, as the kubelet reports it."""

    name: str
    ready: bool = False
    restarts: int = 0
    container_id: str | None = None
    """64 hex digits, without the runtime's prefix."""
    image_id: str | None = None
    running_since: float | None = None
    waiting_reason: str | None = None
    waiting_message: str | None = None
    terminated_reason: str | None = None
    """Of the current state, or of the last one where the container has come back."""
    exit_code: int | None = None
    termination_message: str | None = None
    limits: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """CPU in cores and memory in bytes, as the pod has them now."""
    guaranteed: bool = False
    """Whether its requests equal its limits for CPU and memory (as admitted, so after injection)."""


@dataclasses.dataclass(frozen=True)
class Pod:
    """One pod of the run."""

    name: str
    component: str
    uid: str
    created_at: float
    scheduled_at: float | None = None
    phase: str = "Pending"
    reason: str | None = None
    message: str | None = None
    node: str | None = None
    ip: str | None = None
    qos: str | None = None
    ready: bool = False
    deleting: bool = False
    disrupted: bool = False
    """The pod's DisruptionTarget condition is set: evicted, preempted or drained."""
    repeat: int = 0
    """Of a gateway: the repeat that it was made for."""
    unschedulable: str | None = None
    """The scheduler's message, where it found no node."""
    containers: tuple[Container, ...] = ()

    def container(self, name: str) -> Container | None:
        """The container of that name."""
        return next((c for c in self.containers if c.name == name), None)

    @property
    def failed(self) -> bool:
        """Whether it has ended and will not come back."""
        return self.phase in ("Failed", "Succeeded")


@dataclasses.dataclass(frozen=True)
class Child:
    """An object that has a child's name."""

    kind: str
    name: str
    ours: bool
    deleting: bool = False
    lent: bool = False
    """It is of the fleet that the run's comparison lends it, and stays behind the run."""


@dataclasses.dataclass(frozen=True)
class Lease:
    """The Lease of a node or target."""

    name: str
    holder: str | None
    """UID of the run or comparison that has it; None: free."""
    holder_name: str | None = None
    """namespace/name of that run."""
    holder_kind: str = KIND
    """BenchmarkRun, or BenchmarkComparison: it holds a node over all of its runs."""
    abandoned: bool = False
    """The holder is gone, or complete without children: the Lease may be taken."""
    resource_version: str | None = None


@dataclasses.dataclass(frozen=True)
class NodeFacts:
    """A node, as far as placing and describing need it."""

    name: str
    ready: bool = True
    schedulable: bool = True
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    taints: tuple[Mapping[str, str], ...] = ()
    allocatable_cores: float = 0.0
    allocatable_bytes: float = 0.0
    kernel: str | None = None
    kubelet: str | None = None
    os: str | None = None
    lease: Lease | None = None


@dataclasses.dataclass(frozen=True)
class Denial:
    """The API server refused something: what, and in which of the kinds that a person can mend."""

    kind: str
    """Forbidden | Quota | PodSecurity | Invalid | Other."""
    message: str


@dataclasses.dataclass(frozen=True)
class FleetState:
    """What the master says of itself (GET /v1/state)."""

    attempt: str | None
    step: str
    """Waiting, WarmUp, Stage, Pause, Direct, Ceiling, Draining, Finished or Failed."""
    seen: int
    """Workers that are there."""
    pods: tuple[str, ...] = ()
    """UIDs of their pods, of those workers that say it."""
    run: str | None = None
    """UID of the run whose plan the fleet has."""
    lost: tuple[str, ...] = ()
    stage: str | None = None
    repeat: int | None = None
    """The repeat that is under way, from 0."""
    holding: int | None = None
    """The repeat that waits to be told to begin; where the load has ended meanwhile, the one that waited."""
    holding_seconds: float | None = None
    repeat_started: float | None = None
    """When the present repeat began, by the master's clock."""
    reason: str | None = None
    message: str = ""
    users: int | None = None
    rate: float | None = None
    """Arrivals per second that are asked for now; None in closed load."""
    elapsed: float | None = None
    total: float | None = None
    result_ready: bool = False
    live: Mapping[str, float | None] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class KeptReport:
    """The probe's report about a repeat, kept before the gateway was restarted."""

    repeat: int
    container_id: str | None = None
    report: Mapping[str, Any] | None = None
    """None: the probe did not give it in time."""


@dataclasses.dataclass(frozen=True)
class MetricsAnswer:
    """What came of asking Prometheus about the measured window."""

    resources: Resources | None = None
    unavailable: str | None = None
    """Why it gave no answer at all."""


@dataclasses.dataclass(frozen=True)
class LiveResources:
    """The gateway's CPU (cores) and memory (bytes) now, for status.live."""

    cpu_cores: float | None = None
    memory_bytes: float | None = None


@dataclasses.dataclass(frozen=True)
class Baseline:
    """What is known of the result that spec.baseline names. One of `result`, `absent` and `unreadable` is set."""

    result: Result | None = None
    absent: str = ""
    """Why it is not there, in words."""
    under_way: bool = False
    """It is not there yet: the run that is to be the baseline is not complete."""
    unreadable: str = ""
    """What is there and is no result, or will never be one."""


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """Everything that a decision may know."""

    now: float
    pods: tuple[Pod, ...] = ()
    """The run's own pods, by label and owner, and those of a fleet that is lent to it."""
    children: Mapping[tuple[str, str], Child] = dataclasses.field(default_factory=dict)
    """Objects by (kind, name) that exist under a child's name, foreign ones included."""
    missing_references: tuple[str, ...] = ()
    """ConfigMaps and keys that the spec names and that do not exist, as 'ConfigMap NAME, key KEY'."""
    missing_script: str | None = None
    """The same for the locustfile's ConfigMap."""
    baseline: Baseline | None = None
    """What the spec is to be compared with: before the load, and once there is a load document."""
    needed_by: tuple[str, ...] = ()
    """Runs that are not complete and name this run's result as their baseline; looked for when its time is over."""
    nodes: tuple[NodeFacts, ...] = ()
    leases: tuple[Lease, ...] = ()
    """Leases whose holder is this run, and the target's where the gateway is a URL."""
    denials: tuple[Denial, ...] = ()
    """What the API server refused in the last tick."""
    fleet: FleetState | None = None
    fleet_error: str | None = None
    probe: Mapping[str, Any] | None = None
    """The probe's report (GET /v1/report)."""
    probe_error: str | None = None
    reports: tuple[KeptReport, ...] = ()
    """Those of earlier repeats, once there is a load document."""
    load: Mapping[str, Any] | None = None
    """The load document, once the master has one."""
    upstream: Mapping[str, Any] | None = None
    """The mock's account of its delays, once there is a load document."""
    metrics: MetricsAnswer | None = None
    live: LiveResources | None = None
    result: Result | None = None
    """The stored result document."""

    def pods_of(self, component: str) -> tuple[Pod, ...]:
        """Pods of a component, by name."""
        return tuple(sorted((p for p in self.pods if p.component == component), key=lambda p: p.name))

    def pod_of(self, component: str) -> Pod | None:
        """The pod of a component that has one."""
        return next(iter(self.pods_of(component)), None)

    @property
    def own_pods(self) -> tuple[Pod, ...]:
        """The run's own pods, which end with it."""
        return tuple(pod for pod in self.pods if (found := self.child("Pod", pod.name)) is None or not found.lent)

    def child(self, kind: str, name: str) -> Child | None:
        """The object under a child's name, whoever made it."""
        return self.children.get((kind, name))
