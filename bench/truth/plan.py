"""What is measured on a cluster: pairs of runs, a base and a slower one beside each other, by the mock's latency."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Iterator
from typing import Any

BASE, SLOWER, SLIGHTLY = "base", "slower", "slightly"
FACTORS = {BASE: 1.0, SLOWER: 1.1, SLIGHTLY: 1.03}
"""Of the mock's latency."""
REPEATS = 5
P50_SECONDS, P99_SECONDS = 0.08, 0.11
RATE = 100
MEASURED = "5s"
IMAGE = "localhost/gatebench/mock:0.1.0"
_SLIGHTLY_EACH, _SLIGHTLY_AT = 5, 3


@dataclasses.dataclass(frozen=True)
class Planned:
    """A run: the side that it is of, and the number of its pair, from 1."""

    side: str
    pair: int

    @property
    def name(self) -> str:
        """Of the run and of what is kept of it."""
        return f"{self.side}-{self.pair:03d}"


def schedule(first: int, last: int) -> Iterator[Planned]:
    """The runs of these pairs in their order: base, slower; slower, base; … so that a drift favours neither.

    With one pair of five goes a run that is slightly slower.
    """
    for pair in range(first, last + 1):
        yield from (Planned(side, pair) for side in ((BASE, SLOWER) if pair % 2 else (SLOWER, BASE)))
        if pair % _SLIGHTLY_EACH == _SLIGHTLY_AT:
            yield Planned(SLIGHTLY, pair)


def more(tries: int, made: int, sound: int) -> int:
    """How many pairs are still to be measured, of which `made` are and `sound` of them could be judged.

    What could not be judged is replaced, but for no more than a quarter of the tries.
    """
    return max(min(tries - sound, tries + math.ceil(tries / 4) - made), 0)


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.4g}ms"


def spec(side: str, node: str | None = None) -> dict[str, Any]:
    """The run's spec: all on one node, so that both sides of a pair have the same environment."""
    place = {"nodeSelector": {"kubernetes.io/hostname": node}} if node else {}
    factor = FACTORS[side]
    mock = {"latency": _milliseconds(P50_SECONDS * factor), "latencyP99": _milliseconds(P99_SECONDS * factor)}
    return {
        "gateway": {
            "image": IMAGE,
            "args": ["--listen=:8080", "--forward"],
            "port": 8080,
            "cpus": 1,
            "memory": "256Mi",
            "isolation": "None",
            **place,
        },
        "upstream": {"mock": {**mock, "outputTokens": 16}},
        "workload": {
            "requests": [{"name": "chat", "api": "OpenAIChat", "model": "loopback", "promptTokens": 20}],
            "timeout": "5s",
        },
        "load": {
            "engine": "Go",
            "model": "Open",
            "arrivals": "Poisson",
            "maxInFlight": 200,
            "workers": 1,
            "warmUp": "1s",
            "stages": [{"duration": MEASURED, "rate": RATE}],
            **place,
        },
        "repeats": {"count": REPEATS, "pause": "0s", "restartGateway": True},
    }


def manifest(run: Planned, node: str | None = None) -> dict[str, Any]:
    """The BenchmarkRun."""
    return {
        "apiVersion": "gatebench.dev/v1alpha1",
        "kind": "BenchmarkRun",
        "metadata": {"name": run.name},
        "spec": spec(run.side, node),
    }


def digest() -> str:
    """Changes with what is measured: results of another plan are not mixed with those of this one."""
    specs = json.dumps({side: spec(side) for side in FACTORS}, sort_keys=True)
    return hashlib.sha256(specs.encode()).hexdigest()[:16]


HOW = (
    f"real runs of the loopback gateway, which forwards to the mock (log-normal, p50 {_milliseconds(P50_SECONDS)}, p99"
    f" {_milliseconds(P99_SECONDS)}): {REPEATS} repeats of {MEASURED} at {RATE} req/s by chance, each with a gateway of"
    " its own and all with one fleet; throughput, p50, p95 and p99 with Holm"
)
