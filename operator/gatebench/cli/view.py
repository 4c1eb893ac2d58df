"""A run as the command line reads it: as plain data, so that a newer operator's fields do no harm."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any


class Exit(enum.IntEnum):
    """Exit codes of `gatebench run` and `gatebench wait`."""

    PASSED = 0
    FAILED = 1
    INVALID = 2
    ERROR = 3


@dataclasses.dataclass(frozen=True)
class Condition:
    """One condition of the status."""

    type: str
    status: str
    reason: str
    message: str


@dataclasses.dataclass(frozen=True)
class View:
    """Name, status and conditions of one run."""

    namespace: str
    name: str
    uid: str
    created: str | None
    spec: Mapping[str, Any]
    status: Mapping[str, Any]
    conditions: Mapping[str, Condition]

    @property
    def step(self) -> str:
        """Where the run is; Pending until the operator has seen it."""
        return str(self.status.get("step") or "Pending")

    def part(self, *path: str) -> Mapping[str, Any]:
        """A nested object of the status; empty where it is missing."""
        value: Any = self.status
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value if isinstance(value, Mapping) else {}

    def is_(self, kind: str, status: str) -> bool:
        """Whether the condition is there with that status."""
        condition = self.conditions.get(kind)
        return condition is not None and condition.status == status

    @property
    def complete(self) -> bool:
        """Whether the run has ended."""
        return self.is_("Complete", "True")

    @property
    def exit_code(self) -> Exit | None:
        """What became of it; None while it is under way. A measurement that does not hold has no verdict."""
        if not self.complete:
            return None
        if self.is_("Succeeded", "True"):
            return Exit.PASSED
        if self.is_("Accepted", "False"):
            return Exit.ERROR
        if not self.is_("Valid", "True") or not (self.is_("Passed", "True") or self.is_("Passed", "False")):
            return Exit.INVALID
        return Exit.FAILED if self.is_("Passed", "False") else Exit.INVALID


def of(run: Mapping[str, Any]) -> View:
    """The view of an object as the API server gives it."""
    metadata, status = run.get("metadata") or {}, run.get("status") or {}
    conditions = {
        str(c.get("type")): Condition(
            type=str(c.get("type")),
            status=str(c.get("status")),
            reason=str(c.get("reason") or ""),
            message=str(c.get("message") or ""),
        )
        for c in status.get("conditions") or []
    }
    return View(
        namespace=str(metadata.get("namespace") or ""),
        name=str(metadata.get("name") or ""),
        uid=str(metadata.get("uid") or ""),
        created=metadata.get("creationTimestamp"),
        spec=run.get("spec") or {},
        status=status,
        conditions=conditions,
    )
