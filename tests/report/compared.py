"""Comparisons as the operator keeps them: carried out by its own rules, with values that look like real ones."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from typing import Any

from gatebench.decide.comparison.snapshot import Snapshot
from gatebench.io import status
from gatebench.plan.comparison import RESULT_KEY, Slot
from gatebench_analysis.record import Record, read
from report.samples import HOSTILE
from unit.decide import comparisons

METRICS = ["throughput", "errorRatio", "latency.p50", "latency.p95"]
TEMPLATE = {
    "gateway": {"cpus": 1, "memory": "1Gi"},
    "upstream": {"mock": {"latency": "50ms", "outputTokens": 64}},
    "workload": {"requests": [{"name": "chat", "api": "OpenAIChat", "model": "demo", "promptTokens": 100}]},
    "load": {
        "engine": "Go",
        "model": "Open",
        "workers": 2,
        "warmUp": "5s",
        "stages": [{"duration": "15s", "rate": 40}],
    },
}
ENVIRONMENT = {"node": "node0", "kernel": "6.1.0-28-amd64", "cpuModel": "AMD EPYC 7B13", "isolation": "Proven"}


def _overlay(name: str, *args: str) -> dict[str, Any]:
    image = f"localhost/gatebench/{name}"
    return {"gateway": {"image": image, "port": 4000, "args": list(args)}}


def _values(
    factors: Mapping[str, float], drift: float, noise: float, lost: tuple[str, int] | None
) -> Callable[[Slot], Any]:
    source = random.Random(7)

    def values(slot: Slot) -> Mapping[str, float] | None:
        slow = factors[slot.variant] * (1 + drift * (slot.round - 1)) * source.lognormvariate(0, noise)
        if (slot.variant, slot.round) == lost:
            return None
        errors = max(0.0, source.gauss(0.001, 0.001)) if factors[slot.variant] > 1 else 0.0
        return {
            "throughput": 40.0 / (1 + 0.02 * (slow - 1)) * source.lognormvariate(0, 0.001),
            "errorRatio": errors,
            "latency.p50": 0.0524 * slow,
            "latency.p95": 0.0561 * slow * source.lognormvariate(0, 2 * noise),
        }

    return values


def made(
    factors: Mapping[str, float],
    rounds: int = 5,
    drift: float = 0.0,
    noise: float = 0.006,
    lost: tuple[str, int] | None = None,
    **spec: Any,
) -> tuple[str, dict[str, Any]]:
    """(comparison.json, the object's status) of a comparison of variants with these factors on their latency."""
    variants = [{"name": name, "overlay": _overlay(f"{name}:1.0.0", "--port", "4000")} for name in factors]
    given = comparisons.comparison(
        **{"template": TEMPLATE, "variants": variants, "rounds": rounds, "metrics": METRICS, "tolerance": "3%", **spec}
    )
    cluster = comparisons.Cluster(
        _values(factors, drift, noise, lost),
        snap=Snapshot(comparisons.NOW, trials=dict.fromkeys(factors)),
        environment=lambda slot: {**ENVIRONMENT, "images.gateway": f"{slot.variant}@sha256:{'0f1e2d3c' * 8}"},
    )
    ended = cluster.run(given)
    (kept,) = [one for one in cluster.manifests if one["kind"] == "ConfigMap"]
    return kept["data"][RESULT_KEY], status.dump(ended.status)


OBJECTIVES = [
    {"metric": "latency.p50", "maxDelta": "30ms"},
    {"metric": "latency.p95", "maxDelta": "20ms"},
    {"metric": "throughput", "maxDelta": "5%"},
    {"metric": "errorRatio", "maxDelta": "1%"},
]


def slower() -> tuple[str, dict[str, Any]]:
    """A gateway that adds half; a run was left out, and the machine became slower."""
    return made({"loopback": 1.0, "litellm": 1.45}, drift=0.01, lost=("litellm", 3), objectives=OBJECTIVES)


def close() -> tuple[str, dict[str, Any]]:
    """Three of nearly the same speed, without objectives."""
    return made({"plain": 1.0, "limited": 1.004, "logged": 1.05}, rounds=6)


def far() -> tuple[str, dict[str, Any]]:
    """Eight variants up to forty times slower."""
    return made(
        {f"gateway-{n}": 1.7**n for n in range(8)}, rounds=3, objectives=[{"metric": "latency.p50", "maxDelta": "5ms"}]
    )


def unmeasured() -> tuple[str, dict[str, Any]]:
    """No run of one variant is valid."""
    document, told = made({"off": 1.0, "on": 1.2}, rounds=1, lost=("on", 1))
    return document, told


def hostile() -> tuple[str, dict[str, Any]]:
    """Every text that comes from outside tries to be markup."""
    document, told = slower()
    found = json.loads(document)
    for row in (*found["runs"], *found["table"], *found["objectives"]):
        for key, value in row.items():
            if isinstance(value, str) and key not in ("variant", "reference", "verdict", "outcome", "valid", "metric"):
                row[key] = HOSTILE
    found["comparison"] = dict.fromkeys(("name", "namespace", "uid"), HOSTILE)
    found["spec"]["template"]["gateway"]["image"] = HOSTILE
    found["variants"][HOSTILE] = {"runs": [], "environment": {HOSTILE: HOSTILE}, "medians": {}}
    found["finishedAt"] = HOSTILE
    told["warnings"], told["node"] = [HOSTILE], HOSTILE
    told["conditions"] = [{**one, "reason": HOSTILE, "message": HOSTILE} for one in told["conditions"]]
    found["status"] = {key: told[key] for key in ("conditions", "warnings", "node")}
    return json.dumps(found), told


def without_status(source: tuple[str, dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    """A sample as an operator made it that did not keep the verdict in the document."""
    document = {key: value for key, value in json.loads(source[0]).items() if key != "status"}
    return json.dumps(document), source[1]


def record(source: tuple[str, dict[str, Any]]) -> Record:
    """The document of a sample."""
    return read(source[0])
