"""Arrivals and searches in the life of a run: what is refused beforehand, and what is shown meanwhile."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

import refusals
from gatebench.api.reasons import ConditionType, Reason
from gatebench.decide.draft import condition_of
from gatebench.decide.snapshot import Snapshot
from gatebench.decide.step import decide
from unit.decide.test_total import NOW, WORLD, ready_world, run_of


def refusal(spec: dict[str, Any]) -> str | None:
    """The message with which the run is refused, None where it is not."""
    accepted = condition_of(decide(run_of(spec), Snapshot(now=NOW), WORLD).status, ConditionType.ACCEPTED)
    assert accepted is not None
    if accepted.status != "False":
        return None
    assert accepted.reason == Reason.INVALID_SPEC
    return accepted.message


def with_requests(*requests: dict[str, Any], **workload: Any) -> dict[str, Any]:
    spec = refusals.open_load(env=[{"name": "TENANT", "value": "blue"}])
    return {**spec, "workload": {"requests": [{"name": f"r{i}", **r} for i, r in enumerate(requests)], **workload}}


@pytest.mark.parametrize("case", [name for name in refusals.TAKEN if name != "open-https"])
def test_what_the_server_takes_is_accepted(case: str) -> None:
    assert refusal(refusals.TAKEN[case]) is None


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            with_requests({}, {"body": "{{env OTHER}}"}),
            "spec.workload.requests[1].body: {{env OTHER}}: load.env has no",
        ),
        (with_requests({"body": "{{dataset}}"}), "requests[0].body: {{dataset}}: workload.dataset is not set"),
        (
            with_requests({"body": "a dataset"}, dataset={"configMap": {"name": "c", "key": "k"}}),
            "spec.workload.dataset: no body has {{dataset}}",
        ),
        (refusals.capacity(capacity={"tolerance": "0"}), "tolerance: must be from 0.1% to 50%"),
        (refusals.capacity(capacity={"tolerance": "5s"}), "spec.load.capacity.tolerance: "),
        (
            refusals.capacity(capacity={"startRate": 5, "maxRate": 10, "step": "30s"}),
            "latency.p99 needs 1,000 requests a step, and even maxRate has only 300 in 30 s",
        ),
    ],
)
def test_what_cannot_be_carried_out_is_refused_before_any_pod(spec: dict[str, Any], words: str) -> None:
    message = refusal(spec)
    assert message is not None
    assert words in message


def test_places_are_left_alone_with_locust() -> None:
    assert refusal({**refusals.closed(), "workload": {"requests": [{"name": "a", "body": "{{now}}"}]}}) is None


@pytest.mark.parametrize(("model", "users", "rate"), [("Open", None, 250.0), ("Closed", 7, None)])
def test_live_figures_are_rates_in_open_load_and_users_in_closed(
    model: str, users: int | None, rate: float | None
) -> None:
    spec = refusals.open_load() if model == "Open" else refusals.closed_go()
    run = run_of(spec)
    world = ready_world(run)
    started = decide(run, world, WORLD).status
    assert started.progress is not None
    assert started.progress.attempt is not None
    assert world.fleet is not None
    live = {"requestsPerSecond": 240.0, "inFlight": 12.0, "dropped": 3.0 if model == "Open" else None}
    state = dataclasses.replace(
        world.fleet, attempt=run.attempt, step="Stage", users=7, rate=250.0 if model == "Open" else None, live=live
    )
    shown = decide(run.with_status(started), dataclasses.replace(world, fleet=state), WORLD).status.live
    assert shown is not None
    assert (shown.users, shown.rate, shown.in_flight) == (users, rate, 12)
    assert shown.dropped == (3 if model == "Open" else None)


def test_the_environment_names_the_engines_image() -> None:
    run = run_of(refusals.open_load())
    world = ready_world(run)
    pods = tuple(
        dataclasses.replace(p, containers=tuple(dataclasses.replace(c, image_id=f"{c.name}@1") for c in p.containers))
        for p in world.pods
    )
    environment = decide(run, dataclasses.replace(world, pods=pods), WORLD).status.environment
    assert environment is not None
    assert environment.images is not None
    assert (environment.images.engine, environment.images.locust) == ("worker@1", "master@1")
