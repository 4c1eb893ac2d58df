"""Pauses under load: nothing new is sent, and all that was sent is answered before anything else begins."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from gatebench_locust.phases import Phase
from gatebench_locust.records import FAILED

if TYPE_CHECKING:
    from gatebench_locust.conductor import Conductor

logger = logging.getLogger(__name__)

BEYOND_TIMEOUT_SECONDS = 3.0  # by then even what timed out has been reported
_POLL = 0.05


def rest(conductor: Conductor, phase: Phase) -> None:
    """A pause after a repeat, once nothing new is sent: until all is answered, then its seconds, then the hold that
    there may be before another repeat.

    Raises EndEarly.
    """
    plan = conductor.plan
    limit = max(plan.timeout, plan.drain) + BEYOND_TIMEOUT_SECONDS
    if not await_quiet(conductor, phase.index, time.monotonic() + limit):
        what = "a user's task" if plan.locustfile is not None else "a request"
        conductor.end(FAILED, f"{what} of repeat {phase.repeat} had not ended {limit:g} s after it")
        conductor.check()
    conductor.wait(phase.seconds)
    if plan.repeats.hold and phase.repeat + 1 < plan.repeats.count:
        _hold(conductor, phase.repeat + 1)


class Gate:
    """Where a repeat waits to be told to begin. `since` is monotonic; both stay where the load ends meanwhile."""

    def __init__(self) -> None:
        self.holding: int | None = None
        self.since: float | None = None
        self._told = 0

    def tell(self, repeat: int) -> bool:
        """The repeat may begin; False where it neither waits nor was told before."""
        if repeat == self.holding:
            self._told = repeat
        return 0 < repeat <= self._told

    def close(self, repeat: int) -> None:
        """The repeat waits from now on."""
        self.holding, self.since = repeat, time.monotonic()

    def passed(self) -> bool:
        """Whether the repeat that waits was told; then nothing waits any more."""
        if self.holding is not None and self._told >= self.holding:
            self.holding = self.since = None
        return self.holding is None


def _hold(conductor: Conductor, repeat: int) -> None:
    """Waits to be told that a repeat may begin; as long as a result is kept, at most. Raises EndEarly."""
    seconds = conductor.plan.result_hold
    limit = time.monotonic() + seconds
    conductor.gate.close(repeat)
    logger.info("repeat %d waits to be told to begin", repeat)
    while not conductor.gate.passed():
        if time.monotonic() > limit:
            conductor.end(FAILED, f"nobody has told repeat {repeat} to begin within {seconds:g} s")
        conductor.wait(_POLL)


def await_quiet(conductor: Conductor, pause: int, limit: float) -> bool:
    """Until every worker has reported from within the pause that nothing is under way, or a monotonic limit."""
    while time.monotonic() < limit:
        workers = conductor.collector.workers
        if all(m.id in workers and workers[m.id].quiet == pause for m in conductor.roster.joined):
            return True
        conductor.wait(_POLL)
    return False
