"""Pauses under load: nothing new is sent, and all that was sent is answered before anything else begins."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gatebench_locust.phases import Phase

if TYPE_CHECKING:
    from gatebench_locust.conductor import Conductor

BEYOND_TIMEOUT_SECONDS = 3.0  # by then even what timed out has been reported
_POLL = 0.05


def rest(conductor: Conductor, phase: Phase) -> None:
    """A pause between two repeats, once nothing new is sent: until all is answered, then its seconds, then the hold.

    Raises EndEarly.
    """
    plan = conductor.plan
    limit = max(plan.timeout, plan.drain) + BEYOND_TIMEOUT_SECONDS
    if not await_quiet(conductor, phase.index, time.monotonic() + limit):
        what = "a user's task" if plan.locustfile is not None else "a request"
        conductor.end("Failed", f"{what} of repeat {phase.repeat} had not ended {limit:g} s after it")
        conductor.check()
    conductor.wait(phase.seconds)
    if plan.repeats.hold:
        conductor.hold(phase.repeat + 1)


def await_quiet(conductor: Conductor, pause: int, limit: float) -> bool:
    """Until every worker has reported from within the pause that nothing is under way, or a monotonic limit."""
    while time.monotonic() < limit:
        workers = conductor.collector.workers
        if all(m.id in workers and workers[m.id].quiet == pause for m in conductor.roster.joined):
            return True
        conductor.wait(_POLL)
    return False
