"""Comparisons as a user asks for them: bcmp/NAME, in all commands that follow, show, list and end."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from gatebench.cli import comparisons, follow
from gatebench.cli.main import app
from unit.cli import fakeapi
from unit.cli.fakeapi import RUNS, FakeApi
from unit.cli.statuses import conditions

Invoke = Callable[..., Result]
PATH = f"{RUNS}/namespaces/default/benchmarkcomparisons"
ROW = {
    "metric": "latency.p50",
    "reference": "off",
    "variant": "on",
    "unit": "s",
    "referenceMedian": 0.0512,
    "median": 0.0661,
    "ratio": 1.291,
    "low": 1.28,
    "high": 1.3,
    "verdict": "Regressed",
    "display": "+29.1 % (+28 % to +30 %): worse by more than 3 %",
}
TOLD = {
    "metric": "latency.p50",
    "reference": "off",
    "variant": "on",
    "outcome": "Fail",
    "bound": "5ms",
    "observed": "+14.9 ms (+14.2 ms to +15.3 ms)",
}


def going(run: int, variant: str) -> dict[str, Any]:
    return {
        "step": "Running",
        "conditions": conditions(Accepted="True/Valid", Complete="False/Running"),
        "progress": {"round": 1, "rounds": 4, "variant": variant, "run": f"x-{run}", "display": f"{run}/8"},
    }


def ended(passed: str = "True/ObjectivesMet", valid: str = "True/Measured") -> dict[str, Any]:
    good = (passed[:4], valid[:4]) == ("True", "True")
    return {
        "step": "Done",
        "conditions": conditions(
            Accepted="True/Valid",
            Valid=valid,
            Passed=passed,
            Succeeded="True/Succeeded" if good else "False/ObjectivesFailed",
            Complete="True/Finished",
        ),
        "progress": {"rounds": 4, "done": 8, "total": 8, "display": "8/8"},
        "node": "gb0",
        "table": [ROW],
        "objectives": [TOLD],
        "warnings": ["left out: x-3, GeneratorSaturated"],
        "artifacts": {"result": "impact-comparison"},
    }


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with fakeapi.serve() as api:
        yield api


@pytest.fixture
def invoke(api: FakeApi, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    monkeypatch.setenv("KUBECONFIG", str(fakeapi.kubeconfig(tmp_path, api.url)))
    monkeypatch.setattr(follow, "INTERVAL", 0.0)
    monkeypatch.chdir(tmp_path)
    return lambda *args: CliRunner().invoke(app, list(args))


def add(api: FakeApi, status: dict[str, Any], name: str = "impact") -> None:
    metadata = {"name": name, "namespace": "default", "uid": f"uid-{name}", "creationTimestamp": "2026-11-24T12:00:00Z"}
    api.put(f"{PATH}/{name}", {"metadata": metadata, "spec": {}, "status": status})


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (None, None),
        ("demo", None),
        ("brun/demo", None),
        ("bcmp", ""),
        ("bcmp/", None),
        ("bcmp/x", "x"),
        ("BenchmarkComparison/x", "x"),
        ("benchmarkcomparisons/x", "x"),
    ],
)
def test_how_a_comparison_is_named(text: str | None, name: str | None) -> None:
    assert comparisons.reference(text) == name


@pytest.mark.parametrize(
    ("status", "code", "headline"),
    [
        (ended(), 0, "impact: PASSED"),
        (ended("False/ObjectivesFailed: p50 is worse"), 1, "impact: FAILED"),
        (ended("Unknown/ObjectivesUnknown: more rounds"), 2, "impact: UNDECIDED"),
        (ended("Unknown/NotMeasured", "False/GeneratorSaturated: busy"), 2, "impact: INVALID"),
    ],
)
def test_wait_follows_each_run_to_the_verdict(
    api: FakeApi, invoke: Invoke, status: dict[str, Any], code: int, headline: str
) -> None:
    add(api, {})
    # The first one is read before it is followed.
    api.script = [{}, going(0, "off"), going(0, "off"), going(1, "on"), status]
    done = invoke("wait", "bcmp/impact")
    assert done.exit_code == code, done.output
    assert headline in done.output
    assert done.output.count("round 1 of 4: off, x-0, 0/8 runs are done") == 1
    assert "round 1 of 4: on, x-1, 1/8 runs are done" in done.output


def test_get_shows_table_objectives_and_where_the_values_are(api: FakeApi, invoke: Invoke) -> None:
    add(api, ended("False/ObjectivesFailed: p50 is worse"))
    lines = [" ".join(line.split()) for line in invoke("get", "bcmp/impact").output.splitlines()]
    assert "Regressed on latency.p50 66.1 ms 51.2 ms of off +29.1 % (+28 % to +30 %): worse by more than 3 %" in lines
    assert "Fail latency.p50 on than off +14.9 ms (+14.2 ms to +15.3 ms) 5ms" in lines
    assert "warning: left out: x-3, GeneratorSaturated" in lines
    assert "all values: ConfigMap impact-comparison" in lines
    assert json.loads(invoke("get", "bcmp/impact", "-o", "json").output)["metadata"]["name"] == "impact"


def test_a_row_that_the_status_has_cut_shows_its_ratio(api: FakeApi, invoke: Invoke) -> None:
    bare = {key: value for key, value in ROW.items() if key != "display"}
    add(api, {**ended(), "table": [bare, {"metric": "throughput", "verdict": "Inconclusive", "variant": "on"}]})
    output = invoke("get", "bcmp/impact").output
    assert "x 1.291 (1.28 to 1.3)" in output
    assert [line.split()[-1] for line in output.splitlines() if "Inconclusive" in line] == ["-"]


def test_bcmp_lists_the_comparisons(api: FakeApi, invoke: Invoke) -> None:
    assert invoke("get", "bcmp").output == "no comparisons\n"
    add(api, going(3, "on"))
    header, row = (line.split() for line in invoke("get", "bcmp").output.splitlines())
    assert header == ["NAME", "STEP", "RUNS", "VARIANT", "VALID", "PASSED", "AGE"]
    assert row[:4] == ["impact", "Running", "3/8", "on"]
    assert yaml.safe_load(invoke("get", "bcmp", "-o", "yaml").output)["kind"] == "BenchmarkComparisonList"


def test_run_applies_and_follows_a_comparison(api: FakeApi, invoke: Invoke, tmp_path: pathlib.Path) -> None:
    example = pathlib.Path(__file__).parents[3] / "examples" / "comparison-litellm-small.yaml"
    api.script = [ended()]
    done = invoke("run", "-f", str(example))
    assert done.exit_code == 0, done.output
    assert "comparison default/comparison-litellm-small created" in done.output
    assert f"{PATH}/comparison-litellm-small" in api.objects
    assert "comparison-litellm-small: PASSED" in done.output


def test_cancel_and_artifacts(api: FakeApi, invoke: Invoke, tmp_path: pathlib.Path) -> None:
    add(api, going(1, "on"))
    assert invoke("cancel", "bcmp/impact").exit_code == 0
    assert api.objects[f"{PATH}/impact"]["spec"] == {"cancel": True}
    add(api, ended())
    assert invoke("cancel", "bcmp/impact").exit_code == 3
    api.put("/api/v1/namespaces/default/configmaps/impact-comparison", {"data": {"comparison.json": "{}"}})
    assert invoke("artifacts", "bcmp/impact").output == "impact/comparison.json\n"
    assert (tmp_path / "impact" / "comparison.json").read_text() == "{}"
    assert "Name it: bcmp/NAME" in invoke("wait", "bcmp").output
