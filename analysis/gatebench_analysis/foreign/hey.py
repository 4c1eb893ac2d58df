"""hey's CSV (`hey -o csv`): a row for each request, in seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gatebench_analysis import histograms
from gatebench_analysis.foreign.figures import QUANTILES, Figures, Unreadable, count, divided, make, number

COLUMNS = ("response-time", "status-code", "offset")
_TOOL = "hey"
_MOST_ROWS = 1_000_000
_LOST = "hey leaves requests without an answer (timeouts, broken connections) out of its CSV"
_ROUNDED = "hey rounds its times to 0.1 ms"


def requests(name: str, rows: Sequence[Mapping[str, str]]) -> Figures:
    """The figures of all requests; latencies are those of successes (a status below 400). Raises Unreadable."""
    seen: list[tuple[float, float, bool]] = []
    for line, row in enumerate(rows, 2):
        took, sent, status = number(row.get("response-time")), number(row.get("offset")), count(row.get("status-code"))
        if took is None or sent is None or status is None:
            raise Unreadable(f"line {line} of hey's CSV is cut off")
        seen.append((sent, sent + took, status < 400))
    good = [end - sent for sent, end, well in seen if well]
    seconds = max(end for _, end, _ in seen) - min(sent for sent, _, _ in seen) if seen else None
    samples = histograms.of_values(good)
    failed = len(seen) - len(good)
    found: dict[str, float | None] = {
        "throughput": divided(float(len(good)), seconds),
        "errorRatio": divided(float(failed), len(seen)),
        "latency.mean": samples.mean(),
        "latency.max": samples.max_seconds,
    }
    for quantile in QUANTILES:
        at = samples.quantile(round(QUANTILES[quantile] * 1000))
        found[f"latency.{quantile}"] = at[0] if at is not None else None
    why = {}
    if not good:
        none = "no request succeeded" if seen else "there was no request"
        why = {metric: none for metric in found if not seen or metric.startswith("latency.")}
    notes: tuple[str, ...] = (_LOST, _ROUNDED)
    if len(seen) >= _MOST_ROWS:
        notes = (*notes, f"hey keeps no more than {_MOST_ROWS:,} requests: its rates are too low")
    return make(name, _TOOL, found, samples=len(good), why=why, requests=len(seen), failures=failed, notes=notes)
