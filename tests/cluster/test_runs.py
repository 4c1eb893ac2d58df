"""Runs that go well: every small example to its verdict, counts to the request, a latency that is known."""

from __future__ import annotations

import json
import pathlib
import time

import pytest

from cluster import lab as labs
from cluster.conftest import make_run
from cluster.lab import Lab

pytestmark = pytest.mark.measures


# The one is compared with what is measured first (test_baseline.py does both), the other is meant to be ended.
OTHERWISE = ("regression-small", "stress-steps-small")
LONG = ("capacity-small",)
SMALL = [
    pytest.param(path, id=path.stem, marks=[pytest.mark.long] if path.stem in LONG else [])
    for path in labs.examples("*-small.yaml", kind="BenchmarkRun\n")
    if path.stem not in OTHERWISE
]


# Examples of the engine, and the pod whose own counts their results have to equal.
COUNTED = {
    "ceiling-small": "gateway",
    "rate-small": "gateway",
    "capacity-small": "gateway",
    "streaming-small": "gateway",
    "translation-small": "upstream",
}


@pytest.mark.parametrize("path", SMALL)
def test_a_small_example_runs_to_its_verdict(lab: Lab, path: pathlib.Path) -> None:
    lab.kubectl("apply", "-f", str(path))
    name = path.stem
    counted, counted_at = dict[str, int](), 0.0
    if name in COUNTED:
        # The load has ended then, and the pod is still there.
        lab.until_step(name, "Collecting", "Judging", "CleaningUp", seconds=900)
        counted_at = time.time()
        counted = counted_by_the_mock(lab, name, COUNTED[name])
    status = lab.until_complete(name, 900)
    story = json.dumps(status.get("conditions"), indent=1)
    assert lab.condition(name, "Isolated")[:2] == ("True", "Exclusive"), story
    assert lab.condition(name, "Valid")[0] == "True", story
    assert lab.condition(name, "Succeeded")[0] == "True", story
    summary = status["summary"]
    assert summary["throughput"] > 0
    if "latencySeconds" in summary:
        assert summary["latencySeconds"]["p50"] <= summary["latencySeconds"]["p95"]
    else:
        assert summary["streams"]["ttftP50Seconds"] <= summary["streams"]["ttftP95Seconds"]
    if "capacity" in summary:
        assert summary["capacity"]["requestsPerSecond"] == summary["capacity"]["bracket"]["low"]
    assert status["environment"]["isolation"] == "Proven"
    assert status["environment"]["node"] == "node0"
    columns = lab.kubectl("get", "brun", name, "--no-headers").split()
    assert columns[1] in ("CleaningUp", "Done")
    assert "True" in columns
    uid = lab.run(name)["metadata"]["uid"]
    lab.until("the pods are gone", lambda: not lab.list("pods", f"gatebench.dev/run-uid={uid}"))
    result = lab.result(name)
    assert result["load"]["integrity"]["agree"] is True
    assert result["schema"] == "gatebench.dev/result/v1alpha1"
    if name in COUNTED:
        assert result["load"]["endedAt"] <= counted_at
        answers = sum(count for path, count in counted.items() if path.startswith("/v1/"))
        assert result["counts"]["all"]["requests"] == answers, counted


def test_rising_steps_are_ended_by_the_one_that_is_too_much(lab: Lab) -> None:
    lab.kubectl("apply", "-f", str(labs.ROOT / "examples" / "stress-steps-small.yaml"))
    status = lab.until_complete("stress-steps-small", 300)
    assert lab.condition("stress-steps-small", "Passed")[:2] == ("False", "Aborted")
    assert lab.condition("stress-steps-small", "Succeeded")[:2] == ("False", "Aborted")
    result = lab.result("stress-steps-small")
    assert result["load"]["outcome"] == "Aborted"
    last = [phase for phase in result["load"]["phases"] if phase["kind"] == "Stage"][-1]
    assert last["name"] == "at-150"
    assert last["endedAt"] - last["startedAt"] < 12
    assert lab.condition("stress-steps-small", "Valid")[0] == "True", lab.condition("stress-steps-small", "Valid")
    assert status["summary"]["throughput"] > 0


def counted_by_the_gateway(lab: Lab, name: str) -> dict[str, int]:
    """Requests by path as the loopback counted them, readiness probes apart."""
    return counted_by_the_mock(lab, name, "gateway")


