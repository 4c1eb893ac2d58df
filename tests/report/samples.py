"""Results that look like real ones, for the pages' tests: mixed, failed, not valid, repeated, a search, a day."""

from __future__ import annotations

import math
import random
from typing import Any

from pydantic.alias_generators import to_snake

from gatebench_analysis import metrics
from gatebench_analysis.document import Figure, Result
from gatebench_analysis.load import Series
from gatebench_analysis.objectives import Objective
from gatebench_analysis.report import bullets
from unit.analysis import builders
from unit.analysis.builders import START, latencies, phase, row

HOSTILE = "</script><script>document.title='pwned'</script><img src=x onerror=alert(1)>"
SPEC: dict[str, Any] = {
    "gateway": {"image": "localhost/gatebench/litellm:1.106.2", "port": 4000, "cpus": 1, "memory": "1Gi"},
    "upstream": {"mock": {"latency": "50ms", "outputTokens": 64}},
    "workload": {"requests": [{"name": "chat", "api": "OpenAIChat", "model": "demo", "promptTokens": 100}]},
    "load": {
        "workers": 2,
        "thinkTime": {"min": "500ms", "max": "1s"},
        "warmUp": "10s",
        "stages": [{"duration": "40s", "users": 50}, {"duration": "40s", "users": 80}],
    },
    "objectives": [{"metric": "latency.p95", "targetBelow": "180ms", "warnAbove": "200ms", "failAbove": "300ms"}],
}
ENVIRONMENT = {
    "node": "node-0",
    "cpuModel": "AMD EPYC 7B13",
    "kernel": "6.1.0-28-amd64",
    "kubelet": "v1.35.0",
    "os": "Debian GNU/Linux 12",
    "cpuset": "1",
    "isolation": "Proven",
    "isolationProof": "CPU 1 is in no other container's set",
    "colocated": True,
    "images": {"gateway": f"localhost/gatebench/litellm@sha256:{'0f1e2d3c' * 8}"},
}


def series(seconds: int, seed: int = 4, burst: int | None = None, slower: float = 1.0) -> dict[str, Any]:
    """A load second by second; `burst` is a second in which ten requests fail."""
    source, rows, drift = random.Random(seed), [], 0.0
    for second in range(seconds):
        drift = 0.9 * drift + source.gauss(0, 0.02)
        slow = 1.8 * math.exp(-second / 3) + math.exp(drift)
        p50 = 0.052 * slow * slower
        failed = 10 if second == burst else 0
        requests = round(76 * min(1, second / 3) / math.sqrt(slow) + source.gauss(0, 2)) + failed
        p95, p99 = p50 * source.uniform(1.6, 1.9), p50 * source.uniform(2, 3.2)
        rows.append([START + second, 50, max(requests, 0), failed, p50, p95, p99])
    columns = ["at", "users", "requests", "failures", "p50Seconds", "p95Seconds", "p99Seconds"]
    return {"stepSeconds": 1, "columns": columns, "rows": rows}


def mixed(slower: float = 1.0, **given: Any) -> Result:
    """Chat, tools and streams in two stages, a burst of failures, memory that grows."""
    streams = {"name": "stream", "stream": True}
    first, gaps = builders.histogram(latencies(500, 7, 0.06)), builders.histogram(latencies(9000, 8, 0.0098))
    document = builders.load(
        phases=[
            phase(0, "WarmUp", 0, 10),
            phase(1, "Stage", 10, 50, name="hold"),
            phase(2, "Stage", 50, 90, name="more", users=80, fullAt=START + 52),
            phase(3, "Drain", 90, 91, users=None),
        ],
        requests=[
            row(0, latencies(200, seed=2)),
            row(1, latencies(2400, median=0.05 * slower)),
            row(2, latencies(2290, seed=9, median=0.06 * slower)),
            row(1, latencies(700, seed=6, median=0.09), name="tools"),
            row(1, latencies(500, seed=11, median=1.4), **streams, ttft=first, interToken=gaps, outputTokens=9500),
            row(1, latencies(10, seed=3, median=0.01), outcome="failure"),
        ],
        series=series(91, burst=61, slower=slower),
    )
    known = {
        "run": builders.RunInfo(name="litellm-1-106", namespace="team", uid="1", spec_hash="1234abcd", spec=SPEC),
        "load": document,
        "environment": ENVIRONMENT,
        "objectives": (
            _objective("throughput", targetAbove="50", warnBelow="45", failBelow="30"),
            _objective("latency.p95", targetBelow="70ms", warnAbove="200ms", failAbove="300ms"),
            _objective("latency.p99", warnAbove="90ms", failAbove="300ms"),
            _objective("gateway.memory.peak", targetBelow="1Gi"),
        ),
    }
    return builders.result(**{**known, **given})


