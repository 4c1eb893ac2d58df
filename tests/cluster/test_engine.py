"""The Go engine's workers where something goes wrong: the run says so, and invents nothing."""

from __future__ import annotations

from typing import Any

import pytest

from cluster import lab as labs
from cluster.conftest import make_run
from cluster.lab import Lab
from cluster.test_faults_load import spoiled


def open_load(rate: float, duration: str = "10s", **changes: Any) -> dict[str, Any]:
    """The load of a run at a rate, in place of the small run's users."""
    stages = [{"duration": duration, "rate": rate}]
    return {"engine": "Go", "model": "Open", "thinkTime": None, "spawnRate": None, "stages": stages, **changes}


@pytest.mark.fault(14)
def test_a_go_worker_that_is_killed_makes_the_run_invalid(lab: Lab) -> None:
    lab.apply(make_run(load=open_load(40, "40s")))
    lab.until_step("run", "Measuring")
    labs.kill(lab.pod("run", "worker"), "worker")
    assert "worker" in spoiled(lab, "WorkerLost")


@pytest.mark.fault(17)
def test_a_master_of_go_workers_that_is_killed_ends_the_run(lab: Lab) -> None:
    lab.apply(make_run(load=open_load(40, "40s")))
    lab.until_step("run", "Measuring")
    labs.kill(lab.pod("run", "master"), "master")
    spoiled(lab, "MasterLost")
    assert lab.condition("run", "FleetReady")[:2] == ("False", "MasterLost")


@pytest.mark.fault(16)
def test_a_starved_go_engine_makes_the_run_invalid(lab: Lab) -> None:
    load = open_load(3000, workers=1, workerResources={"cpu": "100m"})
    lab.apply(make_run(gateway={"args": ["--listen=:8080", "--latency=5ms"]}, load=load))
    assert "%" in spoiled(lab, "GeneratorSaturated")


def test_a_target_that_refuses_is_counted_by_kind_and_has_no_latency(lab: Lab) -> None:
    gateway = {
        "url": "http://127.0.0.1:9",
        "image": None,
        "args": None,
        "isolation": None,
        "cpus": None,
        "memory": None,
    }
    lab.apply(make_run(gateway=gateway, load=open_load(40)))
    lab.until_complete("run")
    assert lab.condition("run", "Succeeded")[0] == "False"
    result = lab.result("run")
    rows = result["load"]["requests"]
    assert {row["outcome"] for row in rows} == {"failure"}
    assert {error["kind"] for error in result["load"]["errors"]} == {"refused"}
    assert sum(error["count"] for error in result["load"]["errors"]) == result["counts"]["all"]["requests"] > 0
    assert result["metrics"]["throughput"]["value"] == 0
    assert result["metrics"]["errorRatio"]["value"] == 1
    assert "value" not in result["metrics"]["latency.p50"]
    assert "latencySeconds" not in lab.status("run").get("summary", {})
