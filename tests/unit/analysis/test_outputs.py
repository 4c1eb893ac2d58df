"""Results and comparisons as text, CSV, JSON, Markdown and JUnit's XML."""

from __future__ import annotations

import csv
import io
import json
import pathlib
import subprocess
import sys
from typing import Any
from xml.etree import ElementTree

import pytest

from gatebench_analysis import outputs, reference
from gatebench_analysis.cli import analyze_results, analyzed
from gatebench_analysis.contrast import contrast
from gatebench_analysis.document import Figure, Finding, ObjectiveOutcome, Result, RunInfo, Verdict
from gatebench_analysis.foreign import METRICS
from gatebench_analysis.inputs import of_result
from gatebench_analysis.outputs import Analyzed, Form
from gatebench_analysis.outputs.markdown import escaped
from gatebench_analysis.rating import rate
from unit.analysis import test_contrast, test_golden

ROOT = pathlib.Path(__file__).parents[3]
DATA = ROOT / "tests" / "data" / "foreign"
NASTY = 'a|b <script>alert("x")</script> @team `c` [d](e) \x07 & *f*\ng'


def beside(result: Result, name: str = "litellm-4") -> Analyzed:
    reading, found = of_result(result), reference.get(name)
    return Analyzed(reading, rate(reading.figures, found) if found is not None else None)


def good() -> Result:
    values = {
        "throughput": ("1/s", 1050.0),
        "errorRatio": ("ratio", 0.0),
        "latency.p50": ("s", 0.095),
        "latency.p95": ("s", 0.145),
        "latency.p99": ("s", 0.22),
    }
    return Result(
        run=RunInfo(name="demo", spec={"gateway": {"image": "x"}}),
        metrics={name: Figure(value=value, unit=unit) for name, (unit, value) in values.items()},
        verdict=Verdict(status="True", reason="ObjectivesMet"),
    )


def test_the_table_beside_a_reference() -> None:
    from gatebench_analysis.outputs import terminal

    rating = beside(good()).rating
    assert rating is not None
    lines = terminal.rating(rating)
    rule = "-" * len(lines[1])
    assert lines[:11] == [
        "demo beside LiteLLM, 4 instances",
        rule,
        "METRIC            demo         LiteLLM       FACTOR       STATUS",
        "Throughput        1,050 req/s  1,170 req/s   1.1x slower  Good",
        "Median latency    95 ms        100 ms        1.1x faster  Good",
        "P95 latency       145 ms       150 ms        the same     Good",
        "P99 latency       220 ms       240 ms        1.1x faster  Good",
        "Gateway overhead  -            2 ms to 8 ms  -            Unknown",
        "Error rate        0 %          not reported  -            Good",
        "Per instance      1,050 req/s  292 req/s     3.6x faster",
        rule,
    ]
    assert lines[11] == "together: Good"
    assert "note: LiteLLM used 4 instances, this gateway 1" in lines
    assert any(line.startswith("source: https://docs.litellm.ai/docs/benchmarks, read 20") for line in lines)
    drawn = terminal.rating(rating, unicode=True)
    assert drawn[1] == "\u2501" * len(rule)
    assert drawn[2:] == [*lines[2:10], drawn[1], *lines[11:]]
    assert all(line.isascii() for line in lines)


def test_a_whole_result_is_shown_before_its_reference() -> None:
    shown = outputs.analysis([beside(test_golden.mixed())], Form.TEXT)
    assert shown.index("OBJECTIVE") < shown.index("beside LiteLLM")
    assert "beside" not in outputs.analysis([beside(test_golden.mixed(), "none")], Form.TEXT)


def test_what_does_not_hold_has_no_figure_anywhere() -> None:
    found = beside(test_golden.disturbed())
    assert "CoresDisturbed" in found.reading.doubt
    rows = list(csv.DictReader(io.StringIO(outputs.analysis([found], Form.CSV))))
    assert {row["value"] for row in rows} == {""}
    assert {row["status"] for row in rows if row["reference"]} == {"Unknown"}
    assert json.loads(outputs.analysis([found], Form.JSON))[0]["figures"] == {}
    shown = outputs.analysis([found], Form.MARKDOWN)
    assert "the measurement does not hold" in shown
    assert " ms" not in shown


