"""The master's and the probe's API: what they answer may be anything."""

from __future__ import annotations

import gzip
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from gatebench.io import fleet
from gatebench.io.fleet import Client, FleetError, parse_state
from unit.io.fakekube import site

STATE: dict[str, Any] = {
    "schema": "gatebench.dev/state/v1",
    "attempt": "a-1",
    "step": "Stage",
    "stage": "stage-1",
    "expectedWorkers": 3,
    "workers": [
        {"id": "w0", "state": "running", "pod": "uid-0"},
        {"id": "w1", "state": "missing", "pod": "uid-1"},
        {"id": "w2", "state": "ready", "pod": None},
    ],
    "lost": ["w1"],
    "users": 12,
    "elapsedSeconds": 4,
    "totalSeconds": 60,
    "live": {"requestsPerSecond": 11.5, "p99Seconds": None},
    "resultReady": False,
    "message": "",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def answers(**options: Any) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(**options)

    return handle


async def test_the_state_is_parsed() -> None:
    seen: list[web.Request] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        return web.json_response(STATE)

    async with site(handle) as port:
        client = Client(master_port=port)
        state = await client.state("127.0.0.1", "secret")
        await client.close()
    assert (state.attempt, state.step, state.stage, state.users) == ("a-1", "Stage", "stage-1", 12)
    assert (state.seen, state.pods, state.lost) == (2, ("uid-0",), ("w1",))
    assert (state.elapsed, state.total) == (4.0, 60.0)
    assert (state.live["requestsPerSecond"], state.live["p99Seconds"]) == (11.5, None)
    assert seen[0].path == "/v1/state"
    assert seen[0].headers["Authorization"] == "Bearer secret"


async def test_a_repeat_that_waits_is_seen_and_told_to_begin() -> None:
    told: list[Any] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        told.append((request.path, await request.json()))
        return web.json_response({"repeat": 1})

    async with site(handle) as port:
        client = Client(master_port=port)
        await client.go_on("127.0.0.1", "secret", "a-1", 1)
        await client.close()
    assert told == [("/v1/continue", {"attempt": "a-1", "repeat": 1})]
    state = parse_state(STATE | {"repeat": 0, "holding": 1})
    assert (state.repeat, state.holding) == (0, 1)
    for odd in (None, True, -1, 1.5, "1", 10**9):
        state = parse_state(STATE | {"repeat": odd, "holding": odd})
        assert (state.repeat, state.holding) == (None, None)


@pytest.mark.parametrize("document", [{}, {"step": 3}])
def test_a_state_that_is_none_is_an_error(document: dict[str, Any]) -> None:
    with pytest.raises(FleetError):
        parse_state(document)


def test_what_is_not_of_its_type_is_not_known() -> None:
    state = parse_state(
        {
            "step": "Stage",
            "attempt": 7,
            "workers": "two",
            "lost": {"w": 1},
            "users": True,
            "elapsedSeconds": float("nan"),
            "totalSeconds": float("inf"),
            "resultReady": "yes",
            "live": {"p50Seconds": "fast", "requestsPerSecond": 3, "other": 1},
            "message": "m" * 5000,
        }
    )
    assert (state.attempt, state.seen, state.lost, state.users) == (None, 0, (), None)
    assert (state.elapsed, state.total, state.result_ready) == (None, None, False)
    assert state.live["requestsPerSecond"] == 3.0
    assert state.live["p50Seconds"] is None
    assert "other" not in state.live
    assert len(state.message) == 1024


def test_the_state_of_open_load() -> None:
    live = {"requestsPerSecond": 240.0, "inFlight": 12, "dropped": 3}
    state = parse_state({**STATE, "targetRate": 250, "live": live})
    assert (state.rate, state.live["inFlight"], state.live["dropped"]) == (250.0, 12.0, 3.0)
    assert parse_state({**STATE, "targetRate": None}).rate is None
    assert parse_state(STATE).rate is None


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("encoded", [False, True])
async def test_a_result_is_read_packed_or_not_whatever_its_headers_say(packed: bool, encoded: bool) -> None:
    plain = json.dumps({"schema": "gatebench.dev/load/v1"}).encode()
    content = gzip.compress(plain) if packed else plain
    headers = {"Content-Encoding": "gzip"} if packed and encoded else {}
    async with site(answers(body=content, headers=headers)) as port:
        client = Client(master_port=port)
        assert await client.result("127.0.0.1", "t") == {"schema": "gatebench.dev/load/v1"}
        await client.close()


async def test_a_small_answer_that_unpacks_to_a_large_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "RESULT_BYTES", 2**20)
    bomb = gzip.compress(b" " * 2**25)
    assert len(bomb) < 2**16
    async with site(answers(body=bomb)) as port:
        client = Client(master_port=port)
        with pytest.raises(FleetError, match="larger than 1 MiB when unpacked"):
            await client.result("127.0.0.1", "t")
        await client.close()


async def test_a_large_answer_is_refused() -> None:
    async with site(answers(body=b"x" * (fleet.STATE_BYTES + 1))) as port:
        client = Client(master_port=port)
        with pytest.raises(FleetError, match="larger than 4 MiB"):
            await client.state("127.0.0.1", "t")
        await client.close()


def test_gzip_that_is_cut_off_is_refused() -> None:
    with pytest.raises(FleetError, match="cut off"):
        fleet.unpack(gzip.compress(b"x" * 1000)[:-9], 2**20)


async def test_a_redirect_is_not_followed() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        assert request.path == "/v1/state", "the redirect was followed"
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    async with site(handle) as port:
        client = Client(master_port=port)
        with pytest.raises(FleetError, match="it answers 302"):
            await client.state("127.0.0.1", "t")
        await client.close()


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with site(answers(text=json.dumps(STATE))) as port:
        client = Client(master_port=port)
        assert (await client.state("127.0.0.1", "t")).step == "Stage"
        await client.close()


async def test_a_refused_start_says_what_the_master_said() -> None:
    refusal = json.dumps({"error": "workers", "seen": 1, "expected": 2})
    async with site(answers(status=409, text=refusal)) as port:
        client = Client(master_port=port)
        with pytest.raises(FleetError, match="it answers 409: workers, seen 1, expected 2") as caught:
            await client.start("127.0.0.1", "t", "a-1")
        assert caught.value.status == 409
        await client.close()


async def test_nobody_there_is_an_error_and_names_no_token() -> None:
    client = Client(master_port=1)
    with pytest.raises(FleetError) as caught:
        await client.state("127.0.0.1", "very-secret")
    assert "very-secret" not in str(caught.value)
    await client.close()


async def test_the_probe_is_asked_for_a_window() -> None:
    paths: list[str] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        paths.append(request.path_qs)
        return web.json_response({"schema": "gatebench.dev/probe/v1"})

    async with site(handle) as port:
        client = Client(probe_port=port)
        await client.probe("127.0.0.1", "t", 1.5, None)
        await client.probe("127.0.0.1", "t", 1.5, 2.25)
        await client.close()
    assert paths == ["/v1/report?from=1.500", "/v1/report?from=1.500&to=2.250"]
