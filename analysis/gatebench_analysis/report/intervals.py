"""Every run as a dot beside the reference's median, with the interval of each variant and the tolerance."""

from __future__ import annotations

import dataclasses
import math
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence

from gatebench_analysis import metrics, quantities, regression
from gatebench_analysis.record import Record, Row
from gatebench_analysis.report import bullets, scales
from gatebench_analysis.report.tables import Table

_TOP, _BOTTOM = 8.0, 28.0  # pixels of a line of dots: the first round is on top
_DEFAULT_TOLERANCE = 0.03
_CHANGE = re.compile(r"[-+0-9.,e]+ (%|points) \([^)]*\)(: )?")


@dataclasses.dataclass(frozen=True)
class Line:
    """A variant in a metric. Places are percent of the line; None: it is not known."""

    variant: str
    index: int
    """Of the variant, for its colour and sign."""
    dots: Sequence[tuple[float, float, str]]
    """(place, height in pixels, words)."""
    middle: float | None
    low: float | None
    high: float | None
    value: str
    change: str
    verdict: str
    label: str
    """The line in words."""


@dataclasses.dataclass(frozen=True)
class Plot:
    """A metric: one line a variant, on one scale."""

    metric: str
    direction: str
    lines: Sequence[Line]
    zero: float
    band: tuple[float, float] | None
    """(start, width) of what counts as the same."""
    ticks: Sequence[tuple[float, str]]
    tolerance: str


def unit(metric: str) -> str:
    """Its SI unit; empty where the metric is not known."""
    found = metrics.find(metric)
    return found.unit if found is not None else ""


def words(metric: str, value: float | None) -> str:
    """A value of a metric."""
    return quantities.text(value, unit(metric), metric)


def table(record: Record) -> Table | None:
    """Each metric of each variant beside the reference."""
    if not record.table:
        return None
    head = ["Metric", "Variant", "Median", "Reference", "Ratio", "Interval", "Tolerance", "Verdict", "Why"]
    order = record.metrics
    allowed = tolerances(record)
    rows = [
        [
            row.metric,
            row.variant,
            quantities.text(row.median, row.unit, row.metric),
            quantities.text(row.reference_median, row.unit, row.metric),
            ratio(row),
            interval(row),
            _allowed(row.metric, allowed.get(row.metric)),
            row.verdict,
            _CHANGE.sub("", row.display, count=1) if row.display else "",
        ]
        for row in sorted(record.table, key=lambda row: order.index(row.metric))
    ]
    return Table(head, rows, words=2)


def ratio(row: Row) -> str:
    """1.291 (+29.1 %); of shares the difference in percentage points."""
    if row.ratio is None:
        return quantities.MISSING
    if regression.is_absolute(row.metric):
        return scales.points(row.ratio)
    return f"{row.ratio:.3f} ({scales.percent(row.ratio - 1)})"


def interval(row: Row) -> str:
    """1.280 to 1.300, or in percentage points."""
    if row.low is None or row.high is None:
        return quantities.MISSING
    if regression.is_absolute(row.metric):
        return f"{scales.points(row.low)} to {scales.points(row.high)}"
    return f"{row.low:.3f} to {row.high:.3f}"


def tolerances(record: Record) -> dict[str, float]:
    """Of each metric of the table, as a share."""
    spec, names = record.spec, [row.metric for row in record.table]
    given = spec.get("tolerances")
    own = given if isinstance(given, Mapping) else {}
    known = {str(name): bound for name, text in own.items() if (bound := _share(text)) is not None}
    default = _share(spec.get("tolerance"))
    return regression.tolerances(names, _DEFAULT_TOLERANCE if default is None else default, known)


def _share(text: object) -> float | None:
    bound = bullets.bound_value(str(text), "ratio")
    return bound if bound is not None and 0 <= bound < 1 else None


def _allowed(metric: str, tolerance: float | None) -> str:
    if tolerance is None:
        return quantities.MISSING
    size = f"{quantities.digits(100 * tolerance)} points" if regression.is_absolute(metric) else None
    return f"\N{PLUS-MINUS SIGN} {size or quantities.ratio(tolerance)}"


