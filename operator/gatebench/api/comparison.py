"""The spec of a BenchmarkComparison: variants of one run, measured in turn on one node, and what may differ."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from gatebench.api.fields import Bound, Model, rule, rules
from gatebench_analysis.metrics import PATTERN as METRIC_PATTERN

COMPARED = ("throughput", "errorRatio", "latency.p50", "latency.p95", "latency.p99")
# Of a run's spec: what the comparison itself decides for each of its runs.
OWN_FIELDS = ("cancel", "suspend", "ttlSecondsAfterFinished", "cleanup", "repeats", "baseline")

MetricName = Annotated[str, Field(min_length=1, max_length=128, pattern=METRIC_PATTERN)]
VariantName = Annotated[str, Field(min_length=1, max_length=20, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
RunSpec = Annotated[dict[str, Any], Field(json_schema_extra={"x-gatebench-run-spec": "template"})]
Overlay = Annotated[dict[str, Any], Field(json_schema_extra={"x-gatebench-run-spec": "overlay"})]


class Variant(Model):
    """One of the things that are compared."""

    name: VariantName
    """Its name in the table, and in the names of its runs."""
    overlay: Overlay = {}
    """What differs from the template: maps are merged, null removes a field, lists whose items have names (env,
    requests, stages, queries) are merged by name, files by mountPath; all else replaces what is there."""


class DeltaObjective(Model):
    """A bound on a difference between two variants."""

    metric: MetricName
    """Name of the metric, as in a run's objectives; docs/metrics.md lists all."""
    max_delta: Bound
    """By how much it may get worse: 5ms in the metric's unit, or 2% of the first variant's value; of a share such as
    errorRatio, 1% is one percentage point. Worse is less of throughput and tokensPerSecond, more of all else."""
    between: Annotated[list[VariantName], Field(min_length=2, max_length=2)] | None = None
    """The two variants: the second must not be worse than the first by more. By default each variant against the first
    of spec.variants."""


_IMMUTABLE = (
    "template",
    "variants",
    "rounds",
    "metrics",
    "tolerance",
    "tolerances",
    "objectives",
    "activeDeadlineSeconds",
)
_FIXED = " && ".join(
    f"(has(self.{n}) == has(oldSelf.{n}) && (!has(self.{n}) || self.{n} == oldSelf.{n}))" for n in _IMMUTABLE
)


class BenchmarkComparisonSpec(Model):
    """Which variants of a run to compare, how often, and what may differ.

    Immutable, except cancel, suspend and ttlSecondsAfterFinished: make a new comparison instead.
    """

    model_config = {
        "json_schema_extra": rules(
            rule(
                _FIXED,
                "spec is immutable, except cancel, suspend and ttlSecondsAfterFinished: create a comparison of another"
                " name instead",
            ),
            rule(
                "self.variants.all(v, self.variants.exists_one(o, o.name == v.name))", "names of variants must differ"
            ),
            rule(
                "!has(self.objectives) || self.objectives.all(o, !has(o.between) ||"
                " o.between.all(b, self.variants.exists(v, v.name == b) && o.between.exists_one(c, c == b)))",
                "between must name two of spec.variants",
            ),
        )
    }

    template: RunSpec
    """The spec of a BenchmarkRun that all variants share; with an overlay it must be one that can be applied. Each run
    measures once and is tidied up when it is complete."""
    variants: Annotated[list[Variant], Field(min_length=2, max_length=8)]
    """What is compared. The first one is the reference."""
    rounds: Annotated[int, Field(ge=1, le=20)] | None = None
    """How often each variant is measured. Odd rounds take the variants in their order, even ones in reverse (ABBA), so
    that a drift of the machine touches all alike. By default as many as a verdict on all metrics needs: 4 for up to
    three metrics, 5 for up to twelve."""
    metrics: Annotated[list[MetricName], Field(min_length=1, max_length=16)] | None = None
    """What is compared in the table. By default throughput, errorRatio, latency.p50, latency.p95 and latency.p99."""
    tolerance: Bound = "3%"
    """Up to which difference two variants count as the same. Of a share such as errorRatio it is percentage points, one
    at most."""
    tolerances: Annotated[dict[str, Bound], Field(max_length=16)] | None = None
    """Tolerances of single metrics, by name; what is not in metrics is added to it."""
    objectives: Annotated[list[DeltaObjective], Field(max_length=16)] | None = None
    """Bounds on differences: they decide whether the comparison passes."""
    active_deadline_seconds: Annotated[int, Field(ge=30, le=4_838_400)] | None = None
    """Time limit from the moment the first run gets its node; the run under way is then deleted. None: the runs' own
    deadlines are the only ones."""
    ttl_seconds_after_finished: Annotated[int, Field(ge=0, le=31_536_000)] | None = None
    """Deletes the comparison and its runs this long after it finished. None: they stay."""
    cancel: bool | None = None
    """Set to true to end the comparison: the run under way is deleted, those that are complete stay."""
    suspend: bool | None = None
    """Starts no further run; the one under way goes on. Set to false to go on. The node stays taken."""
