"""The ticker: one way for runs and comparisons, from what the API server has to what their status says."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from gatebench import handlers
from gatebench.api import KIND
from gatebench.decide import world as deciding
from gatebench.io import kinds, telemetry
from unit.decide.comparisons import TEMPLATE
from unit.io.fakekube import World, world
from unit.io.test_comparisons import body as comparison

UID = "6f1c2a34-0000-4000-8000-00000000000d"


def run(**spec: Any) -> dict[str, Any]:
    metadata = {"name": "impact", "namespace": "bench", "uid": UID, "generation": 1, "resourceVersion": "7"}
    given = {**TEMPLATE, **spec}
    return {"apiVersion": "gatebench.dev/v1alpha1", "kind": KIND, "metadata": metadata, "spec": given, "status": {}}


async def ticked(w: World, manifest: dict[str, Any], kind: str, uid: str | None = None) -> dict[str, Any]:
    """The status after one tick."""
    decided = deciding.World(w.context.settings, w.context.namespace, w.context.key, "0.1.0")
    ticker = handlers.Ticker(w.context, decided, telemetry.Telemetry())
    w.api.put(manifest)
    name, namespace = manifest["metadata"]["name"], manifest["metadata"]["namespace"]
    await ticker._tick(handlers._LIVES[kind], namespace, name, uid or manifest["metadata"]["uid"])
    found = w.api.get(manifest["kind"], namespace, name)
    assert found is not None
    return dict(found.get("status") or {})


def accepted(given: dict[str, Any]) -> tuple[str, str]:
    found = next(c for c in given["conditions"] if c["type"] == "Accepted")
    return found["status"], found["reason"]


@pytest.mark.parametrize(("kind", "manifest"), [(kinds.RUN, run()), (kinds.COMPARISON, comparison())])
async def test_what_is_understood_is_decided_and_its_status_written(kind: str, manifest: dict[str, Any]) -> None:
    async with world() as w:
        given = await ticked(w, manifest, kind)
        assert given["step"]
        assert given["conditions"]


@pytest.mark.parametrize(
    ("kind", "manifest"), [(kinds.RUN, run(load={"workers": 0})), (kinds.COMPARISON, comparison(rounds=0))]
)
async def test_what_is_not_understood_ends(kind: str, manifest: dict[str, Any]) -> None:
    async with world() as w:
        given = await ticked(w, manifest, kind)
        assert accepted(given) == ("False", "InvalidSpec")
        assert given["step"] == "Done"


@pytest.mark.parametrize(("kind", "manifest"), [(kinds.RUN, run()), (kinds.COMPARISON, comparison())])
async def test_another_object_of_that_name_is_left_alone(kind: str, manifest: dict[str, Any]) -> None:
    async with world() as w:
        assert await ticked(w, manifest, kind, uid="6f1c2a34-0000-4000-8000-0000000000ff") == {}


@pytest.mark.fault(35)
async def test_a_tick_that_hangs_is_ended_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"hangs": 0, "other": 0}
    hung_again, other_done = asyncio.Event(), asyncio.Event()

    async def get(context: Any, namespace: str, name: str) -> None:
        """The run, which is gone; where it hangs, the second time, the first time is over."""
        asked[name] += 1
        if name == "other":
            other_done.set()
            return
        if asked[name] == 2:
            hung_again.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(handlers, "TICK_TIMEOUT", 0.05)
    monkeypatch.setitem(handlers._LIVES, kinds.RUN, dataclasses.replace(handlers._LIVES[kinds.RUN], get=get))
    async with world() as w:
        told = telemetry.Telemetry()
        decided = deciding.World(w.context.settings, w.context.namespace, w.context.key, "0.1.0")
        ticker = handlers.Ticker(w.context, decided, told)
        ticker.see("bench", "hangs", "uid-1")
        await asyncio.sleep(0)
        ticker.see("bench", "hangs", "uid-1")  # something has changed meanwhile, so no pause comes after the first
        ticker.see("bench", "other", "uid-2")
        await asyncio.wait_for(asyncio.gather(other_done.wait(), hung_again.wait()), 10)
        ticker.forget("uid-1")
    assert asked == {"hangs": 2, "other": 1}
    ended = {
        kind: told.registry.get_sample_value("gatebench_ticks_total", {"outcome": kind}) for kind in ("timeout", "ok")
    }
    assert ended == {"timeout": 1.0, "ok": 1.0}
    assert told.registry.get_sample_value("gatebench_heartbeat_timestamp_seconds")