def _objective(metric: str, **texts: str) -> Objective:
    found = metrics.find(metric)
    assert found is not None
    fields = {to_snake(name): bullets.bound_value(text, found.unit) for name, text in texts.items()}
    return Objective(metric, texts=texts, **fields)  # type: ignore[arg-type]


def failed() -> Result:
    """An objective failed by far."""
    return mixed(objectives=(_objective("latency.p95", warnAbove="10ms", failAbove="15ms"),))


def invalid() -> Result:
    """A worker was lost, and others ran on the gateway's cores."""
    document = builders.load(workers=[builders.worker(), builders.worker(id="worker-1", lost=True)], series=series(91))
    return builders.result(load=document, probe=builders.probe(busy=0.8), environment=ENVIRONMENT)


def search() -> Result:
    """A search for a capacity."""
    return builders.result(load=builders.search(series=series(82, seed=5)), environment=ENVIRONMENT)


def repeated(name: str = "litellm-1-106", slower: float = 1.0, count: int = 5) -> Result:
    """Five repeats and the overhead; `slower` by how much every latency is longer."""
    source = random.Random(round(1000 * slower))
    result = mixed(slower)
    each = []
    for index in range(count):
        of = slower * source.lognormvariate(0, 0.012)
        figures = {"throughput": Figure(value=58.1 / of, unit="1/s"), "errorRatio": Figure(value=0.002, unit="ratio")}
        figures |= {f"latency.{q}": Figure(value=v * of, unit="s") for q, v in LEVELS.items()}
        each.append({"index": index, "metrics": {name: one.model_dump() for name, one in figures.items()}})
    overhead = {
        f"overhead.{q}": Figure(value=0.2 * v * slower, unit="s", low=0.18 * v, high=0.23 * v)
        for q, v in LEVELS.items()
    }
    data = result.model_dump(by_alias=True)
    data["repeats"] = each
    data["run"]["name"] = name
    data["run"]["spec"] |= {"repeats": {"count": count, "restartGateway": True}}
    data["metrics"] |= {name: one.model_dump(by_alias=True) for name, one in overhead.items()}
    return Result.model_validate(data)


LEVELS = {"p50": 0.052, "p95": 0.083, "p99": 0.104}


def day(seconds: int = 86_400) -> Result:
    """A day at 1 s: the load, the probe, and a peak of a single second."""
    rows = series(seconds)["rows"]
    rows[seconds // 2][6] = 9.87
    columns = series(1)["columns"]
    phases = [phase(0, "WarmUp", 0, 60), phase(1, "Stage", 60, seconds, name="soak")]
    load = {"phases": phases, "endedAt": START + seconds}
    result = mixed()
    data = result.model_dump(by_alias=True)
    data["load"] |= {**load, "series": {"stepSeconds": 1, "columns": columns, "rows": rows}}
    data["finishedAt"] = START + seconds
    made = Result.model_validate(data)
    assert made.probe is not None
    return made.model_copy(update={"probe": made.probe.model_copy(update={"series": _probed(seconds)})})


def _probed(seconds: int) -> Series:
    columns = ["at", "cpuCores", "waitRatio", "rssBytes", "foreignCores", "stealCores"]
    rows = [[START + s, 0.6 + 0.1 * math.sin(s / 900), 0.03, 4e8 + 1200.0 * s, 0.01, 0.001] for s in range(seconds)]
    return Series(step_seconds=1, columns=columns, rows=rows)


def hostile() -> Result:
    """Every text that comes from outside tries to be markup."""
    document = builders.load(
        requests=[row(1, latencies(600), name=HOSTILE), row(1, latencies(600, seed=6), name="b")],
        errors=[{"phase": 1, "name": HOSTILE, "kind": HOSTILE, "message": HOSTILE, "count": 3}],
        engine=HOSTILE,
    )
    spec = {**SPEC, "gateway": {**SPEC["gateway"], "image": HOSTILE}}
    run = builders.RunInfo(name=HOSTILE, namespace=HOSTILE, uid="1", spec_hash="1", spec=spec)
    result = builders.result(run=run, load=document, environment={"node": HOSTILE, HOSTILE: HOSTILE})
    return result.model_copy(update={"warnings": [HOSTILE], "missing": [HOSTILE], "dropped": [HOSTILE]})
