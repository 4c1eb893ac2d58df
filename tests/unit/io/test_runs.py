"""Objects -> runs; what is no run is a result with the field's path."""

from __future__ import annotations

import pytest

from gatebench.io import runs
from gatebench.io.runs import InvalidRun, Unreadable, parse
from gatebench.io.status import Patched
from gatebench.plan.run import Run
from unit.io import samples
from unit.io.fakekube import NOW, Refusal, world


def test_a_run_is_parsed() -> None:
    run = samples.run({"step": "Pending"}, cancel=True)
    assert (run.namespace, run.name, run.uid, run.generation) == ("bench", "demo", samples.UID, 3)
    assert run.resource_version == "7"
    assert run.created_at == 1800000000.0
    assert run.spec.cancel is True
    assert run.status.step == "Pending"
    assert not run.deleting


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"load": {"stages": [{"duration": "10s", "users": 0}]}}, "spec.load.stages[0].users: "),
        ({"load": {"stages": [{"duration": "soon", "users": 1}]}}, "spec.load.stages[0].duration: "),
        ({"repeats": 3}, "spec.repeats: "),
        ({"gateway": None}, "spec.gateway: "),
    ],
)
@pytest.mark.fault(1)
def test_an_invalid_spec_names_its_field(spec: dict[str, object], words: str) -> None:
    parsed = parse(samples.body(**spec))
    assert isinstance(parsed, InvalidRun)
    assert parsed.reason.startswith(words)
    assert "Value error" not in parsed.reason


def test_many_problems_are_bounded() -> None:
    stages = [{"duration": "10s", "users": 0} for _ in range(60)]
    parsed = parse(samples.body(load={"stages": stages}))
    assert isinstance(parsed, InvalidRun)
    assert parsed.reason.endswith("; and 55 more")


def test_a_status_of_a_newer_version_is_understood_without_what_is_new() -> None:
    newer = {**samples.STARTED, "novel": 1, "progress": {"attempt": "a", "later": {"x": 1}}}
    parsed = parse(samples.body(newer))
    assert isinstance(parsed, Run)
    assert parsed.status.progress is not None
    assert parsed.status.progress.attempt == "a"


def test_a_status_that_cannot_be_understood_does_not_start_the_run_again() -> None:
    parsed = parse(samples.body({"progress": "later"}))
    assert isinstance(parsed, Unreadable)
    assert "status.progress: " in parsed.reason


async def test_reading_a_run() -> None:
    async with world() as w:
        assert await runs.get(w.context, "bench", "demo") is None
        w.api.put(samples.body())
        assert isinstance(await runs.get(w.context, "bench", "demo"), Run)
        w.api.refusals["GET", "benchmarkruns"] = Refusal(403, "Forbidden", "no")
        assert await runs.get(w.context, "bench", "demo") == Unreadable("get benchmarkruns bench/demo: no")
        assert await runs.list_objects(w.context) == Unreadable("list benchmarkruns: no")


async def test_listing_stays_within_the_watched_namespaces() -> None:
    async with world() as w:
        w.api.put(samples.body())
        other = samples.body()
        w.api.put({**other, "metadata": {**other["metadata"], "namespace": "other"}})
        found = await runs.list_objects(w.context)
        assert isinstance(found, list)
        assert len(found) == 2
        w.context.settings = w.context.settings.model_copy(update={"watch_namespaces": ["bench"]})
        found = await runs.list_objects(w.context)
        assert isinstance(found, list)
        assert [o["metadata"]["namespace"] for o in found] == ["bench"]


async def test_an_invalid_run_is_ended_once_with_the_field_named() -> None:
    async with world() as w:
        w.api.put(samples.body(repeats=3))
        parsed = await runs.get(w.context, "bench", "demo")
        assert isinstance(parsed, InvalidRun)
        assert await runs.report_invalid(w.context, parsed, NOW) == Patched.CHANGED
        again = await runs.get(w.context, "bench", "demo")
        assert isinstance(again, InvalidRun)
        told = {c["type"]: c for c in again.status["conditions"]}
        assert (told["Accepted"]["status"], told["Accepted"]["reason"]) == ("False", "InvalidSpec")
        assert "spec.repeats" in told["Accepted"]["message"]
        assert {k: told[k]["status"] for k in ("Complete", "Succeeded", "Stalled", "Reconciling", "Valid")} == {
            "Complete": "True",
            "Succeeded": "False",
            "Stalled": "True",
            "Reconciling": "False",
            "Valid": "Unknown",
        }
        assert await runs.report_invalid(w.context, again, NOW) == Patched.UNCHANGED


async def test_an_invalid_run_that_is_being_deleted_is_left_alone() -> None:
    body = samples.body(repeats=3)
    body["metadata"]["deletionTimestamp"] = "2027-01-15T08:00:00Z"
    parsed = parse(body)
    assert isinstance(parsed, InvalidRun)
    async with world() as w:
        assert await runs.report_invalid(w.context, parsed, NOW) == Patched.UNCHANGED
        assert not w.api.requests
