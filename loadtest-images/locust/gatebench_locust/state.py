"""GET /v1/state: where the load is, and its figures of the last seconds."""

from __future__ import annotations

import time
from typing import Any

from gatebench_locust import phases
from gatebench_locust.conductor import Conductor
from gatebench_locust.plan import CLOSED
from gatebench_locust.records import FINISHED

SCHEMA = "gatebench.dev/state/v1"


def build(conductor: Conductor, result_ready: bool) -> dict[str, Any]:
    """The state now."""
    roster, runner, current = conductor.roster, conductor.runner, conductor.current
    now, monotonic = time.time(), time.monotonic()
    reason = conductor.outcome if conductor.outcome != FINISHED else None
    users = runner.user_count if runner is not None else 0
    return {
        "schema": SCHEMA,
        "now": now,
        "run": conductor.plan.uid,
        "attempt": conductor.attempt,
        "step": conductor.step,
        "phase": None if current is None else current.phase.index,
        "stage": None if current is None else current.phase.name,
        "repeat": None if current is None else current.phase.repeat,
        "repeats": conductor.plan.repeats.count,
        "repeatStartedAt": _repeat_started(conductor),
        "holding": conductor.gate.holding,
        "holdingSeconds": None if conductor.gate.since is None else round(monotonic - conductor.gate.since, 3),
        "expectedWorkers": conductor.plan.expected_workers,
        "workers": [
            {
                "id": member.id,
                "host": member.host,
                "pod": member.pod or None,
                "state": "lost" if member.lost else _state(conductor, member.id),
                "users": _users(conductor, member.id),
                "cpuRatio": member.cpu_ratio,
                "silentSeconds": round(monotonic - member.heard, 3),
            }
            for member in roster.members.values()
            if member.joined
        ],
        "lost": [member.id for member in roster.lost],
        "reason": reason,
        "message": conductor.message,
        "users": users,
        "targetUsers": conductor.target()[0],
        "targetRate": conductor.rate(),
        "elapsedSeconds": _elapsed(conductor, now),
        "totalSeconds": _total(conductor),
        "live": live(conductor, now),
        "resultReady": result_ready,
        "garbageMessages": roster.garbage,
        "foreignJoins": sum(roster.foreign.values()),
    }


def live(conductor: Conductor, now: float) -> dict[str, Any]:
    """Figures of the last ten seconds, and the totals."""
    collector = conductor.collector
    recent = (
        dict(collector.series.live(now))
        if conductor.loading
        else dict.fromkeys(("requestsPerSecond", "errorRatio", "p50Seconds", "p95Seconds", "p99Seconds"))
    )
    return recent | {
        "requests": collector.requests if conductor.begun else None,
        "failures": collector.failures if conductor.begun else None,
        "dropped": sum(collector.dropped.values()) if conductor.begun and conductor.plan.model != CLOSED else None,
        "inFlight": collector.in_flight if conductor.loading else None,
    }


def _total(conductor: Conductor) -> float:
    """A search may take less than its budget; how much less, nobody knows."""
    plan = conductor.plan
    budget = plan.capacity.budget if plan.capacity is not None else 0.0
    return phases.total_seconds(conductor.phases, plan.spawn_rate) + budget


def _repeat_started(conductor: Conductor) -> float | None:
    current = conductor.current
    if current is None:
        return None
    return next(record.started for record in conductor.records if record.phase.repeat == current.phase.repeat)


def _elapsed(conductor: Conductor, now: float) -> float:
    if conductor.started_at is None:
        return 0.0
    return (conductor.ended_at or now) - conductor.started_at


def _state(conductor: Conductor, member_id: str) -> str:
    node = conductor.runner.clients.get(member_id)
    return str(node.state) if node is not None else "missing"


def _users(conductor: Conductor, member_id: str) -> int:
    node = conductor.runner.clients.get(member_id)
    return int(node.user_count) if node is not None else 0
