"""Cells of tables for terminals and pages: a metric in words, its upper bound, and rows as aligned lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gatebench_analysis import metrics, quantities
from gatebench_analysis.document import Result
from gatebench_analysis.loadfigures import StageFigures
from gatebench_analysis.observation import Measured, NotApplicable

_PERCENTILES = ("p50", "p95", "p99")
BOUNDED = "In brackets: the upper bound at 99 % confidence"


def columns(rows: Iterable[Sequence[str]], indent: str = "") -> list[str]:
    """Rows of cells as aligned lines."""
    cells = [list(row) for row in rows]
    widths: list[int] = []
    for row in cells:
        for index, cell in enumerate(row):
            if index == len(widths):
                widths.append(0)
            widths[index] = max(widths[index], len(cell))
    return [indent + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=False)).rstrip() for row in cells]


def value(result: Result, name: str, stage: str | None = None) -> str:
    """A metric with its unit; a dash where it is missing."""
    metric, seen = metrics.find(name), metrics.observe(result, name, stage)
    if not isinstance(seen, Measured) or metric is None:
        return "n/a" if isinstance(seen, NotApplicable) else quantities.MISSING
    return seen.note if seen.above and seen.note else quantities.text(seen.value, metric.unit, name)


def percentile(result: Result, name: str) -> str:
    """A percentile with its upper bound in brackets, where that is known."""
    seen = metrics.observe(result, f"{name}.upper")
    known = seen.value if isinstance(seen, Measured) and not seen.above else None
    return bounded(value(result, name), quantities.seconds(known))


def of_stage(stage: StageFigures) -> list[str]:
    """p50, p95 and p99 of a stage, in the same way."""
    each = (
        (stage.p50_seconds, stage.p50_upper_seconds),
        (stage.p95_seconds, stage.p95_upper_seconds),
        (stage.p99_seconds, stage.p99_upper_seconds),
    )
    return [bounded(quantities.seconds(one), quantities.seconds(bound)) for one, bound in each]


def bounded(words: str, bound: str) -> str:
    """81.2 ms (83.9 ms); without a bound as it is."""
    return words if bound == quantities.MISSING else f"{words} ({bound})"


def headed(head: Sequence[str], rows: Iterable[Sequence[str]], words: str) -> list[str]:
    """The head of a table; columns of percentiles that have bounds say so in `words`."""
    shown = list(rows)
    has = [name.lower() in _PERCENTILES and any(row[i].endswith(")") for row in shown) for i, name in enumerate(head)]
    return [f"{name} ({words})" if bound else name for name, bound in zip(head, has, strict=True)]
