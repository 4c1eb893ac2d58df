"""Outcomes of objectives, the default one, contradictions, and what they come to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatebench_analysis import objectives
from gatebench_analysis.document import ObjectiveOutcome
from gatebench_analysis.objectives import Objective
from gatebench_analysis.observation import Measured, Missing, NotApplicable
from unit.analysis import builders

LESS = Objective(
    "latency.p95",
    target_below=0.18,
    warn_above=0.2,
    fail_above=0.3,
    texts={"targetBelow": "180ms", "warnAbove": "200ms", "failAbove": "300ms"},
)
MORE = Objective("throughput", target_above=1000, warn_below=800, fail_below=500)


@pytest.mark.parametrize(
    ("objective", "value", "outcome", "bound"),
    [
        (LESS, 0.1, "Good", "targetBelow 180ms"),
        (LESS, 0.18, "Pass", "targetBelow 180ms"),
        (LESS, 0.2, "Pass", "targetBelow 180ms"),
        (LESS, 0.21, "Warn", "warnAbove 200ms"),
        (LESS, 0.3, "Warn", "warnAbove 200ms"),
        (LESS, 0.31, "Fail", "failAbove 300ms"),
        (MORE, 1001, "Good", "targetAbove 1,000 req/s"),
        (MORE, 900, "Pass", "targetAbove 1,000 req/s"),
        (MORE, 799, "Warn", "warnBelow 800 req/s"),
        (MORE, 0, "Fail", "failBelow 500 req/s"),
        (Objective("errorRatio", fail_above=0.01, texts={"failAbove": "1%"}), 0.0, "Pass", "failAbove 1%"),
        (Objective("gateway.throttledRatio", warn_above=0.0), 0.0, "Pass", "warnAbove 0 %"),
    ],
)
def test_outcomes(objective: Objective, value: float, outcome: str, bound: str) -> None:
    found = objectives.evaluate(objective, Measured(value))
    assert (found.outcome, found.bound) == (outcome, bound)
    assert found.value == value
    assert found.observed


def test_what_is_missing_is_unknown_and_what_cannot_be_passes() -> None:
    missing = objectives.evaluate(LESS, Missing("too few samples"))
    assert (missing.outcome, missing.value, missing.observed) == ("Unknown", None, None)
    assert "too few samples" in missing.message
    absent = objectives.evaluate(LESS, NotApplicable("no quota"))
    assert (absent.outcome, absent.message) == ("NotApplicable", "no quota")


def test_a_value_that_is_only_known_to_be_above() -> None:
    seen = Measured(600.0, "> 10 min", above=True)
    failed = objectives.evaluate(LESS, seen)
    assert (failed.outcome, failed.observed) == ("Fail", "> 10 min")
    later = objectives.evaluate(Objective("latency.p95", fail_above=900.0), seen)
    assert later.outcome == "Unknown"
    assert objectives.evaluate(Objective("latency.p95", target_below=1.0), seen).outcome == "Pass"
    assert objectives.evaluate(Objective("query.rate", fail_below=5.0), seen).outcome == "Pass"


def test_errors_are_bounded_unless_an_objective_is_about_all_of_them() -> None:
    added = objectives.with_default([MORE])
    assert added[-1].metric == "errorRatio"
    assert (added[-1].implied, added[-1].fail_above) == (True, 0.01)
    for partial in (
        Objective("errorRatio", stage="hold", fail_above=0.5),
        Objective("requests.chat.errorRatio", fail_above=1),
    ):
        assert objectives.with_default([partial])[-1].implied
    own = Objective("errorRatio", warn_above=0.2)
    assert objectives.with_default([own]) == (own,)


def test_a_gateway_that_fails_everything_does_not_pass() -> None:
    failures = builders.load(requests=[builders.row(1, [0.001] * 5000, outcome="failure")])
    result = builders.result(load=failures, objectives=())
    assert [(one.metric, one.outcome) for one in result.objectives] == [("errorRatio", "Fail")]
    assert result.objectives[0].message.endswith("added because no objective is about errorRatio")
    assert result.verdict.status == "False"


@pytest.mark.parametrize(
    ("objective", "problem"),
    [
        (Objective("latency.p95", target_below=0.3, warn_above=0.2), "targetBelow 300 ms is above warnAbove 200 ms"),
        (Objective("latency.p95", warn_above=0.3, fail_above=0.2), "is above failAbove"),
        (Objective("throughput", target_above=500, fail_below=800), "is below failBelow"),
        (Objective("throughput", target_above=500, fail_above=800), "contradict"),
        (Objective("throughput"), "no bound"),
        (Objective("speed", fail_below=1), "no metric"),
        (Objective("gateway.cpu.mean", stage="hold", warn_above=1), "remove stage"),
        (Objective("errorRatio", fail_above=5), "write a percentage"),
        (Objective("latency.p95", stage="peak", warn_above=1), "there is no stage peak; there are hold"),
    ],
)
def test_what_contradicts_itself_is_reported(objective: Objective, problem: str) -> None:
    found = objectives.check([objective], stages=["hold"])
    assert len(found) == 1
    assert found[0].startswith(f"[0] {objective.metric}: ")
    assert problem in found[0]


def test_what_is_fine_is_not_reported() -> None:
    fine = [LESS, MORE, Objective("latency.p95", stage="hold", warn_above=1), *builders.OBJECTIVES]
    assert objectives.check(fine, stages=["hold"]) == []


def outcome(name: str, *, optional: bool = False) -> ObjectiveOutcome:
    return ObjectiveOutcome(metric="throughput", outcome=name, optional=optional, observed="1", bound="failBelow 2")


@pytest.mark.parametrize(
    ("given_outcomes", "status", "reason"),
    [
        ([outcome("Good"), outcome("Warn"), outcome("NotApplicable")], "True", "ObjectivesMet"),
        ([outcome("Pass"), outcome("Unknown", optional=True)], "True", "ObjectivesMet"),
        ([outcome("Pass"), outcome("Unknown")], "Unknown", "ObjectivesUnknown"),
        ([outcome("Unknown"), outcome("Fail")], "False", "ObjectivesFailed"),
        ([outcome("Fail", optional=True)], "False", "ObjectivesFailed"),
        ([], "True", "ObjectivesMet"),
    ],
)
def test_the_verdict(given_outcomes: list[ObjectiveOutcome], status: str, reason: str) -> None:
    verdict = objectives.judge(given_outcomes)
    assert (verdict.status, verdict.reason) == (status, reason)


def test_the_verdict_says_what_failed() -> None:
    failed = objectives.evaluate(LESS, Measured(0.9))
    assert objectives.judge([failed]).message == "1 of 1 objective failed: latency.p95 is 900 ms, failAbove 300ms"


BOUND = st.none() | st.floats(0, 10)


@given(BOUND, BOUND, BOUND, BOUND, BOUND, BOUND, st.floats(0, 10), st.booleans())
def test_any_bounds_have_an_outcome(
    a: float | None,
    b: float | None,
    c: float | None,
    d: float | None,
    e: float | None,
    f: float | None,
    value: float,
    above: bool,
) -> None:
    objective = Objective("latency.p95", None, False, a, b, c, d, e, f)
    found = objectives.evaluate(objective, Measured(value, above=above))
    assert found.outcome in ("Good", "Pass", "Warn", "Fail", "Unknown")
    if found.outcome == "Fail":
        assert (e is not None and value > e) or (f is not None and value < f)
    assert isinstance(objectives.check([objective]), list)
