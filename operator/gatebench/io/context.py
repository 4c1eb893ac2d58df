"""What the rooms of io share: the clients, the settings, and per run a memory that a restart may lose.

Nothing in the memory is progress: it saves reading again what does not change (a load document, an answer of
Prometheus) and remembers what the next tick asks about again anyway (refusals, foreign objects).
"""

from __future__ import annotations

import asyncio
import dataclasses
import pathlib
import time
from collections.abc import Callable, Mapping
from typing import Any

from gatebench.decide.comparison.snapshot import Measured
from gatebench.decide.snapshot import Baseline, Denial, KeptReport, LiveResources, MetricsAnswer, Pod
from gatebench.io import fleet, kube, prometheus
from gatebench.plan import children
from gatebench.settings import Settings
from gatebench_analysis.document import Result


@dataclasses.dataclass
class Memory:
    """What is remembered of one run, or of one comparison."""

    denials: tuple[Denial, ...] = ()
    """What the API server refused in the last tick."""
    foreign: set[tuple[str, str]] = dataclasses.field(default_factory=set)
    """(kind, name) of children whose name another object had."""
    uids: dict[tuple[str, str], str] = dataclasses.field(default_factory=dict)
    """UIDs of the run's own children, by (kind, name)."""
    pods: tuple[Pod, ...] = ()
    """The run's pods, as last observed."""
    load: Mapping[str, Any] | None = None
    """The load document."""
    window_report: Mapping[str, Any] | None = None
    """The probe's report about the whole load."""
    reports: tuple[KeptReport, ...] | None = None
    """The probe's reports about earlier repeats."""
    upstream: Mapping[str, Any] | None = None
    """The mock's account after the load."""
    metrics: MetricsAnswer | None = None
    """Prometheus' answer about the measured window."""
    live: LiveResources | None = None
    live_at: float = 0.0
    """When `live` was asked for, in unix seconds."""
    result: Result | None = None
    """The stored result document."""
    baseline: Baseline | None = None
    """What the run is to be compared with, as last read."""
    needed_by: tuple[str, ...] | None = None
    """Runs that need this one's result, as last listed; asked for at `needed_by_at`, in unix seconds."""
    needed_by_at: float = 0.0
    trials: dict[str, str | None] = dataclasses.field(default_factory=dict)
    """Of a comparison, by variant: what the API server has against its run."""
    measured: dict[str, Measured | None] = dataclasses.field(default_factory=dict)
    """Of a comparison, by the UID of a run: what it measured."""
    events: dict[str, int] = dataclasses.field(default_factory=dict)
    """How often an event was posted, by its name."""


@dataclasses.dataclass
class Context:
    """The operator's side of every call."""

    kube: kube.Kube
    fleet: fleet.Client
    prometheus: prometheus.PrometheusClient | None
    settings: Settings
    namespace: str
    """The operator's own namespace, where the Leases are."""
    key: bytes
    """From which the runs' tokens are derived."""
    version: str
    now: Callable[[], float] = time.time
    memories: dict[str, Memory] = dataclasses.field(default_factory=dict)
    """By the run's UID."""

    def memory(self, uid: str) -> Memory:
        """What is remembered of a run."""
        return self.memories.setdefault(uid, Memory())

    def remember_denials(self, uid: str, denials: tuple[Denial, ...]) -> None:
        """What was refused in this tick is part of the next Snapshot."""
        self.memory(uid).denials = denials

    def forget(self, uid: str) -> None:
        """The run is gone, or nothing is left to do for it."""
        self.memories.pop(uid, None)

    def token(self, uid: str) -> str:
        """The token of the fleet of the run or comparison with that UID."""
        return children.token(uid, self.key)

    async def close(self) -> None:
        """Closes the connections."""
        await self.fleet.close()
        await self.kube.close()


async def open_context(settings: Settings, namespace: str, version: str) -> Context:
    """Connects. Raises OSError where the key cannot be read, ValueError where it is too short."""
    key = (await asyncio.to_thread(pathlib.Path(settings.key_file).read_bytes)).strip()
    if len(key) < 16:
        raise ValueError(f"{settings.key_file}: the key must have at least 16 bytes")
    return Context(
        kube=await kube.connect(),
        fleet=fleet.Client(),
        prometheus=prometheus.from_settings(settings.prometheus),
        settings=settings,
        namespace=namespace,
        key=key,
        version=version,
    )
