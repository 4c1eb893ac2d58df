"""The built-in metrics of the gateway, each as the table says, from the raw samples of the window."""

from __future__ import annotations

from gatebench.measure import figures, queries, samples, table
from gatebench.measure.figures import Answers, Missing, Value
from gatebench.measure.samples import Line, Series


def metric_figure(metric: table.Metric, plan: queries.Plan, answers: Answers) -> Value | Missing:
    """The metric over the window of `plan`."""
    if metric.how is table.How.SHARE:
        return _share(metric, plan, answers)
    first: Missing | None = None
    for source in metric.sources:
        figure = _from_source(metric, source, plan, answers)
        # Another source may have what is absent in this one, but must not hide that something is wrong.
        if isinstance(figure, Value) or figure.reason != "NoSeries":
            return figure
        first = first or figure
    assert first is not None  # a metric has a source
    return first


def _from_source(metric: table.Metric, source: table.Source, plan: queries.Plan, answers: Answers) -> Value | Missing:
    lines = _lines(source, plan, answers)
    if isinstance(lines, Missing):
        return lines
    if metric.zero and all(value == 0 for line in lines for _, value in line.points):
        return Missing("NoSeries", f"{source.series} is 0 throughout: {metric.zero}")
    numbers = [_number(metric.how, line, plan) for line in lines]
    known = [number for number in numbers if number is not None]
    if len(known) < len(numbers):
        return _one_sample(source)
    # Several lines are a pod's network interfaces.
    return Value(sum(known), source.series)


def _one_sample(source: table.Source) -> Missing:
    return Missing("MetricsIncomplete", f"{source.series} has one sample in the window, two are needed")


def _number(how: table.How, line: Line, plan: queries.Plan) -> float | None:
    if how is table.How.RATE:
        return samples.rate(line)
    if how is table.How.PEAK_RATE:
        return samples.peak_rate(line, plan.gap_limit)
    if how is table.How.MAX:
        return max(value for _, value in line.points)
    return line.points[-1][1]


def _share(metric: table.Metric, plan: queries.Plan, answers: Answers) -> Value | Missing:
    increases: list[float] = []
    for source in metric.sources:
        lines = _lines(source, plan, answers)
        if isinstance(lines, Missing):
            return lines
        if len(lines[0].points) < 2:
            return _one_sample(source)
        increases.append(samples.increase(lines[0]))
    part, whole = increases
    if whole <= 0:
        return Missing("NotANumber", f"{metric.sources[1].series} did not grow in the window")
    return Value(part / whole, metric.sources[0].series)


def _lines(source: table.Source, plan: queries.Plan, answers: Answers) -> list[Line] | Missing:
    """The lines of a source within the window: one, or one an interface; each without a gap."""
    found = figures.read(answers, f"{queries.SAMPLES}{source.series}")
    if isinstance(found, Missing):
        return found
    inside = [samples.within(series, plan.start, plan.end) for series in found]
    groups: dict[str, list[Series]] = {}
    for series in inside:
        if series.points:
            key = series.labels.get("interface", "") if source.scope is table.Scope.SANDBOX else ""
            groups.setdefault(key, []).append(series)
    if not groups:
        return Missing("NoSeries", f"Prometheus has no sample of {source.series} in the window")
    lines: list[Line] = []
    for group in groups.values():
        line = samples.join(group)
        if line is None:
            return figures.ambiguous(group)
        points = line.points
        if len(samples.finite(points)) < len(points):
            return Missing("NotANumber", f"{source.series} has a sample that is NaN or infinite")
        longest = samples.gap(points, plan.start, plan.end, plan.gap_limit)
        if longest is not None:
            return Missing("MetricsIncomplete", figures.gap_message(source.series, longest, plan.gap_limit))
        lines.append(line)
    return lines
