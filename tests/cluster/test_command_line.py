"""`gatebench` and kubectl as people use them, against the real API server: what they print, and how they exit."""

from __future__ import annotations

import concurrent.futures
import json
import pathlib
import subprocess
from typing import Any

import pytest
import yaml

from cluster import lab as labs
from cluster.conftest import make_run
from cluster.lab import Lab

PASSED, FAILED, UNDECIDED = 0, 1, 2


def gatebench(lab: Lab, *words: str, seconds: float = 300) -> tuple[int, str]:
    """Exit code, and all that it printed."""
    command = [str(labs.ROOT / ".venv" / "bin" / "gatebench"), *words, "-n", lab.namespace]
    command += ["--kubeconfig", str(labs.CLUSTER / "kubeconfig")]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds, check=False
    )
    return done.returncode, done.stdout


def written(folder: pathlib.Path, *objects: dict[str, Any]) -> str:
    """A file with these objects."""
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump_all(objects))
    return str(path)


def test_a_run_that_fails_its_objectives_is_followed_shown_and_exits_with_1(lab: Lab, tmp_path: pathlib.Path) -> None:
    slow = [{"metric": "latency.p50", "failAbove": "20ms"}]
    code, told = gatebench(lab, "run", "-f", written(tmp_path, make_run(objectives=slow)))
    assert code == FAILED, told
    for line in ("Accepted=True", "FleetReady=True", "step Measuring", "Passed=False ObjectivesFailed", "run: FAILED"):
        assert line in told, told
    code, told = gatebench(lab, "wait", "run")
    assert code == FAILED, told
    code, told = gatebench(lab, "get", "run", "-o", "json")
    assert (code, json.loads(told)["metadata"]["name"]) == (PASSED, "run")
    code, told = gatebench(lab, "get", "run", "-o", "wide")
    assert code == PASSED
    assert "latency.p50" in told
    page = tmp_path / "report.html"
    code, told = gatebench(lab, "report", "run", "-o", str(page))
    assert code == PASSED, told
    assert "Failed" in page.read_text()
    assert page.stat().st_size < 2 * 2**20
    code, told = gatebench(lab, "artifacts", "run", "-o", str(tmp_path / "kept"))
    assert code == PASSED, told
    assert {"result.json", "report.html", "stats.csv"} <= {path.name for path in (tmp_path / "kept").iterdir()}


def test_a_run_that_is_cancelled_ends_soon_and_proves_nothing(lab: Lab, tmp_path: pathlib.Path) -> None:
    long = {"stages": [{"duration": "5m", "users": 20}]}
    code, told = gatebench(lab, "run", "--no-wait", "-f", written(tmp_path, make_run(load=long)))
    assert code == PASSED, told
    lab.until_step("run", "Measuring")
    code, told = gatebench(lab, "cancel", "run")
    assert code == PASSED, told
    code, told = gatebench(lab, "wait", "run", seconds=90)
    assert code != PASSED, told
    assert lab.condition("run", "Complete")[:2] == ("True", "Cancelled")


@pytest.mark.measures
def test_this_cluster_is_fit_as_the_doctor_sees_it(lab: Lab) -> None:
    code, told = gatebench(lab, "doctor")
    assert code == PASSED, told
    assert "exclusive" in told


@pytest.mark.measures
def test_the_demo_passes_with_figures_from_prometheus(lab: Lab) -> None:
    """examples/demo.yaml as it is: followed to exit code 0, while the status has the gateway's live figures."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        followed = pool.submit(gatebench, lab, "run", "-f", str(labs.ROOT / "examples" / "demo.yaml"))
        lab.until("the run", lambda: lab.get("brun", "demo"))
        live = lab.until(
            "live figures of the gateway", lambda: _complete(lab.status("demo").get("live") or {}), seconds=150
        )
        code, told = followed.result()
    assert code == PASSED, told
    assert "isolation       proven" in told
    assert 0 < live["gatewayCpuCores"] <= 1.1
    assert live["gatewayMemoryBytes"] > 2**26
    lab.kubectl("wait", "--for=condition=Succeeded", "brun/demo", "--timeout=10s")
    figures = lab.result("demo")["gateway"]
    for name in ("gateway.cpu.mean", "gateway.cpu.max", "gateway.memory.peak", "gateway.memory.end"):
        assert figures[name]["value"] > 0, figures[name]
        assert "container_" in figures[name]["source"], figures[name]
    assert figures["gateway.network.receive"]["value"] > 0


def _complete(live: dict[str, Any]) -> dict[str, Any] | None:
    return live if {"gatewayCpuCores", "gatewayMemoryBytes"} <= live.keys() else None
