"""The status and the actions of one decision, while they are being put together.

A Draft lives inside one call of `decide` and never leaves it; what leaves is a Decision.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable
from typing import Any

from gatebench.api.comparisonstatus import BenchmarkComparisonStatus
from gatebench.api.reasons import REMEDIES, ConditionType, Reason
from gatebench.api.status import BenchmarkRunStatus, Condition, ConditionStatus, Progress
from gatebench.decide.actions import Action, Announce
from gatebench.plan.run import Run

_MESSAGE_LIMIT = 1024
Status = BenchmarkRunStatus | BenchmarkComparisonStatus


@dataclasses.dataclass(frozen=True)
class Decision:
    """What shall be done, and what the status shall say."""

    actions: tuple[Action, ...]
    status: BenchmarkRunStatus
    idle: bool = False
    """Nothing is left to do for this run, ever."""


@dataclasses.dataclass(frozen=True)
class Wait:
    """The step is not done: look again at the next tick. `step` is the word for people."""

    step: str


@dataclasses.dataclass(frozen=True)
class Stop:
    """The run ends. `complete` is the reason of Complete, `why` the reason of Succeeded=False."""

    complete: Reason
    why: Reason
    message: str


Outcome = Wait | Stop | None
"""None: the step is done, go on to the next."""


def timestamp(seconds: float) -> str:
    """RFC 3339 in UTC, to the second, as Kubernetes writes it."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def unix(text: str | None) -> float | None:
    """Unix seconds of an RFC 3339 timestamp; None of None or of what is none."""
    if not text:
        return None
    try:
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None


def condition_of(status: Status, kind: ConditionType) -> Condition | None:
    """The condition of that type in a status."""
    return next((c for c in status.conditions or () if c.type == kind), None)


def is_status(status: Status, kind: ConditionType, value: ConditionStatus) -> bool:
    """Whether the condition is there and has that status."""
    found = condition_of(status, kind)
    return found is not None and found.status == value


def since(status: Status, kind: ConditionType) -> float | None:
    """Unix seconds of the condition's last transition."""
    found = condition_of(status, kind)
    return unix(found.last_transition_time) if found else None


def expired(ttl: int | None, finished_at: str | None, now: float) -> bool:
    """Whether the time to live of what is complete has passed."""
    finished = unix(finished_at)
    return ttl is not None and now - (now if finished is None else finished) >= ttl


def with_remedy(reason: Reason, message: str) -> str:
    """The message and what a person can do about it."""
    remedy = REMEDIES.get(reason)
    if not remedy or remedy in message:
        return message
    return f"{message.rstrip('.')}. Remedy: {remedy}."


class Sketch:
    """Collects conditions, fields and actions about a run or a comparison; knows how a transition is dated."""

    def __init__(self, status: Status, generation: int, now: float) -> None:
        self.now = now
        self.actions: list[Action] = []
        self._status = status
        self._generation = generation
        self._conditions = {c.type: c for c in status.conditions or ()}
        self._fields: dict[str, Any] = {}

    def act(self, *actions: Action) -> None:
        """Wants these done, in this order."""
        self.actions += actions

    def set(self, **fields: Any) -> None:
        """Sets fields of the status (by their Python names)."""
        self._fields.update(fields)

    def get(self, field: str) -> Any:
        """A field as this decision has it so far."""
        return self._fields.get(field, getattr(self._status, field))

    def status_of(self, kind: ConditionType) -> ConditionStatus | None:
        """The condition's status as this decision has it so far."""
        found = self._conditions.get(kind)
        return found.status if found else None

    def reason_of(self, kind: ConditionType) -> str | None:
        """The condition's reason as this decision has it so far."""
        found = self._conditions.get(kind)
        return found.reason if found else None

    def message_of(self, kind: ConditionType) -> str:
        """The condition's message as this decision has it so far."""
        found = self._conditions.get(kind)
        return found.message if found else ""

    def since(self, kind: ConditionType) -> float:
        """When the condition got its status; now, where it is new."""
        found = self._conditions.get(kind)
        at = unix(found.last_transition_time) if found else None
        return self.now if at is None else at

    def condition(self, kind: ConditionType, status: ConditionStatus, reason: Reason, message: str) -> None:
        """Sets a condition; a new reason that is bad news, or a change of status, is announced as an event."""
        message = with_remedy(reason, message) if status != "True" else message
        if len(message) > _MESSAGE_LIMIT:
            message = message[: _MESSAGE_LIMIT - 2] + " …"
        before = self._conditions.get(kind)
        moved = before is None or before.status != status
        at = timestamp(self.now) if moved or before is None else before.last_transition_time
        self._conditions[kind] = Condition(
            type=kind.value,
            status=status,
            reason=reason.value,
            message=message,
            last_transition_time=at,
            observed_generation=self._generation,
        )
        if kind in (ConditionType.SUCCEEDED, ConditionType.RECONCILING, ConditionType.STALLED):
            return
        if (moved and status != "Unknown") or (before is not None and before.reason != reason and reason in REMEDIES):
            good = status == "True" or reason not in REMEDIES
            self.act(Announce(reason.value, f"{kind.value}={status}: {message}", warning=not good))

    def default(self, kind: ConditionType, status: ConditionStatus, reason: Reason, message: str = "") -> None:
        """Sets a condition that is not there yet."""
        if kind not in self._conditions:
            self.condition(kind, status, reason, message)

    def fail(self, kind: ConditionType, reason: Reason, message: str) -> Stop:
        """Sets the condition to False, which is what ends it."""
        self.condition(kind, "False", reason, message)
        return Stop(Reason.FAILED, reason, message)

    def end(self, outcome: Stop, done: str) -> None:
        """The conditions with which it ends, Complete last; `done` says that it is complete."""
        succeeded = outcome.why == Reason.SUCCEEDED
        told = "" if succeeded else outcome.message
        self.condition(ConditionType.SUCCEEDED, "True" if succeeded else "False", outcome.why, outcome.message)
        self.condition(ConditionType.STALLED, "False" if succeeded else "True", outcome.why, told)
        self.condition(ConditionType.RECONCILING, "False", outcome.complete, done)
        self.condition(ConditionType.COMPLETE, "True", outcome.complete, outcome.message)

    def progressing(self, waits: Iterable[ConditionType], otherwise: str) -> None:
        """Succeeded is Unknown while it goes on, with the reason of the first thing it waits for."""
        for kind in waits:
            reason = self.reason_of(kind)
            if self.status_of(kind) == "Unknown" and reason is not None:
                self.condition(ConditionType.SUCCEEDED, "Unknown", Reason(reason), self.message_of(kind))
                return
        self.condition(ConditionType.SUCCEEDED, "Unknown", Reason.PROGRESSING, otherwise)

    def fields(self) -> dict[str, Any]:
        """All fields of the status that this decision sets, the conditions in their order."""
        order = [kind.value for kind in ConditionType]
        conditions = sorted(self._conditions.values(), key=lambda c: order.index(c.type) if c.type in order else 99)
        return {**self._fields, "conditions": conditions, "observed_generation": self._generation}


class Draft(Sketch):
    """That of a run."""

    def __init__(self, run: Run, now: float) -> None:
        super().__init__(run.status, run.generation, now)
        self.run = run

    def progress(self, **fields: Any) -> Progress:
        """The progress as this decision has it so far, with these fields changed."""
        return (self.get("progress") or Progress()).model_copy(update=fields)

    def decision(self, idle: bool = False) -> Decision:
        """The decision."""
        return Decision(tuple(self.actions), self.run.status.model_copy(update=self.fields()), idle)