def plots(record: Record) -> list[Plot]:
    """One for each metric of the table that the reference has."""
    allowed = tolerances(record)
    return [
        plot
        for name in dict.fromkeys(row.metric for row in record.table)
        if (plot := _plot(record, name, allowed.get(name))) is not None
    ]


def _plot(record: Record, metric: str, tolerance: float | None) -> Plot | None:
    reference = [value for _, value in record.values(record.names[0], metric)] if record.names else []
    if not reference:
        return None
    middle = statistics.median(reference)
    rows = {row.variant: row for row in record.table if row.metric == metric}
    edges = _edges(metric, tolerance)
    each = [(index, name, _shifts(record, name, metric, middle)) for index, name in enumerate(record.names)]
    dots = [shifted for *_, shifts in each for _, _, shifted in shifts]
    if not dots:
        return None
    bounds = [scales.of_estimate(metric, end) for row in rows.values() for end in (row.low, row.ratio, row.high)]
    line = scales.scale(metric, [*dots, *(edges or ()), *(end for end in bounds if end is not None)])
    band = None if edges is None else (line.place(edges[0]), line.place(edges[1]) - line.place(edges[0]))
    in_points = ", in percentage points" if line.absolute else ""
    return Plot(
        metric=metric,
        direction=f"{'more' if regression.more_is_better(metric) else 'less'} is better{in_points}",
        lines=[_line(metric, line, name, index, shifts, rows.get(name)) for index, name, shifts in each],
        zero=line.place(0.0),
        band=band,
        ticks=line.ticks(),
        tolerance=_allowed(metric, tolerance),
    )


def _edges(metric: str, tolerance: float | None) -> tuple[float, float] | None:
    """Of what counts as the same, as shifts."""
    if not tolerance:
        return None
    if regression.is_absolute(metric):
        return -tolerance, tolerance
    return math.log1p(-tolerance), math.log1p(tolerance)


def _shifts(record: Record, variant: str, metric: str, middle: float) -> list[tuple[int, float, float]]:
    """(round, value, shift) of what stands on the line."""
    seen = ((number, value, scales.shift(metric, value, middle)) for number, value in record.values(variant, metric))
    return [(number, value, shifted) for number, value, shifted in seen if shifted is not None]


def _line(
    metric: str,
    line: scales.Scale,
    name: str,
    index: int,
    shifts: Sequence[tuple[int, float, float]],
    row: Row | None,
) -> Line:
    ends = (row.low, row.ratio, row.high) if row is not None else (None, None, None)
    known = [scales.of_estimate(metric, end) for end in ends]
    low, middle, high = (None if end is None else line.place(end) for end in known)
    median = statistics.median(value for _, value, _ in shifts) if shifts else None
    return Line(
        variant=name,
        index=index,
        dots=tuple(_dots(metric, line, shifts)),
        middle=middle,
        low=low,
        high=high,
        value=words(metric, median),
        change=f"{ratio(row)}, {interval(row)}" if row is not None and row.low is not None else "",
        verdict=row.verdict if row is not None else "",
        label=_label(metric, name, len(shifts), words(metric, median), row),
    )


def _dots(
    metric: str, line: scales.Scale, shifts: Sequence[tuple[int, float, float]]
) -> Iterator[tuple[float, float, str]]:
    for at, (number, value, shifted) in enumerate(shifts):
        height = (_TOP + _BOTTOM) / 2 if len(shifts) < 2 else _TOP + (_BOTTOM - _TOP) * at / (len(shifts) - 1)
        told = f"round {number}: {words(metric, value)} ({scales.change(metric, shifted)})"
        yield line.place(shifted), round(height, 1), told


def _label(metric: str, name: str, count: int, median: str, row: Row | None) -> str:
    said = f"{metric} of {name}, {count} runs: median {median}"
    if row is None:
        return f"{said}."
    told = f", interval {interval(row)}" if row.low is not None else ""
    return f"{said}; against {row.reference} {ratio(row)}{told}: {row.verdict}."
