"""Leads closed load: users that come, think, send and wait, stage by stage. Locust's shape brings and takes them."""

# Locust is typed in part only.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gatebench_locust import direct, pauses, phases
from gatebench_locust.phases import CEILING, DIRECT, PAUSE, STAGE, WARM_UP, Phase

if TYPE_CHECKING:
    from gatebench_locust.conductor import Conductor

USERS_SLACK_SECONDS = 20.0
NO_USERS_SECONDS = 5


def lead(conductor: Conductor) -> None:
    """All phases but the drain. Raises EndEarly."""
    for phase in conductor.phases[:-1]:
        if phase.kind == PAUSE:
            _pause(conductor, phase)
        elif phase.kind == DIRECT:
            direct.run(conductor, phase)
        elif phase.kind == CEILING:
            direct.burst(conductor, phase)
        else:
            _phase(conductor, phase)


def _pause(conductor: Conductor, phase: Phase) -> None:
    conductor.announce(conductor.enter(phase), settled=False)
    _look_now(conductor)
    conductor.await_users(0, USERS_SLACK_SECONDS, phase.name)
    pauses.rest(conductor, phase)


def _look_now(conductor: Conductor) -> None:
    """Has Locust ask for the users of now. By itself it looks once a second, and in a pause none may send for so long,
    nor may a later repeat's warm-up be the shorter."""
    runner = conductor.runner
    if runner.shape_greenlet is None:
        runner.start_shape()
        return
    runner.shape_greenlet.kill(block=True)
    runner.shape_greenlet = runner.greenlet.spawn(runner.shape_worker)


def _phase(conductor: Conductor, phase: Phase) -> None:
    record = conductor.enter(phase)
    conductor.announce(record, settled=False)
    if conductor.runner.shape_greenlet is None or (phase.repeat and conductor.records[-2].phase.kind == PAUSE):
        _look_now(conductor)
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