def test_csv_and_json_say_the_same() -> None:
    found = analyzed([str(DATA / "hey.csv"), str(DATA / "vegeta.json")], "litellm-4", instances=2)
    rows = list(csv.DictReader(io.StringIO(outputs.analysis(found, Form.CSV))))
    assert len(rows) == 2 * len(METRICS)
    told = {one["name"]: one for one in json.loads(outputs.analysis(found, Form.JSON))}
    for row in rows:
        known = told[row["result"]]["figures"].get(row["metric"])
        assert (float(row["value"]) if row["value"] else None) == (known["value"] if known else None)
        assert bool(row["missing"]) == (known is None)
    assert told["hey.csv"]["instances"] == 2
    assert told["hey.csv"]["beside"]["perInstance"]["instances"] == 2
    assert told["hey.csv"]["beside"]["reference"]["source"].startswith("https://")


def test_percentiles_of_our_own_have_their_upper_bounds() -> None:
    found = [beside(test_golden.mixed(), "none")]
    told = {row["metric"]: row for row in csv.DictReader(io.StringIO(outputs.analysis(found, Form.CSV)))}
    figures = json.loads(outputs.analysis(found, Form.JSON))[0]["figures"]
    assert float(told["latency.p99"]["upper"]) == figures["latency.p99"]["upper"] > figures["latency.p99"]["value"]
    assert {told[name]["upper"] for name in ("throughput", "latency.max", "latency.p99.9", "overhead.p50")} == {""}
    assert set(figures["throughput"]) == {"value", "unit"}
    assert "| `latency.p99` | 97.6 ms | 102 ms |" in outputs.analysis(found, Form.MARKDOWN)
    foreign = analyzed([str(DATA / "hey.csv")], "none")
    assert "upper" not in outputs.analysis(foreign, Form.JSON)
    assert "At most" not in outputs.analysis(foreign, Form.MARKDOWN)


def objectives() -> list[ObjectiveOutcome]:
    given: list[dict[str, Any]] = [
        {"metric": "throughput", "outcome": "Good", "observed": "58 req/s", "bound": "targetAbove 50"},
        {"metric": "latency.p95", "stage": "hold", "outcome": "Fail", "observed": "1 s", "message": NASTY},
        {"metric": "latency.p99", "outcome": "Warn", "message": "above"},
        {"metric": "ttft.p95", "outcome": "Unknown", "message": "missing: no streams"},
        {"metric": "ttft.p99", "outcome": "Unknown", "optional": True},
        {"metric": "gateway.throttledRatio", "outcome": "NotApplicable", "message": "no quota"},
    ]
    return [ObjectiveOutcome(bounds={"failAbove": "1s"}, **one) for one in given]


def cases(document: str) -> dict[str, str]:
    """Of each test case what it is."""
    root = ElementTree.fromstring(document)
    found = {}
    for case in root.iter("testcase"):
        kinds = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        found[str(case.get("name"))] = kinds[0] if kinds else "passed"
    counted = {kind: list(found.values()).count(kind) for kind in ("failure", "error", "skipped")}
    assert counted == {
        "failure": int(root.get("failures") or 0),
        "error": int(root.get("errors") or 0),
        "skipped": int(root.get("skipped") or 0),
    }
    assert int(root.get("tests") or 0) == len(found)
    return found


def test_junit_has_a_case_for_each_objective() -> None:
    result = good().model_copy(update={"objectives": objectives()})
    shown = outputs.analysis([beside(result)], Form.JUNIT)
    assert cases(shown) == {
        "the measurement holds": "passed",
        "throughput": "passed",
        "latency.p95 (hold)": "failure",
        "latency.p99": "passed",
        "ttft.p95": "error",
        "ttft.p99": "skipped",
        "gateway.throttledRatio": "skipped",
    }
    failure = ElementTree.fromstring(shown).find(".//failure")
    assert failure is not None
    assert "<script>" in (failure.get("message") or ""), "escaped in the document, itself when it is read"
    assert "\ufffd" in (failure.get("message") or ""), "what XML cannot hold is replaced"


