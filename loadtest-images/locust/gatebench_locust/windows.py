"""What the fleet measured in the window of a search's step, put together from the workers' reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatebench_locust.histogram import Histogram
from gatebench_locust.judging import Window, WorkerLoad
from gatebench_locust.plan import POISSON
from gatebench_locust.workers import Usage

if TYPE_CHECKING:
    from gatebench_locust.conductor import Conductor


def window_of(conductor: Conductor, phase: int, rate: float, seconds: float, quiet: bool) -> Window:
    """The window that a phase was, at a rate of arrivals a second. `quiet`: nothing of it is open any more."""
    collector = conductor.collector
    latency, streams, ttft, gaps = Histogram(), Histogram(), Histogram(), Histogram()
    good = failed = 0
    for (index, _, _, _, fine, stream), row in collector.rows.items():
        if index != phase:
            continue
        if not fine:
            failed += row.count
            continue
        good += row.count
        (streams if stream else latency).add(row.latency)
        ttft.add(row.ttft or Histogram())
        gaps.add(row.gaps or Histogram())
    # Not of everybody who ever reported: some may have come and gone before the load began.
    reported = (collector.workers.get(member.id) for member in conductor.roster.joined)
    usages = [sums.over((phase,)) if sums is not None else Usage() for sums in reported]
    return Window(
        rate=rate,
        seconds=seconds,
        poisson=conductor.plan.arrivals == POISSON,
        good=good,
        failed=failed,
        dropped=collector.dropped.get(phase, 0),
        answered=_answered(usages),
        latency=latency,
        streams=streams,
        ttft=ttft,
        gaps=gaps,
        delay=collector.delay.get(phase, Histogram()),
        workers=tuple(_load(usage) for usage in usages),
        quiet=quiet,
    )


def _answered(usages: list[Usage]) -> float | None:
    """Answers a second of the fleet, as they came; None where a worker made no report within the window."""
    if not usages or any(usage.seconds <= 0 for usage in usages):
        return None
    return sum(usage.answered / usage.seconds for usage in usages)


def _load(usage: Usage) -> WorkerLoad:
    waited = usage.waited / usage.answered if usage.waited is not None and usage.answered else None
    return WorkerLoad(usage.cpu_ratio, usage.wait_ratio, waited)
