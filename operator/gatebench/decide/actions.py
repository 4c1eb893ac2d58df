"""What a decision wants done. Each is carried out by io; none is assumed to have worked."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from gatebench.decide.snapshot import Lease
from gatebench_analysis.document import Result


@dataclasses.dataclass(frozen=True)
class Create:
    """POST an object; where its name is taken, it is ours only if its controller is this run."""

    manifest: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Delete:
    """Delete a child that is ours."""

    kind: str
    name: str


@dataclasses.dataclass(frozen=True)
class TakeLease:
    """Make this run the holder of a Lease that is free or abandoned (`seen` is what it looked like)."""

    name: str
    seen: Lease | None


@dataclasses.dataclass(frozen=True)
class ReleaseLease:
    """Free a Lease that this run holds."""

    name: str


@dataclasses.dataclass(frozen=True)
class HandOver:
    """POST /v1/plan: a fleet that is lent gets this run's plan; the same plan twice is one."""

    plan: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class StartLoad:
    """POST /v1/start; the same attempt twice is one start."""

    attempt: str


@dataclasses.dataclass(frozen=True)
class GoOn:
    """POST /v1/continue: the repeat may begin, once the gateway's name leads to that address; twice is once."""

    attempt: str
    repeat: int
    address: str | None


@dataclasses.dataclass(frozen=True)
class StoreProbe:
    """Keep the probe's report about a repeat in a ConfigMap, or, with `give_up`, that it gave none."""

    repeat: int
    give_up: bool = False


@dataclasses.dataclass(frozen=True)
class StopLoad:
    """POST /v1/stop."""

    reason: str


@dataclasses.dataclass(frozen=True)
class StoreResult:
    """Write the result document into its ConfigMap."""

    result: Result


@dataclasses.dataclass(frozen=True)
class StoreReport:
    """Fetch Locust's own report and CSVs from the master and keep them in a ConfigMap."""


@dataclasses.dataclass(frozen=True)
class StoreLogs:
    """Keep the end of every container's log, masked, in a ConfigMap."""


@dataclasses.dataclass(frozen=True)
class Acknowledge:
    """POST /v1/ack: the result is safe, the fleet may end, or `keep` itself for another run."""

    keep: bool = False


@dataclasses.dataclass(frozen=True)
class DeleteRun:
    """Delete the run itself: its time to live has passed."""


@dataclasses.dataclass(frozen=True)
class Announce:
    """Post an event about the run; `reason` equals that of the condition."""

    reason: str
    message: str
    warning: bool = False


Action = (
    Create
    | Delete
    | TakeLease
    | ReleaseLease
    | HandOver
    | StartLoad
    | GoOn
    | StoreProbe
    | StopLoad
    | StoreResult
    | StoreReport
    | StoreLogs
    | Acknowledge
    | DeleteRun
    | Announce
)
