"""Requests for each second of the client's CPU, and for each second: all load generators in turn, round after round."""

from __future__ import annotations

import math
import statistics
import sys
from typing import Any

from bench.engine import engine, rivals
from bench.engine.figures import Check, at_least, at_most
from bench.engine.lab import Lab
from bench.engine.shown import Part, Table, number

CONNECTIONS = (64, 512)
# Of what the engine is to reach, by the CPU's second.
TARGETS = {"wrk": 0.9, "hey": 2.5, "vegeta": 2.5, "locust": 15.0}
MOST_ALLOCATIONS = 2.0

Round = dict[str, dict[str, float]]


def measure(lab: Lab) -> Part:
    """The whole part."""
    rounds, seconds = (2, 1.0) if lab.quick else (5, 3.0)
    found: dict[str, Any] = {"rounds": rounds, "secondsEach": seconds, "connections": {}}
    tables, checks = [], []
    with lab.server() as server:
        for connections in CONNECTIONS:
            taken = []
            for turn in range(rounds):
                print(f"  {connections} connections, round {turn + 1}", file=sys.stderr, flush=True)
                taken.append({
                    name: _one(lab, name, server.url, connections, seconds) for name in ("engine", *rivals.NAMES)
                })  # fmt: skip
            found["connections"][str(connections)] = {"rounds": taken, "ratios": _ratios(taken)}
            tables.append(_table(connections, taken))
            checks += _checks(connections, taken)
    return Part(found, tables, checks)


def _one(lab: Lab, name: str, url: str, connections: int, seconds: float) -> dict[str, float]:
    more = {}
    if name == "engine":
        sent, run = engine.closed(lab, url, connections, seconds)
        if run.allocations is not None:
            more["allocationsEach"] = run.allocations
    else:
        sent = rivals.send(lab, name, url, connections, seconds)
    if sent.report.errors:
        raise SystemExit(f"{name} met {sent.report.errors} errors of {sent.report.requests} requests")
    return {"perSecond": sent.report.per_second, "perCpuSecond": sent.per_cpu_second, "cpuSeconds": sent.cpu, **more}


def _median(taken: list[Round], name: str, key: str) -> float:
    return statistics.median(one[name][key] for one in taken)


def _ratios(taken: list[Round]) -> dict[str, dict[str, float]]:
    """Engine over each of the others: medians of the rounds' own ratios."""
    return {
        name: {
            key: statistics.median(one["engine"][key] / one[name][key] for one in taken)
            for key in ("perSecond", "perCpuSecond")
        }
        for name in rivals.NAMES
    }


def _table(connections: int, taken: list[Round]) -> Table:
    ratios = _ratios(taken)
    rows = []
    for name in ("engine", *rivals.NAMES):
        row = [name, number(_median(taken, name, "perCpuSecond")), number(_median(taken, name, "perSecond"))]
        if name in ratios:
            row += [f"{ratios[name]['perCpuSecond']:.2f}", f"{ratios[name]['perSecond']:.2f}"]
        rows.append(row)
    head = ["", "requests a CPU-second", "requests/s", "engine is (CPU)", "engine is (rate)"]
    return Table(f"{connections} connections, medians of {len(taken)} rounds", head, rows)


def _checks(connections: int, taken: list[Round]) -> list[Check]:
    ratios = _ratios(taken)
    out = [
        at_least(f"engine / {name} a CPU-second, {connections} connections", ratios[name]["perCpuSecond"], bound)
        for name, bound in TARGETS.items()
    ]
    allocations = statistics.median(one["engine"].get("allocationsEach", math.inf) for one in taken)
    out.append(at_most(f"the engine's allocations a request, {connections} connections", allocations, MOST_ALLOCATIONS))
    return out
