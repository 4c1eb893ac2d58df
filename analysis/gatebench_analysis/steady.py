"""Whether rate and latency stayed level in each measured stage: figures of a load that still drifts are of no moment.

The halves of a stage are cut into blocks, and the blocks' means are compared as repeats are: they drift where they
differ by more than the floor, and the exact bound of the difference excludes none. Blocks are seconds long, so that
neighbours in time count as one: tests simulate how rarely noise is taken for a drift. A drift that an objective on a
slope bounds is a finding about the gateway, and not one about the measurement.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterator, Sequence

from gatebench_analysis import quantities
from gatebench_analysis import statistics as exact
from gatebench_analysis.document import Finding
from gatebench_analysis.evidence import Evidence, finding
from gatebench_analysis.load import Load, Phase, Series
from gatebench_analysis.measured import counts

FLOOR = 0.1
"""Of the level: less is no drift that matters."""
CONFIDENCE = 0.999
SHORTEST_SECONDS = 120.0
"""Of a stage: its blocks would be shorter than what neighbours in time have in common."""
BLOCKS = 8
"""A half."""
_ROWS_A_BLOCK = 2
SLOPES = ("latency.p95.slope", "errorRatio.slope")
_SIGNALS = {"rate": "requests", "median latency": "p50Seconds", "p95 latency": "p95Seconds"}


@dataclasses.dataclass(frozen=True)
class Drift:
    """How the second half of a stage lies above the first: by that share of the level, and the means of both."""

    share: float
    first: float
    second: float


def unsteady(evidence: Evidence) -> Finding | None:
    """The stage that drifts most."""
    if any(one.metric in SLOPES for one in evidence.objectives):
        return None
    found = [
        (drift, signal, phase) for phase in evidence.load.phases for signal, drift in _drifts(evidence.load, phase)
    ]
    if not found:
        return None
    drift, signal, phase = max(found, key=lambda one: abs(one[0].share))
    unit = "1/s" if signal == "rate" else "s"
    before, after = quantities.text(drift.first, unit), quantities.text(drift.second, unit)
    message = (
        f"the {signal} still drifts in stage {phase.name}: {before} in its first half, {after} in its second"
        f", a difference of {quantities.ratio(abs(drift.share))}; {quantities.ratio(FLOOR)} are allowed"
    )
    return finding("NotSteady", message)


def _drifts(load: Load, phase: Phase) -> Iterator[tuple[str, Drift]]:
    if not counts(phase) or phase.full_at is None or phase.ended_at is None:
        return
    if phase.ended_at - phase.full_at < SHORTEST_SECONDS:
        return
    for signal, column in _SIGNALS.items():
        values = column_of(load.series, column, phase.full_at, phase.ended_at)
        if column == "requests":
            values = [value / (load.series.step_seconds or 1.0) for value in values]
        found = drift(values)
        if found is not None:
            yield signal, found


def column_of(series: Series, column: str, start: float, end: float) -> list[float]:
    """The known cells of the rows that lie wholly between two moments (unix seconds)."""
    if column not in series.columns:
        return []
    index, step = series.columns.index(column), series.step_seconds or 1.0
    return [
        value
        for row in series.rows
        if index < len(row)
        and (at := row[0]) is not None
        and start <= at <= end - step
        and (value := row[index]) is not None
    ]


def drift(values: Sequence[float]) -> Drift | None:
    """The drift over a series of equal steps; None where there is none, or too few values to tell."""
    size = len(values) // (2 * BLOCKS)
    if size < _ROWS_A_BLOCK:
        return None
    # What does not fill a block is left out in the middle, where it belongs to neither half.
    first = _blocks(values[: size * BLOCKS], size)
    second = _blocks(values[len(values) - size * BLOCKS :], size)
    level = statistics.median([*first, *second])
    if level <= 0:
        return None
    bounds = exact.difference_bounds(first, second, CONFIDENCE)
    assert bounds is not None  # eight a side are enough
    share = exact.hodges_lehmann_difference(first, second) / level
    if abs(share) <= FLOOR or bounds.low <= 0 <= bounds.high:
        return None
    return Drift(share, statistics.fmean(first), statistics.fmean(second))


def _blocks(values: Sequence[float], size: int) -> list[float]:
    return [statistics.fmean(values[start : start + size]) for start in range(0, len(values), size)]
