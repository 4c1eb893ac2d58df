"""The load document: what GET /v1/result gives. Missing is null, never 0."""

from __future__ import annotations

from typing import Any

from locust import __version__

from gatebench_locust.collector import Collector
from gatebench_locust.conductor import FAILED, Conductor, Record
from gatebench_locust.histogram import Histogram
from gatebench_locust.phases import DRAIN
from gatebench_locust.recorder import Row
from gatebench_locust.roster import Member, Roster

SCHEMA = "gatebench.dev/load/v1"


def build(conductor: Conductor, locust_requests: int, locust_failures: int) -> dict[str, Any]:
    """The whole document; Locust's own totals are checked against the histograms'."""
    collector, roster = conductor.collector, conductor.roster
    missing = sum(_missing(collector, member) for member in roster.members.values() if member.joined)
    agree = missing == 0 and collector.requests == locust_requests and collector.failures == locust_failures
    return {
        "schema": SCHEMA,
        "attempt": conductor.attempt,
        "engine": "Locust",
        "engineVersion": __version__,
        "outcome": conductor.outcome or FAILED,
        "message": conductor.message,
        "startedAt": conductor.started_at,
        "endedAt": conductor.ended_at,
        "phases": [_phase(record) for record in conductor.records],
        "expectedWorkers": conductor.plan.expected_workers,
        "workers": [_worker(collector, m) for m in roster.members.values() if m.joined],
        "requests": [_row(key, row) for key, row in sorted(collector.rows.items())],
        "errors": _errors(collector),
        "dispatchDelay": [
            {"phase": phase, "histogram": histogram.document()} for phase, histogram in sorted(collector.delay.items())
        ],
        "series": collector.series.document(),
        "integrity": {
            "locustRequests": locust_requests,
            "locustFailures": locust_failures,
            "histogramRequests": collector.requests,
            "histogramFailures": collector.failures,
            "agree": agree,
            "garbageMessages": roster.garbage,
            "foreignJoins": foreign(roster),
            "missingReports": missing,
        },
    }


def foreign(roster: Roster) -> list[dict[str, Any]]:
    """Those who were not taken."""
    return [{"id": name, "count": count} for name, count in sorted(roster.foreign.items())]


def _phase(record: Record) -> dict[str, Any]:
    return {
        "index": record.phase.index,
        "name": record.phase.name,
        "kind": record.phase.kind,
        "startedAt": record.started,
        "fullAt": record.full,
        "endedAt": record.ended,
        "users": None if record.phase.kind == DRAIN else record.phase.users,
    }


def _missing(collector: Collector, member: Member) -> int:
    """Reports that must have been sent and did not come: gaps, and the last one."""
    sums = collector.workers.get(member.id)
    gaps = sums.missing if sums is not None else 0
    return gaps + (0 if member.final else 1)


def _worker(collector: Collector, member: Member) -> dict[str, Any]:
    sums = collector.workers.get(member.id)
    mean = peak = waiting = None
    if sums is not None:
        mean = sums.cpu / sums.usable if sums.usable else None
        peak = sums.peak
        if sums.on_cpu is not None and sums.waited is not None:
            total = sums.on_cpu + sums.waited
            waiting = sums.waited / total if total > 0 else None
    return {
        "id": member.id,
        "host": member.host,
        "kind": member.kind,
        "lost": member.lost,
        "cpuRatioMean": mean,
        "cpuRatioMax": peak,
        "runQueueWaitRatio": waiting,
        "reports": sums.reports if sums is not None else 0,
        "missingReports": _missing(collector, member),
    }


def _row(key: tuple[int, bool, str, str, bool, bool], row: Row) -> dict[str, Any]:
    phase, settled, name, method, good, stream = key
    return {
        "phase": phase,
        "settled": settled,
        "name": name,
        "method": method,
        "outcome": "success" if good else "failure",
        "stream": stream,
        "count": row.count,
        "bytes": row.bytes,
        "latency": row.latency.document(),
        "ttft": _optional(row.ttft),
        "interToken": _optional(row.gaps),
        "outputTokens": row.tokens,
    }


def _optional(histogram: Histogram | None) -> dict[str, Any] | None:
    return None if histogram is None else histogram.document()


def _errors(collector: Collector) -> list[dict[str, Any]]:
    fields = ("phase", "settled", "name", "kind", "status", "message")
    rows = sorted(collector.errors.items(), key=lambda item: -item[1])
    return [dict(zip(fields, key, strict=True)) | {"count": count} for key, count in rows]
