"""The run beside its baseline, as a table."""

from __future__ import annotations

import dataclasses

from gatebench_analysis import quantities
from gatebench_analysis.baseline import BaselineMetric
from gatebench_analysis.document import Result
from gatebench_analysis.outputs import words
from gatebench_analysis.regression import MetricVerdict
from gatebench_analysis.report import headline
from gatebench_analysis.report.tables import Table


@dataclasses.dataclass(frozen=True)
class Against:
    """What stands in its section of the page."""

    verdict: str
    source: str
    why: str
    table: Table | None


def against(result: Result) -> Against | None:
    """None where the run has no baseline."""
    found = result.baseline
    if found is None:
        return None
    head = ["Metric", "Verdict", "Baseline", "This run", "Change", "Interval", "Why"]
    rows = [_row(one) for one in found.metrics]
    note = "Of the repeats; each bound of an interval holds at 95 %."
    table = Table(head, rows, words=2, note=note, last_is_words=True) if rows else None
    source = f"{found.source} ({found.run})" if found.run else found.source
    return Against(found.verdict, source, headline.sentence(found.why), table)


def _row(one: BaselineMetric) -> list[str]:
    told = MetricVerdict(
        metric=one.metric,
        unit=one.unit,
        verdict=one.verdict,
        baseline=one.baseline,
        current=one.current,
        ratio=one.ratio,
        low=one.low,
        high=one.high,
        tolerance=one.tolerance,
        why=one.why,
    )
    values = [quantities.text(value, one.unit, one.metric) for value in (one.baseline, one.current)]
    return [one.metric, one.verdict, *values, words.change(told), words.interval(told), one.why]
