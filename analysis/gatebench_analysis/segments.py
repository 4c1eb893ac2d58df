"""The parts of a result as lines of text: by request name, by stage, and by the rate of a search."""

from __future__ import annotations

from gatebench_analysis import quantities, summary
from gatebench_analysis.cells import columns, headed, of_stage, percentile, value
from gatebench_analysis.document import Result
from gatebench_analysis.loadfigures import Performance

_MOST_NAMES = 20


def requests(result: Result) -> list[str]:
    """A line for each request name, the most frequent first."""
    names = summary.request_names(result)
    if not names:
        return []
    streams = {name for name in names if f"requests.{name}.ttft.p50" in result.metrics}
    head = ["REQUEST", "THROUGHPUT", "ERRORS", "P50", "P95", "P99", "MAX"]
    rows = []
    for name in names[:_MOST_NAMES]:
        own = f"requests.{name}"
        latency = [percentile(result, f"{own}.latency.{one}") for one in ("p50", "p95", "p99")]
        row = [name, value(result, f"{own}.throughput"), value(result, f"{own}.errorRatio"), *latency]
        row.append(value(result, f"{own}.latency.max"))
        if streams:
            shown = name in streams
            row += [
                value(result, f"{own}.{one}") if shown else quantities.MISSING for one in ("ttft.p95", "interToken.p99")
            ]
        rows.append(row)
    lines = columns([headed([*head, "TTFT P95", "GAP P99"] if streams else head, rows, "AT MOST"), *rows])
    if len(names) > _MOST_NAMES:
        lines.append(f"and {len(names) - _MOST_NAMES} more")
    return lines


def stages(result: Result) -> list[str]:
    """A line for each stage and ramp, where there are several."""
    if len(result.stages) < 2:
        return []
    repeated = any(stage.repeat for stage in result.stages)
    is_open = result.load.is_open
    head = ["STAGE", "RATE" if is_open else "USERS", "MEASURED", "THROUGHPUT", "ERRORS", "P50", "P95", "P99"]
    rows = []
    for stage in result.stages:
        kind = "ramp" if stage.kind == "Ramp" else "spike" if stage.spike else None
        name = stage.name if kind is None else f"{stage.name} ({kind})"
        name = f"{name} #{stage.repeat + 1}" if repeated else name
        measured = quantities.MISSING if stage.seconds is None else f"{stage.seconds:.1f} s"
        asked = quantities.text(stage.rate, "1/s") if is_open else _count(stage.users)
        cells = [name, asked, measured, *_rates(stage), *of_stage(stage)]
        rows.append([*cells, _count(stage.dropped)] if is_open else cells)
    return columns([headed([*head, "DROPPED"] if is_open else head, rows, "AT MOST"), *rows])


def frontier(result: Result) -> list[str]:
    """A line for each step of a search for a capacity, by rate."""
    if not result.frontier:
        return []
    rows = [["RATE", "OUTCOME", "THROUGHPUT", "ERRORS", "P50", "P95", "P99", "DROPPED", "GATEWAY CPU", ""]]
    for point in result.frontier:
        outcome = f"{point.outcome or '?'}, confirmed" if point.confirmation else point.outcome or "?"
        cells = [quantities.text(point.rate, "1/s"), outcome, *_rates(point), *_latency(point), _count(point.dropped)]
        rows.append([*cells, quantities.text(point.gateway_cpu_cores, "cores"), point.why])
    return columns(rows)


def _rates(one: Performance) -> list[str]:
    return [quantities.text(one.throughput, "1/s"), quantities.ratio(one.error_ratio)]


def _latency(one: Performance) -> list[str]:
    return [quantities.seconds(found) for found in (one.p50_seconds, one.p95_seconds, one.p99_seconds)]


def _count(count: int | None) -> str:
    return quantities.MISSING if count is None else f"{count:,}"
