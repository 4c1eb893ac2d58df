"""The life of a load as phases, derived from the plan: pure.

Warm-up, then stages and ramps, as often as the plan repeats them with a pause between, then the drain; before that,
after another pause, the direct leg where the plan has one, and after it the burst. A capacity search makes its phases
as it goes. A ramp of users climbs in steps of a second; what a phase asks for at a moment is a pair (users, users
started a second), which is what Locust's load shapes speak. Open load has a rate instead, which the workers follow by
themselves: its users are one a worker and send nothing, so that Locust's page shows a fleet that runs.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from gatebench_locust.plan import CAPACITY, CLOSED, Plan, Stage

WARM_UP, STAGE, RAMP, DRAIN = "WarmUp", "Stage", "Ramp", "Drain"
PAUSE = "Pause"  # between two repeats: nothing is sent
DIRECT = "Direct"  # straight to the upstream, at the rate that the gateway has reached
CEILING = "Ceiling"  # straight to it, as much as it and the fleet can do
SEARCH = "Search"  # a part of a capacity search that the run's own metrics do not cover
# Open load is announced so long before it begins: well within the second that a worker allows, well above what a
# message takes.
LEAD_SECONDS = 0.3


@dataclasses.dataclass(frozen=True)
class Rate:
    """Arrivals a second of the whole fleet, going evenly from one end to the other in so many seconds."""

    start: float
    end: float
    seconds: float

    def at(self, elapsed: float) -> float:
        """The rate, `elapsed` seconds after the start."""
        share = 1.0 if self.seconds <= 0 else min(1.0, max(0.0, elapsed / self.seconds))
        return self.start + (self.end - self.start) * share

    def wire(self) -> dict[str, Any]:
        """As workers are told."""
        return {"from": self.start, "to": self.end, "seconds": self.seconds}


@dataclasses.dataclass(frozen=True)
class Phase:
    """A phase before it is run. `before` is the number of users that it starts from; `rate` that of open load.

    A pause belongs to the repeat that it follows, the drain and what goes straight to the upstream to the last one. The
    rate of the direct leg is known only when it begins. `burst` is users that workers have of their own, whom Locust
    neither brings nor counts.
    """

    index: int
    name: str
    kind: str
    seconds: float
    users: int
    before: int
    rate: Rate | None = None
    spike: bool = False
    repeat: int = 0
    burst: int = 0


def phases_of(plan: Plan) -> tuple[Phase, ...]:
    """All phases that are known beforehand, the drain last."""
    once = _closed(plan) if plan.model == CLOSED else _open(plan)
    out: list[Phase] = []
    for repeat in range(plan.repeats.count):
        if repeat:
            out.append(_pause(plan, out[-1]))
        out += [dataclasses.replace(phase, repeat=repeat) for phase in once]
    if plan.direct is not None:
        out.append(_pause(plan, out[-1]))
        users, repeat = out[-1].users, out[-1].repeat
        seconds = plan.direct.settle + plan.direct.seconds
        out.append(Phase(0, "direct", DIRECT, seconds, users, users, repeat=repeat))
        if (burst := plan.direct.burst) is not None:
            seconds = burst.settle + burst.seconds
            out.append(Phase(0, "burst", CEILING, seconds, users, users, repeat=repeat, burst=burst.users))
    out.append(_drain(plan, out[-1].users if out else plan.expected_workers, plan.repeats.count - 1))
    return tuple(dataclasses.replace(phase, index=index) for index, phase in enumerate(out))


def _pause(plan: Plan, after: Phase) -> Phase:
    rate = None if after.rate is None else Rate(0.0, 0.0, plan.repeats.pause)
    users = 0 if rate is None else after.users
    name = f"pause-{after.repeat + 1}"
    return Phase(0, name, PAUSE, plan.repeats.pause, users, after.users, rate, repeat=after.repeat)


def _drain(plan: Plan, users: int, repeat: int) -> Phase:
    return Phase(0, "drain", DRAIN, plan.drain, 0, users, repeat=repeat)


def _closed(plan: Plan) -> list[Phase]:
    """One repeat."""
    out: list[Phase] = []
    before = 0
    if plan.warm_up > 0:
        first = plan.stages[0]
        before = plan.expected_workers if first.ramp else first.users
        out.append(Phase(0, "warm-up", WARM_UP, plan.warm_up, before, 0))
    for stage in plan.stages:
        out.append(Phase(len(out), stage.name, _kind(stage), stage.seconds, stage.users, before, None, stage.spike))
        before = stage.users
    return out


def _kind(stage: Stage) -> str:
    return RAMP if stage.ramp else STAGE


def _open(plan: Plan) -> list[Phase]:
    """One repeat."""
    out: list[Phase] = []
    before = 0.0
    if plan.warm_up > 0:
        before = _first_rate(plan)
        out.append(arrivals(plan, 0, "warm-up", WARM_UP, Rate(before, before, plan.warm_up)))
    for stage in plan.stages:
        rate = stage.rate or 0.0
        course = Rate(before if stage.ramp else rate, rate, stage.seconds)
        out.append(arrivals(plan, len(out), stage.name, _kind(stage), course, stage.spike))
        before = rate
    return out


def _first_rate(plan: Plan) -> float:
    """What warms up: the first stage's rate; before a ramp one arrival a second and worker, as it is with users."""
    if plan.model == CAPACITY:
        assert plan.capacity is not None
        return plan.capacity.start_rate
    first = plan.stages[0].rate or 0.0
    return min(first, float(plan.expected_workers)) if plan.stages[0].ramp else first


def arrivals(plan: Plan, index: int, name: str, kind: str, rate: Rate, spike: bool = False) -> Phase:
    """A phase of open load."""
    users = plan.expected_workers
    return Phase(index, name, kind, rate.seconds, users, users, rate, spike)


def target(phase: Phase, elapsed: float, spawn_rate: float) -> tuple[int, float]:
    """What to ask Locust for, `elapsed` seconds into a phase."""
    if phase.rate is not None:
        return phase.users, float(max(1, phase.users))
    if phase.kind == PAUSE:
        return phase.users, float(max(1, phase.before))
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
    """The planned length without the drains: a stage counts from when its users are there."""
    total = 0.0
    for phase in phases:
        if phase.kind == STAGE:
            spawning = spawn_seconds(phase, spawn_rate)
            total += phase.seconds + spawning
        elif phase.kind == WARM_UP:
            total += max(phase.seconds, spawn_seconds(phase, spawn_rate))
        elif phase.kind in (RAMP, PAUSE, DIRECT, CEILING):
            total += phase.seconds
    return total
