"""The status of a BenchmarkComparison. An absent field is a missing value, never a zero."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatebench.api.fields import Model
from gatebench.api.status import Condition, Words
from gatebench.api.summary import Label


class ComparisonProgress(Model):
    """How far the comparison is."""

    round: int | None = None
    """The round under way, from 1."""
    rounds: int | None = None
    """How many there are."""
    variant: Label | None = None
    """The variant that is measured now."""
    run: Label | None = None
    """Name of its BenchmarkRun."""
    done: int | None = None
    """Runs that are complete."""
    total: int | None = None
    """All runs."""
    display: Label | None = None
    """done / total, for people."""


class ComparisonRun(Model):
    """One of the comparison's runs."""

    name: Label
    """Name of the BenchmarkRun."""
    round: int
    """Its round."""
    variant: Label
    """Its variant."""
    valid: Literal["True", "False", "Unknown"] | None = None
    """Whether its measurement can be trusted; absent while it is under way."""
    reason: Label | None = None
    """Why it is left out, where it is."""


class ComparisonRow(Model):
    """One metric of a variant beside that of the reference."""

    metric: Label
    """The metric."""
    reference: Label
    """The variant that it is compared with."""
    variant: Label
    """The variant."""
    unit: Label | None = None
    """SI unit of the medians."""
    reference_median: float | None = None
    """Median over the reference's runs."""
    median: float | None = None
    """Median over the variant's runs."""
    ratio: float | None = None
    """How many times the reference's value the variant's is (Hodges-Lehmann); of shares the difference."""
    low: float | None = None
    """Its exact bounds, each at 95 %."""
    high: float | None = None
    """Its exact bounds, each at 95 %."""
    verdict: Literal["Better", "Same", "Regressed", "Inconclusive"]
    """Better or worse than the reference, by the tolerance; Inconclusive where it cannot be told."""
    display: Label | None = None
    """The change and the reason of the verdict, for people."""


class DeltaResult(Model):
    """What became of an objective."""

    metric: Label
    """Its metric."""
    reference: Label
    """The first variant of the pair."""
    variant: Label
    """The second one."""
    outcome: Literal["Pass", "Fail", "Unknown"]
    """Pass: shown to be within maxDelta. Fail: shown to be beyond. Unknown: neither can be told."""
    bound: Label
    """maxDelta as it is written."""
    delta: float | None = None
    """How much worse the second variant is, in the metric's unit, or as a share where maxDelta is one; below 0: it is
    better."""
    low: float | None = None
    """Its exact bounds, each at 95 %."""
    high: float | None = None
    """Its exact bounds, each at 95 %."""
    unit: Label | None = None
    """Unit of delta, low and high."""
    observed: Label | None = None
    """The same for people."""
    message: Words | None = None
    """Why it cannot be told, and what would tell it."""


class ComparisonArtifacts(Model):
    """ConfigMaps that keep what the comparison left, besides those of its runs."""

    result: Label | None = None
    """All values by variant and round, the table and the objectives, as JSON under comparison.json."""


class BenchmarkComparisonStatus(Model):
    """What became of the comparison."""

    observed_generation: int | None = None
    """Generation of the spec that this status is about."""
    step: Label | None = None
    """Where the comparison is, for people; machines read the conditions."""
    conditions: Annotated[list[Condition], Field(max_length=16)] | None = None
    """Accepted, Complete, Valid, Passed, Succeeded, Reconciling, Stalled."""
    progress: ComparisonProgress | None = None
    """How far it is."""
    node_acquired_at: Label | None = None
    """When its first run got a node; activeDeadlineSeconds counts from here."""
    started_at: Label | None = None
    """When its first load started."""
    finished_at: Label | None = None
    """When it was complete."""
    node: Label | None = None
    """The node of the gateways."""
    runs: Annotated[list[ComparisonRun], Field(max_length=160)] | None = None
    """Its runs, the last ones where they are many."""
    table: Annotated[list[ComparisonRow], Field(max_length=256)] | None = None
    """Each metric of each variant against the first."""
    objectives: Annotated[list[DeltaResult], Field(max_length=128)] | None = None
    """The objectives, one for each pair of variants."""
    warnings: Annotated[list[Label], Field(max_length=16)] | None = None
    """What a reader should know."""
    artifacts: ComparisonArtifacts | None = None
    """Where the rest is."""