def counted_by_the_mock(lab: Lab, name: str, component: str) -> dict[str, int]:
    """The same of the run's pod that is a mock."""
    pod = lab.pod(name, component)["metadata"]["name"]
    text = lab.kubectl("get", "--raw", f"/api/v1/namespaces/{lab.namespace}/pods/{pod}:8080/proxy/metrics")
    counts: dict[str, int] = {}
    for line in text.splitlines():
        if line.startswith("gatebench_mock_requests_total{") and 'client="kubelet"' not in line:
            labels, value = line.rsplit(" ", 1)
            path = labels.split('path="')[1].split('"')[0]
            counts[path] = counts.get(path, 0) + int(float(value))
    return {path: count for path, count in counts.items() if path != "/metrics"}


PATHS = {
    "chat": "/v1/chat/completions",
    "tools": "/v1/chat/completions",
    "stream": "/v1/chat/completions",
    "health": "/health",
    "models": "/v1/models",
}


def test_the_gateways_own_counts_equal_the_results(lab: Lab) -> None:
    workload = {"requests": None, "scenario": "gateway-mix", "timeout": "10s"}
    gateway = {"args": ["--listen=:8080", "--latency=100ms", "--output-tokens=16", "--tokens-per-second=500"]}
    load = {"thinkTime": {"min": "100ms", "max": "300ms"}, "stages": [{"duration": "10s", "users": 40}]}
    lab.apply(make_run(gateway=gateway, workload=workload, load=load, cleanup="Never"))
    lab.until_condition("run", "Succeeded", "True")
    counted = counted_by_the_gateway(lab, "run")
    reported: dict[str, int] = {}
    for row in lab.result("run")["load"]["requests"]:
        path = PATHS[row["name"]]
        reported[path] = reported.get(path, 0) + row["count"]
    assert reported == counted
    counts = lab.result("run")["counts"]
    assert counts["all"]["requests"] == sum(counted.values())
    assert counts["warmUp"]["requests"] > 0
    assert counts["measured"]["requests"] == lab.status("run")["summary"]["requests"]


def test_the_gateways_own_counts_equal_those_of_go_workers(lab: Lab) -> None:
    load = {
        "engine": "Go",
        "model": "Open",
        "thinkTime": None,
        "spawnRate": None,
        "stages": [{"duration": "10s", "rate": 80}],
    }
    lab.apply(make_run(load=load, cleanup="Never"))
    lab.until_condition("run", "Succeeded", "True")
    result = lab.result("run")
    assert {worker["kind"] for worker in result["load"]["workers"]} == {"Go"}
    assert counted_by_the_gateway(lab, "run") == {"/v1/chat/completions": result["counts"]["all"]["requests"]}
    assert result["metrics"]["dropped"]["value"] == 0


@pytest.mark.parametrize(
    ("engine", "forwards"),
    # Locust's own client adds 0.6 ms, which with the second hop is more than the bound.
    [
        pytest.param("Locust", False, id="Locust-alone"),
        pytest.param("Go", False, id="Go-alone"),
        pytest.param("Go", True, id="Go-forwarding"),
    ],
)
def test_a_latency_of_50_ms_is_reported_as_such(lab: Lab, engine: str, forwards: bool) -> None:
    gateway = {"isolation": "Required", "args": ["--listen=:8080", "--forward"]} if forwards else {
        "isolation": "Required", "args": ["--listen=:8080", "--latency=50ms"]
    }  # fmt: skip
    run = make_run(
        gateway=gateway,
        load={
            "engine": engine,
            "thinkTime": {"min": "500ms", "max": "1s"},
            "warmUp": "3s",
            "stages": [{"duration": "20s", "users": 50}],
        },
        **({"upstream": {"mock": {"latency": "50ms"}}} if forwards else {}),
    )
    lab.apply(run)
    status = lab.until_complete("run", 600)
    assert lab.condition("run", "Valid")[0] == "True", lab.condition("run", "Valid")
    assert status["summary"]["latencySeconds"]["p50"] == pytest.approx(0.050, abs=0.050 * 0.01 + 0.0005)


def test_a_run_is_at_home_in_a_restricted_namespace(lab: Lab) -> None:
    level = "pod-security.kubernetes.io"
    lab.kubectl("label", "namespace", lab.namespace, f"{level}/enforce=restricted", f"{level}/warn=restricted")
    upstream = {"mock": {"latency": "100ms"}}
    gateway = {"args": ["--listen=:8080", "--forward"]}
    lab.apply(make_run(gateway=gateway, upstream=upstream, load={"stages": [{"duration": "5s", "users": 10}]}))
    lab.until_condition("run", "Succeeded", "True")
