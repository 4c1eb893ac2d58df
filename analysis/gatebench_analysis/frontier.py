"""A load by its segments: stages in a line each, and the steps of a capacity search as the frontier of the gateway."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gatebench_analysis.load import Load
from gatebench_analysis.loadfigures import FrontierPoint, StageFigures
from gatebench_analysis.measured import Account, Stage, counts, seconds_of
from gatebench_analysis.observation import Measured

Cpu = Callable[[float, float], float | None]
"""Mean CPU of the gateway, in cores, between two moments (unix seconds)."""


def stages(load: Load, account: Account) -> list[StageFigures]:
    """Stages, spikes and ramps, in their order."""
    return [
        StageFigures(
            name=phase.name,
            kind=phase.kind,
            spike=phase.spike,
            users=phase.users,
            rate=phase.rate,
            **_figures(load, account, phase.name),
            **_upper(account, phase.name),
        )
        for phase in load.phases
        if phase.kind in ("Stage", "Ramp")
    ]


def points(load: Load, account: Account, cpu: Cpu) -> list[FrontierPoint]:
    """The steps of a search that were measured, by rate; empty where nothing was searched for."""
    phases = {phase.index: phase for phase in load.phases}
    out = []
    for step in load.capacity.steps if load.capacity is not None else ():
        phase = phases.get(step.phase)
        if phase is None or phase.index is None or phase.full_at is None or phase.ended_at is None:
            continue
        out.append(
            FrontierPoint(
                rate=step.rate,
                phase=phase.index,
                outcome=step.outcome,
                why=step.why,
                confirmation=counts(phase),
                gateway_cpu_cores=cpu(phase.full_at, phase.ended_at),
                **_figures(load, account, phase.index),
            )
        )
    return sorted(out, key=lambda point: (point.rate or 0.0, point.phase or 0))


def offered(load: Load) -> float | None:
    """Arrivals a second that were asked for over the measured window; None in closed load."""
    lengths = [(seconds, phase.rate) for phase in load.phases if counts(phase) and (seconds := seconds_of(phase))]
    known = [(seconds, rate) for seconds, rate in lengths if rate is not None]
    if not known or len(known) < len(lengths):
        return None
    return sum(seconds * rate for seconds, rate in known) / sum(seconds for seconds, _ in known)


def _upper(account: Account, stage: Stage) -> dict[str, float | None]:
    """Upper bounds of the percentiles; what is only known to be above 10 min has none."""
    seen = {name: account.observe(f"latency.{name}.upper", stage=stage) for name in ("p50", "p95", "p99")}
    return {
        f"{name}_upper_seconds": one.value if isinstance(one, Measured) and not one.above else None
        for name, one in seen.items()
    }


def _figures(load: Load, account: Account, stage: Stage) -> dict[str, Any]:
    window = account.window(stage)

    def value(name: str) -> float | None:
        seen = account.observe(name, stage=stage)
        return seen.value if isinstance(seen, Measured) else None

    return {
        "seconds": window.seconds,
        "requests": window.total(),
        "failures": window.total("failure"),
        "dropped": account.dropped(window) if load.is_open and window.seconds is not None else None,
        "throughput": value("throughput"),
        "error_ratio": value("errorRatio"),
        "p50_seconds": value("latency.p50"),
        "p95_seconds": value("latency.p95"),
        "p99_seconds": value("latency.p99"),
    }
