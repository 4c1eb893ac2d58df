"""Load documents, probe reports and figures of Prometheus as they are received, for the tests of the analysis."""

from __future__ import annotations

import dataclasses
import functools
import random
from collections.abc import Iterable, Mapping
from typing import Any

from gatebench_analysis import histograms
from gatebench_analysis.assemble import Inputs, RunInfo, assemble
from gatebench_analysis.document import Result
from gatebench_analysis.evidence import Facts
from gatebench_analysis.objectives import Objective

START = 1_700_000_000.0
GATEWAY = "a" * 64
PROBE = "b" * 64


def histogram(values: Iterable[float]) -> dict[str, Any]:
    """HIST of the load document, of values in seconds."""
    return dict(_histogram(tuple(values)))


@functools.cache
def _histogram(values: tuple[float, ...]) -> dict[str, Any]:
    return histograms.encode(histograms.of_values(values)).model_dump(by_alias=True)


def row(phase: int, values: Iterable[float], **given: Any) -> dict[str, Any]:
    """A row of requests with these latencies in seconds."""
    seen = list(values)
    return {
        "phase": phase,
        "settled": True,
        "name": "chat",
        "method": "POST",
        "outcome": "success",
        "stream": False,
        "count": len(seen),
        "bytes": 100 * len(seen),
        "latency": histogram(seen),
        "ttft": None,
        "interToken": None,
        "outputTokens": None,
        **given,
    }


@functools.cache
def latencies(count: int, seed: int = 1, median: float = 0.05) -> tuple[float, ...]:
    """Log-normal latencies in seconds."""
    source = random.Random(seed)
    return tuple(median * source.lognormvariate(0.0, 0.3) for _ in range(count))


def phase(index: int, kind: str, begin: float, end: float, **given: Any) -> dict[str, Any]:
    """A phase; times are seconds after the start."""
    return {
        "index": index,
        "name": given.pop("name", kind.lower()),
        "kind": kind,
        "startedAt": START + begin,
        "fullAt": START + begin if kind == "Stage" else None,
        "endedAt": START + end,
        "users": 50,
        **given,
    }


def worker(**given: Any) -> dict[str, Any]:
    """A worker with nothing to complain of."""
    return {
        "id": "worker-0",
        "host": "10.0.0.1",
        "kind": "Python",
        "lost": False,
        "cpuRatioMean": 0.3,
        "cpuRatioMax": 0.4,
        "runQueueWaitRatio": 0.02,
        "reports": 90,
        "missingReports": 0,
        **given,
    }


def load(**given: Any) -> dict[str, Any]:
    """10 s of warm-up with 200 requests, 80 s of a stage with 4,690 successes and 10 failures, a drain."""
    document = {
        "schema": "gatebench.dev/load/v1",
        "attempt": "1",
        "engine": "Locust",
        "engineVersion": "2.47.0",
        "outcome": "Finished",
        "message": "",
        "startedAt": START,
        "endedAt": START + 91,
        "phases": [
            phase(0, "WarmUp", 0, 10),
            phase(1, "Stage", 10, 90, name="hold"),
            phase(2, "Drain", 90, 91, users=None),
        ],
        "expectedWorkers": 2,
        "workers": [worker(), worker(id="worker-1")],
        "requests": [
            row(0, latencies(200, seed=2)),
            row(1, latencies(4690)),
            row(1, latencies(10, seed=3, median=0.01), outcome="failure"),
        ],
        "errors": [
            {"phase": 1, "settled": True, "name": "chat", "kind": "http", "status": 500, "message": "boom", "count": 10}
        ],
        "dispatchDelay": [{"phase": 1, "histogram": histogram([0.0002] * 4700)}],
        "series": {
            "stepSeconds": 1,
            "columns": ["at", "users", "requests", "failures", "p50Seconds", "p95Seconds", "p99Seconds"],
            "rows": [[START + second, 50, 58, 0, 0.05, 0.08, 0.1] for second in range(90)],
        },
        "integrity": {
            "locustRequests": 4900,
            "locustFailures": 10,
            "histogramRequests": 4900,
            "histogramFailures": 10,
            "agree": True,
            "garbageMessages": 0,
            "foreignJoins": [],
            "missingReports": 0,
        },
    }
    return {**document, **given}


