"""`gatebench analyze` and `gatebench compare` as a user types them; what they mean is tested with the analysis."""

from __future__ import annotations

import json
import pathlib

import pytest
from typer.testing import CliRunner, Result

from gatebench.cli.main import app
from gatebench_analysis import document
from unit.analysis import test_contrast

DATA = pathlib.Path(__file__).parents[2] / "data" / "foreign"


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def sides(tmp_path: pathlib.Path) -> tuple[str, str]:
    """A directory of six results, and one of six that are a fifth slower."""
    for name, scale in (("before", 1.0), ("after", 1.2)):
        for step in range(6):
            path = tmp_path / name / str(step) / "result.json.gz"
            path.parent.mkdir(parents=True)
            path.write_bytes(document.write(test_contrast.result(scale * (1 + 0.002 * step))))
    return str(tmp_path / "before"), str(tmp_path / "after")


def test_analyze() -> None:
    shown = invoke("analyze", str(DATA / "locust_stats.csv"))
    assert shown.exit_code == 0, shown.output
    assert "locust_stats.csv beside LiteLLM, 4 instances" in shown.output
    rated = invoke("analyze", str(DATA / "hey.csv"), "--reference", "litellm-2", "--instances", "2", "-o", "json")
    assert json.loads(rated.output)[0]["beside"]["perInstance"]["reference"] == 1035.7 / 2
    assert "beside" not in invoke("analyze", str(DATA / "hey.csv"), "--reference", "none").output
    assert invoke("analyze", str(DATA / "hey.csv"), "-o", "junit").output.startswith("<testsuites")


def test_compare_ends_with_its_verdict(sides: tuple[str, str]) -> None:
    before, after = sides
    assert invoke("compare", before, after).exit_code == 1
    assert invoke("compare", after, before).exit_code == 0
    assert invoke("compare", before, before).exit_code == 0
    assert invoke("compare", f"{before}/0", f"{after}/0").exit_code == 2
    alone = invoke("compare", f"{before}/0", f"{after}/0", "--threshold", "10")
    assert alone.exit_code == 1
    assert "A single run a side cannot prove this" in alone.output
    assert invoke("compare", f"{before}/0", f"{after}/0", "--threshold", "25%").exit_code == 0
    told = json.loads(invoke("compare", before, f"{after}/[0-4]/*.gz", "--json").output)
    assert (told["exitCode"], told["verdict"], len(told["current"])) == (1, "Regressed", 5)
    one = json.loads(invoke("compare", before, after, "--json", "--metric", "latency.p95", "--ignore", "node").output)
    assert [row["metric"] for row in one["metrics"]] == ["latency.p95"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["analyze"],
        ["analyze", "nowhere.json"],
        ["analyze", str(DATA / "hey.csv"), "--reference", "nobody"],
        ["analyze", str(DATA / "hey.csv"), "--instances", "0"],
        ["analyze", str(DATA / "README.md")],
        ["compare", str(DATA / "hey.csv")],
        ["compare", str(DATA / "hey.csv"), "nowhere.json"],
        ["compare", str(DATA / "hey.csv"), str(DATA / "hey.csv"), "--threshold", "lots"],
        ["compare", str(DATA / "hey.csv"), str(DATA / "hey.csv"), "-o", "pdf"],
    ],
)
def test_wrong_input_is_3_and_one_line(arguments: list[str]) -> None:
    result = invoke(*arguments)
    assert (result.exit_code, len(result.stderr.splitlines())) == (3, 1), result.output
