"""A load that a bound has ended, from the plan to the conditions; and what a repeat shows while it runs."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

import refusals
from gatebench.api.reasons import ConditionType, Reason
from gatebench.api.status import BenchmarkRunStatus
from gatebench.decide.draft import condition_of
from gatebench.decide.snapshot import Child, Snapshot
from gatebench.decide.step import decide
from gatebench.plan import document
from gatebench.plan.run import Run
from gatebench_analysis.document import Result
from unit.analysis import builders, test_abort
from unit.decide.test_total import WORLD, ready_world, run_of


def started(spec: dict[str, Any]) -> tuple[Run, Snapshot]:
    run = run_of(spec)
    world = ready_world(run)
    return run.with_status(decide(run, world, WORLD).status), world


def ended(result: Result) -> BenchmarkRunStatus:
    """The status of a run whose result this is."""
    run, world = started(refusals.closed())
    name = ("ConfigMap", run.names.result)
    snap = dataclasses.replace(world, result=result, children={**world.children, name: Child(*name, True)})
    return decide(run, snap, WORLD).status


def words(status: BenchmarkRunStatus, kind: ConditionType) -> tuple[str, str]:
    found = condition_of(status, kind)
    assert found is not None
    return found.status, found.reason


def test_an_aborted_run_is_measured_and_has_not_passed() -> None:
    status = ended(test_abort.aborted())
    assert words(status, ConditionType.COMPLETE) == ("True", Reason.FINISHED)
    assert words(status, ConditionType.VALID) == ("True", Reason.MEASURED)
    assert words(status, ConditionType.PASSED) == ("False", Reason.ABORTED)
    assert words(status, ConditionType.SUCCEEDED) == ("False", Reason.ABORTED)
    assert status.summary is not None
    assert status.objectives is not None
    assert (status.objectives[0].outcome, status.objectives[0].bound) == ("Fail", "abortAbove 5s")


def test_what_spoils_a_measurement_comes_before_its_verdict() -> None:
    status = ended(test_abort.aborted(workers=[builders.worker(lost=True), builders.worker()]))
    assert words(status, ConditionType.VALID) == ("False", Reason.WORKER_LOST)
    assert words(status, ConditionType.PASSED) == ("Unknown", Reason.NOT_MEASURED)


def test_the_plan_has_the_bounds_in_units_of_the_fleet() -> None:
    plan = document.document(run_of(refusals.TAKEN["abort"]))
    assert plan["abort"] == [
        {"metric": "latency.p95", "above": 5.0, "windowSeconds": 20.0},
        {"metric": "requests.chat.ttft.p99.9", "above": 1.0, "windowSeconds": 10.0},
        {"metric": "throughput", "below": 1.0, "windowSeconds": 10.0},
    ]
    assert "abort" not in document.document(run_of(refusals.closed()))


def test_a_repeat_and_its_pause_are_shown() -> None:
    run, world = started({**refusals.closed(), "repeats": {"count": 5}})
    assert world.fleet is not None
    state = dataclasses.replace(world.fleet, attempt=run.attempt, step="Pause", stage="pause-2", repeat=1)
    status = decide(run, dataclasses.replace(world, fleet=state), WORLD).status
    assert status.step == "Pausing"
    assert status.progress is not None
    assert (status.progress.stage, status.progress.repeat, status.progress.repeats) == ("pause-2", 2, 5)


@pytest.mark.parametrize("step", ["Direct", "Ceiling"])
def test_what_goes_straight_to_the_upstream_is_shown(step: str) -> None:
    run, world = started(refusals.TAKEN["overhead"])
    assert world.fleet is not None
    state = dataclasses.replace(world.fleet, attempt=run.attempt, step=step, stage="x", repeat=0)
    status = decide(run, dataclasses.replace(world, fleet=state), WORLD).status
    assert status.step == "MeasuringUpstream"
