"""The top of the page: the verdict in a word, whether the measurement holds, and the figures that people ask for."""

from __future__ import annotations

import datetime

from gatebench_analysis import metrics, quantities, text, validity
from gatebench_analysis.document import Result
from gatebench_analysis.headlines import Headline, Tile, sentence
from gatebench_analysis.observation import Measured, Missing, NotApplicable

__all__ = ["Headline", "Tile", "headline", "moment", "sentence", "tiles"]

_VERDICTS = {"True": ("Passed", "pass"), "False": ("Failed", "fail"), "Unknown": ("Undecided", "unknown")}


def headline(result: Result) -> Headline:
    """What to say first."""
    status, _, message = validity.verdict(result)
    findings = tuple(result.validity)
    if status == "False":
        why = "There is no verdict: what was measured says nothing reliable about the gateway."
        return Headline("invalid", "Not valid", why, message, False, findings)
    if status == "Unknown":
        why = "Whether the measurement holds is not known, so there is no verdict."
        return Headline("unknown", "Undecided", why, message, False, findings)
    word, kind = _VERDICTS[result.verdict.status]
    said = result.verdict.message or ("There are no objectives." if not result.objectives else "")
    return Headline(kind, word, sentence(said), message, True, ())


def tiles(result: Result) -> list[Tile]:
    """The figures, each with what it is measured against."""
    found = []
    if result.capacity is not None:
        limits = "; ".join(result.capacity.limited_by)
        note = "at least: maxRate itself held" if result.capacity.open_ended else f"above: {limits}" if limits else ""
        found.append(_tile(result, "Capacity", "capacity.requestsPerSecond", note))
    found.append(_tile(result, "Throughput", "throughput", _of_ceiling(result)))
    for name in ("p50", "p95", "p99"):
        bound = metrics.observe(result, f"latency.{name}.upper")
        note = f"at most {quantities.seconds(bound.value)}, at 99 %" if isinstance(bound, Measured) else ""
        found.append(_tile(result, f"Latency {name}", f"latency.{name}", note))
    if "ttft.p95" in result.metrics:
        found.append(_tile(result, "First token p95", "ttft.p95"))
    counts = result.counts.measured
    found.append(_tile(result, "Errors", "errorRatio", f"{counts.failures:,} of {counts.requests:,}"))
    if "gateway.cpu.max" in result.gateway:
        mean = text.value(result, "gateway.cpu.mean")
        found.append(_tile(result, "Gateway CPU, max", "gateway.cpu.max", f"mean {mean}"))
    if "gateway.memory.peak" in result.gateway:
        end = text.value(result, "gateway.memory.end")
        found.append(_tile(result, "Gateway memory, peak", "gateway.memory.peak", f"{end} at the end"))
    return found


def _tile(result: Result, label: str, name: str, note: str = "") -> Tile:
    seen = metrics.observe(result, name)
    if isinstance(seen, Missing):
        note = f"missing: {seen.why}"
    elif isinstance(seen, NotApplicable):
        note = seen.why
    elif seen.low is not None and seen.high is not None:
        metric = metrics.find(name)
        ends = [quantities.text(end, metric.unit if metric else "", name) for end in (seen.low, seen.high)]
        note = "; ".join(part for part in (note, f"median of the repeats, {ends[0]} to {ends[1]}") if part)
    return Tile(label, text.value(result, name), note)


def _of_ceiling(result: Result) -> str:
    if result.offered_rate is not None:
        return f"of {quantities.text(result.offered_rate, '1/s')} that were asked for"
    most = result.ceiling.requests_per_second
    if most is None:
        return ""
    bound = ": think time sets it" if result.ceiling.think_time_bound else ""
    return f"of at most {quantities.text(most, '1/s')} with these users{bound}"


def moment(unix: float | None) -> str:
    """2026-11-24 20:13 UTC."""
    if unix is None:
        return quantities.MISSING
    try:
        return datetime.datetime.fromtimestamp(unix, datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (OverflowError, OSError, ValueError):
        return quantities.MISSING
