"""The few figures that every load generator tells in one way or another, by the names of our metrics."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

from gatebench_analysis import histograms

METRICS = (
    "throughput",
    "errorRatio",
    "latency.mean",
    "latency.p50",
    "latency.p90",
    "latency.p95",
    "latency.p99",
    "latency.p99.9",
    "latency.max",
    "overhead.p50",
)
QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}
_NO_OVERHEAD = "only a run of gatebench measures the direct path"


class Unreadable(ValueError):
    """The file is no result that can be read; the message says why, and what can."""


@dataclasses.dataclass(frozen=True)
class Figures:
    """What is known of a measurement. Each of METRICS is a value or missing."""

    name: str
    """Of the run, or of the file."""
    tool: str
    """Who measured."""
    values: Mapping[str, float]
    """By metric: requests a second, a ratio, seconds."""
    missing: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Why it is not known, by metric."""
    requests: int | None = None
    failures: int | None = None
    instances: int | None = None
    """Of the gateway; None: not known."""
    notes: tuple[str, ...] = ()
    """What this tool does otherwise, and what else a reader should know."""


def make(
    name: str,
    tool: str,
    found: Mapping[str, float | None],
    *,
    samples: int | None,
    why: Mapping[str, str] | None = None,
    failures: int | None = None,
    requests: int | None = None,
    notes: tuple[str, ...] = (),
) -> Figures:
    """Figures from what a tool tells; `samples` are those that its percentiles are of."""
    values: dict[str, float] = {}
    missing: dict[str, str] = {}
    for metric in METRICS:
        value = found.get(metric)
        lack = _lack(metric, samples)
        if value is None or not math.isfinite(value) or value < 0:
            told = _NO_OVERHEAD if metric.startswith("overhead.") else f"{tool} does not tell it"
            missing[metric] = (why or {}).get(metric) or lack or told
        elif lack:
            missing[metric] = lack
        else:
            values[metric] = value
    return Figures(name, tool, values, missing, requests=requests, failures=failures, notes=notes)


def _lack(metric: str, samples: int | None) -> str:
    """Which samples a percentile lacks."""
    quantile = QUANTILES.get(metric.removeprefix("latency."))
    if quantile is None or samples is None or not metric.startswith("latency."):
        return ""
    needed = histograms.floor(quantile)
    return f"{metric} needs {needed:,} samples, there are {samples:,}" if samples < needed else ""


def number(cell: object) -> float | None:
    """A finite number at or above 0; None where it is none, such as N/A."""
    if isinstance(cell, bool) or not isinstance(cell, int | float | str):
        return None
    try:
        value = float(cell)
    except (ValueError, OverflowError):
        return None
    return value if math.isfinite(value) and value >= 0 else None


def count(cell: object) -> int | None:
    """A whole number at or above 0; None where it is none."""
    value = number(cell)
    return int(value) if value is not None and value == int(value) else None


def divided(value: float | None, by: float | None) -> float | None:
    """A quotient; None where a part of it is missing or there is nothing to divide by."""
    return None if value is None or not by else value / by
