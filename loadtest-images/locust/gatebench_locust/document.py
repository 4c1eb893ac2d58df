"""The load document: what GET /v1/result gives. Missing is null, never 0."""

from __future__ import annotations

from typing import Any

from locust import __version__

from gatebench_locust.collector import Collector
from gatebench_locust.conductor import Conductor
from gatebench_locust.guards import Guard
from gatebench_locust.histogram import Histogram
from gatebench_locust.phases import DRAIN
from gatebench_locust.plan import GO
from gatebench_locust.recorder import Row
from gatebench_locust.records import ABORTED, FAILED, Record
from gatebench_locust.roster import Member, Roster
from gatebench_locust.workers import Usage

SCHEMA = "gatebench.dev/load/v1"


def build(conductor: Conductor, locust_requests: int, locust_failures: int) -> dict[str, Any]:
    """The whole document; Locust's own totals are checked against the histograms'."""
    collector, roster = conductor.collector, conductor.roster
    missing = sum(_missing(collector, member) for member in roster.members.values() if member.joined)
    agree = missing == 0 and collector.requests == locust_requests and collector.failures == locust_failures
    return {
        "schema": SCHEMA,
        "attempt": conductor.attempt,
        "engine": conductor.plan.engine,
        "engineVersion": _version(conductor),
        "outcome": conductor.outcome or FAILED,
        "message": conductor.message,
        "startedAt": conductor.started_at,
        "endedAt": conductor.ended_at,
        "phases": [_phase(record) for record in conductor.records],
        "expectedWorkers": conductor.plan.expected_workers,
        "workers": [_worker(conductor, m) for m in roster.members.values() if m.joined],
        "requests": [_row(key, row) for key, row in sorted(collector.rows.items())],
        "errors": _errors(collector),
        "dispatchDelay": [
            {"phase": phase, "histogram": histogram.document()} for phase, histogram in sorted(collector.delay.items())
        ],
        "dropped": _dropped(conductor),
        "capacity": _capacity(conductor),
        "abort": _abort(conductor),
        "guards": [_guard(guard) | {"judged": count} for guard, count in conductor.guards.judged.items()],
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
        "users": _users(record),
        "rate": None if record.phase.rate is None else record.phase.rate.end,
        "spike": record.phase.spike,
        "repeat": record.phase.repeat,
    }


def _users(record: Record) -> int | None:
    phase = record.phase
    return None if phase.kind == DRAIN or phase.rate is not None else phase.burst or phase.users


def _version(conductor: Conductor) -> str | None:
    """The workers' own version where they are Go; of a mixed fleet all of them."""
    if conductor.plan.engine != GO:
        return str(__version__)
    known = {member.engine for member in conductor.roster.members.values() if member.joined and member.engine}
    return ", ".join(sorted(known)) or None


def _dropped(conductor: Conductor) -> list[dict[str, Any]]:
    """Arrivals that were due and not sent. Workers say nothing where there were none."""
    dropped = conductor.collector.dropped
    phases = {record.phase.index for record in conductor.records if record.phase.rate is not None} | set(dropped)
    return [{"phase": phase, "count": dropped.get(phase, 0)} for phase in sorted(phases)]


def _capacity(conductor: Conductor) -> dict[str, Any] | None:
    search = conductor.search
    if search is None:
        return None
    finding = search.finding()
    return {
        "requestsPerSecond": finding.rate,
        "bracket": [finding.low, finding.high],
        "limitedBy": list(finding.limited_by),
        "steps": [
            {
                "phase": conductor.search_phases[tried.step.number],
                "rate": tried.step.rate,
                "outcome": tried.outcome,
                "why": "; ".join(tried.why),
            }
            for tried in search.tried
        ],
        "message": finding.message,
    }


def _guard(guard: Guard) -> dict[str, Any]:
    return {"metric": guard.metric, "above": guard.above, "below": guard.below, "windowSeconds": guard.window}


def _abort(conductor: Conductor) -> dict[str, Any] | None:
    """The bound that ended the load."""
    breach = conductor.breach
    if breach is None or conductor.outcome != ABORTED:
        return None
    return _guard(breach.guard) | {"value": breach.value, "at": breach.at}


def _missing(collector: Collector, member: Member) -> int:
    """Reports that must have been sent and did not come: gaps, and the last one."""
    sums = collector.workers.get(member.id)
    gaps = sums.missing if sums is not None else 0
    return gaps + (0 if member.final else 1)


def _worker(conductor: Conductor, member: Member) -> dict[str, Any]:
    collector = conductor.collector
    sums = collector.workers.get(member.id)
    usage = sums.over(conductor.measured) if sums is not None else Usage()
    return {
        "id": member.id,
        "host": member.host,
        "kind": member.kind,
        "lost": member.lost,
        "cpuRatioMean": usage.cpu_ratio,
        "cpuRatioMax": usage.peak,
        "runQueueWaitRatio": usage.wait_ratio,
        "gcPauseSeconds": usage.gc_pause,
        "inFlightMax": usage.in_flight,
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
        "serviceTime": _optional(row.service),
        "outputTokens": row.tokens,
    }


def _optional(histogram: Histogram | None) -> dict[str, Any] | None:
    return None if histogram is None else histogram.document()


def _errors(collector: Collector) -> list[dict[str, Any]]:
    fields = ("phase", "settled", "name", "kind", "status", "message")
    rows = sorted(collector.errors.items(), key=lambda item: -item[1])
    return [dict(zip(fields, key, strict=True)) | {"count": count} for key, count in rows]
