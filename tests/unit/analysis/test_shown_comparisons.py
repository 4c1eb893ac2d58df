"""A comparison.json in every form of analyze: its verdict, its table as rows, its bounds as test cases."""

from __future__ import annotations

import csv
import io
import json
import pathlib
from typing import Any

import pytest

from gatebench_analysis import inputs, outputs
from gatebench_analysis.cli import analyzed, compared
from gatebench_analysis.inputs import BadInput
from gatebench_analysis.outputs import Form
from report import compared as samples
from unit.analysis import test_outputs

OF_TEMPLATE = "the objectives of the template"


def shown(tmp_path: pathlib.Path, document: str, form: Form) -> str:
    path = tmp_path / "comparison.json"
    path.write_text(document)
    return outputs.analysis(analyzed([str(path)], "litellm-4"), form)


@pytest.fixture(scope="module")
def slower() -> tuple[str, dict[str, Any]]:
    return samples.slower()


def told(document: str, kind: str, status: str, message: str) -> str:
    """With another condition of that type."""
    found = json.loads(document)
    conditions = [one for one in found["status"]["conditions"] if one["type"] != kind]
    reason = {"Valid": "EnvironmentChanged", "Passed": "ObjectivesFailed"}[kind]
    found["status"]["conditions"] = [
        *conditions,
        {"type": kind, "status": status, "reason": reason, "message": message},
    ]
    return json.dumps(found)


def test_text_has_verdict_table_and_bounds(tmp_path: pathlib.Path, slower: tuple[str, dict[str, Any]]) -> None:
    lines = shown(tmp_path, slower[0], Form.TEXT).splitlines()
    assert lines[0] == "comparison  team/impact"
    assert lines[1].startswith("verdict     FAILED: Latency.p95 of litellm is worse by ")
    assert "valid       9 of 10 runs are valid and count." in lines
    assert any(line.startswith("latency.p95  litellm  82.8 ms     57.2 ms of loopback   +44.5 % (") for line in lines)
    assert any(line.startswith("latency.p95  litellm  Fail ") and line.endswith("20ms") for line in lines)
    assert any(line.startswith("left out: impact-") and line.endswith("GeneratorSaturated") for line in lines)
    assert "LiteLLM, 4 instances" not in "\n".join(lines)


def test_csv_and_json_have_a_row_for_each_metric(tmp_path: pathlib.Path, slower: tuple[str, dict[str, Any]]) -> None:
    table = json.loads(slower[0])["table"]
    rows = list(csv.DictReader(io.StringIO(shown(tmp_path, slower[0], Form.CSV))))
    assert [row["metric"] for row in rows] == [row["metric"] for row in table]
    for row, kept in zip(rows, table, strict=True):
        assert (row["result"], row["variant"], row["reference"]) == ("impact", "litellm", "loopback")
        assert (float(row["value"]), float(row["ratio"])) == (kept["median"], kept["ratio"])
        assert (row["status"], float(row["low"])) == (kept["verdict"], kept["low"])
    (found,) = json.loads(shown(tmp_path, slower[0], Form.JSON))
    assert found["verdict"]["status"] == "False"
    assert found["runs"] == {"made": 10, "counted": 9}
    assert found["table"] == table
    assert [one["outcome"] for one in found["objectives"]] == ["Pass", "Fail", "Pass", "Pass"]


def test_markdown_holds_no_markup_from_outside(tmp_path: pathlib.Path, slower: tuple[str, dict[str, Any]]) -> None:
    text = shown(tmp_path, slower[0], Form.MARKDOWN)
    assert text.startswith("### impact: ❌ failed\n")
    assert "| ❌ Fail | latency.p95 | litellm |" in text
    assert "| latency.p95 | litellm | 82.8 ms | 57.2 ms of loopback |" in text
    hostile = shown(tmp_path, samples.hostile()[0], Form.MARKDOWN)
    assert "<script" not in hostile
    assert "<img" not in hostile


def test_junit_has_a_case_for_each_bound(tmp_path: pathlib.Path, slower: tuple[str, dict[str, Any]]) -> None:
    assert test_outputs.cases(shown(tmp_path, slower[0], Form.JUNIT)) == {
        "the comparison holds": "passed",
        "latency.p50 of litellm against loopback": "passed",
        "latency.p95 of litellm against loopback": "failure",
        "throughput of litellm against loopback": "passed",
        "errorRatio of litellm against loopback": "passed",
    }
    assert test_outputs.cases(shown(tmp_path, samples.close()[0], Form.JUNIT)) == {"the comparison holds": "passed"}


@pytest.mark.parametrize(("status", "kind"), [("False", "failure"), ("Unknown", "error")])
def test_runs_that_miss_the_objectives_of_the_template_are_a_case(
    tmp_path: pathlib.Path, slower: tuple[str, dict[str, Any]], status: str, kind: str
) -> None:
    message = f"4 of 5 runs of litellm did not meet {OF_TEMPLATE}; impact-2: latency.p95 is 80 ms, failAbove 60ms"
    found = test_outputs.cases(shown(tmp_path, told(slower[0], "Passed", status, message), Form.JUNIT))
    assert found[OF_TEMPLATE] == kind


@pytest.mark.parametrize("status", ["False", "Unknown"])
def test_what_does_not_hold_is_one_error_and_judges_nothing(
    tmp_path: pathlib.Path, slower: tuple[str, dict[str, Any]], status: str
) -> None:
    changed = told(slower[0], "Valid", status, "the kernel changed")
    document = shown(tmp_path, changed, Form.JUNIT)
    found = test_outputs.cases(document)
    assert found.pop("the comparison holds") == "error"
    assert set(found.values()) == {"skipped"}
    assert "the kernel changed" in document or "The kernel changed" in document


@pytest.mark.parametrize("form", list(Form))
def test_every_form_takes_what_an_older_operator_kept(tmp_path: pathlib.Path, form: Form) -> None:
    for source in (samples.slower(), samples.unmeasured(), samples.hostile()):
        assert shown(tmp_path, samples.without_status(source)[0], form)
    assert shown(tmp_path, '{"schema": "gatebench.dev/comparison/v1alpha1"}', form)


def test_a_comparison_is_not_compared_again(tmp_path: pathlib.Path, slower: tuple[str, dict[str, Any]]) -> None:
    path = tmp_path / "comparison.json"
    path.write_text(slower[0])
    with pytest.raises(BadInput, match="a comparison already: gatebench analyze shows it"):
        compared(str(path), str(path), None, (), ())
    with pytest.raises(BadInput, match="no result document"):
        inputs.expand([str(tmp_path)])
