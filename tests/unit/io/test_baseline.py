"""The result that spec.baseline names, as the API server has it; and the runs that need one."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from gatebench.decide.snapshot import Snapshot
from gatebench.io import baseline, errors
from gatebench.io.context import Context
from gatebench.io.observe import observe
from gatebench.plan.run import Run
from gatebench_analysis import document
from gatebench_analysis.document import Result, RunInfo
from unit.io import samples
from unit.io.fakekube import NOW, Refusal, World, world
from unit.io.test_observe import NODE

KEPT = {"configMap": {"name": "kept"}, "tolerance": "3%"}
RUN = {"run": "old", "tolerance": "3%"}
RESULT = Result(run=RunInfo(name="old", namespace="bench"))


def stored(name: str = "kept", content: bytes | None = None) -> dict[str, Any]:
    packed = base64.b64encode(document.write(RESULT) if content is None else content).decode()
    return {**samples.foreign("ConfigMap", name), "binaryData": {"result.json.gz": packed}}


def old(status: dict[str, Any]) -> dict[str, Any]:
    body = samples.body(status)
    body["metadata"] |= {"name": "old", "uid": "old-uid"}
    return body


async def test_a_run_without_a_baseline_reads_none() -> None:
    async with world() as w:
        assert await baseline.read(samples.run(), w.context) is None
        assert not w.api.requests


async def test_a_stored_result_is_read_once() -> None:
    run = samples.run(baseline=KEPT)
    async with world() as w:
        w.api.put(stored())
        for _ in range(3):
            found = await baseline.remembered(run, w.context)
            assert found is not None
            assert found.result == RESULT
        assert len(w.api.asked("GET", "configmaps")) == 1


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (None, "ConfigMap kept does not exist in namespace bench"),
        (samples.foreign("ConfigMap", "kept"), "ConfigMap kept has no key result.json.gz in its binaryData"),
    ],
)
async def test_what_is_not_there_is_looked_for_each_time(manifest: dict[str, Any] | None, words: str) -> None:
    run = samples.run(baseline=KEPT)
    async with world() as w:
        if manifest is not None:
            w.api.put(manifest)
        found = await baseline.remembered(run, w.context)
        assert found is not None
        assert (found.absent, found.under_way, found.result) == (words, False, None)
        w.api.put(stored())
        found = await baseline.remembered(run, w.context)
        assert found is not None
        assert found.result == RESULT


@pytest.mark.parametrize("content", [b"", b"{}", b"\x1f\x8b broken", b'{"schema": "other/v1"}'])
async def test_what_is_no_result_is_unreadable(content: bytes) -> None:
    async with world() as w:
        w.api.put(stored(content=content))
        found = await baseline.read(samples.run(baseline=KEPT), w.context)
        assert found is not None
        assert found.unreadable.startswith("ConfigMap kept, key result.json.gz is no result document: ")


async def test_a_run_is_waited_for_and_then_read() -> None:
    run = samples.run(baseline=RUN)
    async with world() as w:

        async def seen() -> tuple[str, bool, str, Result | None]:
            found = await baseline.read(run, w.context)
            assert found is not None
            return found.absent, found.under_way, found.unreadable, found.result

        assert await seen() == ("run old does not exist in namespace bench", False, "", None)
        w.api.put(old({"step": "Measuring"}))
        assert await seen() == ("run old is not complete yet, its step is Measuring", True, "", None)
        w.api.put(old(samples.COMPLETE))
        assert await seen() == ("", False, "run old ended without a result", None)
        w.api.put(old({**samples.COMPLETE, "artifacts": {"result": "old-1-result"}}))
        assert await seen() == ("ConfigMap old-1-result does not exist in namespace bench", False, "", None)
        w.api.put(stored("old-1-result"))
        assert await seen() == ("", False, "", RESULT)


async def test_a_refusal_is_an_error_not_an_absence() -> None:
    async with world() as w:
        w.api.refusals["GET", "configmaps"] = Refusal(403, "Forbidden", "no")
        with pytest.raises(errors.Forbidden):
            await baseline.read(samples.run(baseline=KEPT), w.context)


async def test_it_is_part_of_the_snapshot_before_the_load_and_dropped_under_it() -> None:
    async with world() as w:
        w.api.put(NODE)
        w.api.put(stored())
        snap = await seen(samples.run(baseline=KEPT), w)
        assert snap.baseline is not None
        assert snap.baseline.result == RESULT
        run = samples.run(samples.STARTED, baseline=KEPT)
        assert (await seen(run, w)).baseline is None
        assert w.context.memory(run.uid).baseline is None


async def seen(run: Run, w: World) -> Snapshot:
    snap = await observe(run, w.context)
    assert isinstance(snap, Snapshot), snap
    return snap


def finished(context: Context, **spec: Any) -> Run:
    context.now = lambda: NOW + 100
    return samples.run({**samples.COMPLETE, "finishedAt": "2027-01-15T08:00:00Z"}, **spec)


@pytest.mark.parametrize(
    ("named", "status", "needed"),
    [
        ({"run": "demo", "tolerance": "3%"}, {}, True),
        ({"run": "demo", "tolerance": "3%"}, samples.STARTED, True),
        ({"run": "demo", "tolerance": "3%"}, samples.COMPLETE, False),
        ({"run": "other", "tolerance": "3%"}, {}, False),
        ({"configMap": {"name": samples.run().names.result}, "tolerance": "3%"}, {}, True),
        (None, {}, False),
    ],
)
async def test_runs_that_need_a_result_are_seen_when_its_time_is_over(
    named: dict[str, Any] | None, status: dict[str, Any], needed: bool
) -> None:
    async with world() as w:
        body = old(status)
        body["spec"] |= {} if named is None else {"baseline": named}
        w.api.put(body)
        snap = await seen(finished(w.context, ttlSecondsAfterFinished=50), w)
        assert snap.needed_by == (("old",) if needed else ())
        await seen(finished(w.context, ttlSecondsAfterFinished=50), w)
        assert len(w.api.asked("GET", "benchmarkruns")) == 1


async def test_nobody_is_asked_before_its_time_is_over() -> None:
    async with world() as w:
        for ttl in ({}, {"ttlSecondsAfterFinished": 5000}):
            assert (await seen(finished(w.context, **ttl), w)).needed_by == ()
        assert not w.api.asked("GET", "benchmarkruns")
