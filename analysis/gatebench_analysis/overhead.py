"""What the gateway adds: a quantile of the latency through it, minus that of the direct leg.

The direct leg offers the same requests straight to the upstream, after the repeats, at the rate that the gateway has
reached. Differences of quantiles are told, not quantiles of differences: no request goes both ways. Its interval has
the bounds of both by order statistics, at 99 % each, of several repeats the outermost; it assumes that requests are
independent. A gateway that answers alone has no upstream to subtract: its latency itself is what it adds.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from gatebench_analysis import histograms, quantities
from gatebench_analysis.document import Figure, figure
from gatebench_analysis.histograms import Samples
from gatebench_analysis.load import Load, Phase, Requests
from gatebench_analysis.loadfigures import Burst, DirectLeg, DirectRequests
from gatebench_analysis.measured import Account, Window, seconds_of
from gatebench_analysis.observation import Measured, Missing, Observation
from gatebench_analysis.repeats import Part

_THOUSANDTHS = {"p50": 500, "p95": 950, "p99": 990}
NAMES = tuple(f"overhead.{name}" for name in _THOUSANDTHS)
MAX_RATE_DIFFERENCE = 0.05
_DEVIATIONS = 3.0
"""Of the number of Poisson arrivals: what is within them is chance, and no other rate."""
NOT_ASKED = "the direct path was not measured: set overhead: {enabled: true}"
ALONE = "the gateway answers alone: its latency itself"


@dataclasses.dataclass(frozen=True)
class Overhead:
    """The figures of NAMES, none where nobody asked for them, and the direct leg."""

    figures: dict[str, Figure] = dataclasses.field(default_factory=dict)
    leg: DirectLeg | None = None


def overhead(
    load: Load, account: Account, parts: Sequence[Part], metrics: Mapping[str, Figure], spec: Mapping[str, Any]
) -> Overhead:
    """What the gateway adds; `metrics` are its figures over those parts. Never raises."""
    phase = next((phase for phase in load.phases if phase.kind == "Direct"), None)
    if phase is None and not _asked(spec):
        return Overhead()
    alone = phase is None and spec.get("upstream") is None
    unfinished = phase is None or phase.index is None or seconds_of(phase) is None or load.outcome != "Finished"
    if unfinished and not alone:
        return Overhead(dict.fromkeys(NAMES, figure(_none(load), "s")))
    try:
        own = [_samples(part.account, part.account.window().rows, "latency") for part in parts]
        if phase is None:
            return Overhead({name: figure(_itself(name, metrics, own), "s") for name in NAMES})
        leg, samples = _leg(load, account, phase, metrics)
    except histograms.Undecodable as error:
        return Overhead(dict.fromkeys(NAMES, figure(Missing(f"a latency histogram cannot be read: {error}"), "s")))
    return Overhead({name: figure(_added(name, metrics, own, samples, leg), "s") for name in NAMES}, leg)


def words(figures: Mapping[str, Figure], leg: DirectLeg | None) -> str:
    """The figures in a line with what else there is to know, or why there are none; empty where nobody asked."""
    found = {name.removeprefix("overhead."): figures[name] for name in NAMES if name in figures}
    known = [f"{name} {_told(one)}" for name, one in found.items() if one.value is not None]
    why = next((one.missing or one.not_applicable or "" for one in found.values() if one.value is None), "")
    told = [part for part in (why, remark(figures), most(leg)) if part]
    return "  ".join([*known, *([f"({'; '.join(told)})"] if told else [])])


def _told(added: Figure) -> str:
    """29.9 ms (29.1 ms to 30.6 ms); without an interval as it is."""
    words = quantities.seconds(added.value)
    if added.low is None or added.high is None:
        return words
    return f"{words} ({quantities.seconds(added.low)} to {quantities.seconds(added.high)})"


def remark(figures: Mapping[str, Figure]) -> str:
    """What a reader of the figures should know; empty where there is nothing."""
    notes = (figures[name].note for name in NAMES if name in figures and figures[name].value is not None)
    return next((note for note in notes if note), "")


def most(leg: DirectLeg | None) -> str:
    """The ceiling of mock and fleet in words; empty where it is not known."""
    ceiling = leg.ceiling if leg is not None else None
    return "" if ceiling is None else f"mock and fleet without the gateway: at most {quantities.text(ceiling, '1/s')}"


def _asked(spec: Mapping[str, Any]) -> bool:
    asked = spec.get("overhead")
    return isinstance(asked, Mapping) and asked.get("enabled") is True


def _itself(name: str, metrics: Mapping[str, Figure], own: Sequence[Samples]) -> Observation:
    """The latency, of a gateway that answers alone."""
    quantile = name.removeprefix("overhead.")
    found = metrics.get(f"latency.{quantile}", Figure()).observation()
    if not isinstance(found, Measured) or found.above:
        return found
    low, high = _outermost(own, _THOUSANDTHS[quantile]) or (None, None)
    return Measured(found.value, ALONE, low=low, high=high)


def _none(load: Load) -> Observation:
    """Why there is no direct leg."""
    if load.outcome != "Finished":
        return Missing(f"the load ended before the direct leg was over: {load.outcome or 'how, is not known'}")
    return Missing("there was no direct leg: nothing was answered through the gateway")


def _leg(load: Load, account: Account, phase: Phase, metrics: Mapping[str, Figure]) -> tuple[DirectLeg, Samples]:
    """The direct leg and its latencies."""
    window = account.window(phase.index)
    # Users count from the send; the leg has arrivals, whose latency would count from when they were due.
    field = "latency" if load.is_open else "serviceTime"
    samples = _samples(account, window.rows, field)
    through = metrics.get("throughput", Figure()).value
    names: dict[str, list[Requests]] = {}
    for row in window.rows:
        names.setdefault(row.name, []).append(row)
    by_request = [
        DirectRequests(name=name, **_performance(dataclasses.replace(window, rows=tuple(rows)), account, field))
        for name, rows in names.items()
    ]
    leg = DirectLeg(
        rate=phase.rate,
        dropped=account.dropped(window),
        differs=_differs(through, window),
        by_request=sorted(by_request, key=lambda one: (-one.requests, one.name)),
        burst=_burst(load, account),
        **_performance(window, account, field),
    )
    return leg, samples


def _burst(load: Load, account: Account) -> Burst | None:
    """What mock and fleet do without the gateway; None where it was not measured."""
    phase = next((phase for phase in load.phases if phase.kind == "Ceiling"), None)
    if phase is None or phase.index is None or seconds_of(phase) is None:
        return None
    return Burst(users=phase.users, **_performance(account.window(phase.index), account, "latency"))


def _performance(window: Window, account: Account, field: str) -> dict[str, Any]:
    requests, failures = window.total(), window.total("failure")
    samples = _samples(account, window.rows, field)
    found = {f"{name}_seconds": samples.quantile(thousandths) for name, thousandths in _THOUSANDTHS.items()}
    return {
        "seconds": window.seconds,
        "requests": requests,
        "failures": failures,
        "throughput": window.total("success") / window.seconds if window.seconds else None,
        "error_ratio": failures / requests if requests else None,
        **{name: None if seen is None else seen[0] for name, seen in found.items()},
    }


def _samples(account: Account, rows: Sequence[Requests], field: str) -> Samples:
    """Of the successes that do not stream. Raises Undecodable."""
    return account.samples([row for row in rows if row.outcome == "success" and not row.stream and row.count], field)


def _differs(through: float | None, window: Window) -> str | None:
    """Why the leg's successes do not come at the gateway's rate."""
    successes = window.total("success")
    if through is None or not window.seconds or not successes:
        return (
            "nothing succeeded on the direct path" if through is not None else "the gateway's throughput is not known"
        )
    direct = successes / window.seconds
    if abs(direct - through) / through <= max(MAX_RATE_DIFFERENCE, _DEVIATIONS / math.sqrt(successes)):
        return None
    rates = [quantities.text(rate, "1/s") for rate in (direct, through)]
    failed = f", with {window.total('failure'):,} failures" if window.total("failure") else ""
    return f"the direct path had {rates[0]}{failed}, the gateway {rates[1]}: more than 5 % apart, and than chance makes"


def _added(
    name: str, metrics: Mapping[str, Figure], own: Sequence[Samples], direct: Samples, leg: DirectLeg
) -> Observation:
    quantile = name.removeprefix("overhead.")
    thousandths = _THOUSANDTHS[quantile]
    through = metrics.get(f"latency.{quantile}", Figure()).observation()
    if not isinstance(through, Measured):
        return through
    if leg.differs is not None:
        return Missing(leg.differs)
    straight = direct.quantile(thousandths)
    if straight is None:
        needed = histograms.floor(thousandths / 1000)
        return Missing(f"the direct leg has {direct.count:,} samples, {quantile} needs {needed:,}", too_few=True)
    if through.above or straight[1]:
        return Missing("a latency above 10 min is known no better than that")
    low, high = _bounds(own, direct, thousandths)
    return Measured(through.value - straight[0], low=low, high=high)


def _bounds(own: Sequence[Samples], direct: Samples, thousandths: int) -> tuple[float | None, float | None]:
    """The interval; without ends where samples do not have them."""
    through, straight = _outermost(own, thousandths), _outermost([direct], thousandths)
    if through is None or straight is None:
        return None, None
    return through[0] - straight[1], through[1] - straight[0]


def _outermost(parts: Sequence[Samples], thousandths: int) -> tuple[float, float] | None:
    """The least lower and the greatest upper bound; None where samples do not have them."""
    lows = [samples.lower(thousandths) for samples in parts]
    highs = [samples.upper(thousandths) for samples in parts]
    known = [end[0] for end in (*lows, *highs) if end is not None and not end[1]]
    return (min(known), max(known)) if known and len(known) == 2 * len(parts) else None