def open_load(**given: Any) -> dict[str, Any]:
    """10 s of warm-up, then 80 s at 60 arrivals a second: 4,690 successes and 10 failures, nothing dropped."""
    settled = {"users": None, "rate": 60.0, "spike": False}
    document = load(
        engine="Go",
        engineVersion="0.1.0",
        phases=[
            phase(0, "WarmUp", 0, 10, **settled),
            phase(1, "Stage", 10, 90, name="hold", **settled),
            phase(2, "Drain", 90, 91, users=None, rate=None),
        ],
        workers=[go_worker(), go_worker(id="worker-1")],
        requests=[
            row(0, latencies(200, seed=2)),
            row(1, latencies(4690), serviceTime=histogram(latencies(4690, seed=5, median=0.045))),
            row(1, latencies(10, seed=3, median=0.01), outcome="failure"),
        ],
        dropped=[{"phase": 0, "count": 0}, {"phase": 1, "count": 0}],
        capacity=None,
    )
    return {**document, **given}


def go_worker(**given: Any) -> dict[str, Any]:
    """A worker of the Go engine with nothing to complain of."""
    return worker(**{"kind": "Go", "gcPauseSeconds": 0.002, "inFlightMax": 9, **given})


STEPS = ((50, "Held"), (100, "Failed"), (75, "Held"), (80, "Failed"), (75, "Held"), (75, "Held"))
"""Rates of a search and how they ended; the last two confirmed."""


def search(steps: Iterable[tuple[float, str]] = STEPS, confirmed: int = 2, **capacity: Any) -> dict[str, Any]:
    """A search for a capacity: each step settles for 2 s and is measured for 10 s; its median is its rate in ms."""
    tried, phases, requests, found = list(steps), [phase(0, "WarmUp", 0, 10, users=None, rate=50.0)], [], []
    for number, (rate, outcome) in enumerate(tried, 1):
        begin, index = 12.0 * number, 2 * number
        last = number > len(tried) - confirmed
        name, course = f"step-{number}", {"users": None, "rate": rate, "spike": False}
        phases.append(phase(index - 1, "Search", begin - 2, begin, name=f"{name}-settle", **course))
        phases.append(
            phase(index, "Stage" if last else "Search", begin, begin + 10, name=name, fullAt=START + begin, **course)
        )
        requests.append(row(index - 1, latencies(int(2 * rate), seed=number), settled=False))
        requests.append(row(index, latencies(int(10 * rate), seed=number, median=rate / 1000)))
        why = "" if outcome == "Held" else f"latency.p50 {rate / 1000:g} s is above 0.078 s"
        found.append({"phase": index, "rate": rate, "outcome": outcome, "why": why})
    low = max((rate for rate, outcome in tried if outcome == "Held"), default=None)
    high = min((rate for rate, outcome in tried if outcome != "Held"), default=None)
    answer = {
        "requestsPerSecond": low if confirmed else None,
        "bracket": [low, high],
        "limitedBy": [one["why"] for one in found if one["rate"] == high][:1],
        "steps": found,
        "message": "",
        **capacity,
    }
    ended = START + 12.0 * len(tried) + 10
    return open_load(
        phases=phases,
        requests=requests,
        errors=[],
        dropped=[{"phase": one["index"], "count": 0} for one in phases],
        capacity=answer,
        dispatchDelay=[{"phase": 2 * len(tried), "histogram": histogram([0.0002] * 500)}],
        endedAt=ended,
    )


