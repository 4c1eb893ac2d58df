"""The script of docs/ci.md, with the real programs, against an API server of a few lines."""

from __future__ import annotations

import base64
import os
import pathlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from gatebench_analysis import document
from gatebench_analysis.document import Finding, ObjectiveOutcome, Result, Verdict
from unit.analysis import test_contrast
from unit.cli import fakeapi, statuses
from unit.cli.fakeapi import FakeApi

pytestmark = pytest.mark.slow

SCRIPT = pathlib.Path(__file__).parents[3] / "examples" / "ci" / "benchmark.sh"
RUN = {
    "apiVersion": "gatebench.dev/v1alpha1",
    "kind": "BenchmarkRun",
    "metadata": {"generateName": "nightly-"},
    "spec": {"gateway": {"image": "x"}},
}
Step = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with fakeapi.serve() as api:
        yield api


@pytest.fixture
def step(api: FakeApi, tmp_path: pathlib.Path) -> Step:
    """Runs the script as a pipeline does: the run ends with that status, and leaves that result."""

    def run(status: dict[str, Any], result: Result, *baseline: str, run: dict[str, Any] = RUN) -> Any:
        api.script = [status]
        packed = base64.b64encode(document.write(result)).decode()
        api.put("/api/v1/namespaces/default/configmaps/demo-result", {"binaryData": {"result.json.gz": packed}})
        api.put("/api/v1/namespaces/default/configmaps/demo-locust", {"data": {"stats.csv": "a,b"}})
        api.put("/api/v1/namespaces/default/configmaps/demo-logs", {"data": {"gateway.log": "hello"}})
        (tmp_path / "run.yaml").write_text(yaml.safe_dump(run))
        programs = os.path.dirname(sys.executable)
        return subprocess.run(
            [str(SCRIPT), "run.yaml", *baseline],
            cwd=tmp_path,
            env={
                "PATH": f"{programs}:{os.environ['PATH']}",
                "KUBECONFIG": str(fakeapi.kubeconfig(tmp_path, api.url)),
                "HOME": str(tmp_path),
                "PYTHONUTF8": "1",
            },
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


def judged(scale: float = 1.0, **given: Any) -> Result:
    """A result whose only objective holds."""
    outcome = ObjectiveOutcome(metric="throughput", outcome="Good", observed="100 req/s", bound="targetAbove 50")
    objectives = given.pop("objectives", [outcome])
    return test_contrast.result(scale, objectives=objectives, verdict=Verdict(status="True"), **given)


def failures(path: pathlib.Path) -> list[str | None]:
    return [
        c.get("name")
        for c in ElementTree.fromstring(path.read_text()).iter("testcase")
        if c.find("failure") is not None
    ]


def test_a_run_that_passes_is_the_next_ones_baseline(step: Step, tmp_path: pathlib.Path) -> None:
    first = step(statuses.passed(), judged())
    assert first.returncode == 0, first.stdout + first.stderr
    assert "no baseline" in first.stdout
    kept = tmp_path / "benchmark-results" / "runs" / "1-nightly-x1y2z"
    assert sorted(p.name for p in kept.rglob("*") if p.is_file()) == ["gateway.log", "result.json", "stats.csv"]
    again = step(statuses.passed(), judged())
    assert again.returncode == 3, "results of another time are not mixed in"
    (tmp_path / "benchmark-results").rename(tmp_path / "before")
    second = step(statuses.passed(), judged(1.05), "before/runs")
    assert second.returncode == 0, second.stdout + second.stderr
    assert "A single run a side cannot prove this" in second.stdout
    out = tmp_path / "benchmark-results"
    assert failures(out / "objectives.xml") == []
    assert failures(out / "regression.xml") == []
    comment = (out / "comment.md").read_text()
    assert "### demo: ✅ passed" in comment
    assert "### Compared with the baseline: ✅ Same (not proven)" in comment


def test_a_regression_is_1_and_in_the_files(step: Step, tmp_path: pathlib.Path) -> None:
    (tmp_path / "baseline.json.gz").write_bytes(document.write(judged()))
    done = step(statuses.passed(), judged(1.3), "baseline.json.gz")
    assert done.returncode == 1, done.stdout + done.stderr
    assert failures(tmp_path / "benchmark-results" / "regression.xml") == [
        "throughput", "latency.p50", "latency.p95", "latency.p99",
    ]  # fmt: skip
    assert "❌ Regressed" in (tmp_path / "benchmark-results" / "comment.md").read_text()


def test_a_failed_objective_is_1_and_a_test_that_failed(step: Step, tmp_path: pathlib.Path) -> None:
    bad = ObjectiveOutcome(metric="latency.p95", outcome="Fail", observed="143 ms", bound="failAbove 100ms")
    done = step(statuses.failed(), judged(objectives=[bad]))
    assert done.returncode == 1, done.stdout + done.stderr
    assert failures(tmp_path / "benchmark-results" / "objectives.xml") == ["latency.p95"]


def test_a_measurement_that_does_not_hold_is_2(step: Step, tmp_path: pathlib.Path) -> None:
    (tmp_path / "baseline.json.gz").write_bytes(document.write(judged()))
    broken = judged(validity=[Finding(status="False", reason="CoresDisturbed", message="others took 9 %")])
    done = step(statuses.invalid(), broken, "baseline.json.gz")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "CoresDisturbed" in (tmp_path / "benchmark-results" / "comment.md").read_text()


@pytest.mark.parametrize(
    ("status", "run", "says"),
    [
        (statuses.refused(), RUN, "TargetNotAllowed"),
        (statuses.passed(), {**RUN, "metadata": {"name": "demo"}}, "use metadata.generateName"),
    ],
)
def test_errors_are_3(step, api, status, run, says) -> None:  # type: ignore[no-untyped-def]
    api.add_run("demo", statuses.passed())
    done = step(status, judged(), run=run)
    assert done.returncode == 3, done.stdout + done.stderr
    assert says in done.stdout + done.stderr
