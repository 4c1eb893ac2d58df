"""A run with a baseline: waited for, refused, judged; and the result that is kept for it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

import refusals
from gatebench.api.reasons import ConditionType, Reason
from gatebench.api.status import BenchmarkRunStatus
from gatebench.decide import baseline
from gatebench.decide.actions import Create, DeleteRun, StoreResult
from gatebench.decide.draft import condition_of, timestamp
from gatebench.decide.snapshot import Baseline, Child, Snapshot
from gatebench.decide.step import decide
from gatebench.plan.run import Run
from gatebench_analysis.document import Result
from unit.analysis import builders, test_against
from unit.decide.test_total import NOW, WORLD, ready_world, run_of

NAMED = {"run": "old", "tolerance": "3%"}


def compared(**given: Any) -> Run:
    spec = {**refusals.closed(), "repeats": {"count": 5}, "baseline": given or NAMED}
    return run_of(spec)


def accepted(run: Run, found: Baseline | None, now: float = NOW) -> tuple[str, str, str]:
    decision = decide(run, Snapshot(now=now, baseline=found), WORLD)
    condition = condition_of(decision.status, ConditionType.ACCEPTED)
    assert condition is not None
    if condition.status != "True":
        assert not any(isinstance(action, Create) for action in decision.actions), "a pod before the baseline"
    return condition.status, condition.reason, condition.message


def test_a_baseline_that_is_not_there_is_waited_for_until_its_deadline() -> None:
    run = compared()
    absent = Baseline(absent="run old does not exist")
    first = decide(run, Snapshot(now=NOW, baseline=absent), WORLD).status
    assert accepted(run, absent)[:2] == ("Unknown", Reason.BASELINE_NOT_FOUND)
    run = run.with_status(first)
    limit = WORLD.settings.deadlines.script
    assert accepted(run, absent, NOW + limit - 1)[0] == "Unknown"
    status, reason, message = accepted(run, absent, NOW + limit)
    assert (status, reason) == ("False", Reason.BASELINE_NOT_FOUND)
    assert message.startswith("spec.baseline: run old does not exist; waited 120 s for it")
    assert "Remedy: name a run of this namespace" in message
    assert accepted(run, Baseline(result=test_against.measured()), NOW + 60)[0] == "True"


def test_a_baseline_that_is_being_measured_is_waited_for_longer() -> None:
    run = compared()
    waits = Baseline(absent="run old is not complete yet, its step is Measuring", under_way=True)
    run = run.with_status(decide(run, Snapshot(now=NOW, baseline=waits), WORLD).status)
    assert accepted(run, waits, NOW + 100_000)[:2] == ("Unknown", Reason.BASELINE_NOT_FOUND)
    assert accepted(run, waits, NOW + 172_800)[0] == "False"


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Baseline(unreadable="ConfigMap c, key k is no result document: it is not JSON"), "it is not JSON"),
        (
            Baseline(result=test_against.measured(workers=[builders.worker(lost=True), builders.worker()])),
            "run old: its measurement is not valid: WorkerLost",
        ),
        (Baseline(result=test_against.measured(outcome="Aborted")), "was not gone through to its end: Aborted"),
    ],
)
def test_what_is_no_baseline_is_refused_with_the_remedy(found: Baseline, words: str) -> None:
    status, reason, message = accepted(compared(), found)
    assert (status, reason) == ("False", Reason.BASELINE_INVALID)
    assert words in message
    assert "Remedy: measure the baseline again" in message


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"run": "demo", "tolerance": "3%"}, "spec.baseline.run: a run cannot be its own baseline"),
        ({"run": "old", "tolerances": {"latency.p42": "3%"}}, "latency.p42 is no metric"),
    ],
)
def test_a_baseline_that_makes_no_sense_is_an_invalid_spec(given: dict[str, Any], words: str) -> None:
    status, reason, message = accepted(compared(**given), None)
    assert (status, reason) == ("False", Reason.INVALID_SPEC)
    assert words in message


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"tolerance": "3%"}, {"throughput": 0.03, "latency.p50": 0.03, "latency.p95": 0.03, "latency.p99": 0.03}),
        ({"tolerances": {"latency.p99": "20%"}}, {"latency.p99": 0.2}),
        (
            {"tolerance": "3%", "tolerances": {"latency.p99": "0%", "errorRatio": "0.5%"}},
            {"throughput": 0.03, "latency.p50": 0.03, "latency.p95": 0.03, "latency.p99": 0.0, "errorRatio": 0.005},
        ),
    ],
)
def test_what_is_compared(given: dict[str, Any], expected: dict[str, float]) -> None:
    assert baseline.tolerances(compared(run="old", **given)) == pytest.approx(expected)


def test_a_comparison_that_can_tell_nothing_is_foreseen_before_the_load() -> None:
    before = test_against.measured(count=3, spec={"load": {"stages": [{"duration": "1m", "users": 5}]}})
    status = decide(compared(), Snapshot(now=NOW, baseline=Baseline(result=before)), WORLD).status
    (warning,) = status.warnings or []
    assert warning.startswith("the comparison with the baseline will be inconclusive: load.stages differ; 3 against 5")
    assert "4 metrics need 5 a side" in warning
    shared = Baseline(result=test_against.measured(count=5, spec={"repeats": {"count": 5}}))
    (warning,) = decide(compared(), Snapshot(now=NOW, baseline=shared), WORLD).status.warnings or []
    assert warning.endswith("inconclusive: OneProcess: the baseline's repeats share one gateway process")
    told = Baseline(result=test_against.measured(count=5))
    assert decide(compared(), Snapshot(now=NOW, baseline=told), WORLD).status.warnings is None


def test_the_baseline_is_part_of_the_result_that_is_stored() -> None:
    run = compared()
    world = ready_world(run)
    run = run.with_status(decide(run, dataclasses.replace(world, baseline=Baseline(result=Result())), WORLD).status)
    load = dict(test_against.inputs().load)
    for found, why in (
        (Baseline(absent="ConfigMap kept does not exist"), "the baseline is gone: ConfigMap kept does not exist"),
        (None, "the baseline is gone: it was not read"),
    ):
        later = dataclasses.replace(world, load=load, baseline=found, now=NOW + 1e6)
        (stored,) = (a for a in decide(run, later, WORLD).actions if isinstance(a, StoreResult))
        assert stored.result.run.spec["repeats"]["restartGateway"] is True, "also where it is the default"
        assert stored.result.baseline is not None
        assert (stored.result.baseline.source, stored.result.baseline.why) == ("run old", why)


def ended(result: Result) -> BenchmarkRunStatus:
    run = compared()
    world = dataclasses.replace(ready_world(run), baseline=Baseline(result=test_against.measured()))
    run = run.with_status(decide(run, world, WORLD).status)
    name = ("ConfigMap", run.names.result)
    snap = dataclasses.replace(world, result=result, children={**world.children, name: Child(*name, True)})
    return decide(run, snap, WORLD).status


def words(status: BenchmarkRunStatus, kind: ConditionType) -> tuple[str, str]:
    found = condition_of(status, kind)
    assert found is not None
    return found.status, found.reason


def test_a_regressed_run_has_not_passed() -> None:
    status = ended(test_against.measured(1.3, test_against.reference(test_against.measured())))
    assert words(status, ConditionType.VALID) == ("True", Reason.MEASURED)
    assert words(status, ConditionType.PASSED) == ("False", Reason.REGRESSED)
    assert words(status, ConditionType.SUCCEEDED) == ("False", Reason.REGRESSED)
    assert words(status, ConditionType.COMPLETE) == ("True", Reason.FINISHED)
    told = status.baseline
    assert told is not None
    assert (told.source, told.verdict) == ("run old", "Regressed")
    assert told.metrics is not None
    assert [one.verdict for one in told.metrics][:2] == ["Regressed", "Regressed"], "the worst first"
    assert told.metrics[0].ratio == pytest.approx(1.3, rel=0.01)


def test_an_inconclusive_comparison_does_not_fail_and_is_told() -> None:
    one_process = {"repeats": {"restartGateway": False}}
    status = ended(test_against.measured(1.3, test_against.reference(test_against.measured()), spec=one_process))
    assert words(status, ConditionType.SUCCEEDED) == ("True", Reason.SUCCEEDED)
    assert status.baseline is not None
    assert status.baseline.verdict == "Inconclusive"
    assert any("cannot be told: OneProcess" in warning for warning in status.warnings or [])


def test_a_result_that_another_run_needs_outlives_its_time_to_live() -> None:
    run = run_of({**refusals.closed(), "ttlSecondsAfterFinished": 60})
    done = ended(test_against.measured()).model_copy(update={"finished_at": timestamp(NOW)})
    run = run.with_status(done)
    kept = decide(run, Snapshot(now=NOW + 61, needed_by=("new",)), WORLD)
    assert DeleteRun() not in kept.actions
    assert not kept.idle
    assert DeleteRun() in decide(run, Snapshot(now=NOW + 61), WORLD).actions
    assert DeleteRun() not in decide(run, Snapshot(now=NOW + 59), WORLD).actions
