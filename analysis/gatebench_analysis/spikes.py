"""What a spike of load did, and how long the gateway took to be itself again. Pure, on per-second rows."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterable, Sequence

from gatebench_analysis import quantities

WITHIN = 1.1
"""Recovered: p95 is at most so many times what it was before."""
SMOOTHING = 5
"""Rows from one on whose median counts as its level: one slow second is no relapse, one quick one no recovery."""
_FEWEST = 3


@dataclasses.dataclass(frozen=True)
class Second:
    """A second of the load. None is missing: a second without successes has no percentile."""

    at: float
    """Unix seconds, of its start."""
    requests: int | None = None
    failures: int | None = None
    p95_seconds: float | None = None
    p99_seconds: float | None = None
    shed: int | None = None
    """Requests that were refused to protect the gateway (429, 503), or dropped before they were sent."""


@dataclasses.dataclass(frozen=True)
class Spike:
    """What a spike did; None is missing."""

    error_ratio: float | None
    """Highest share of failures in a second of the spike."""
    p99_seconds: float | None
    """Worst of the spike's seconds."""
    recovery_seconds: float | None
    """From the spike's end until p95 is back; 0: at once. None: not seen, `why` says how so."""
    shed: int | None
    before_p95_seconds: float | None
    """Median of the seconds before the spike."""
    why: str = ""


def spike(before: Sequence[Second], during: Sequence[Second], after: Sequence[Second]) -> Spike:
    """The figures of a spike: of seconds before it (steady load, warm-up excluded), of it, and after it, in order.

    `requests` counts all that ended in the second, failures included.
    """
    usual = _median(one.p95_seconds for one in before)
    recovery, why = _recovery(usual, during, after)
    ratios = [one.failures / one.requests for one in during if one.requests and one.failures is not None]
    slowest = [one.p99_seconds for one in during if one.p99_seconds is not None]
    shed = [one.shed for one in (*during, *after) if one.shed is not None]
    return Spike(
        error_ratio=max(ratios, default=None),
        p99_seconds=max(slowest, default=None),
        recovery_seconds=recovery,
        shed=sum(shed) if shed else None,
        before_p95_seconds=usual,
        why=why,
    )


def _recovery(usual: float | None, during: Sequence[Second], after: Sequence[Second]) -> tuple[float | None, str]:
    """Seconds from the start of `after`, or why they are not known."""
    if not during:
        return None, "no second of the spike was recorded"
    if usual is None:
        return None, "no p95 before the spike is known"
    if not after:
        return None, "nothing was recorded after the spike"
    for index, row in enumerate(after):
        level = _median(one.p95_seconds for one in after[index : index + SMOOTHING])
        if row.p95_seconds is not None and level is not None and max(row.p95_seconds, level) <= usual * WITHIN:
            return row.at - after[0].at, ""
    watched = quantities.seconds(after[-1].at - after[0].at)
    return None, f"p95 was not back within 10 % of {quantities.seconds(usual)} in {watched}"


def _median(values: Iterable[float | None]) -> float | None:
    """None where fewer than three are known."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if len(known) >= _FEWEST else None
