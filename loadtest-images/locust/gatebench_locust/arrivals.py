"""Leads open load: the workers make the arrivals by themselves, the master says from when on and how many a second.

A phase is announced a moment before it begins, so that all workers begin it at the same time, and so that one phase
follows the other without a gap. Times are unix seconds to the workers; waiting goes by the monotonic clock.
"""

# Locust is typed in part only.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from gatebench_locust import direct, pauses
from gatebench_locust.phases import CEILING, DIRECT, LEAD_SECONDS, PAUSE, STAGE, Phase

if TYPE_CHECKING:
    from gatebench_locust.conductor import Conductor

_USERS_SECONDS = 20.0
_POLL = 0.05


def lead(conductor: Conductor) -> None:
    """All phases but the drain. Raises EndEarly."""
    line = Line(conductor)
    for phase in conductor.phases[:-1]:
        if phase.kind == PAUSE:
            line.begin(phase, settled=False)
            pauses.rest(conductor, phase)
            line.cut()
        elif phase.kind == DIRECT:
            direct.run(conductor, phase)
        elif phase.kind == CEILING:
            direct.burst(conductor, phase)
        else:
            line.run(phase)
    line.finish()


class Line:
    """Phases of open load, one right after the other."""

    def __init__(self, conductor: Conductor) -> None:
        """Brings up the users that stand for the workers on Locust's page. Raises EndEarly."""
        self._conductor = conductor
        conductor.runner.start_shape()
        conductor.await_users(conductor.plan.expected_workers, _USERS_SECONDS, "the fleet")
        self._zero = time.time() - time.monotonic()
        self._due = 0.0  # monotonic: when the next phase is to begin

    def begin(self, phase: Phase, settled: bool) -> None:
        """Announces a phase: from the end of the one before on, or from the next possible moment. Raises EndEarly."""
        starts = max(self._due, time.monotonic() + LEAD_SECONDS)
        record = self._conductor.enter(phase, starts + self._zero)
        if settled:
            record.full = record.started
        self._due = starts + phase.seconds
        self._conductor.announce(record, settled)

    def run(self, phase: Phase, settled: bool | None = None) -> None:
        """A whole phase, up to where the next one is to be announced. Raises EndEarly."""
        self.begin(phase, phase.kind == STAGE if settled is None else settled)
        self._conductor.wait(self._due - LEAD_SECONDS - time.monotonic())

    def run_until(self, phase: Phase, seconds: float, enough: Callable[[], bool]) -> bool:
        """A phase of so many seconds at least, and of all of its own unless enough comes true; whether it did.

        Raises EndEarly.
        """
        self.begin(phase, settled=False)
        least = self._due - phase.seconds + seconds - LEAD_SECONDS
        while (left := self._due - LEAD_SECONDS - time.monotonic()) > 0:
            if enough() and time.monotonic() >= least:
                self.cut()
                return True
            self._conductor.wait(min(left, _POLL))
        return False

    def finish(self) -> None:
        """Waits for the very end of the last phase. Raises EndEarly."""
        self._conductor.wait(self._due - time.monotonic())

    def cut(self) -> None:
        """The present phase ends as soon as the next one can begin."""
        self._due = 0.0
