"""What an attempt leaves behind and ends with: its phases as they were, and the words for how it ended."""

from __future__ import annotations

import dataclasses
from typing import Any

from gatebench_locust.phases import Phase

FINISHED, STOPPED, WORKER_LOST, FAILED, ABORTED = "Finished", "Stopped", "WorkerLost", "Failed", "Aborted"


class EndEarly(Exception):
    """The load ends before its plan does; why is in the conductor's outcome."""


class Refused(Exception):
    """A start, going on, or another plan is not possible; the payload says why."""

    def __init__(self, **payload: Any) -> None:
        super().__init__(payload["error"])
        self.payload = payload


@dataclasses.dataclass
class Record:
    """A phase as it was. Unix seconds of the master's clock."""

    phase: Phase
    started: float
    full: float | None = None
    ended: float | None = None
