"""Vegeta's JSON report (`vegeta report -type=json`). Its times are in nanoseconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatebench_analysis.foreign.figures import Figures, count, divided, make, number

_TOOL = "Vegeta"
_LATENCIES = {
    "latency.mean": "mean",
    "latency.p50": "50th",
    "latency.p90": "90th",
    "latency.p95": "95th",
    "latency.p99": "99th",
    "latency.max": "max",
}
_NOTES = (
    "Vegeta's latencies are those of failures too, and counted from the send, not from when a request was due",
    "Vegeta estimates its percentiles (t-digest)",
)


def is_report(document: Any) -> bool:
    """Whether it has what only such a report has."""
    return isinstance(document, Mapping) and {"latencies", "requests", "success", "throughput"} <= document.keys()


def report(name: str, document: Mapping[str, Any]) -> Figures:
    """The figures of a report."""
    latencies = document["latencies"] if isinstance(document["latencies"], Mapping) else {}
    requests, success = count(document.get("requests")), number(document.get("success"))
    found: dict[str, float | None] = {
        metric: divided(number(latencies.get(key)), 1e9) for metric, key in _LATENCIES.items()
    }
    found |= {
        "throughput": number(document.get("throughput")),
        "errorRatio": None if success is None or success > 1 else 1 - success,
    }
    why: dict[str, str] = {}
    if not requests:
        found = dict.fromkeys(found)
        why = dict.fromkeys(found, "there was no request")
    ratio = found["errorRatio"]
    failures = None if ratio is None or requests is None else round(ratio * requests)
    return make(name, _TOOL, found, samples=requests, why=why, requests=requests, failures=failures, notes=_NOTES)