def probe(seconds: int = 95, cpus: tuple[int, ...] = (1,), **given: Any) -> dict[str, Any]:
    """A report whose gateway uses 0.6 of a core, others 1 % of it."""
    times = [START - 2 + second for second in range(seconds)]
    allowed = ",".join(map(str, cpus))
    rate = given.pop("busy", 0.61)
    report = {
        "schema": "gatebench.dev/probe/v1",
        "now": times[-1] + 0.5,
        "startedAt": START - 60,
        "intervalSeconds": 1.0,
        "self": {"containerId": PROBE, "cpusAllowed": "0", "cpus": [0]},
        "online": [0, *cpus],
        "siblings": {str(cpu): [cpu] for cpu in cpus},
        "containers": [
            {
                "id": GATEWAY,
                "processes": 3,
                "cpusAllowed": allowed,
                "cpus": list(cpus),
                "changes": [],
                "columns": ["at", "cpuSeconds", "waitSeconds", "rssBytes", "peakBytes", "swapBytes", "threads"],
                "samples": [
                    [at, 5 + 0.6 * index, 0.1 + 0.03 * index, 4e8 + index * 1e5, 5e8, 0, 20]
                    for index, at in enumerate(times)
                ],
            }
        ],
        "cpus": {
            "columns": ["at", "busySeconds", "stealSeconds", "irqSeconds"],
            "samples": {
                str(cpu): [[at, 100 + rate / len(cpus) * i, 1 + 0.001 * i, 2 + 0.002 * i] for i, at in enumerate(times)]
                for cpu in cpus
            },
        },
    }
    return {**report, **given}


@dataclasses.dataclass(frozen=True)
class Resources:
    """What the operator reads from Prometheus."""

    values: Mapping[str, float] = dataclasses.field(default_factory=dict)
    missing: Mapping[str, str] = dataclasses.field(default_factory=dict)
    not_applicable: Mapping[str, str] = dataclasses.field(default_factory=dict)
    series: Mapping[str, list[tuple[float, float]]] = dataclasses.field(default_factory=dict)
    sources: Mapping[str, str] = dataclasses.field(default_factory=dict)
    above: Mapping[str, float] = dataclasses.field(default_factory=dict)


def resources(**given: Any) -> Resources:
    """All that Prometheus tells about a gateway on exclusive cores."""
    known: dict[str, Any] = {
        "values": {
            "gateway.cpu.mean": 0.58,
            "gateway.cpu.max": 0.64,
            "gateway.memory.peak": 4.6e8,
            "gateway.memory.end": 4.1e8,
            "gateway.network.receive": 1.2e5,
            "gateway.network.transmit": 2.4e5,
        },
        "sources": {"gateway.cpu.mean": "container_cpu_usage_seconds_total"},
        "not_applicable": {"gateway.throttledRatio": "no quota"},
        "missing": {"gateway.pressure.cpu": "NoSeries: none"},
        "series": {"gateway.cpu": [(START + 15 * step, 0.6) for step in range(6)]},
    }
    return Resources(**{**known, **given})


FACTS = Facts(
    isolation="Required",
    isolated=True,
    cpus=1,
    gateway_container_id=GATEWAY,
    gateway_restarts=0,
    expected_workers=2,
)
SPEC: dict[str, Any] = {
    "gateway": {"image": "litellm", "port": 4000, "cpus": 1},
    "workload": {"requests": [{"name": "chat"}]},
    "load": {"workers": 2, "thinkTime": {"min": "500ms", "max": "1s"}},
}
OBJECTIVES = (
    Objective("throughput", target_above=50, fail_below=30, texts={"targetAbove": "50", "failBelow": "30"}),
    Objective("latency.p95", warn_above=0.2, texts={"warnAbove": "200ms"}),
    Objective("gateway.memory.peak", target_below=2**30, texts={"targetBelow": "1Gi"}),
)


def inputs(**given: Any) -> Inputs:
    """A run with nothing to complain of."""
    known: dict[str, Any] = {
        "run": RunInfo(name="demo", namespace="team", uid="uid-1", spec_hash="1234abcd", spec=SPEC),
        "load": load(),
        "probe": probe(),
        "resources": resources(),
        "environment": {"node": "n1", "cpuModel": "a CPU", "kernel": "6.1", "kubelet": "v1.35.0", "colocated": True},
        "objectives": OBJECTIVES,
        "facts": FACTS,
    }
    return Inputs(**{**known, **given})


def result(**given: Any) -> Result:
    """The result of such a run."""
    return assemble(inputs(**given))


def facts(**given: Any) -> Facts:
    """FACTS with changes."""
    return dataclasses.replace(FACTS, **given)
