"""Leads what goes straight to the upstream: the direct leg, open load at the rate at which the gateway has answered,
and the burst, closed load without think time.

What the gateway adds to a request is the difference to a request that did not go through it, at the same rate: so the
rate is known only when all repeats are over. The burst is as much as fleet and upstream do without the gateway.
"""

from __future__ import annotations

import dataclasses
import logging
import statistics
import time
from typing import TYPE_CHECKING

from gatebench_locust import pauses
from gatebench_locust.phases import DIRECT, LEAD_SECONDS, STAGE, Phase, Rate

if TYPE_CHECKING:
    from gatebench_locust.conductor import Conductor

logger = logging.getLogger(__name__)


def run(conductor: Conductor, phase: Phase) -> None:
    """The whole leg; none where nothing was answered through the gateway. Raises EndEarly."""
    plan, rate = conductor.plan, reached(conductor)
    assert plan.direct is not None
    if rate is None:
        logger.warning("there is no direct leg: nothing was answered in a measured stage")
        return
    starts = time.monotonic() + LEAD_SECONDS
    paced = dataclasses.replace(phase, rate=Rate(rate, rate, phase.seconds))
    record = conductor.enter(paced, time.time() + LEAD_SECONDS)
    conductor.announce(record, settled=False)
    conductor.wait(starts + plan.direct.settle - time.monotonic())
    conductor.announce(record, settled=True)
    record.full = time.time()
    conductor.wait(starts + phase.seconds - time.monotonic())


def burst(conductor: Conductor, phase: Phase) -> None:
    """The burst; none where there was no leg, or where that is not all answered in time. Raises EndEarly.

    Nobody sends before the leg is answered: the burst would make its last answers late.
    """
    plan, before = conductor.plan, conductor.current
    assert plan.direct is not None
    assert plan.direct.burst is not None
    if before is None or before.phase.kind != DIRECT:
        return
    record = conductor.enter(phase)
    conductor.announce(record, settled=False, burst=0)
    limit = max(plan.timeout, plan.drain) + pauses.BEYOND_TIMEOUT_SECONDS
    if not pauses.await_quiet(conductor, phase.index, time.monotonic() + limit):
        logger.warning("there is no burst: a request of the direct leg had not ended %g s after it", limit)
        return
    conductor.announce(record, settled=False, burst=phase.burst)
    conductor.wait(plan.direct.burst.settle)
    conductor.announce(record, settled=True, burst=phase.burst)
    record.full = time.time()
    conductor.wait(plan.direct.burst.seconds)


def reached(conductor: Conductor) -> float | None:
    """Requests a second that were answered over the measured stages, failures too: the median over the repeats."""
    seconds: dict[int, float] = {}
    answered: dict[int, int] = {}
    repeats: dict[int, int] = {}
    for record in conductor.records:
        phase = record.phase
        if phase.kind == STAGE and not phase.spike and record.full is not None and record.ended is not None:
            repeats[phase.index] = phase.repeat
            seconds[phase.repeat] = seconds.get(phase.repeat, 0.0) + record.ended - record.full
    for (index, settled, *_), row in conductor.collector.rows.items():
        if settled and index in repeats:
            answered[repeats[index]] = answered.get(repeats[index], 0) + row.count
    rates = [answered.get(repeat, 0) / length for repeat, length in seconds.items() if length > 0]
    return statistics.median(rates) or None if rates else None
