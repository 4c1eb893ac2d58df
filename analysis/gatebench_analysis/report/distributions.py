"""Latency distributions on the axis of HDR histograms: the further right, the more nines. Nothing is averaged."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Sequence

from gatebench_analysis import quantities, summary, text
from gatebench_analysis.document import Result
from gatebench_analysis.histograms import Samples, Undecodable, highest_of
from gatebench_analysis.load import Requests
from gatebench_analysis.measured import Account
from gatebench_analysis.report.charts import Chart, Curve, Value, largest

MOST_NAMES = 6
_PER_DECADE = 24
_KNOWN = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}
_WIDE = 12.0
"""From this factor between the fastest and the slowest on the axis of latency is logarithmic."""
_STREAMS = {"first token": "ttft", "gap between tokens": "interToken"}
Named = tuple[str, Samples]


def latency(result: Result, account: Account) -> Chart | None:
    """Of all successes that do not stream, of each request name, and of open load from the send."""
    try:
        found = _latencies(account)
    except Undecodable:
        return _from_figures(result, "latency", "Latency distribution")
    whole = ", ".join(f"{name} {text.value(result, f'latency.{name}')}" for name in (*_KNOWN, "max"))
    return chart("distribution", "Latency distribution", found, f"Latency over the measured window: {whole}.")


def streams(result: Result, account: Account) -> Chart | None:
    """Of streams the time to the first token, and the gaps between tokens."""
    rows = [row for row in _successes(account) if row.stream]
    try:
        found = [(label, account.samples(rows, field)) for label, field in _STREAMS.items()]
        names = list(dict.fromkeys(row.name for row in rows))
        if len(names) > 1:
            each = [(name, account.samples([row for row in rows if row.name == name], "ttft")) for name in names]
            found += [(f"first token of {name}", samples) for name, samples in each[: MOST_NAMES - 1]]
    except Undecodable:
        return _from_figures(result, "ttft", "First token and gaps of streams")
    words = "; ".join(f"{label} {percentiles(result, field)}" for label, field in _STREAMS.items())
    return chart("streams", "First token and gaps of streams", found, f"Streams over the measured window: {words}.")


def whole(account: Account) -> Samples | None:
    """All successes that do not stream; of streams alone, those. None where they cannot be read."""
    rows = _successes(account)
    try:
        return account.samples([row for row in rows if not row.stream] or rows, "latency")
    except Undecodable:
        return None


def chart(name: str, title: str, found: Sequence[Named], words: str) -> Chart | None:
    """The chart of some distributions, each as far as its samples go; None without samples."""
    taken = [(label, samples) for label, samples in found if samples.count]
    if not taken:
        return None
    most = max(samples.count for _, samples in taken)
    x = [index / _PER_DECADE for index in range(math.ceil(math.log10(max(most, 2)) * _PER_DECADE) + 2)]
    curves = [Curve(label, values(samples, x), style) for style, (label, samples) in enumerate(taken)]
    note = "The further right, the rarer: each step adds a nine. A curve ends at its largest sample."
    return Chart(name, title, "quantile", "s", x, curves, words, logarithmic=_wide(curves), note=note)


def values(samples: Samples, x: Sequence[float]) -> list[Value]:
    """The value at each place of the axis, in seconds; None beyond the largest sample."""
    order = sorted(samples.buckets)
    sums = list(itertools.accumulate(samples.buckets[index] for index in order))
    out: list[Value] = []
    for place in x:
        above = samples.count * 10.0**-place
        rank = min(samples.count, max(1, math.ceil(samples.count - above)))
        value = highest_of(order[bisect.bisect_left(sums, rank)]) / 1e6
        out.append(value if samples.max_seconds is None else min(value, samples.max_seconds))
        if above < 1:
            break
    return out + [None] * (len(x) - len(out))


def _latencies(account: Account) -> list[Named]:
    rows = _successes(account)
    plain = [row for row in rows if not row.stream]
    names = [name for name in account.names() if any(row.name == name for row in rows)]
    each = [(name, account.samples([row for row in rows if row.name == name], "latency")) for name in names]
    label = "all" if len(plain) == len(rows) else "all that do not stream"
    found = [(label, account.samples(plain, "latency"))] if plain else []
    if len(names) > 1 or not plain:
        found += each[:MOST_NAMES]
    service = account.samples(plain, "serviceTime")
    return [*found, ("all, from the send", service)] if service.count else found


def first_tokens(account: Account) -> Samples:
    """The times to the first token of all streams. Raises Undecodable."""
    return account.samples([row for row in _successes(account) if row.stream], "ttft")


def percentiles(result: Result, field: str) -> str:
    """p50, p95 and p99 of a distribution in words."""
    return ", ".join(f"{name} {text.value(result, f'{field}.{name}')}" for name in ("p50", "p95", "p99"))


def _successes(account: Account) -> list[Requests]:
    return [row for row in account.window().rows if row.outcome == "success" and row.count]


def _from_figures(result: Result, field: str, title: str) -> Chart | None:
    """Where the histograms were left out: through the percentiles that stay."""
    prefixes = [("all", f"{field}."), *((name, f"requests.{name}.{field}.") for name in summary.request_names(result))]
    x = [-math.log10(1 - share) for share in _KNOWN.values()]
    curves = []
    for style, (label, prefix) in enumerate(prefixes[: MOST_NAMES + 1]):
        found = [result.metrics.get(f"{prefix}{name}") for name in _KNOWN]
        levels = [None if figure is None else figure.value for figure in found]
        if any(level is not None for level in levels):
            curves.append(Curve(label, levels, style, points=True))
    if not curves:
        return None
    ends = f"{quantities.seconds(curves[0].values[0])} to {quantities.seconds(largest(curves[0].values))}"
    why = "The histograms were left out of the document: these are the percentiles that stayed."
    words = f"{title} over the measured window, {ends}. {why}"
    return Chart("distribution" if field == "latency" else "streams", title, "quantile", "s", x, curves, words)


def _wide(curves: Sequence[Curve]) -> bool:
    found = [value for curve in curves for value in curve.values if value]
    return bool(found) and max(found) > _WIDE * min(found)
