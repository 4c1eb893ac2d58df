"""The life of a load as phases, derived from the plan: pure.

Warm-up, then stages and ramps, then the drain. A ramp climbs in steps of a second; what a phase asks for at a
moment is a pair (users, users started a second), which is what Locust's load shapes speak.
"""

from __future__ import annotations

import dataclasses

from gatebench_locust.plan import Plan

WARM_UP, STAGE, RAMP, DRAIN = "WarmUp", "Stage", "Ramp", "Drain"


@dataclasses.dataclass(frozen=True)
class Phase:
    """A phase before it is run. `before` is the number of users that it starts from."""

    index: int
    name: str
    kind: str
    seconds: float
    users: int
    before: int


def phases_of(plan: Plan) -> tuple[Phase, ...]:
    """All phases, the drain last."""
    out: list[Phase] = []
    before = 0
    if plan.warm_up > 0:
        first = plan.stages[0]
        before = plan.expected_workers if first.ramp else first.users
        out.append(Phase(0, "warm-up", WARM_UP, plan.warm_up, before, 0))
    for stage in plan.stages:
        kind = RAMP if stage.ramp else STAGE
        out.append(Phase(len(out), stage.name, kind, stage.seconds, stage.users, before))
        before = stage.users
    out.append(Phase(len(out), "drain", DRAIN, plan.drain, 0, before))
    return tuple(out)


def target(phase: Phase, elapsed: float, spawn_rate: float) -> tuple[int, float]:
    """What to ask Locust for, `elapsed` seconds into a phase."""
    if phase.kind != RAMP:
        return phase.users, spawn_rate
    share = 1.0 if phase.seconds <= 0 else min(1.0, max(0.0, elapsed / phase.seconds))
    users = round(phase.before + (phase.users - phase.before) * share)
    # The whole step at once: Locust sends floor(rate) users in one go, and waits only between two of them.
    return users, float(max(1, abs(phase.users - phase.before)))


def spawn_seconds(phase: Phase, spawn_rate: float) -> float:
    """How long the users of a phase take to come or go."""
    return abs(phase.users - phase.before) / max(spawn_rate, 0.001)


def total_seconds(phases: tuple[Phase, ...], spawn_rate: float) -> float:
    """The planned length without the drain: a stage counts from when its users are there."""
    total = 0.0
    for phase in phases:
        if phase.kind == STAGE:
            spawning = spawn_seconds(phase, spawn_rate)
            total += phase.seconds + spawning
        elif phase.kind == WARM_UP:
            total += max(phase.seconds, spawn_seconds(phase, spawn_rate))
        elif phase.kind == RAMP:
            total += phase.seconds
    return total
