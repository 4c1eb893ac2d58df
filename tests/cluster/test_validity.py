"""Sabotage: what makes a measurement worthless is found and named, and so is what a gateway does over time."""

from __future__ import annotations

import os
import signal
import time

import pytest

from cluster import lab as labs
from cluster.conftest import make_run
from cluster.lab import Lab
from cluster.test_engine import open_load
from cluster.test_faults_load import LONG, spoiled


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
