"""Repeats as dots on a line with the interval of their median; overhead as what the gateway adds to the direct path."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence

from gatebench_analysis import metrics, quantities
from gatebench_analysis import overhead as overheads
from gatebench_analysis.document import Figure, Result

_CONFIDENCE = 0.95
_MARGIN = 6.0  # percent of the line that stay free on each side
_SHOWN = ("throughput", "errorRatio", "latency.p50", "latency.p95", "latency.p99", "ttft.p95", "interToken.p99")
_OF_GATEWAY = ("gateway.cpu.mean", "gateway.memory.peak")
_QUANTILES = ("p50", "p90", "p95", "p99", "p99.9")


@dataclasses.dataclass(frozen=True)
class Dots:
    """A metric in every repeat. Places are percent of the line."""

    name: str
    dots: tuple[tuple[float, str], ...]
    """(place, words)."""
    median: float
    low: float
    high: float
    median_text: str
    range_text: str
    variation: str
    """Largest minus smallest, of the median."""
    confidence: float
    """With which low to high cover the true median."""

    @property
    def label(self) -> str:
        """The line in words."""
        return f"{self.name} in {len(self.dots)} repeats: median {self.median_text}, {self.range_text}."


@dataclasses.dataclass(frozen=True)
class Added:
    """What the gateway adds at a quantile; places are percent of the slowest."""

    quantile: str
    overhead: str
    interval: str
    whole: str
    direct: str
    direct_width: float
    added_width: float
    note: str
    alone: bool
    """The latency itself, of a gateway that answers alone."""


def repeats(result: Result) -> list[Dots]:
    """One line a metric that at least two repeats have; none where the run has no repeats."""
    each = getattr(result, "repeats", None) or []
    found = []
    for name in (*_SHOWN, *_OF_GATEWAY):
        figures = [(one.index, {**one.metrics, **getattr(one, "gateway", {})}.get(name)) for one in each]
        seen = [(index, figure) for index, figure in figures if figure is not None and figure.value is not None]
        if len(seen) >= 2 and len({figure.value for _, figure in seen} | {0.0}) > 1:
            found.append(_dots(name, seen))
    return found


def _dots(name: str, seen: Sequence[tuple[int, Figure]]) -> Dots:
    metric = metrics.find(name)
    unit = metric.unit if metric is not None else seen[0][1].unit
    values = [figure.value for _, figure in seen if figure.value is not None]
    middle = statistics.median(values)
    low, high, confidence = median_interval(values)
    least, most = min(values), max(values)

    def place(value: float) -> float:
        if most == least:
            return 50.0
        return round(_MARGIN + (100 - 2 * _MARGIN) * (value - least) / (most - least), 2)

    def words(value: float) -> str:
        return quantities.text(value, unit, name)

    return Dots(
        name=name,
        dots=tuple(
            (place(value), f"repeat {index + 1}: {words(value)}")
            for (index, _), value in zip(seen, values, strict=True)
        ),
        median=place(middle),
        low=place(low),
        high=place(high),
        median_text=words(middle),
        range_text=f"{words(least)} to {words(most)}",
        variation=quantities.ratio((most - least) / middle) if middle > 0 else quantities.MISSING,
        confidence=confidence,
    )


def median_interval(values: Sequence[float], confidence: float = _CONFIDENCE) -> tuple[float, float, float]:
    """(low, high, confidence) of the median, exact and distribution-free: the closest order statistics that reach it.

    Of few values it is their whole range, with the confidence that this has: 1 - 2^(1 - n) of n values
    (David & Nagaraja, Order Statistics, 7.1). Raises ValueError where there are none.
    """
    if not values:
        raise ValueError("an interval needs values")
    order, count = sorted(values), len(values)
    tail, rank, reached = 0, 0, 0.0
    for index in range((count + 1) // 2):
        tail += math.comb(count, index)
        covered = 1 - 2 * tail / 2**count
        if index > 0 and covered < confidence:
            break
        rank, reached = index, covered
    return order[rank], order[-1 - rank], reached


def overhead(result: Result) -> list[Added]:
    """By quantile; none where it was not measured."""
    figures = {**result.metrics, **result.gateway}
    known = [
        (name, figures[f"overhead.{name}"], figures.get(f"latency.{name}"))
        for name in _QUANTILES
        if f"overhead.{name}" in figures and figures[f"overhead.{name}"].value is not None
    ]
    slowest = max((max(_ends(added, whole)) for _, added, whole in known), default=0.0)
    return [_added(name, added, whole, slowest) for name, added, whole in known] if slowest > 0 else []


def _ends(added: Figure, whole: Figure | None) -> tuple[float, float]:
    """(direct, through the gateway), in seconds; where the latency is not known, what is added stands alone."""
    size = added.value or 0.0
    if whole is None or whole.value is None:
        return 0.0, size
    return whole.value - size, whole.value


def _added(name: str, added: Figure, whole: Figure | None, slowest: float) -> Added:
    direct, through = _ends(added, whole)
    alone = added.note == overheads.ALONE
    told = whole is not None and whole.value is not None
    ends = [quantities.seconds(end) for end in (added.low, added.high) if end is not None]

    def percent(seconds: float) -> float:
        return round(100 * max(seconds, 0.0) / slowest, 2)

    return Added(
        quantile=name,
        overhead=quantities.seconds(added.value),
        interval=" to ".join(ends) if len(ends) == 2 else "",
        whole=quantities.seconds(through) if told else quantities.MISSING,
        direct=quantities.seconds(direct) if told and not alone else quantities.MISSING,
        direct_width=percent(min(direct, through)),
        added_width=percent(abs(through - direct)),
        note=added.note,
        alone=alone,
    )
