"""Slopes over the longest measured stage: do memory, latency or errors grow while the load stays the same?

A slope needs a window of at least 30 min (an operator setting lowers that for tests): below it is missing. Stages of
different loads are never put together, for more load takes more memory, which is no leak.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from gatebench_analysis import quantities, trends
from gatebench_analysis.document import Figure, ObjectiveOutcome, Probe, Verdict, figure
from gatebench_analysis.evidence import NOT_OURS, Facts
from gatebench_analysis.leaks import Leak
from gatebench_analysis.load import Load, Phase, Series
from gatebench_analysis.measured import counts, seconds_of
from gatebench_analysis.observation import Measured, Missing, Observation

MEMORY = "gateway.memory.slope"
UNITS = {
    "latency.p95.slope": "s/h",
    "errorRatio.slope": "ratio/h",
    MEMORY: "bytes/h",
    "gateway.goroutines.slope": "count/h",
    "gateway.fds.slope": "count/h",
    "gateway.threads.slope": "count/h",
}
FEWEST = 16
"""Samples of Prometheus in the window: with fewer the probe's are taken."""
_HOUR = 3600.0
Points = Sequence[tuple[float, float | None]]
Curves = Mapping[str, Sequence[tuple[float, float]]]


@dataclasses.dataclass(frozen=True)
class Course:
    """The slopes by metric, and what the one of memory says."""

    figures: dict[str, Figure]
    leak: Leak | None
    """None: the gateway is not ours, or nothing was measured."""


def course(load: Load, probe: Probe | None, curves: Curves, ours: bool, facts: Facts) -> Course:
    """All slopes. Never raises."""
    stage = _longest(load)
    window = None if stage is None else (stage.full_at or 0.0, stage.ended_at or 0.0)
    out: dict[str, Figure] = {}
    leak: Leak | None = None
    for name, unit in UNITS.items():
        if name.startswith("gateway.") and not ours:
            seen: Observation = Missing(NOT_OURS)
        elif window is None:
            seen = Missing("no stage was measured")
        else:
            points, source = _points(name, load, probe, curves, window)
            if name == MEMORY:
                seen, leak = _memory(points, source, window, facts)
            else:
                seen = _slope(points, source, window, unit, facts)
        out[name] = figure(seen, unit)
    return Course(out, leak)


def judged(verdict: Verdict, leak: Leak | None, outcomes: Sequence[ObjectiveOutcome]) -> Verdict:
    """The verdict with a suspected leak in it, unless an objective has judged the slope."""
    if leak is None or not leak.suspected or any(one.metric == MEMORY for one in outcomes):
        return verdict
    words = f"the gateway's memory seems to leak: {leak.why}"
    if verdict.status == "False":
        return verdict.model_copy(update={"message": f"{verdict.message}; and {words}"})
    return Verdict(status="False", reason="LeakSuspected", message=words)


def _longest(load: Load) -> Phase | None:
    stages = [phase for phase in load.phases if counts(phase) and seconds_of(phase) is not None]
    return max(stages, key=lambda phase: seconds_of(phase) or 0.0, default=None)


def _points(
    name: str, load: Load, probe: Probe | None, curves: Curves, window: tuple[float, float]
) -> tuple[Points, str]:
    """The samples in the window, and where they come from."""
    if name == "latency.p95.slope":
        return _within(_column(load.series, "p95Seconds"), window), ""
    if name == "errorRatio.slope":
        return _within(_error_ratios(load.series), window), ""
    curve = {MEMORY: "gateway.memory.rss"}.get(name, name.removesuffix(".slope"))
    found = _within(curves.get(curve, ()), window)
    column = {MEMORY: "rssBytes", "gateway.threads.slope": "threads"}.get(name)
    if len(found) >= FEWEST or column is None or probe is None:
        return found, f"Prometheus: {curve}"
    return _within(_column(probe.series, column), window), f"probe: {column}"


def _column(series: Series, column: str) -> Points:
    if column not in series.columns:
        return []
    index = series.columns.index(column)
    return [(row[0], row[index]) for row in series.rows if index < len(row) and row[0] is not None]


def _error_ratios(series: Series) -> Points:
    requests, failures = _column(series, "requests"), _column(series, "failures")
    return [
        (at, None if failed is None or not all_ else failed / all_)
        for (at, all_), (_, failed) in zip(requests, failures, strict=False)
    ]


def _within(points: Points, window: tuple[float, float]) -> list[tuple[float, float | None]]:
    return [(at, value) for at, value in points if window[0] <= at <= window[1] and value is not None]


def _too_short(window: tuple[float, float], facts: Facts) -> str | None:
    seconds, needed = window[1] - window[0], facts.leak_window_seconds
    if seconds >= needed:
        return None
    return f"the longest stage took {quantities.seconds(seconds)}: a slope needs {quantities.seconds(needed)}"


def _slope(points: Points, source: str, window: tuple[float, float], unit: str, facts: Facts) -> Observation:
    short = _too_short(window, facts)
    if short is not None:
        return Missing(short)
    line = trends.slope(*_columns(points))
    if line.per_second is None or line.interval is None:
        return Missing(_few(points))
    low, high = (bound * _HOUR for bound in (line.interval.low, line.interval.high))
    return Measured(line.per_second * _HOUR, _bounds(low, high, unit), source=source)


def _memory(points: Points, source: str, window: tuple[float, float], facts: Facts) -> tuple[Observation, Leak]:
    short = _too_short(window, facts)
    if short is not None:
        return Missing(short), Leak(why=short, window_seconds=window[1] - window[0])
    compressed = max(1.0, trends.SHORTEST_SECONDS / facts.leak_window_seconds)
    found = trends.leak(*_columns(points), limit_bytes=facts.memory_limit_bytes, compressed=compressed)
    if found.slope is None or found.interval is None:
        return Missing(_few(points)), Leak(why=_few(points), window_seconds=window[1] - window[0])
    # A second of a compressed clock stands for so many; figures are by the real one.
    hour = _HOUR * compressed
    low, high = found.interval.low * hour, found.interval.high * hour
    clock = f" (by a clock that runs {quantities.digits(compressed)} times as fast)" if compressed > 1 else ""
    leak = Leak(
        suspected=found.suspected,
        why=found.why + clock,
        slope_bytes_per_hour=found.slope * hour,
        low_bytes_per_hour=low,
        high_bytes_per_hour=high,
        growth_bytes=found.growth,
        window_seconds=found.window_seconds / compressed,
        seconds_to_limit=None if found.seconds_to_limit is None else found.seconds_to_limit / compressed,
        source=source,
    )
    return Measured(found.slope * hour, _bounds(low, high, "bytes/h"), source=source), leak


def _columns(points: Points) -> tuple[list[float], list[float | None]]:
    return [at for at, _ in points], [value for _, value in points]


def _bounds(low: float, high: float, unit: str) -> str:
    return f"from {quantities.text(low, unit)} to {quantities.text(high, unit)}"


def _few(points: Points) -> str:
    return f"a slope needs {FEWEST} samples in the window, there are {len(points)}"
