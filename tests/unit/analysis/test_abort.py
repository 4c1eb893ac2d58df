"""A load that a bound has ended: measured as far as it went, and not passed."""

from __future__ import annotations

from typing import Any

import pytest

from gatebench_analysis import abort, document, metrics, objectives, text
from gatebench_analysis.document import Result
from gatebench_analysis.objectives import Objective
from unit.analysis import builders

GUARD = {"metric": "latency.p95", "above": 5.0, "below": None, "windowSeconds": 10.0}
P95 = Objective("latency.p95", warn_above=0.2, abort_above=5.0, texts={"warnAbove": "200ms", "abortAbove": "5s"})


def aborted(*given: Objective, **load: Any) -> Result:
    found = GUARD | {"value": 6.214, "at": builders.START + 90}
    document = builders.load(outcome="Aborted", abort=found, guards=[GUARD | {"judged": 40}], **load)
    return builders.result(load=document, objectives=given or (P95,))


def test_it_did_not_pass_and_is_a_measurement() -> None:
    result = aborted()
    assert result.validity == []
    assert (result.verdict.status, result.verdict.reason) == ("False", "Aborted")
    assert result.verdict.message == "the load was ended early: latency.p95 was 6.21 s over 10 s, above 5 s"
    assert result.metrics["throughput"].value is not None
    assert result.summary is not None
    first = result.objectives[0]
    assert (first.outcome, first.bound, first.value) == ("Fail", "abortAbove 5s", result.metrics["latency.p95"].value)
    assert first.message == "aborted: latency.p95 was 6.21 s over 10 s, above 5 s"
    assert "FAILED: the load was ended early" in text.table(result)
    assert document.read(document.write(result)).load.abort == result.load.abort


def test_only_the_objective_that_ended_it_has_failed() -> None:
    other = Objective("requests.chat.latency.p95", abort_above=5.0, texts={"abortAbove": "5s"})
    staged = Objective("latency.p95", stage="hold", fail_above=5.0, texts={"failAbove": "5s"})
    assert [one.outcome for one in aborted(other, staged, P95).objectives[:3]] == ["Pass", "Pass", "Fail"]


def test_that_nothing_was_measured_yet_is_no_news() -> None:
    phases = [builders.phase(0, "WarmUp", 0, 10), builders.phase(1, "Ramp", 10, 90, name="up")]
    result = aborted(phases=phases)
    assert not {"NoTraffic", "NotSteady", "TooFewSamples"} & {one.reason for one in result.validity}
    assert result.verdict.reason == "Aborted"
    assert result.metrics["latency.p95"].missing is not None


def test_what_else_speaks_against_it_stays() -> None:
    result = aborted(workers=[builders.worker(), builders.worker(id="worker-1", lost=True)])
    assert result.validity[0].reason == "WorkerLost"


def test_a_bound_that_was_never_judged_is_remarked_on() -> None:
    load = builders.load(guards=[GUARD | {"judged": 0}, GUARD | {"metric": "throughput", "judged": 3}])
    (warning,) = [one for one in builders.result(load=load).warnings if "abortWindow" in one]
    assert warning.startswith("latency.p95 above 5 s could not have ended the load: no window of 10 s had enough")


def test_a_load_that_kept_its_bounds_is_judged_by_its_other_bounds() -> None:
    kept = builders.result(objectives=(P95,)).objectives[0]
    assert (kept.outcome, kept.bounds) == ("Pass", {"warnAbove": "200ms", "abortAbove": "5s"})
    slow = builders.result(objectives=(Objective("latency.p95", abort_above=0.01),)).objectives[0]
    assert slow.outcome == "Fail"


@pytest.mark.parametrize(
    ("objective", "words"),
    [
        (Objective("latency.p95", fail_above=5.0, abort_above=1.0), "failAbove 5 s is above abortAbove 1 s"),
        (Objective("throughput", fail_below=5.0, abort_below=10.0), "failBelow 5 req/s is below abortBelow 10 req/s"),
        (Objective("latency.p95", fail_above=5.0, abort_below=1.0), "contradict each other"),
        (Objective("latency.p95", stage="a", abort_above=1.0), "cannot be ended by it"),
        (Objective("gateway.memory.peak", abort_above=1.0), "cannot be ended by it"),
        (Objective("latency.p95.upper", abort_above=1.0), "cannot be ended by it"),
    ],
)
def test_bounds_that_make_no_sense(objective: Objective, words: str) -> None:
    assert any(words in problem for problem in objectives.check([objective]))


def test_the_metrics_that_can_end_a_load_are_the_fleets_own() -> None:
    able = [metric for metric in metrics.CATALOGUE if abort.can_abort(metric.name)]
    assert {metric.origin for metric in able} == {metrics.Origin.FLEET}
    assert len(able) == 2 * (2 + 3 * 7)
