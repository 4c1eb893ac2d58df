"""What is known of a comparison at one moment: its runs, what they measured, and what the API server says of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from gatebench.api.status import ConditionStatus
from gatebench.decide.snapshot import Child, Denial, Lease


@dataclasses.dataclass(frozen=True)
class RunFacts:
    """A BenchmarkRun that has the name of one of the comparison's."""

    name: str
    ours: bool
    deleting: bool = False
    complete: bool = False
    tidy: bool = False
    """It is complete, and its pods are gone."""
    accepted: ConditionStatus | None = None
    valid: ConditionStatus | None = None
    passed: ConditionStatus | None = None
    succeeded: ConditionStatus | None = None
    reason: str = ""
    """Reason of Succeeded."""
    message: str = ""
    """Message of Succeeded."""
    step: str = "Pending"
    node: str | None = None
    node_acquired_at: str | None = None
    started_at: str | None = None
    """When its load started; None: it sent none."""


@dataclasses.dataclass(frozen=True)
class Measured:
    """What one valid run measured."""

    values: Mapping[str, float]
    """By metric, in its unit; what is missing is absent."""
    environment: Mapping[str, str]
    """Where, by dotted names."""


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """Everything that a decision about a comparison may know. `now` is in unix seconds."""

    now: float
    runs: Mapping[str, RunFacts] = dataclasses.field(default_factory=dict)
    """By name; foreign ones that a create has met included."""
    measured: Mapping[str, Measured | None] = dataclasses.field(default_factory=dict)
    """By the run's name; None: it has no result that can be read. Absent: not read yet."""
    trials: Mapping[str, str | None] | None = None
    """By variant what the API server has against its run; None: nothing. No trials: not asked yet."""
    pods: int = 0
    """Pods of its runs that are left, counted while no run is under way."""
    fleet: tuple[Child, ...] = ()
    """What there is of the fleet that it lends to its runs; looked for once it is complete."""
    leases: tuple[Lease, ...] = ()
    """Leases that it holds."""
    stored: bool = False
    """The ConfigMap with its result exists and is its own."""
    taken: bool = False
    """Another object has that ConfigMap's name."""
    denials: tuple[Denial, ...] = ()
    """What the API server refused in the last tick."""
