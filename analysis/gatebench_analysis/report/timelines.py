"""Charts over time: throughput, latency, failures, and the gateway's CPU and memory against their limits."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gatebench_analysis import measured, quantities, text
from gatebench_analysis.document import Result
from gatebench_analysis.load import Load, Phase, Series
from gatebench_analysis.report import grid as grids
from gatebench_analysis.report.charts import Band, Chart, Curve, Line, Value, known, largest
from gatebench_analysis.report.grid import Grid, Laid

_PERCENTILES = (("p50", "p50Seconds"), ("p95", "p95Seconds"), ("p99", "p99Seconds"))
# A limit further away than this many times the largest value is named, not drawn: it would flatten the curve.
_FARTHEST = 4.0
_FLATTENS = 30.0
_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "": 1}


@dataclasses.dataclass(frozen=True)
class Timeline:
    """A load on its grid: what all of its charts share."""

    result: Result
    grid: Grid
    load: Laid
    probe: Laid | None
    bands: tuple[Band, ...]

    @property
    def thin(self) -> str:
        """What a point stands for, where it is more than a second."""
        if self.grid.width <= 1:
            return ""
        return f"Each point stands for {quantities.seconds(self.grid.width)}, with the largest value in it."


def timeline(result: Result, finest: float = 0.0) -> Timeline | None:
    """On cells of at least `finest` seconds; None where nothing is known over time."""
    load = result.load
    rows = [row for row in load.series.rows if row and row[0] is not None]
    start = load.started_at if load.started_at is not None else (rows[0][0] if rows else None)
    end = load.ended_at if load.ended_at is not None else (rows[-1][0] if rows else None)
    if start is None or end is None or end <= start:
        return None
    made = grids.grid(start, end, max(grids.step(load.series), finest))
    probe = made.lay(result.probe.series) if result.probe is not None else None
    drawn = _without_burst(load)
    return Timeline(result, made, made.lay(drawn), probe, tuple(_bands(load.phases, made, load.is_open)))


def _without_burst(load: Load) -> Series:
    """The series without what goes straight to the upstream as fast as it can: it would flatten all else."""
    step = load.series.step_seconds or 1.0
    bursts = [
        (phase.started_at - step, phase.ended_at + step)
        for phase in load.phases
        if phase.kind == "Ceiling" and phase.started_at is not None and phase.ended_at is not None
    ]
    if not bursts:
        return load.series
    rows = [row for row in load.series.rows if not row or not any(a < (row[0] or 0.0) < b for a, b in bursts)]
    return load.series.model_copy(update={"rows": rows})


def overlaid(sides: Sequence[tuple[str, Result]]) -> list[Chart]:
    """Throughput and p95 of several loads, each counted from its own start."""
    seen = [timeline(result) for _, result in sides]
    finest = max((line.grid.width for line in seen if line is not None), default=0.0)
    lines = [(label, line) for label, result in sides if (line := timeline(result, finest)) is not None]
    if len(lines) < len(sides):
        return []
    longest = max((line for _, line in lines), key=lambda line: line.grid.count).grid
    curves: dict[str, list[Curve]] = {"throughput": [], "latency": []}
    for style, (label, line) in enumerate(lines):
        rest: list[Value] = [None] * (longest.count - line.grid.count)
        seconds = grids.step(line.result.load.series) or 1.0
        rates = line.load.combined(line.load.differences("requests", "failures", 1 / seconds), statistics.fmean)
        curves["throughput"].append(Curve(label, rates + rest, style))
        curves["latency"].append(Curve(label, line.load.column("p95Seconds") + rest, style))
    names = {"throughput": ("Throughput", "1/s", "throughput"), "latency": ("Latency p95", "s", "latency.p95")}
    found = []
    for name, (title, unit, metric) in names.items():
        if any(known(curve.values) for curve in curves[name]):
            words = ", ".join(f"{label} {text.value(line.result, metric)}" for label, line in lines)
            summary = f"{title} over the measured window: {words}. Each load is counted from its own start."
            found.append(Chart(name, title, "time", unit, longest.x, curves[name], summary, group="time"))
    return found


def charts(line: Timeline) -> list[Chart]:
    """Of the load, then of the gateway; none of what is not known."""
    found = (_throughput(line), _latency(line), _failures(line), _cpu(line), _memory(line))
    return [chart for chart in found if chart is not None]


def _bands(phases: Sequence[Phase], made: Grid, is_open: bool) -> Iterator[Band]:
    for phase in phases:
        if phase.started_at is None or phase.ended_at is None or phase.kind is None:
            continue
        begin, end = phase.started_at - made.start, phase.ended_at - made.start
        counted = measured.counts(phase) and measured.seconds_of(phase) is not None
        if counted and phase.full_at is not None and phase.full_at > phase.started_at:
            yield Band(begin, phase.full_at - made.start, "", counted=False)
            begin = phase.full_at - made.start
        yield Band(begin, end, _band_label(phase, is_open), counted)


def _band_label(phase: Phase, is_open: bool) -> str:
    names = {"WarmUp": "warm-up", "Drain": "drain", "Pause": "pause", "Direct": "direct leg", "Ceiling": "burst"}
    if phase.kind in names:
        return names[phase.kind]
    asked = quantities.text(phase.rate, "1/s") if is_open else f"{phase.users:,} users" if phase.users else ""
    kind = "ramp" if phase.kind == "Ramp" else "spike" if phase.spike else ""
    return " · ".join(part for part in (phase.name, kind, asked) if part)


def _in_window(line: Timeline, values: Sequence[Value]) -> list[float]:
    """The values of cells that lie within measured stages."""
    width = line.grid.width
    inside = [(band.start, band.end) for band in line.bands if band.counted]
    at = [index * width for index in range(len(values))]
    return known(v for x, v in zip(at, values, strict=True) if any(a <= x and x + width <= b for a, b in inside))


def _throughput(line: Timeline) -> Chart | None:
    series = line.result.load.series
    if not {"requests", "failures"} <= set(series.columns):
        return None
    seconds = grids.step(series) or 1.0

    rates = line.load.differences("requests", "failures", 1 / seconds)
    mean, low, high = (line.load.combined(rates, combine) for combine in (statistics.fmean, min, max))
    if not known(mean):
        return None
    curves = [Curve("successes", mean, 0)]
    if line.grid.width > seconds:
        curves += [Curve("lowest", low, 0, quiet=True), Curve("highest", high, 0, quiet=True, band=1)]
    levels = _in_window(line, low), _in_window(line, high)
    spread = ""
    if levels[0]:
        ends = [quantities.text(end, "1/s") for end in (min(levels[0]), max(levels[1]))]
        each = "single seconds" if seconds == 1 else f"steps of {quantities.seconds(seconds)}"
        spread = f", in {each} {' to '.join(dict.fromkeys(ends))}"
    summary = f"Successes: {text.value(line.result, 'throughput')} over the measured window{spread}."
    note = ""
    if len(curves) > 1:
        mean_of = quantities.seconds(line.grid.width)
        note = f"Each point is the mean of {mean_of}; the surface spans the lowest and the highest."
    return _chart(line, "throughput", "Throughput", "1/s", curves, summary, note=note, named_bands=True)


def _latency(line: Timeline) -> Chart | None:
    series = line.result.load.series
    curves = [
        Curve(name, line.load.column(column), style)
        for style, (name, column) in enumerate(_PERCENTILES)
        if column in series.columns
    ]
    if not any(known(curve.values) for curve in curves):
        return None
    whole = ", ".join(f"{name} {text.value(line.result, f'latency.{name}')}" for name, _ in _PERCENTILES)
    highest = largest(_in_window(line, curves[-1].values))
    worst = (
        f"; the highest {curves[-1].label} of a step was {quantities.seconds(highest)}" if highest is not None else ""
    )
    summary = f"Latency of requests that do not stream, over the measured window: {whole}{worst}."
    made = _chart(line, "latency", "Latency", "s", curves, summary, note=line.thin)
    return dataclasses.replace(made, logarithmic=_peaked(curves))


def _peaked(curves: Sequence[Curve]) -> bool:
    """Whether the largest value would flatten all others on a linear axis."""
    usual, most = known(curves[0].values), largest(value for curve in curves for value in curve.values)
    return bool(usual) and most is not None and most > _FLATTENS * max(statistics.median(usual), 1e-6)


def _failures(line: Timeline) -> Chart | None:
    series = line.result.load.series
    if "failures" not in series.columns:
        return None
    seconds = grids.step(series) or 1.0

    curve = Curve("failures", line.load.column("failures", 1 / seconds), 2)
    found = known(curve.values)
    if not found:
        return None
    counts = line.result.counts.measured
    share = text.value(line.result, "errorRatio")
    summary = f"{counts.failures:,} of {counts.requests:,} requests failed in the measured window, {share}."
    if not any(found):
        # Nothing to see: the sentence says it all.
        return Chart("failures", "Failures", "time", "1/s", (), (), summary)
    return _chart(line, "failures", "Failures", "1/s", [curve], summary, note=line.thin)


def _cpu(line: Timeline) -> Chart | None:
    result = line.result
    curves = list(_probed(line, (("used", "cpuCores", 0), ("others on its cores", "foreignCores", 1))))
    if (told := result.series.get("gateway.cpu")) is not None:
        curves.append(Curve("used, by Prometheus" if curves else "used", _second_column(line, told), 3))
    curves = [curve for curve in curves if known(curve.values)]
    if not curves:
        return None
    cores = _at(result.run.spec, "gateway", "cpus")
    limit = float(cores) if isinstance(cores, int | float) and not isinstance(cores, bool) else None
    ends = ", ".join(f"{words} {text.value(result, f'gateway.cpu.{words}')}" for words in ("mean", "max"))
    of = f" of {quantities.text(limit, 'cores')}" if limit is not None else ""
    return _limited(line, "cpu", "Gateway CPU", "cores", curves, limit, f"CPU of the gateway: {ends}{of}.")


def _memory(line: Timeline) -> Chart | None:
    result = line.result
    curves = list(_probed(line, (("resident", "rssBytes", 0),)))
    told = [(name, one) for name, one in sorted(result.series.items()) if name.startswith("gateway.memory")]
    for style, (name, one) in enumerate(told, 1):
        own = name.removeprefix("gateway.memory").lstrip(".")
        curves.append(Curve(f"by Prometheus{f' ({own})' if own else ''}", _second_column(line, one), 2 + style))
    curves = [curve for curve in curves if known(curve.values)]
    if not curves:
        return None
    limit = size_of(_at(result.run.spec, "gateway", "memory"))
    of = f" of {quantities.size(limit)}" if limit is not None else ""
    ends = ", ".join(f"{words} {text.value(result, f'gateway.memory.{words}')}" for words in ("peak", "end"))
    return _limited(line, "memory", "Gateway memory", "bytes", curves, limit, f"Memory of the gateway: {ends}{of}.")


def _probed(line: Timeline, wanted: Sequence[tuple[str, str, int]]) -> Iterator[Curve]:
    for label, column, style in wanted:
        if line.probe is not None:
            yield Curve(label, line.probe.column(column), style)


def _second_column(line: Timeline, series: Series) -> list[Value]:
    return line.grid.lay(series).column(series.columns[1] if len(series.columns) > 1 else "")


def _limited(
    line: Timeline, name: str, title: str, unit: str, curves: Sequence[Curve], limit: float | None, summary: str
) -> Chart:
    highest = largest(value for curve in curves for value in curve.values) or 0.0
    lines, note = [], line.thin
    if limit is not None and limit <= _FARTHEST * highest:
        lines.append(Line("limit", y=limit))
    elif limit is not None and highest > 0:
        note = f"The limit, {quantities.text(limit, unit)}, is {limit / highest:,.0f} times the largest value. {note}"
    return _chart(line, name, title, unit, curves, summary, lines=lines, note=note)


def _chart(
    line: Timeline,
    name: str,
    title: str,
    unit: str,
    curves: Sequence[Curve],
    summary: str,
    lines: Sequence[Line] = (),
    note: str = "",
    named_bands: bool = False,
) -> Chart:
    return Chart(
        id=name,
        title=title,
        axis="time",
        unit=unit,
        x=line.grid.x,
        curves=curves,
        summary=summary,
        bands=line.bands,
        lines=lines,
        group="time",
        named_bands=named_bands,
        note=note.strip(),
    )


def _at(tree: Mapping[str, Any], *path: str) -> Any:
    found: Any = tree
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def size_of(written: object) -> float | None:
    """Bytes of a quantity as a spec has it: 8Gi; None where it is none."""
    if isinstance(written, int | float) and not isinstance(written, bool):
        return float(written)
    if not isinstance(written, str):
        return None
    number = written.rstrip("KMGTik")
    try:
        return float(number) * _BINARY[written[len(number) :]]
    except (ValueError, KeyError):
        return None
