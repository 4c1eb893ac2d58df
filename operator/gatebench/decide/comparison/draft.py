"""The status and the actions of one decision about a comparison, while they are being put together."""

from __future__ import annotations

import dataclasses
from typing import Any

from gatebench.api.comparisonstatus import BenchmarkComparisonStatus, ComparisonProgress
from gatebench.api.reasons import ConditionType, Reason
from gatebench.decide.actions import Action
from gatebench.decide.draft import Sketch, Stop
from gatebench.plan.comparison import Comparison


@dataclasses.dataclass(frozen=True)
class Decision:
    """What shall be done, and what the status shall say."""

    actions: tuple[Action, ...]
    status: BenchmarkComparisonStatus
    idle: bool = False
    """Nothing is left to do for this comparison, ever."""


class Draft(Sketch):
    """That of a comparison."""

    def __init__(self, comparison: Comparison, now: float) -> None:
        super().__init__(comparison.status, comparison.generation, now)
        self._before = comparison.status

    def progress(self, **fields: Any) -> ComparisonProgress:
        """The progress as this decision has it so far, with these fields changed."""
        return (self.get("progress") or ComparisonProgress()).model_copy(update=fields)

    def conclude(self, outcome: Stop) -> None:
        """The conditions with which the comparison ends."""
        self.default(ConditionType.ACCEPTED, "Unknown", Reason.NOT_MEASURED, "It ended before this was known.")
        for kind in (ConditionType.VALID, ConditionType.PASSED):
            if self.reason_of(kind) == Reason.RUNNING:
                self.condition(kind, "Unknown", Reason.NOT_MEASURED, "Not all runs were made, so nothing is judged.")
        self.end(outcome, "The comparison is complete.")

    def decision(self, idle: bool = False) -> Decision:
        """The decision."""
        return Decision(tuple(self.actions), self._before.model_copy(update=self.fields()), idle)
