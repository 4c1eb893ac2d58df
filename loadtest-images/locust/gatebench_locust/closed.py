"""Leads closed load: users that come, think, send and wait, stage by stage. Locust's shape brings and takes them."""

# Locust is typed in part only.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gatebench_locust import phases
from gatebench_locust.phases import STAGE, WARM_UP, Phase

if TYPE_CHECKING:
    from gatebench_locust.conductor import Conductor

USERS_SLACK_SECONDS = 20.0
NO_USERS_SECONDS = 5


def lead(conductor: Conductor) -> None:
    """All phases but the drain. Raises EndEarly."""
    for phase in conductor.phases[:-1]:
        _phase(conductor, phase)


def _phase(conductor: Conductor, phase: Phase) -> None:
    record = conductor.enter(phase)
    conductor.announce(record, settled=False)
    if conductor.runner.shape_greenlet is None:
        conductor.runner.start_shape()
    if phase.kind == STAGE:
        conductor.await_users(phase.users, _limit(conductor, phase), phase.name)
        conductor.announce(record, settled=True)
        record.full = time.time()
    else:
        conductor.restart_clock()
    _hold(conductor, phase)


def _limit(conductor: Conductor, phase: Phase) -> float:
    """How long the users of a stage may take to be there."""
    seconds = phases.spawn_seconds(phase, conductor.plan.spawn_rate) + USERS_SLACK_SECONDS
    if phase.index and conductor.records[-2].phase.kind == WARM_UP:
        seconds += phase.users / conductor.plan.spawn_rate
    return seconds


def _hold(conductor: Conductor, phase: Phase) -> None:
    """Waits for the end of a phase. A locustfile may end its own users, which Locust does not put back."""
    ends = time.monotonic() + phase.seconds
    alone = 0
    while (left := ends - time.monotonic()) > 0:
        conductor.wait(min(left, 1.0))
        alone = alone + 1 if phase.kind == STAGE and phase.users and not conductor.runner.user_count else 0
        if alone > NO_USERS_SECONDS:
            conductor.end("Stopped", f"no user is left in {phase.name}: the locustfile has ended them")
    have = conductor.runner.user_count
    if phase.kind == STAGE and have < phase.users and not conductor.message:
        conductor.message = f"only {have} of {phase.users} users were left at the end of {phase.name}"
