"""Objectives: bounds on metrics that give the verdict."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatebench.api.fields import Model, ObjectiveBound, ShortText, duration, rule, rules
from gatebench_analysis.abort import METRIC as TOLD_LIVE
from gatebench_analysis.metrics import PATTERN as METRIC_PATTERN

_ABOVE_BELOW = (
    "(has(self.targetAbove) || has(self.warnBelow) || has(self.failBelow) || has(self.abortBelow))"
    " != (has(self.targetBelow) || has(self.warnAbove) || has(self.failAbove) || has(self.abortAbove))"
)
_TOLD = f"^{TOLD_LIVE}$".replace("\\", "\\\\")


class Objective(Model):
    """A bound on one metric. Good: the target is met. Warn and a missed target do not fail the run; Fail does."""

    model_config = {
        "json_schema_extra": rules(
            rule(
                _ABOVE_BELOW,
                "set bounds of one direction: targetAbove, warnBelow, failBelow, abortBelow where more is better,"
                " or targetBelow, warnAbove, failAbove, abortAbove where less is better",
            ),
            rule(
                "!(has(self.abortAbove) || has(self.abortBelow)) ||"
                f" (!has(self.stage) && self.metric.matches('{_TOLD}'))",
                "abortAbove and abortBelow are for what the fleet can tell while the load runs: throughput, errorRatio,"
                " latency, ttft and interToken, also of a request name, without stage and .upper. For others take"
                " failAbove or failBelow",
            ),
            rule(
                "!has(self.abortWindow) || has(self.abortAbove) || has(self.abortBelow)",
                "abortWindow needs abortAbove or abortBelow",
            ),
        )
    }

    metric: Annotated[str, Field(min_length=1, max_length=128, pattern=METRIC_PATTERN)]
    """Name of the metric: throughput, errorRatio, latency.p95, requests.NAME.latency.p99, gateway.memory.peak,
    dropped, capacity.requestsPerSecond, query.NAME, …; docs/metrics.md lists all."""
    stage: ShortText | None = None
    """Name of the stage that it is about; by default all measured stages."""
    optional: bool = False
    """A missing value does not make the verdict Unknown."""
    target_above: ObjectiveBound | None = None
    """Good when above."""
    target_below: ObjectiveBound | None = None
    """Good when below."""
    warn_above: ObjectiveBound | None = None
    """Warn when above."""
    warn_below: ObjectiveBound | None = None
    """Warn when below."""
    fail_above: ObjectiveBound | None = None
    """Fail when above."""
    fail_below: ObjectiveBound | None = None
    """Fail when below."""
    abort_above: ObjectiveBound | None = None
    """Ends the load, and fails, when above over abortWindow: in stages, ramps and spikes, not in the warm-up. A
    percentile needs ten requests above it in the window: p95 two hundred."""
    abort_below: ObjectiveBound | None = None
    """Ends the load, and fails, when below over abortWindow."""
    abort_window: duration("1s", "5m") | None = None  # type: ignore[valid-type]
    """How far back abortAbove and abortBelow look. By default 10s."""


class Query(Model):
    """A PromQL query of your own over the measured window; query.NAME in objectives."""

    name: Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-zA-Z][a-zA-Z0-9_-]*$")]
    """Its name: the metric is query.NAME."""
    promql: Annotated[str, Field(min_length=1, max_length=2048)]
    """The query, which must give one series. $pod, $namespace and $range (the measured window) are filled in."""
    aggregate: Literal["mean", "max", "min", "last", "increase"] = "mean"
    """How the values over the window become one."""


class Metrics(Model):
    """Figures that come from Prometheus besides the built-in ones."""

    queries: Annotated[list[Query], Field(max_length=16)] | None = None
    """Queries of your own. The operator's settings can switch them off."""
