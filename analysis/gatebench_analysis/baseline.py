"""How a run stands against its baseline: part of the result document."""

from __future__ import annotations

from typing import Literal

from gatebench_analysis.models import Document, Objects

VerdictName = Literal["Better", "Same", "Regressed", "Inconclusive"]


class BaselineMetric(Document):
    """A metric beside that of the baseline. Of shares `ratio`, `low` and `high` are differences."""

    metric: str = ""
    unit: str = ""
    verdict: VerdictName = "Inconclusive"
    baseline: float | None = None
    """Median over the repeats, in `unit`."""
    current: float | None = None
    ratio: float | None = None
    """Hodges-Lehmann estimate of current / baseline."""
    low: float | None = None
    """Its exact bounds, each at 95 %."""
    high: float | None = None
    tolerance: float = 0.0
    why: str = ""


class Baseline(Document):
    """The comparison with the baseline."""

    source: str = ""
    """The run or the ConfigMap that the spec names."""
    run: str = ""
    """namespace/name of the run that was measured then."""
    uid: str = ""
    finished_at: float | None = None
    fails: bool = True
    """Whether Regressed makes the run fail, or is a warning."""
    verdict: VerdictName = "Inconclusive"
    why: str = ""
    metrics: Objects[BaselineMetric] = []
    differences: list[str] = []
    """Fields of environment and load that differ."""
