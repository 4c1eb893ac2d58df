"""The frontier of a capacity search: latency against the rate that was asked for."""

from __future__ import annotations

from gatebench_analysis import quantities
from gatebench_analysis.document import Result
from gatebench_analysis.report.charts import Band, Chart, Curve, Line


def chart(result: Result) -> Chart | None:
    """Percentiles by rate; None where nothing was searched for. Of a rate that was tried again the last counts."""
    by_rate = {point.rate: point for point in result.frontier if point.rate is not None}
    points = [by_rate[rate] for rate in sorted(by_rate)]
    if not points:
        return None
    rates = [point.rate or 0.0 for point in points]
    curves = [
        Curve("p50", [point.p50_seconds for point in points], 0, points=True),
        Curve("p95", [point.p95_seconds for point in points], 1, points=True),
        Curve("p99", [point.p99_seconds for point in points], 2, points=True),
    ]
    capacity = result.capacity
    found = capacity.requests_per_second if capacity is not None else None
    high = capacity.high if capacity is not None else None
    bands = [Band(high, max(rates), "did not hold", counted=False)] if high is not None else []
    least = "at least " if capacity is not None and capacity.open_ended else ""
    lines = [Line(f"capacity {least}{quantities.text(found, '1/s')}", x=found)] if found is not None else []
    if found is not None:
        why = ", which is maxRate: more was not tried" if least else ""
        words = f"All objectives hold up to {quantities.text(found, '1/s')}{why}."
    else:
        words = f"No capacity was found: {capacity.message if capacity is not None else ''}".rstrip(": ") + "."
    if high is not None:
        words += f" {quantities.text(high, '1/s')} did not hold."
    return Chart(
        id="frontier",
        title="Latency by rate",
        axis="rate",
        unit="s",
        x=rates,
        curves=curves,
        summary=words,
        bands=bands,
        lines=lines,
        named_bands=True,
    )
