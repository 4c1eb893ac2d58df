"""What each worker reported of itself, by phase: CPU, waiting, pauses, requests in flight. Pure.

Only reports that lie within one phase count: of one that spans two, nobody can say which phase it was.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Collection
from typing import Any

_PEAK_REPORTS = 5  # CPU peaks are those of five seconds


def _recent() -> collections.deque[tuple[float, float]]:
    return collections.deque(maxlen=_PEAK_REPORTS)


@dataclasses.dataclass
class Usage:
    """Of one worker. Seconds; None where it was not reported. `usable` is the CPU time that it may have used."""

    seconds: float = 0.0
    answered: int = 0
    cpu: float = 0.0
    usable: float = 0.0
    peak: float | None = None
    longest: int = 0
    on_cpu: float | None = None
    waited: float | None = None
    gc_pause: float | None = None
    in_flight: int | None = None
    recent: collections.deque[tuple[float, float]] = dataclasses.field(default_factory=_recent)

    @property
    def cpu_ratio(self) -> float | None:
        """CPU of what it may use."""
        return self.cpu / self.usable if self.usable else None

    @property
    def wait_ratio(self) -> float | None:
        """Its threads' waiting to run, of waiting and running."""
        if self.on_cpu is None or self.waited is None or self.on_cpu + self.waited <= 0:
            return None
        return self.waited / (self.on_cpu + self.waited)

    def add(self, report: dict[str, Any], answered: int) -> None:
        """One report from within a phase, during which so many requests ended."""
        wall = float(report["wall"])
        cpu, usable = float(report["cpu"]), wall * float(report["allowed"])
        self.answered += answered
        self.seconds += wall
        self.gc_pause = _sum(self.gc_pause, report.get("gcPause"))
        self.in_flight = _most(self.in_flight, report.get("inFlight"))
        if usable <= 0.1:  # two reports in quick succession say nothing about a rate
            return
        self.cpu += cpu
        self.usable += usable
        self.recent.append((cpu, usable))
        ratio = sum(c for c, _ in self.recent) / sum(u for _, u in self.recent)
        self._peak(len(self.recent), ratio)
        if report["onCpu"] is not None and report["waited"] is not None:
            self.on_cpu = _sum(self.on_cpu, report["onCpu"])
            self.waited = _sum(self.waited, report["waited"])

    def _peak(self, reports: int, ratio: float | None) -> None:
        """The highest five seconds; of a shorter load the highest of as many as there are."""
        if ratio is None:
            return
        if reports > self.longest:
            self.longest, self.peak = reports, ratio
        elif reports == self.longest:
            self.peak = max(self.peak or 0.0, ratio)

    def merge(self, other: Usage) -> None:
        """Adds another phase's."""
        self.seconds += other.seconds
        self.answered += other.answered
        self.cpu += other.cpu
        self.usable += other.usable
        self._peak(other.longest, other.peak)
        self.on_cpu = _sum(self.on_cpu, other.on_cpu)
        self.waited = _sum(self.waited, other.waited)
        self.gc_pause = _sum(self.gc_pause, other.gc_pause)
        self.in_flight = _most(self.in_flight, other.in_flight)


@dataclasses.dataclass
class WorkerSums:
    """One worker: the numbers of its reports, its latest figures, and its usage by phase.

    `quiet` is the phase of its latest report if that lay within one phase and nothing was in flight in it: no request,
    and in Python no user, of which nobody knows what it is doing.
    """

    reports: int = 0
    last_sequence: int | None = None
    missing: int = 0
    base_second: int = 0
    second: int = 0  # of the latest report, in unix time
    ratio: float | None = None
    in_flight: int | None = None
    quiet: int | None = None
    phases: dict[int, Usage] = dataclasses.field(default_factory=dict)

    def add(self, report: dict[str, Any], answered: int) -> None:
        """One report, during which so many requests ended."""
        phase, steady = int(report["phase"]), bool(report["steady"])
        in_flight = report.get("inFlight")
        self.in_flight = None if in_flight is None else int(in_flight)
        usable = float(report["wall"]) * float(report["allowed"])
        if usable > 0.1:
            self.ratio = float(report["cpu"]) / usable
        if steady:
            self.phases.setdefault(phase, Usage()).add(report, answered)
        elif phase in self.phases:
            self.phases[phase].recent.clear()
        self.quiet = phase if steady and not self.in_flight and not report.get("alive") else None

    def over(self, phases: Collection[int]) -> Usage:
        """Its usage over some phases."""
        out = Usage()
        for phase in phases:
            if phase in self.phases:
                out.merge(self.phases[phase])
        return out


def _sum(one: float | None, other: Any) -> float | None:
    return one if other is None else (one or 0.0) + float(other)


def _most(one: int | None, other: Any) -> int | None:
    return one if other is None else max(one or 0, int(other))
