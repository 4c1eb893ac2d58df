"""Runs that go well: every small example to its verdict, counts to the request, a latency that is known."""

from __future__ import annotations

import json
import pathlib

import pytest
import yaml

from cluster import lab as labs
from cluster.conftest import make_run
from cluster.lab import Lab

pytestmark = pytest.mark.measures

SMALL = list(labs.examples("*-small.yaml"))


@pytest.mark.parametrize("path", list(labs.examples("*.yaml")), ids=lambda path: path.stem)
def test_every_example_is_accepted_as_it_is(lab: Lab, path: pathlib.Path) -> None:
    lab.kubectl("apply", "--dry-run=server", "-f", str(path))


@pytest.mark.parametrize("path", [p for p in SMALL if "tokligence" not in p.name], ids=lambda path: path.stem)
def test_a_small_example_runs_to_its_verdict(lab: Lab, path: pathlib.Path) -> None:
    lab.kubectl("apply", "-f", str(path))
    name = path.stem
    status = lab.until_complete(name, 900)
    story = json.dumps(status.get("conditions"), indent=1)
    assert lab.condition(name, "Isolated")[:2] == ("True", "Exclusive"), story
    assert lab.condition(name, "Valid")[0] == "True", story
    assert lab.condition(name, "Succeeded")[0] == "True", story
    summary = status["summary"]
    assert summary["throughput"] > 0
    assert summary["latencySeconds"]["p50"] <= summary["latencySeconds"]["p95"]
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


def counted_by_the_gateway(lab: Lab, name: str) -> dict[str, int]:
    """Requests by path as the loopback counted them, readiness probes apart."""
    pod = lab.pod(name, "gateway")["metadata"]["name"]
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


@pytest.mark.parametrize("forwards", [False, True], ids=["alone", "forwarding"])
def test_a_latency_of_50_ms_is_reported_as_such(lab: Lab, forwards: bool) -> None:
    gateway = {"isolation": "Required", "args": ["--listen=:8080", "--forward"]} if forwards else {
        "isolation": "Required", "args": ["--listen=:8080", "--latency=50ms"]
    }  # fmt: skip
    run = make_run(
        gateway=gateway,
        load={
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


def test_a_run_by_url_claims_no_isolation(lab: Lab) -> None:
    lab.apply(make_run(gateway={"url": "http://not-allowed.example:80", "image": None, "args": None}))
    lab.until_condition("run", "Accepted", "False", "TargetNotAllowed")
    lab.until_condition("run", "Succeeded", "False", "TargetNotAllowed")


def test_status_and_result_stay_within_their_bounds(lab: Lab) -> None:
    stages = [{"name": f"s{i}", "duration": "1s", "users": 5} for i in range(20)]
    lab.apply(make_run(load={"stages": stages, "warmUp": "0s"}))
    lab.until_condition("run", "Complete", "True")
    run = lab.run("run")
    assert len(json.dumps(run["status"], separators=(",", ":"))) <= 8192
    config_map = lab.get("configmap", run["status"]["artifacts"]["result"])
    assert len(yaml.safe_dump(config_map)) < 1_048_576


def test_a_time_to_live_deletes_the_run(lab: Lab) -> None:
    lab.apply(make_run(ttlSecondsAfterFinished=1, load={"stages": [{"duration": "2s", "users": 5}]}))
    uid = lab.run("run")["metadata"]["uid"]
    lab.until("the run is gone", lambda: lab.get("brun", "run") is None, 120)
    lab.until("its children are gone", lambda: lab.gone(uid), 60)


def test_a_run_is_at_home_in_a_restricted_namespace(lab: Lab) -> None:
    level = "pod-security.kubernetes.io"
    lab.kubectl("label", "namespace", lab.namespace, f"{level}/enforce=restricted", f"{level}/warn=restricted")
    upstream = {"mock": {"latency": "100ms"}}
    gateway = {"args": ["--listen=:8080", "--forward"]}
    lab.apply(make_run(gateway=gateway, upstream=upstream, load={"stages": [{"duration": "5s", "users": 10}]}))
    lab.until_condition("run", "Succeeded", "True")


@pytest.mark.fault(32)
def test_a_gateway_that_wants_root_is_denied_there_and_the_run_says_so(lab: Lab) -> None:
    lab.kubectl("label", "namespace", lab.namespace, "pod-security.kubernetes.io/enforce=restricted")
    lab.apply(make_run(gateway={"runAsUser": 0}))
    message = lab.until_condition("run", "GatewayReady", "Unknown", "PodSecurityViolation")
    assert "restricted" in message
    lab.until_condition("run", "Succeeded", "False", "PodSecurityViolation")
    assert lab.list("pods", "app.kubernetes.io/component=gateway") == []
