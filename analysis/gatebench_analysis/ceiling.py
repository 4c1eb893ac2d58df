"""What closed load can reach at most: N users with think time Z and latency R complete N / (Z + R) a second.

In a steady closed loop the throughput is always close to that, whatever the gateway does: a slow gateway shows as
a larger R. So the load is called think-time bound only where Z is the larger part, and 90 % of the ceiling was
reached: then a faster gateway would hardly change the throughput.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatebench_analysis import quantities
from gatebench_analysis.load import Load, Phase
from gatebench_analysis.loadfigures import Ceiling
from gatebench_analysis.measured import Window, seconds_of

REACHED = 0.9
# More than the ceiling is reached only where users do not pause as the spec says.
_IMPOSSIBLE = 1.1
# Of the built-in scenario and of declared requests, unless the spec says otherwise.
_DEFAULT = (0.5, 1.0)


def think_time(load: Load, spec: Mapping[str, Any]) -> float | None:
    """Mean think time in seconds; None where only the user's locustfile knows."""
    given = load.think_time_seconds
    if given is not None and given.min is not None and given.max is not None:
        return (given.min + given.max) / 2
    asked = _object(_object(spec, "load"), "thinkTime")
    low, high = quantities.duration_seconds(asked.get("min")), quantities.duration_seconds(asked.get("max"))
    if low is not None and high is not None:
        return (low + high) / 2
    workload = _object(spec, "workload")
    if not asked and (workload.get("requests") or workload.get("scenario")):
        return sum(_DEFAULT) / 2
    return None


def _object(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    child = parent.get(key)
    return child if isinstance(child, Mapping) else {}


def ceiling(load: Load, window: Window, spec: Mapping[str, Any]) -> Ceiling:
    """The ceiling over the measured stages, each by its users and its latency, weighted by their lengths."""
    if load.is_open:
        return Ceiling(missing="open load has none: arrivals do not wait for answers")
    thinks = think_time(load, spec)
    if _object(spec, "workload").get("locustfile") is not None:
        why = "how many requests a locustfile sends between two pauses is not known"
        return Ceiling(think_time_seconds=thinks, missing=why)
    if thinks is None:
        return Ceiling(missing="the think time is not known")
    if window.seconds is None or not window.total():
        return Ceiling(think_time_seconds=thinks, missing="nothing was measured")
    try:
        at_most = sum(_possible(phase, window, thinks) for phase in window.phases) / window.seconds
        latency = _latency(window, {phase.index for phase in window.phases})
    except _Unknown as error:
        return Ceiling(think_time_seconds=thinks, missing=str(error))
    reached = window.total() / window.seconds
    if reached > _IMPOSSIBLE * at_most:
        why = f"{quantities.digits(reached)} requests/s were reached: the users do not pause as the spec says"
        return Ceiling(think_time_seconds=thinks, latency_seconds=latency, missing=why)
    return Ceiling(
        requests_per_second=at_most,
        think_time_seconds=thinks,
        latency_seconds=latency,
        think_time_bound=thinks > latency and reached >= REACHED * at_most,
    )


class _Unknown(Exception):
    """The ceiling cannot be known; the message says why."""


def _possible(phase: Phase, window: Window, thinks: float) -> float:
    """How many requests the phase's users could have completed."""
    seconds = seconds_of(phase)
    if phase.users is None or seconds is None:
        raise _Unknown(f"how many users stage {phase.name} had is not known")
    cycle = thinks + _latency(window, {phase.index})
    if cycle <= 0:
        raise _Unknown("users neither think nor wait: there is no ceiling")
    return seconds * phase.users / cycle


def _latency(window: Window, phases: set[int | None]) -> float:
    """Mean latency of all requests of some phases; their sums are exact, so no bucket is needed."""
    histograms = [row.latency for row in window.rows if row.phase in phases and row.count]
    sums = [one.sum_seconds for one in histograms if one is not None and one.sum_seconds is not None]
    counts = [one.count for one in histograms if one is not None and one.count is not None]
    if len(sums) < len(histograms) or len(counts) < len(histograms):
        raise _Unknown("there are requests without a histogram")
    if not sum(counts):
        raise _Unknown("a stage has no requests")
    return sum(sums) / sum(counts)
