"""What the plan says of engine, model and capacity, and what it must not ask for."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

import yamlfile
from gatebench.api.run import BenchmarkRunSpec
from gatebench.api.status import BenchmarkRunStatus
from gatebench.plan import document
from gatebench.plan.run import Run
from gatebench_locust import payloads, serving, users
from gatebench_locust.again import Successor
from gatebench_locust.objectives import Objective
from gatebench_locust.plan import PlanError, parse
from gatebench_locust.settings import Settings
from unit.locust.test_phases import CAPACITY, GO, go, plan

OPEN_STAGE = {"name": "a", "durationSeconds": 10.0, "rate": 500.0}


def test_without_new_fields_it_is_locust_with_users() -> None:
    parsed = plan()
    assert (parsed.engine, parsed.model, parsed.capacity, parsed.max_in_flight) == ("Locust", "Closed", None, None)
    assert parsed.stages[0].rate is None


def test_open_load() -> None:
    parsed = go(model="Open", stages=[OPEN_STAGE | {"spike": True}], arrivals="Poisson", maxInFlight=100)
    assert (parsed.engine, parsed.model, parsed.arrivals, parsed.max_in_flight) == ("Go", "Open", "Poisson", 100)
    (stage,) = parsed.stages
    assert (stage.rate, stage.users, stage.spike) == (500.0, 0, True)
    assert go(model="Open", stages=[OPEN_STAGE]).arrivals == "Constant"


def test_a_capacity_search() -> None:
    objectives = [{"metric": "latency.p99", "below": 0.05}, {"metric": "throughput", "above": 10}]
    parsed = go(model="Capacity", stages=[], capacity=CAPACITY | {"objectives": objectives})
    assert parsed.arrivals == "Poisson"
    capacity = parsed.capacity
    assert capacity is not None
    assert (capacity.start_rate, capacity.max_rate, capacity.step, capacity.settle) == (100, 5000, 10, 0)
    assert (capacity.tolerance, capacity.max_steps, capacity.budget) == (0.05, 40, 600)
    assert capacity.objectives == (
        Objective("latency.p99", below=0.05),
        Objective("throughput", above=10),
        Objective("errorRatio", below=0.01),
        Objective("dropped", below=0),
    )


def test_bounds_of_ones_own_replace_those_that_hold_by_default() -> None:
    objectives = [{"metric": "errorRatio", "below": 0.2}, {"metric": "dropped", "below": 5}]
    capacity = go(model="Capacity", capacity=CAPACITY | {"objectives": objectives}).capacity
    assert capacity is not None
    assert capacity.objectives == (Objective("errorRatio", below=0.2), Objective("dropped", below=5))


def searching(**changes: Any) -> dict[str, Any]:
    return GO | {"model": "Capacity", "capacity": CAPACITY | changes}


def judged_by(**objective: Any) -> dict[str, Any]:
    return searching(objectives=[objective])


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"engine": "Rust"}, "engine 'Rust' is none of Locust, Go"),
        ({"engine": "Go"}, "engine Go needs workload.requests"),
        ({"engine": "Go", "workload": {"locustfile": "/x.py"}}, "engine Go needs workload.requests"),
        ({"model": "Open", "stages": [OPEN_STAGE]}, "model Open needs engine Go"),
        ({"model": "Capacity", "capacity": CAPACITY}, "model Capacity needs engine Go"),
        ({"workload": {"requests": [{"name": "r", "check": {"jsonPath": "a"}}]}}, "request r: check needs engine Go"),
        ({"workload": {"scenario": "gateway-mix", "dataset": {"path": "/d"}}}, "dataset needs engine Go"),
        ({"http2": True}, "http2 needs engine Go"),
        (GO | {"model": "Fast"}, "model 'Fast' is none of"),
        (GO | {"model": "Open"}, "'rate' is missing"),
        (GO | {"model": "Open", "stages": []}, "at least one"),
        (GO | {"model": "Open", "stages": [OPEN_STAGE | {"rate": -1}]}, "stage a: a rate of -1"),
        (GO | {"model": "Open", "stages": [OPEN_STAGE], "arrivals": "Even"}, "arrivals 'Even'"),
        (GO | {"model": "Capacity"}, "'capacity' is missing"),
        (searching(startRate=0), "startRate must be above 0"),
        (searching(maxRate=99), "maxRate at least as high"),
        (searching(tolerance=1), "tolerance must be"),
        (searching(stepSeconds=0), "no room for a step"),
        (searching(budgetSeconds=None), "NoneType"),
        (judged_by(metric="gateway.memory.peak", below=1), "cannot be judged by 'gateway.memory.peak'"),
        (judged_by(metric="latency.p42", below=1), "latency.p42"),
        (judged_by(metric="latency.p99"), "either below or above"),
        (judged_by(metric="latency.p99", below=1, above=2), "either below or above"),
    ],
)
def test_what_cannot_be_driven_is_named(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(PlanError, match=text):
        plan(**changes)


def test_null_and_false_are_not_asked_for() -> None:
    request = {"name": "r", "check": None}
    parsed = plan(http2=False, caFile=None, workload={"requests": [request], "dataset": None})
    assert parsed.engine == "Locust"


def test_a_python_worker_does_not_take_a_plan_for_go() -> None:
    with pytest.raises(PlanError, match="engine Go"):
        serving.prepare(go(), Settings.from_environment({}), str, Successor({}, "/", "/tmp"))


def test_the_master_of_go_workers_dispatches_a_name_and_needs_no_secrets() -> None:
    request = {"name": "r", "headersFromEnv": {"a": {"env": "MISSING"}}}
    parsed = go(workload={"requests": [request]})
    with pytest.raises(PlanError, match="MISSING"):
        payloads.calls(parsed, {})
    made = users.make(parsed, None, "node")
    assert (made.__name__, made.abstract, made.host) == ("GatebenchUser", False, "http://gateway:8080")


EXAMPLES = pathlib.Path(__file__).parents[3] / "examples"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_fleet_reads_what_the_operator_writes_for_every_example(path: pathlib.Path) -> None:
    runs = [one for one in yamlfile.documents(path) if one["kind"] == "BenchmarkRun"]
    for raw in runs:
        spec = BenchmarkRunSpec.model_validate(raw["spec"])
        run = Run("team", "r", "uid", 1, "1", 0.0, False, raw, spec, BenchmarkRunStatus())
        parsed = parse(json.loads(json.dumps(document.document(run))))
        load = spec.load
        assert (parsed.engine, parsed.model, len(parsed.stages)) == (load.engine, load.model, len(load.stages or ()))
        assert [stage.rate for stage in parsed.stages] == [stage.rate for stage in load.stages or ()]
        assert (parsed.capacity is None) == (load.model != "Capacity")
        if parsed.capacity is not None:
            assert parsed.capacity.start_rate == load.search.start_rate
            assert 0 < parsed.capacity.tolerance <= 0.2
