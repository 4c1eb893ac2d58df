"""gatebench baseline save, as a user types it; and a run beside its baseline."""

from __future__ import annotations

import base64
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gatebench.cli import render, view
from gatebench.cli.main import app
from gatebench_analysis import document
from unit.analysis import builders, test_against
from unit.cli import fakeapi, statuses
from unit.cli.fakeapi import FakeApi, status_object

MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture
def api(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    with fakeapi.serve() as api:
        monkeypatch.setenv("KUBECONFIG", str(fakeapi.kubeconfig(tmp_path, api.url)))
        yield api


def save(*args: str) -> Result:
    return CliRunner().invoke(app, ["baseline", "save", *args])


def measured(api: FakeApi, result: document.Result) -> str:
    packed = base64.b64encode(document.write(result)).decode()
    api.add_run("demo", {**statuses.passed(), "artifacts": {"result": "demo-1-result"}})
    owner = {"ownerReferences": [{"uid": "uid-demo"}], "labels": {"gatebench.dev/run-uid": "uid-demo"}}
    api.put(f"{MAPS}/demo-1-result", {"metadata": owner, "binaryData": {"result.json.gz": packed}})
    return packed


def test_a_result_is_copied_to_a_config_map_that_stays(api: FakeApi) -> None:
    packed = measured(api, test_against.measured())
    done = save("demo", "main")
    assert done.exit_code == 0, done.output
    assert done.output.strip() == "ConfigMap default/main has the result of run demo"
    made = api.objects[f"{MAPS}/main"]
    assert made["binaryData"] == {"result.json.gz": packed}
    assert made["immutable"] is True
    assert "ownerReferences" not in made["metadata"]
    assert "gatebench.dev/run-uid" not in made["metadata"]["labels"], "it would be taken for a child"
    assert made["metadata"]["labels"]["app.kubernetes.io/component"] == "baseline"
    assert made["metadata"]["annotations"] == {"gatebench.dev/run": "demo", "gatebench.dev/run-uid": "uid-demo"}


def test_a_measurement_that_does_not_hold_is_saved_only_by_force(api: FakeApi) -> None:
    measured(api, test_against.measured(workers=[builders.worker(lost=True), builders.worker()]))
    done = save("demo", "main")
    assert done.exit_code == 3
    assert "run demo can be no baseline: its measurement is not valid: WorkerLost" in done.stderr
    assert f"{MAPS}/main" not in api.objects
    assert save("demo", "main", "--force").exit_code == 0
    assert f"{MAPS}/main" in api.objects


def test_what_is_there_is_not_overwritten(api: FakeApi) -> None:
    measured(api, test_against.measured())
    api.refuse["POST", MAPS] = (409, status_object(409, 'configmaps "main" already exists'))
    done = save("demo", "main")
    assert done.exit_code == 3
    assert "ConfigMap default/main exists: take another name, or delete it first" in done.stderr


def test_a_run_without_a_result_says_why(api: FakeApi) -> None:
    api.add_run("demo", {"step": "Measuring"})
    done = save("demo", "main")
    assert done.exit_code == 3
    assert "run demo has no result: it is under way, step Measuring" in done.stderr


REGRESSED: dict[str, Any] = {
    "source": "ConfigMap main",
    "verdict": "Regressed",
    "why": "latency.p95: +30 % (+28 % to +33 %): worse by more than 3 %",
    "metrics": [
        {"metric": "latency.p95", "verdict": "Regressed", "baseline": 0.1, "current": 0.13, "unit": "s", "ratio": 1.3,
         "low": 1.28, "high": 1.33, "tolerance": 0.03},
        {"metric": "errorRatio", "verdict": "Same", "baseline": 0.0, "current": 0.001, "unit": "ratio", "ratio": 0.001,
         "low": 0.0, "high": 0.002, "tolerance": 0.01},
        {"metric": "latency.p99", "verdict": "Inconclusive", "unit": "s", "tolerance": 0.2},
    ],
}  # fmt: skip


def lines(**baseline: Any) -> list[str]:
    status = {**statuses.passed(), "baseline": baseline}
    return render.verdict(view.of({"metadata": {"name": "demo"}, "status": status}))


def test_a_run_is_shown_beside_its_baseline() -> None:
    table = "\n".join(" ".join(line.split()) for line in lines(**REGRESSED))
    assert "Regressed against ConfigMap main" in table
    assert "Regressed latency.p95 100 ms 130 ms +30 % +28 % to +33 % 3 %" in table
    assert "Same errorRatio 0 % 0.1 % +0.1 points 0 points to +0.2 points 1 points" in table
    assert "Inconclusive latency.p99 - - - - 20 %" in table


def test_what_cannot_be_told_is_said() -> None:
    shown = lines(source="run old", verdict="Inconclusive", why="the baseline is gone: run old does not exist")
    assert shown[-1] == "  the baseline is gone: run old does not exist" or shown[-1].startswith("  warning")
    assert "  Inconclusive against run old" in shown
    assert "  the baseline is gone: run old does not exist" in shown
    assert not any("VERDICT" in line for line in shown)
