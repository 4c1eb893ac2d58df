"""Isolation: proven before any load, kept during it, and said where it is not there."""

from __future__ import annotations

import os
import pathlib
import subprocess
import time

import pytest

from cluster import lab as labs
from cluster.conftest import make_run
from cluster.lab import Lab
from cluster.test_faults_load import spoiled

pytestmark = pytest.mark.measures

NODE0 = {"kubernetes.io/hostname": "node0"}
NODE1 = {"kubernetes.io/hostname": "node1"}


@pytest.mark.fault(10)
def test_without_a_static_cpu_manager_a_required_run_sends_nothing(lab: Lab) -> None:
    lab.apply(make_run(gateway={"isolation": "Required", "nodeSelector": NODE1}))
    message = lab.until_condition("run", "Isolated", "False", "CPUNotPinned")
    assert "cpuManagerPolicy" in message
    status = lab.until_complete("run")
    assert lab.condition("run", "Succeeded")[:2] == ("False", "CPUNotPinned")
    assert "startedAt" not in status
    assert "summary" not in status


@pytest.mark.fault(10)
def test_without_a_static_cpu_manager_a_preferred_run_goes_on_marked(lab: Lab) -> None:
    lab.apply(make_run(gateway={"isolation": "Preferred", "nodeSelector": NODE1}))
    lab.until_condition("run", "Isolated", "False", "CPUNotPinned")
    status = lab.until_complete("run")
    assert lab.condition("run", "Valid")[0] == "True", lab.condition("run", "Valid")
    assert status["environment"]["isolation"] == "NotProven"


def isolated_run(lab: Lab) -> dict[str, object]:
    """A run on exclusive cores that is measuring."""
    lab.apply(
        make_run(
            gateway={"isolation": "Required", "nodeSelector": NODE0},
            load={"stages": [{"duration": "30s", "users": 20}]},
        )
    )
    lab.until_step("run", "Measuring", seconds=600)
    return lab.pod("run", "gateway")


def container_id(pod: dict[str, object], name: str) -> str:
    statuses = pod["status"]["containerStatuses"]  # type: ignore[index]
    return next(s["containerID"].rsplit("/", 1)[-1] for s in statuses if s["name"] == name)


@pytest.mark.fault(12)
def test_a_cpuset_that_changes_under_load_makes_the_run_invalid(lab: Lab) -> None:
    pod = isolated_run(lab)
    assert lab.condition("run", "Isolated")[:2] == ("True", "Exclusive")
    pid = labs.processes_of(container_id(pod, "gateway"))[0]
    # As another tool would: a thread cannot be moved out of its cpuset, but the cpuset can.
    memberships = [line.split(":", 2) for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines()]
    path = next(path for _, controllers, path in memberships if "cpuset" in controllers.split(","))
    pathlib.Path(f"/sys/fs/cgroup/cpuset{path}/cpuset.cpus").write_text("0")
    message = spoiled(lab, "CPUSetChanged")
    assert "0" in message


@pytest.mark.fault(12)
def test_others_on_the_exclusive_cores_make_the_run_invalid(lab: Lab) -> None:
    pod = isolated_run(lab)
    pid = labs.processes_of(container_id(pod, "gateway"))[0]
    core = min(os.sched_getaffinity(pid))
    hog = subprocess.Popen(["taskset", "-c", str(core), "sh", "-c", "while :; do :; done"])
    try:
        time.sleep(10)
    finally:
        hog.kill()
        hog.wait()
    spoiled(lab, "CoresDisturbed")
