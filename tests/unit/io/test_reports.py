"""The probe's reports about repeats whose gateway is gone: kept whole, or thinned, or as missing."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest
from aiohttp import web

from gatebench.decide import actions
from gatebench.decide.snapshot import Child, KeptReport
from gatebench.io import reports
from gatebench.io.act import act
from gatebench.io.pods import parse
from gatebench.plan.run import Run
from unit.io import samples
from unit.io.fakekube import World, site, world

REPEATS = {"repeats": {"count": 3, "restartGateway": True}}
REPORT = {"schema": "gatebench.dev/probe/v1", "containers": [{"id": samples.CONTAINER_ID, "samples": [[1.0, 2.0]]}]}
ROWS = [[float(at), at / 3, at / 7] for at in range(20_001)]


def run() -> Run:
    return samples.run(samples.STARTED, **REPEATS)


async def store(w: World, give_up: bool = False) -> None:
    w.context.memory(run().uid).pods = (parse(samples.running_pod(run().names.gateway, "gateway", "gateway", "probe")),)
    await act(run(), [actions.StoreProbe(1, give_up)], w.context)


def children(*repeats: int, ours: bool = True) -> dict[tuple[str, str], Child]:
    names = [("ConfigMap", run().names.probe(repeat)) for repeat in repeats]
    return {name: Child(*name, ours) for name in names}


async def test_a_report_is_kept_and_read_when_the_load_is_over() -> None:
    asked: list[str] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        asked.append(request.path_qs)
        return web.json_response(REPORT)

    async with site(handle) as port, world(probe_port=port) as w:
        await store(w)
        assert asked == ["/v1/report"]
        made = w.api.get("ConfigMap", "bench", run().names.probe(1))
        assert made is not None
        assert made["immutable"] is True
        assert await reports.of_repeats(run(), None, children(1), w.context) == ()
        kept = KeptReport(1, samples.CONTAINER_ID, REPORT)
        assert await reports.of_repeats(run(), {}, children(0, 1), w.context) == (kept,)
        w.context.forget(run().uid)
        assert await reports.of_repeats(run(), {}, children(1, ours=False), w.context) == ()


async def test_a_probe_that_does_not_answer_is_asked_again_and_then_given_up() -> None:
    async def handle(_: web.Request) -> web.StreamResponse:
        return web.Response(status=503)

    async with site(handle) as port, world(probe_port=port) as w:
        await store(w)
        assert w.api.get("ConfigMap", "bench", run().names.probe(1)) is None
        await store(w, give_up=True)
        kept = KeptReport(1, samples.CONTAINER_ID, None)
        assert await reports.of_repeats(run(), {}, children(1), w.context) == (kept,)


@pytest.mark.parametrize("plain", [None, b"[]", b"{}", b"x", b""])
async def test_a_report_that_cannot_be_read_is_none(plain: bytes | None) -> None:
    content = b"rubbish" if plain is None else gzip.compress(plain)
    async with world() as w:
        data = {reports.KEY: base64.b64encode(content).decode()}
        w.api.put(samples.child("ConfigMap", run().names.probe(0), binaryData=data))
        assert await reports.of_repeats(run(), {}, children(0), w.context) == ()


def test_a_long_report_is_thinned_until_it_fits() -> None:
    cpus = {"columns": ["at", "busySeconds", "x"], "samples": {"1": ROWS}}
    document = {"repeat": 0, "containerId": "c", "report": {"containers": [{"id": "c", "samples": ROWS}], "cpus": cpus}}

    def unpacked(limit: int) -> Any:
        packed = reports._fit(document, limit)
        assert len(packed) <= limit
        return json.loads(gzip.decompress(packed))

    assert unpacked(2**20) == document
    thin = unpacked(60_000)["report"]
    rows = thin["containers"][0]["samples"]
    assert rows == thin["cpus"]["samples"]["1"]
    assert len(rows) < 6000
    assert (rows[0], rows[-1]) == (ROWS[0], ROWS[-1])
    assert unpacked(100) == {"repeat": 0, "containerId": "c", "report": None}


@pytest.mark.parametrize(("address", "body"), [("10.0.0.9", {"address": "10.0.0.9"}), (None, {})])
async def test_a_repeat_is_told_to_begin(address: str | None, body: dict[str, str]) -> None:
    told: list[Any] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        told.append((request.path, await request.json()))
        return web.json_response({}, status=409)

    async with site(handle) as port, world(master_port=port) as w:
        w.context.memory(run().uid).pods = (parse(samples.running_pod(run().names.master, "master", "master")),)
        assert await act(run(), [actions.GoOn("a", 2, address)], w.context) == ()
    assert told == [("/v1/continue", {"attempt": "a", "repeat": 2} | body)]
