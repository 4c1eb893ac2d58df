"""Sabotage: what makes a measurement worthless is found and named, and so is what a gateway does over time."""

from __future__ import annotations

import os
import pathlib
import signal
import time

import pytest

from cluster import lab as labs
from cluster.conftest import make_run
from cluster.lab import Lab
from cluster.test_engine import open_load
from cluster.test_faults_load import LONG, spoiled
from cluster.test_faults_operator import SYSTEM
from cluster.test_isolation import NODE1, container_id

PROMETHEUS = "deployment/gatebench-prometheus"


def test_a_percentile_without_enough_requests_is_no_basis(lab: Lab) -> None:
    lab.apply(make_run(load=open_load(40), objectives=[{"metric": "latency.p99.9", "failAbove": "1s"}]))
    status = lab.until_complete("run")
    assert lab.condition("run", "Succeeded")[:2] == ("False", "TooFewSamples"), status["conditions"]
    assert "latency.p99.9" in lab.condition("run", "Valid")[2]


def test_a_mock_that_is_late_makes_the_run_invalid(lab: Lab) -> None:
    gateway = {"args": ["--listen=:8080", "--forward"]}
    lab.apply(make_run(gateway=gateway, upstream={"mock": {"latency": "100ms"}}, **LONG))
    lab.until_step("run", "Measuring")
    container = lab.pod("run", "upstream")["status"]["containerStatuses"][0]["containerID"]
    pids = labs.processes_of(container)
    assert pids
    for _ in range(8):
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(0.7)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        time.sleep(0.7)
    message = spoiled(lab, "UpstreamBound")
    assert "ms" in message


def hold_back(pid: int, cores: float) -> None:
    """Gives the cgroup of a process a CPU quota, as another tool would; its period is 100 ms."""
    quota, paths = str(round(cores * 100_000)), {}
    for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        paths |= dict.fromkeys(controllers.split(","), path)
    if "cpu" in paths:
        pathlib.Path(f"/sys/fs/cgroup/cpu{paths['cpu']}/cpu.cfs_quota_us").write_text(quota)
    else:  # cgroup v2
        pathlib.Path(f"/sys/fs/cgroup{paths['']}/cpu.max").write_text(f"{quota} 100000")


@pytest.mark.measures  # it takes the node, and both of its CPUs are those of everything else
@pytest.mark.fault(12)
def test_a_gateway_that_a_quota_holds_back_makes_the_run_invalid(lab: Lab) -> None:
    gateway = {"args": ["--listen=:8080", "--latency=100ms", "--cpu-per-request=2ms"]}
    lab.apply(make_run(gateway={**gateway, "isolation": "Preferred", "nodeSelector": NODE1}, **LONG))
    lab.until_step("run", "Measuring")
    # 80 requests a second cost 0.16 cores.
    hold_back(labs.processes_of(container_id(lab.pod("run", "gateway"), "gateway"))[0], cores=0.1)
    assert "%" in spoiled(lab, "Throttled")


@pytest.mark.measures  # nothing else may need Prometheus meanwhile
@pytest.mark.fault(21)
def test_a_prometheus_that_was_away_leaves_a_gap_and_no_figure(lab: Lab) -> None:
    lab.apply(
        make_run(
            load={"stages": [{"duration": "75s", "users": 5}]},
            metrics={"queries": [{"name": "scraped", "promql": 'min(up{job="kubelet-cadvisor"})'}]},
            objectives=[{"metric": "query.scraped", "failBelow": 1}],
        )
    )
    lab.until_step("run", "Measuring")
    time.sleep(12)  # what was scraped goes with the pod, and 30 s without a sample are a gap
    SYSTEM.kubectl("scale", PROMETHEUS, "--replicas=0")
    try:
        time.sleep(20)
    finally:
        SYSTEM.kubectl("scale", PROMETHEUS, "--replicas=1")
        SYSTEM.kubectl("rollout", "status", PROMETHEUS, "--timeout=60s")
    status = lab.until_complete("run")
    assert lab.condition("run", "Valid")[:2] == ("Unknown", "MetricsIncomplete"), status["conditions"]
    assert lab.condition("run", "Passed")[0] == "Unknown"
    assert lab.condition("run", "Succeeded")[:2] == ("False", "MetricsIncomplete")
    assert "query.scraped" in status["missing"]
    assert "value" not in status["objectives"][0]


def test_an_image_that_changes_under_load_makes_the_run_invalid(lab: Lab) -> None:
    lab.apply(make_run(**LONG))
    lab.until_step("run", "Measuring")
    lab.kubectl("set", "image", f"pod/{lab.pod('run', 'gateway')['metadata']['name']}", f"probe={labs.MOCK}")
    assert "the image of the probe was" in spoiled(lab, "EnvironmentChanged")


@pytest.mark.fault(31)
def test_a_gateway_that_is_evicted_under_load_has_lost_its_node(lab: Lab) -> None:
    lab.apply(make_run(**LONG))
    lab.until_step("run", "Measuring")
    pod = lab.pod("run", "gateway")
    labs.kill(pod, "gateway", signal.SIGSTOP)  # so that it takes its grace period, and is seen on its way
    lab.evict(pod)
    assert pod["spec"]["nodeName"] in spoiled(lab, "NodeLost")


def test_users_who_think_most_of_the_time_are_told_their_ceiling(lab: Lab) -> None:
    lab.apply(make_run(load={"warmUp": "1s", "stages": [{"duration": "5s", "users": 20}]}))
    status = lab.until_complete("run")
    assert [one for one in status["warnings"] if one.startswith("ThinkTimeBound")], status["warnings"]
    # Each thinks for 150 ms and waits for 100 ms.
    ceiling = lab.result("run")["ceiling"]
    assert ceiling["requestsPerSecond"] == pytest.approx(20 / (0.15 + 0.1), rel=0.2), ceiling


@pytest.mark.long
@pytest.mark.measures  # on a core of its own the gateway ends at 50 requests a second
def test_a_latency_that_keeps_growing_is_no_measurement(lab: Lab) -> None:
    gateway = {"args": ["--listen=:8080", "--latency=30ms", "--cpu-per-request=20ms"], "isolation": "Required"}
    lab.apply(
        make_run(
            gateway=gateway, load=open_load(53, "130s", warmUp="1s", maxInFlight=10_000), workload={"timeout": "60s"}
        )
    )
    message = lab.until_condition("run", "Valid", "False", "NotSteady", seconds=300)
    assert "latency" in message


def test_a_leak_fails_the_run_and_says_when_the_memory_ends(lab: Lab) -> None:
    # The test cluster's operator has a compressed clock: 35 s count as half an hour.
    leaky = {"args": ["--listen=:8080", "--latency=100ms", "--leak-per-minute=120Mi"], "memory": "512Mi"}
    lab.apply(make_run(gateway=leaky, load=open_load(40, "45s")))
    lab.until_complete("run")
    status, reason, message = lab.condition("run", "Passed")
    assert (status, reason) == ("False", "LeakSuspected"), lab.status("run")["conditions"]
    assert "limit" in message
    assert lab.condition("run", "Valid")[0] == "True"


def test_no_leak_is_seen_where_there_is_none(lab: Lab) -> None:
    lab.apply(make_run(load=open_load(40, "45s")))
    lab.until_complete("run")
    assert lab.condition("run", "Passed")[1] != "LeakSuspected", lab.condition("run", "Passed")
