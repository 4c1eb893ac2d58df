"""What a run is compared with, and what came of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatebench.api import RESULT_KEY
from gatebench.api.fields import Key, Model, Name, quantity, rule, rules
from gatebench.api.summary import Label
from gatebench_analysis.metrics import PATTERN as METRIC_PATTERN

COMPARED = ("throughput", "latency.p50", "latency.p95", "latency.p99")
MOST_METRICS = 16
_NAMED = METRIC_PATTERN.replace("\\", "\\\\")

Tolerance = quantity(r"^[0-9]{1,2}(\.[0-9]{1,4})?%$", "must be a percentage below 100%, such as 3% or 0.5%")


class StoredResult(Model):
    """A ConfigMap with a result, in the run's own namespace."""

    name: Name
    """Name of the ConfigMap, such as one of gatebench baseline save."""
    key: Key = RESULT_KEY
    """The key in its binaryData."""


class Baseline(Model):
    """What the run must not be worse than: an earlier measurement in the same environment with the same load."""

    model_config = {
        "json_schema_extra": rules(
            rule("has(self.run) != has(self.configMap)", "set exactly one of run and configMap"),
            rule(
                "has(self.tolerance) || (has(self.tolerances) && self.tolerances.size() > 0)",
                "set tolerance, or tolerances of the metrics to compare",
            ),
            rule(
                f"!has(self.tolerances) || self.tolerances.all(m, m.size() <= 128 && m.matches('{_NAMED}'))",
                "tolerances are by metric, such as {latency.p99: 20%}; docs/metrics.md lists all",
            ),
        )
    }

    run: Name | None = None
    """Name of a run in the same namespace. It is waited for while it is under way, and kept beyond its time to live
    until this run is complete."""
    config_map: StoredResult | None = None
    """A stored result: gatebench baseline save makes one that outlives its run."""
    tolerance: Tolerance | None = None  # type: ignore[valid-type]
    """By how much throughput, latency.p50, latency.p95 and latency.p99 may be worse. None: only what tolerances names
    is compared."""
    tolerances: Annotated[dict[str, Tolerance], Field(max_length=MOST_METRICS)] | None = None  # type: ignore[valid-type]
    """Tolerances of single metrics, by name; each one is compared. Of a share such as errorRatio it is percentage
    points. The more metrics, the more repeats a verdict needs: 4 for three, 5 for up to twelve."""
    on_regression: Literal["Fail", "Warn"] = "Fail"
    """Whether Regressed makes Passed=False, or is a warning. Inconclusive never fails a run."""


class BaselineMetric(Model):
    """A metric beside that of the baseline."""

    metric: Label
    """Its name."""
    verdict: Literal["Better", "Same", "Regressed", "Inconclusive"]
    """What became of it."""
    baseline: float | None = None
    """Median over the baseline's repeats, in `unit`."""
    current: float | None = None
    """Median over this run's, in `unit`."""
    unit: Label | None = None
    """SI unit of the two."""
    ratio: float | None = None
    """Current to baseline (Hodges-Lehmann); of a share the difference."""
    low: float | None = None
    """Its lower bound, at 95 %."""
    high: float | None = None
    """Its upper bound, at 95 %."""
    tolerance: float | None = None
    """By how much it may be worse, as a share."""


class BaselineResult(Model):
    """How the run stands against its baseline; the result has it in full."""

    source: Label
    """The run or ConfigMap that it was compared with."""
    verdict: Literal["Better", "Same", "Regressed", "Inconclusive"]
    """The worst of all metrics: Regressed, Inconclusive, Same, Better."""
    why: Annotated[str, Field(max_length=1024)] = ""
    """What decided, with figures."""
    differences: Annotated[list[Label], Field(max_length=16)] | None = None
    """Fields of environment and load that differ, so that nothing can be told."""
    metrics: Annotated[list[BaselineMetric], Field(max_length=MOST_METRICS)] | None = None
    """The metrics, the worst first; at most eight."""
