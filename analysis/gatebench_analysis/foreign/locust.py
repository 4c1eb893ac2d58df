"""Locust's CSVs: `PREFIX_stats.csv`, and `PREFIX_stats_history.csv` with a row for each second.

Its times are in milliseconds, rounded (above 100 ms to two digits), and its percentiles and rates hold failures too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gatebench_analysis.foreign.figures import Figures, Unreadable, count, divided, make, number

STATS = ("Type", "Name", "Request Count", "Failure Count", "Requests/s", "Failures/s")
HISTORY = ("Timestamp", "User Count", "Type", "Name", "Total Request Count", "Total Failure Count")
_TOOL = "Locust"
_ALL = "Aggregated"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_PERCENTILES = {
    "latency.p50": "50%",
    "latency.p90": "90%",
    "latency.p95": "95%",
    "latency.p99": "99%",
    "latency.p99.9": "99.9%",
}
_NOTES = (
    "Locust rounds its percentiles: to whole milliseconds, above 100 ms to two digits",
    "Locust's latencies are those of failures too, and of its warm-up; the last second is not in its CSVs",
)
_MIXED = "the row Aggregated mixes requests with {}, and percentiles cannot be told apart"


def stats(name: str, rows: Sequence[Mapping[str, str]]) -> Figures:
    """The figures of `_stats.csv`: of the row Aggregated, as long as it is about HTTP requests alone."""
    parts = [row for row in rows if row.get("Name") != _ALL and count(row.get("Request Count"))]
    other = sorted({row.get("Type") or "?" for row in parts if row.get("Type") not in _METHODS})
    http = [row for row in parts if row.get("Type") in _METHODS]
    if not other:
        whole = next((row for row in rows if row.get("Name") == _ALL), None)
        if whole is None:
            raise Unreadable("Locust's row Aggregated is not in it: was Locust stopped before it could write?")
        return _of(name, whole)
    if len(http) == 1:
        return _of(name, http[0], f"without rows of type {', '.join(other)}, which are no HTTP requests")
    added: dict[str, str] = {}
    for column in ("Request Count", "Failure Count", "Requests/s", "Failures/s"):
        values = [number(row.get(column)) for row in http]
        if http and None not in values:
            added[column] = repr(sum(value for value in values if value is not None))
    mixed = _MIXED.format(f"rows of type {', '.join(other)}")
    why = dict.fromkeys((*_PERCENTILES, "latency.mean", "latency.max"), mixed)
    return _of(name, added, f"without rows of type {', '.join(other)}, which are no HTTP requests", why)


def _of(name: str, row: Mapping[str, str], note: str = "", why: Mapping[str, str] | None = None) -> Figures:
    requests, failures = count(row.get("Request Count")), count(row.get("Failure Count"))
    rate, failed = number(row.get("Requests/s")), number(row.get("Failures/s"))
    found = {metric: divided(number(row.get(column)), 1000) for metric, column in _PERCENTILES.items()} | {
        "throughput": None if rate is None or failed is None else max(rate - failed, 0.0),
        "errorRatio": divided(None if failures is None else float(failures), requests),
        "latency.mean": divided(number(row.get("Average Response Time")), 1000),
        "latency.max": divided(number(row.get("Max Response Time")), 1000),
    }
    if not requests:
        found = dict.fromkeys(found)
        why = dict.fromkeys(found, "there was no request")
    notes = (*_NOTES, note) if note else _NOTES
    return make(name, _TOOL, found, samples=requests, why=why, requests=requests, failures=failures, notes=notes)


def history(name: str, rows: Sequence[Mapping[str, str]]) -> Figures:
    """The figures of `_stats_history.csv`, from its first row with requests to its last.

    Percentiles are those of the whole run only where the history has the row Aggregated alone: with
    --csv-full-history they are of the last seconds.
    """
    known = [row for row in rows if row.get("Name") == _ALL]
    if not known:
        raise Unreadable("Locust's rows Aggregated are not in it: was Locust stopped before it could write?")
    first, last = next((row for row in known if _total(row, "Request")), known[-1]), known[-1]
    requests, failures = _total(last, "Request"), _total(last, "Failure")
    start, end = number(first.get("Timestamp")), number(last.get("Timestamp"))
    seconds = None if start is None or end is None else end - start
    whole = len(known) == len(rows)
    found: dict[str, float | None] = {
        "throughput": divided(_successes(first, last), seconds),
        "errorRatio": divided(None if failures is None else float(failures), requests),
        "latency.mean": divided(number(last.get("Total Average Response Time")), 1000),
        "latency.max": divided(number(last.get("Total Max Response Time")), 1000),
        "latency.p50": divided(number(last.get("Total Median Response Time")), 1000),
    }
    why = {"throughput": "the history has one row with requests"}
    for metric, column in _PERCENTILES.items():
        if metric not in found:
            found[metric] = divided(number(last.get(column)), 1000) if whole else None
            why[metric] = "a full history has the percentiles of its last seconds alone: give _stats.csv"
    if not requests:
        found, why = dict.fromkeys(found), dict.fromkeys(found, "there was no request")
    return make(name, _TOOL, found, samples=requests, why=why, requests=requests, failures=failures, notes=_NOTES)


def _total(row: Mapping[str, str], what: str) -> int | None:
    return count(row.get(f"Total {what} Count"))


def _successes(first: Mapping[str, str], last: Mapping[str, str]) -> float | None:
    """Between two rows."""
    totals = [_total(row, what) for row in (last, first) for what in ("Request", "Failure")]
    known = [total for total in totals if total is not None]
    return None if len(known) < len(totals) else float(known[0] - known[1] - (known[2] - known[3]))