def test_junit_of_what_does_not_hold_has_one_error_and_judges_nothing() -> None:
    finding = Finding(status="False", reason="WorkerLost", message="1 of 2", remedy="run it again")
    result = good().model_copy(update={"objectives": objectives(), "validity": [finding]})
    found = cases(outputs.analysis([beside(result)], Form.JUNIT))
    assert found.pop("the measurement holds") == "error"
    assert set(found.values()) == {"skipped"}


def test_junit_of_a_comparison() -> None:
    worse = test_contrast.one(values={"latency.p99": 0.2, "latency.p95": None})
    found = contrast(test_contrast.one(), worse, threshold=10)
    assert cases(outputs.comparison(found, Form.JUNIT)) == {
        "throughput": "passed",
        "latency.p50": "passed",
        "latency.p95": "error",
        "latency.p99": "failure",
    }


def test_markdown_holds_no_markup_from_outside() -> None:
    result = good().model_copy(update={"objectives": objectives(), "run": RunInfo(name=NASTY)})
    shown = outputs.analysis([beside(result)], Form.MARKDOWN)
    assert "<script>" not in shown
    assert " @team" not in shown
    assert "`c`" not in shown
    lines = shown.splitlines()
    for index, line in enumerate(lines):
        if line.startswith("|---"):
            bars = line.count("|")
            table = lines[index - 1 : index] + [row for row in lines[index + 1 :] if row.startswith("|")][:3]
            assert {row.replace("\\|", "").count("|") for row in table} == {bars}
    assert "\n" not in escaped(NASTY)


def test_markdown_of_a_comparison_says_what_it_is_worth() -> None:
    found = contrast(test_contrast.one(), test_contrast.one(1.5), threshold=10)
    shown = outputs.comparison(found, Form.MARKDOWN)
    assert shown.startswith("### Compared with the baseline: ❌ Regressed (not proven)")
    assert "| `latency.p95` | 80 ms | 120 ms | +50 % | - | ❌ Regressed |" in shown
    assert "A single run a side cannot prove this" in shown


def test_text_of_a_comparison() -> None:
    shown = outputs.comparison(contrast(test_contrast.many(1.0), test_contrast.many(1.2)), Form.TEXT)
    assert "verdict: Regressed\n" in f"{shown}\n"
    assert "0.json, 1.json, 2.json and 3 more" in shown
    assert "worse by more than 10 %" in shown


@pytest.mark.parametrize("form", list(Form))
def test_every_form_takes_every_result(form: Form) -> None:
    results = [make() for make in test_golden.RESULTS.values()]
    for name in (*reference.names(), "none"):
        assert outputs.analysis([beside(one, name) for one in results], form)
    assert outputs.analysis([beside(Result())], form)


def test_the_programs() -> None:
    """As a user starts them, in a process of their own."""
    given = [str(DATA / "locust_stats.csv"), "--reference", "tokligence"]
    done = subprocess.run(
        [sys.executable, "-m", "gatebench_analysis", "analyze", *given],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT / "analysis"), "PYTHONIOENCODING": "utf-8"},
        check=True,
        timeout=60,
    )
    assert "locust_stats.csv beside Tokligence Gateway, 1 instance" in done.stdout
    assert done.stdout.isascii(), "no lines are drawn into a pipe"


def test_analyze_refuses_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert analyze_results([str(DATA / "hey.csv"), "--reference", "nobody"]) == 3
    assert "use one of litellm-4" in capsys.readouterr().err
    assert analyze_results([str(DATA / "hey.csv"), "--instances", "0"]) == 3
    assert "--instances is at least 1" in capsys.readouterr().err
