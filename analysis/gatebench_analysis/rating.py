"""A measurement beside published figures: a status for each figure, factors, and what an instance does.

The bounds are relative to the reference. A figure that is neither Good nor beyond the second bound needs investigation.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

from gatebench_analysis import metrics, quantities
from gatebench_analysis.foreign.figures import Figures
from gatebench_analysis.reference import Reference

GOOD: Literal["Good"] = "Good"
INVESTIGATE: Literal["Needs investigation"] = "Needs investigation"
ISSUE: Literal["Performance issue"] = "Performance issue"
UNKNOWN: Literal["Unknown"] = "Unknown"
NOT_REPORTED: Literal["Not reported"] = "Not reported"
Status = Literal["Good", "Needs investigation", "Performance issue", "Unknown", "Not reported"]

MOST_ERRORS = 0.01
MOST_OVERHEAD = 0.010
"""Seconds. Of the median; a reference's own overhead is another thing with each gateway."""
# (at least or at most for Good, beyond this an issue), times the reference's figure. The second ones are those of
# 1,170 requests a second and 150 ms that 500 and 300 ms stand for.
_BOUNDS = {
    "throughput": (0.85, 500 / 1170),
    "latency.p50": (1.2, 2.0),
    "latency.p95": (1.2, 2.0),
    "latency.p99": (1.25, 2.0),
}
_LABELS = {
    "throughput": "Throughput",
    "latency.p50": "Median latency",
    "latency.p95": "P95 latency",
    "latency.p99": "P99 latency",
    "overhead.p50": "Gateway overhead",
    "errorRatio": "Error rate",
}
_SPARE = ("overhead.p50",)
"""What the status of the whole can do without."""
_SAME = 0.05


@dataclasses.dataclass(frozen=True)
class Row:
    """A figure beside the reference's."""

    metric: str
    label: str
    unit: str
    value: float | None
    why: str
    """Why there is no value."""
    reference: float | None
    reference_words: str
    factor: float | None
    """How many times better: above 1 faster, below 1 slower. None for errors and overhead."""
    status: Status

    @property
    def words(self) -> str:
        """The value for people."""
        return quantities.text(self.value, self.unit, self.metric)

    @property
    def factor_words(self) -> str:
        """6.6x faster, 1.4x slower, the same; nothing where there is no factor."""
        return times(self.factor)


@dataclasses.dataclass(frozen=True)
class PerInstance:
    """Requests a second of one instance of each gateway."""

    value: float
    instances: int
    reference: float
    reference_instances: int

    @property
    def factor(self) -> float:
        """How many times more."""
        return self.value / self.reference


@dataclasses.dataclass(frozen=True)
class Rating:
    """What the figures come to. `status` is the worst of them, Unknown where one of them is missing."""

    figures: Figures
    reference: Reference
    rows: tuple[Row, ...]
    status: Status
    why: str
    per_instance: PerInstance | None
    """None where it is not known how many instances there were."""


def rate(figures: Figures, reference: Reference) -> Rating:
    """The figures beside the reference's."""
    rows = tuple(_row(figures, reference, metric) for metric in _LABELS)
    counted = [row for row in rows if row.metric not in _SPARE or row.status != UNKNOWN]
    status, why = _together(counted)
    return Rating(figures, reference, rows, status, why, _per_instance(figures, reference))


def times(factor: float | None) -> str:
    """A factor in words."""
    if factor is None or factor <= 0:
        return ""
    if abs(factor - 1) < _SAME:
        return "the same"
    size = factor if factor > 1 else 1 / factor
    return f"{quantities.digits(float(f'{size:.2g}'))}x {'faster' if factor > 1 else 'slower'}"


def _row(figures: Figures, reference: Reference, metric: str) -> Row:
    found = metrics.find(metric)
    unit = found.unit if found is not None else "s"
    published, value = reference.figures.get(metric), figures.values.get(metric)
    asked = None if published is None else published.bound
    factor = None
    if value and asked and metric in _BOUNDS:
        factor = value / asked if metric == "throughput" else asked / value
    return Row(
        metric=metric,
        label=_LABELS[metric],
        unit=unit,
        value=value,
        why="" if value is not None else figures.missing.get(metric, "it was not measured"),
        reference=asked,
        reference_words="not reported" if published is None else published.words(unit),
        factor=factor,
        status=_status(metric, value, asked),
    )


def _status(metric: str, value: float | None, asked: float | None) -> Status:
    if value is None:
        return UNKNOWN
    if metric == "errorRatio":
        return GOOD if value < MOST_ERRORS else ISSUE
    if metric == "overhead.p50":
        return GOOD if value <= MOST_OVERHEAD else INVESTIGATE
    if asked is None:
        return NOT_REPORTED
    good, issue = _BOUNDS[metric]
    if metric == "throughput":
        return GOOD if value >= good * asked else ISSUE if value < issue * asked else INVESTIGATE
    return GOOD if value <= good * asked else ISSUE if value > issue * asked else INVESTIGATE


def _together(rows: list[Row]) -> tuple[Status, str]:
    for status in (ISSUE, INVESTIGATE, UNKNOWN):
        named = [row for row in rows if row.status == status]
        if named:
            why = "; ".join(row.why for row in named if row.why) if status == UNKNOWN else ""
            labels = ", ".join(row.label for row in named)
            return status, f"{labels}: {'; '.join(dict.fromkeys(why.split('; ')))}" if why else labels
    return GOOD, ""


def _per_instance(figures: Figures, reference: Reference) -> PerInstance | None:
    value, published = figures.values.get("throughput"), reference.figures.get("throughput")
    if value is None or published is None or not figures.instances or not published.bound:
        return None
    return PerInstance(
        value / figures.instances, figures.instances, published.bound / reference.instances, reference.instances
    )
