"""A run against its baseline, from two results to the verdict and its words."""

from __future__ import annotations

import dataclasses
from typing import Any
from xml.etree import ElementTree

import pytest

from gatebench_analysis import against, assemble, document, outputs
from gatebench_analysis.against import Reference
from gatebench_analysis.document import Result, RunInfo, Verdict
from gatebench_analysis.inputs import of_result
from gatebench_analysis.objectives import Objective
from gatebench_analysis.outputs import Analyzed, Form
from unit.analysis import builders

TOLERANCES = {"latency.p50": 0.03, "latency.p95": 0.03, "throughput": 0.03}
RESTARTS = {"repeats": {"count": 4, "restartGateway": True}}


def inputs(factor: float = 1.0, count: int = 4, spec: dict[str, Any] | None = None, **load: Any) -> assemble.Inputs:
    """A run of repeats whose latencies are `factor` times what they are by default."""
    phases: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for repeat in range(count):
        begun, first = 40.0 * repeat, len(phases)
        phases += [
            {**builders.phase(first, "WarmUp", begun, begun + 5), "repeat": repeat},
            {**builders.phase(first + 1, "Stage", begun + 5, begun + 30), "repeat": repeat},
            {**builders.phase(first + 2, "Pause", begun + 30, begun + 40), "repeat": repeat},
        ]
        values = [factor * value for value in builders.latencies(1000, seed=repeat)]
        rows.append(builders.row(first + 1, values))
    info = RunInfo(name="demo", namespace="team", uid="u", spec={**RESTARTS, **(spec or {})})
    objectives = (Objective("errorRatio", fail_above=0.01, texts={"failAbove": "1%"}),)
    return assemble.Inputs(
        run=info,
        load=builders.load(phases=phases, requests=rows, **load),
        environment={"node": "node0"},
        objectives=objectives,
        facts=builders.facts(isolation="None", isolated=False),
    )


def measured(factor: float = 1.0, reference: Reference | None = None, **given: Any) -> Result:
    return assemble.assemble(dataclasses.replace(inputs(factor, **given), baseline=reference))


def reference(result: Result | None, **given: Any) -> Reference:
    return Reference("run old", given.pop("tolerances", TOLERANCES), result, **given)


def test_the_same_again_is_the_same() -> None:
    found = measured(reference=reference(measured(), tolerances=dict.fromkeys(TOLERANCES, 0.1)))
    assert found.baseline is not None
    assert (found.baseline.verdict, found.verdict.status) == ("Same", "True")
    assert {one.metric for one in found.baseline.metrics} == set(TOLERANCES)
    assert "Same against run old" in found.verdict.message
    assert found.baseline.run == "team/demo"
    assert not any("run old" in warning for warning in found.warnings)


def test_slower_than_tolerated_fails() -> None:
    found = measured(1.3, reference(measured()))
    assert found.baseline is not None
    assert found.baseline.verdict == "Regressed"
    assert (found.verdict.status, found.verdict.reason) == ("False", "Regressed")
    assert "latency.p95: +30 %" in found.verdict.message
    by_name = {one.metric: one for one in found.baseline.metrics}
    assert by_name["latency.p95"].ratio == pytest.approx(1.3, rel=0.01)
    assert document.read(document.write(found)) == found


def test_slower_than_tolerated_is_a_warning_where_that_is_asked_for() -> None:
    found = measured(1.3, reference(measured(), fails=False))
    assert found.verdict.status == "True"
    assert any(warning.startswith("Regressed against run old: ") for warning in found.warnings)


def test_what_failed_before_keeps_its_reason() -> None:
    failed = Verdict(status="False", reason="ObjectivesFailed", message="latency.p95 is 2 s.")
    found = measured(1.3, reference(measured())).baseline
    assert against.judged(failed, found).reason == "ObjectivesFailed"
    assert "latency.p95 is 2 s; Regressed against run old" in against.judged(failed, found).message
    unknown = Verdict(status="Unknown", reason="ObjectivesUnknown", message="latency.p99 is missing")
    assert against.judged(unknown, found).reason == "Regressed"
    assert against.judged(failed, None) is failed


@pytest.mark.parametrize(
    ("current", "before", "words"),
    [
        ({"count": 3}, {}, "4 against 3 repeats; 3 metrics need 4 a side"),
        ({"spec": {"repeats": {"restartGateway": False}}}, {}, "OneProcess: the repeats of this run share"),
        ({"spec": {"gateway": {"cpus": 2}}}, {"spec": {"gateway": {"cpus": 1}}}, "differ in gateway.cpus"),
    ],
)
def test_what_cannot_be_told_is_inconclusive_and_says_why(
    current: dict[str, Any], before: dict[str, Any], words: str
) -> None:
    found = measured(1.3, reference(measured(**before)), **current)
    assert found.baseline is not None
    assert found.baseline.verdict == "Inconclusive"
    assert words in found.baseline.why
    assert found.verdict.status == "True"
    assert any(words in warning for warning in found.warnings)


def test_a_baseline_that_is_gone_is_inconclusive() -> None:
    found = measured(reference=reference(None, gone="ConfigMap kept does not exist")).baseline
    assert found is not None
    assert (found.verdict, found.why) == ("Inconclusive", "the baseline is gone: ConfigMap kept does not exist")


def test_a_measurement_that_does_not_hold_is_no_baseline_and_has_no_verdict() -> None:
    lost = {"workers": [builders.worker(lost=True), builders.worker()]}
    spoiled = measured(**lost)
    why = against.unfit(spoiled)
    assert why is not None
    assert why.startswith("its measurement is not valid: WorkerLost: ")
    assert against.unfit(measured()) is None
    assert "was not gone through" in (against.unfit(measured(outcome="Aborted")) or "")
    for found in (measured(1.3, reference(spoiled)), measured(1.3, reference(measured()), **lost)):
        assert found.baseline is not None
        assert (found.baseline.verdict, found.baseline.metrics) == ("Inconclusive", [])


def test_a_run_without_a_baseline_has_no_such_section() -> None:
    assert measured().baseline is None
    assert "baseline" not in document.dump(measured())


def baseline_case(result: Result) -> ElementTree.Element:
    suite = ElementTree.fromstring(outputs.analysis([Analyzed(of_result(result), None)], Form.JUNIT))
    (case,) = (one for one in suite.iter("testcase") if one.get("name") == "against run old")
    return case


def test_junit_has_a_case_for_the_baseline_that_fails_where_the_run_does() -> None:
    before = measured()
    failure = baseline_case(measured(1.3, reference(before))).find("failure")
    assert failure is not None
    assert "+30 %" in (failure.get("message") or "")
    for found in (measured(1.3, reference(before, fails=False)), measured(reference=reference(None, gone="gone"))):
        case = baseline_case(found)
        assert case.find("failure") is None
        assert case.find("skipped") is not None
    wide = reference(before, tolerances=dict.fromkeys(TOLERANCES, 0.1))
    assert [part.tag for part in baseline_case(measured(reference=wide))] == ["system-out"]
