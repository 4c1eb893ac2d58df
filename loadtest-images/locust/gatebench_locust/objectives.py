"""Objectives of a capacity search, as the plan has them: a metric of the fleet's own and one bound. Pure."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

DURATIONS = ("latency", "ttft", "interToken")
QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}
# A percentile needs so many samples above it. A result's floor (459 requests for p99) is where an upper bound begins to
# exist, at 4.6 samples above; a step is decided by the point estimate alone, which so few would flip by chance.
TAIL_SAMPLES = 10
ERROR_RATIO, THROUGHPUT, DROPPED = "errorRatio", "throughput", "dropped"
_NAME = re.compile(rf"(?:{'|'.join(DURATIONS)})\.(?:mean|max|p50|p90|p95|p99|p99\.9)|errorRatio|throughput|dropped")
_DEFAULT_ERROR_RATIO = 0.01


@dataclasses.dataclass(frozen=True)
class Objective:
    """Holds while the metric is at most `below`, or at least `above`; exactly one is set. Seconds, ratios, counts."""

    metric: str
    below: float | None = None
    above: float | None = None

    def met(self, value: float) -> bool:
        """Whether a value is within the bound."""
        if self.below is not None:
            return value <= self.below
        return self.above is not None and value >= self.above


def parse(item: Mapping[str, Any]) -> Objective:
    """One objective. Raises KeyError, ValueError or TypeError where it cannot be used."""
    metric = str(item["metric"])
    if not _NAME.fullmatch(metric):
        raise ValueError(f"capacity: the load cannot be judged by {metric!r} while it runs")
    below, above = item.get("below"), item.get("above")
    if (below is None) == (above is None):
        raise ValueError(f"capacity: objective {metric} needs either below or above")
    return Objective(metric, None if below is None else float(below), None if above is None else float(above))


def completed(given: tuple[Objective, ...]) -> tuple[Objective, ...]:
    """With the bounds that hold unless others are given: a gateway that fails fast must not have a capacity."""
    named = {objective.metric for objective in given}
    defaults = (Objective(ERROR_RATIO, below=_DEFAULT_ERROR_RATIO), Objective(DROPPED, below=0.0))
    return given + tuple(objective for objective in defaults if objective.metric not in named)
