"""A whole result document and its table as goldens: a reviewer sees a changed figure or field as a diff.

UPDATE_GOLDEN=1 writes them anew.
"""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any

import pytest

from gatebench_analysis import document, text
from gatebench_analysis.document import Result
from gatebench_analysis.objectives import Objective
from unit.analysis import builders

GOLDEN = pathlib.Path(__file__).parents[2] / "golden" / "analysis"


def mixed() -> Result:
    """Two stages after a ramp, streams, a failing objective, a missing one."""
    stream = builders.row(
        3,
        [2.0 + 0.001 * i for i in range(600)],
        name="stream",
        stream=True,
        ttft=builders.histogram(0.2 + 0.0001 * i for i in range(600)),
        interToken=builders.histogram([0.01] * 5000),
        outputTokens=6000,
    )
    load = builders.load(
        phases=[
            builders.phase(0, "WarmUp", 0, 10),
            builders.phase(1, "Ramp", 10, 20, name="up"),
            builders.phase(2, "Stage", 20, 50, name="low", fullAt=builders.START + 21, users=25),
            builders.phase(3, "Stage", 50, 90, name="high", users=90),
            builders.phase(4, "Drain", 90, 91, users=None),
        ],
        requests=[
            builders.row(0, builders.latencies(200, seed=2)),
            builders.row(1, builders.latencies(150, seed=4), settled=False),
            builders.row(2, builders.latencies(20, seed=5), settled=False),
            builders.row(2, builders.latencies(800, seed=6)),
            builders.row(3, builders.latencies(2600, seed=7)),
            builders.row(3, [0.5] * 40, outcome="failure"),
            stream,
        ],
        errors=[
            {"phase": 3, "settled": True, "name": "chat", "kind": "timeout", "status": None, "message": "", "count": 40}
        ],
    )
    objectives = (
        Objective("throughput", target_above=100, fail_below=10, texts={"targetAbove": "100", "failBelow": "10"}),
        Objective("latency.p95", stage="high", fail_above=0.05, texts={"failAbove": "50ms"}),
        Objective("requests.stream.ttft.p95", target_below=0.5, texts={"targetBelow": "500ms"}),
        Objective("latency.p99.9", warn_above=1, optional=True, texts={"warnAbove": "1s"}),
        Objective("gateway.throttledRatio", warn_above=0, texts={"warnAbove": "0"}),
    )
    return builders.result(load=load, objectives=objectives)


def disturbed() -> Result:
    """Others ran on the cores, and the workers could not keep up."""
    load = builders.load(workers=[builders.worker(cpuRatioMean=0.96), builders.worker(id="worker-1")])
    return builders.result(load=load, probe=builders.probe(busy=0.75), resources=None, metrics_unavailable="it is down")


def capacity() -> Result:
    """A search for a capacity that found one."""
    objectives = (
        Objective("latency.p50", fail_above=0.078, texts={"failAbove": "78ms"}),
        Objective("capacity.requestsPerSecond", fail_below=70, texts={"failBelow": "70"}),
        Objective("dropped", fail_above=0, texts={"failAbove": "0"}),
    )
    return builders.result(load=builders.search(), objectives=objectives)


RESULTS = {"clean": builders.result, "mixed": mixed, "disturbed": disturbed, "capacity": capacity}


def _short(value: Any) -> Any:
    """Without what no reviewer reads: buckets, and all but the first rows of a series."""
    if isinstance(value, dict):
        return {key: "..." if key == "data" else _short(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_short(item) for item in (value[:2] if value and isinstance(value[0], list) else value)]
    return round(value, 9) if isinstance(value, float) else value


@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.parametrize("form", ["json", "txt"])
def test_golden(name: str, form: str) -> None:
    result = RESULTS[name]()
    if form == "txt":
        content = text.table(result) + "\n"
    else:
        content = json.dumps(_short(document.dump(result)), indent=1, sort_keys=True) + "\n"
    path = GOLDEN / f"{name}.{form}"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    assert content == path.read_text(), "UPDATE_GOLDEN=1 writes the goldens; read the diff"


def test_a_table_of_nothing_is_a_table() -> None:
    lines = text.table(Result()).splitlines()
    assert any(line.startswith("latency") and "p99 -" in line for line in lines)
    assert " 0 ms" not in "\n".join(lines)
