"""The page of two results side by side, with the verdict that their repeats allow."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from gatebench_analysis import metrics, quantities, regression, summary, text, validity
from gatebench_analysis.document import Result
from gatebench_analysis.histograms import Undecodable
from gatebench_analysis.measured import Account
from gatebench_analysis.observation import Measured
from gatebench_analysis.report import assets, distributions, headline, tables, timelines
from gatebench_analysis.report.charts import Chart
from gatebench_analysis.report.page import facts

DEFAULT_TOLERANCE = 0.1
_JUDGED = ("throughput", "errorRatio", "latency.p50", "latency.p95", "latency.p99")
_SHOWN = ("latency.mean", "latency.max", "ttft.p50", "ttft.p95", "interToken.p99", "tokensPerSecond")
_OF_GATEWAY = ("capacity.requestsPerSecond", "gateway.cpu.mean", "gateway.cpu.max", "gateway.memory.peak")
_KINDS = {"Regressed": "fail", "Inconclusive": "unknown", "Same": "pass", "Better": "pass"}


@dataclasses.dataclass(frozen=True)
class Side:
    """One of the two, as the page names it."""

    label: str
    name: str
    result: Result
    head: headline.Headline
    facts: Sequence[str]
    manifest: str


@dataclasses.dataclass(frozen=True)
class Row:
    """A metric on both sides; `verdict` is empty where it is only shown."""

    metric: str
    baseline: str
    current: str
    change: str
    interval: str
    verdict: str
    why: str


def comparison(baseline: Result, current: Result, tolerance: float = DEFAULT_TOLERANCE) -> str:
    """One HTML file. `tolerance` is the share by which a metric may be worse. Raises ValueError unless in [0, 1)."""
    sides = (_side("A", baseline), _side("B", current))
    judged = _judge(baseline, current, tolerance)
    shapes = _shapes([(f"{side.label} {side.name}", side.result) for side in sides])
    over_time = timelines.overlaid([(f"{side.label} {side.name}", side.result) for side in sides])
    return assets.render(
        "comparison.html",
        sides=sides,
        head=_head(sides, judged),
        rows=list(_rows(baseline, current, judged)),
        tolerance=quantities.ratio(tolerance),
        differences=judged.differences if judged is not None else (),
        repeats=[max(len(getattr(side.result, "repeats", None) or []), 1) for side in sides],
        distributions=shapes,
        time_charts=over_time,
        environment=_environment(baseline, current),
        data=[chart.data() for chart in (*shapes, *over_time)],
    )


def _side(label: str, result: Result) -> Side:
    name = result.run.name or "a run without a name"
    return Side(label, name, result, headline.headline(result), facts(result), tables.manifest(result))


def _judge(baseline: Result, current: Result, tolerance: float) -> regression.Comparison | None:
    """None where no metric is known on both sides."""
    if not 0 <= tolerance < 1:
        raise ValueError(f"the tolerance must be at least 0 and below 1, not {tolerance!r}")
    both = [name for name in _JUDGED if _value(baseline, name) is not None and _value(current, name) is not None]
    if not both:
        return None
    one, other = (regression.side(label, [result], both) for label, result in (("A", baseline), ("B", current)))
    return regression.compare(one, other, regression.tolerances(both, tolerance))


def _head(sides: Sequence[Side], judged: regression.Comparison | None) -> headline.Headline:
    doubtful = [side for side in sides if not summary.holds(side.result)]
    if doubtful:
        names = " and ".join(f"{side.label} ({validity.verdict(side.result)[1]})" for side in doubtful)
        message = f"There is no verdict: the measurement of {names} does not hold."
        return headline.Headline("invalid", "Not comparable", message, "See below for the reasons.", False, ())
    if judged is None:
        message = "No metric is known on both sides."
        return headline.Headline("unknown", "Not comparable", message, "", False, ())
    words = f"B against A: {judged.why}"
    return headline.Headline(_KINDS[judged.verdict], judged.verdict, headline.sentence(words), "", True, ())


def _rows(baseline: Result, current: Result, judged: regression.Comparison | None) -> Iterator[Row]:
    verdicts = {one.metric: one for one in judged.metrics} if judged is not None else {}
    for name in (*_JUDGED, *_SHOWN, *_OF_GATEWAY):
        before, after = _value(baseline, name), _value(current, name)
        if before is None and after is None:
            continue
        told = verdicts.get(name)
        yield Row(
            metric=name,
            baseline=_words(baseline, name, told.baseline if told is not None else None),
            current=_words(current, name, told.current if told is not None else None),
            change=_change(name, before, after, told),
            interval=_interval(told),
            verdict=told.verdict if told is not None else "",
            why=told.why if told is not None and judged is not None and told.why != judged.why else "",
        )


def _words(result: Result, name: str, median: float | None) -> str:
    """The median of the repeats that were judged, else the run's figure."""
    metric = metrics.find(name)
    return text.value(result, name) if median is None or metric is None else quantities.text(median, metric.unit, name)


def _change(name: str, before: float | None, after: float | None, told: regression.MetricVerdict | None) -> str:
    """1.120 (+12 %); of shares the difference in percentage points."""
    if before is None or after is None:
        return quantities.MISSING
    estimate = told.ratio if told is not None else None  # of the repeats, which its interval is about
    if regression.is_absolute(name):
        difference = after - before if estimate is None else estimate
        return f"{_signed(quantities.digits(100 * difference), difference)} points"
    if before <= 0:
        return quantities.MISSING
    ratio = after / before if estimate is None else estimate
    return f"{ratio:.3f} ({_signed(quantities.ratio(ratio - 1), ratio - 1)})"


def _interval(told: regression.MetricVerdict | None) -> str:
    if told is None or told.low is None or told.high is None:
        return ""
    if told.absolute:
        ends = [f"{_signed(quantities.digits(100 * end), end)}" for end in (told.low, told.high)]
        return f"{ends[0]} to {ends[1]} points"
    return f"{told.low:.3f} to {told.high:.3f}"


def _signed(words: str, value: float) -> str:
    return f"+{words}" if value > 0 else words


def _value(result: Result, name: str) -> float | None:
    seen = metrics.observe(result, name)
    return seen.value if isinstance(seen, Measured) else None


def _shapes(sides: Sequence[tuple[str, Result]]) -> list[Chart]:
    accounts = [(label, result, Account(result.load)) for label, result in sides]
    wholes = [(label, whole) for label, _, account in accounts if (whole := distributions.whole(account)) is not None]
    words = "; ".join(f"{label} {distributions.percentiles(result, 'latency')}" for label, result in sides)
    summaries = f"Latency over the measured window: {words}."
    found = [distributions.chart("distribution", "Latency distribution", wholes, summaries)]
    if all(account.streams() for _, _, account in accounts):
        try:
            first = [(label, distributions.first_tokens(account)) for label, _, account in accounts]
        except Undecodable:
            first = []
        words = "; ".join(f"{label} {distributions.percentiles(result, 'ttft')}" for label, result in sides)
        title = "First token of streams"
        found.append(distributions.chart("streams", title, first, f"{title} over the measured window: {words}."))
    return [chart for chart in found if chart is not None]


def _environment(baseline: Result, current: Result) -> list[tuple[str, str, str, bool]]:
    """(field, A, B, whether they differ)."""
    before, after = dict(tables.environment(baseline)), dict(tables.environment(current))
    names = [*before, *(name for name in after if name not in before)]
    cells = [(name, before.get(name, quantities.MISSING), after.get(name, quantities.MISSING)) for name in names]
    return [(name, one, other, one != other) for name, one, other in cells]
