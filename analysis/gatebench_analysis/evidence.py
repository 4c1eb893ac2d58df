"""What the checks of validity look at, and how they say what they found."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal

from gatebench_analysis.document import Figure, Finding, ObjectiveOutcome, Probe
from gatebench_analysis.load import Load
from gatebench_analysis.loadfigures import DirectLeg
from gatebench_analysis.measured import Account
from gatebench_analysis.remedies import REMEDIES
from gatebench_analysis.upstream import Upstream

DEFAULT_MAX_FOREIGN_TIME = 0.05
NOT_OURS = "the gateway is not run by gatebench, so its resources cannot be seen"


@dataclasses.dataclass(frozen=True)
class Facts:
    """What only the operator knows."""

    isolation: str = "None"
    """Required, Preferred or None; None also for a gateway that is not ours."""
    isolated: bool = False
    """Exclusive cores were proven before the load."""
    cpus: int | None = None
    gateway_container_id: str | None = None
    gateway_restarts: int | None = None
    """Since the pod's start."""
    max_foreign_time: float = DEFAULT_MAX_FOREIGN_TIME
    expected_workers: int | None = None
    leak_window_seconds: float = 1800.0
    """The shortest stage of which a slope is told; less than 30 min is a compressed clock, for tests."""
    memory_limit_bytes: float | None = None
    max_in_flight: int | None = None
    """Requests that may be in flight at once, of open load."""
    mocked: bool = False
    """The upstream is the mock, which accounts for its own delays."""
    disturbed: tuple[str, str] | None = None
    """(reason, message) of what the operator saw under load, such as GatewayRestarted or MasterLost."""


@dataclasses.dataclass(frozen=True)
class Evidence:
    """All that the checks look at."""

    load: Load
    account: Account
    probe: Probe | None = None
    gateway: Mapping[str, Figure] = dataclasses.field(default_factory=dict)
    objectives: tuple[ObjectiveOutcome, ...] = ()
    facts: Facts = dataclasses.field(default_factory=Facts)
    metrics_unavailable: str | None = None
    upstream: Upstream | None = None
    """The mock's account; None also where there is no mock."""
    direct: DirectLeg | None = None


def finding(reason: str, message: str, status: Literal["False", "Unknown"] = "False") -> Finding:
    """A finding, with what a person can do about it."""
    return Finding(status=status, reason=reason, message=message, remedy=REMEDIES.get(reason, ""))
