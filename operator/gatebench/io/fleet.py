"""The master's and the probe's HTTP API, by pod address.

Whoever answers there may be anything that the run's images contain: every answer is bounded in time and in
size, also unpacked; no redirect is followed and no proxy is used.
"""

from __future__ import annotations

import asyncio
import json
import math
import zlib
from collections.abc import Mapping
from typing import Any

import aiohttp

from gatebench.decide.snapshot import FleetState
from gatebench.plan.fleet import API_PORT
from gatebench.plan.gateway import PROBE_PORT
from gatebench.plan.upstream import PORT as MOCK_PORT

CONNECT_SECONDS = 3.0
STATE_SECONDS = 5.0
RESULT_SECONDS = 30.0
STATE_BYTES = 4 * 2**20
REPORT_BYTES = 32 * 2**20
RESULT_BYTES = 64 * 2**20
_CHUNK = 64 * 1024
_GZIP = b"\x1f\x8b"
# Workers in these states have said goodbye, or have not been heard of.
_AWAY = ("missing", "quit", "lost")
_LIVE = (
    "requestsPerSecond", "errorRatio", "p50Seconds", "p95Seconds", "p99Seconds", "requests", "failures", "inFlight",
    "dropped",
)  # fmt: skip
_WORD, _SENTENCE, _LIST = 253, 1024, 128


class FleetError(Exception):
    """No answer, or none that can be taken; `status` is the HTTP status (0: none), the text is for people."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Client:
    """Talks to any run's master and probe. Every method raises FleetError, and nothing else."""

    def __init__(
        self, *, master_port: int = API_PORT, probe_port: int = PROBE_PORT, mock_port: int = MOCK_PORT
    ) -> None:
        self._ports = (master_port, probe_port)
        self._mock_port = mock_port
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()

    async def state(self, ip: str, token: str) -> FleetState:
        """GET /v1/state of the master."""
        return parse_state(await self._json(self._master(ip, "/v1/state"), token, STATE_SECONDS, STATE_BYTES))

    async def start(self, ip: str, token: str, attempt: str) -> None:
        """POST /v1/start: the same attempt again is no second start. 409 where workers are missing."""
        await self._send("POST", self._master(ip, "/v1/start"), token, STATE_SECONDS, STATE_BYTES, {"attempt": attempt})

    async def go_on(self, ip: str, token: str, attempt: str, repeat: int, address: str | None = None) -> None:
        """POST /v1/continue: a repeat that waits may begin. 409 where it does not wait, or the gateway's name does not
        lead to that address yet."""
        body = {"attempt": attempt, "repeat": repeat} | ({} if address is None else {"address": address})
        await self._send("POST", self._master(ip, "/v1/continue"), token, STATE_SECONDS, STATE_BYTES, body)

    async def stop(self, ip: str, token: str, reason: str) -> None:
        """POST /v1/stop: ends the load; the result is then built."""
        await self._send("POST", self._master(ip, "/v1/stop"), token, STATE_SECONDS, STATE_BYTES, {"reason": reason})

    async def acknowledge(self, ip: str, token: str, keep: bool = False) -> None:
        """POST /v1/ack: the fleet may end, or wait for another plan."""
        body = {"keep": True} if keep else {}
        await self._send("POST", self._master(ip, "/v1/ack"), token, STATE_SECONDS, STATE_BYTES, body)

    async def hand_over(self, ip: str, token: str, plan: Mapping[str, Any]) -> None:
        """POST /v1/plan: the fleet begins anew with another run's plan. 409 while a load is under way."""
        body = {"plan": plan}
        await self._send("POST", self._master(ip, "/v1/plan"), token, STATE_SECONDS, STATE_BYTES, body)

    async def result(self, ip: str, token: str) -> dict[str, Any]:
        """GET /v1/result: the load document."""
        return await self._json(self._master(ip, "/v1/result"), token, RESULT_SECONDS, RESULT_BYTES)

    async def artifact(self, ip: str, token: str, path: str) -> bytes:
        """GET /v1/PATH: one of Locust's own reports."""
        return await self._send("GET", self._master(ip, f"/v1/{path}"), token, RESULT_SECONDS, REPORT_BYTES)

    async def probe(self, ip: str, token: str, start: float | None, end: float | None) -> dict[str, Any]:
        """GET /v1/report of the probe, for a window in unix seconds."""
        window = {"from": start, "to": end}
        query = "&".join(f"{key}={value:.3f}" for key, value in window.items() if value is not None)
        url = f"http://{_host(ip)}:{self._ports[1]}/v1/report" + (f"?{query}" if query else "")
        return await self._json(url, token, RESULT_SECONDS / 2, REPORT_BYTES)

    async def upstream(self, ip: str) -> dict[str, Any]:
        """GET /gatebench/v1/account of the mock, which everybody may read: no token is sent."""
        url = f"http://{_host(ip)}:{self._mock_port}/gatebench/v1/account"
        return await self._json(url, "", STATE_SECONDS, STATE_BYTES)

    def _master(self, ip: str, path: str) -> str:
        return f"http://{_host(ip)}:{self._ports[0]}{path}"

    async def _json(self, url: str, token: str, seconds: float, limit: int) -> dict[str, Any]:
        content = await self._send("GET", url, token, seconds, limit)
        try:
            # A load document can be megabytes: the other runs go on meanwhile.
            document = await asyncio.to_thread(json.loads, content)
        except (ValueError, RecursionError) as error:
            raise FleetError("the answer is not JSON") from error
        if not isinstance(document, dict):
            raise FleetError("the answer is not a JSON object")
        return document

    async def _send(
        self,
        method: str,
        url: str,
        token: str,
        seconds: float,
        limit: int,
        body: Mapping[str, Any] | None = None,
    ) -> bytes:
        if self._session is None:
            # Made here, inside the loop. What is packed is unpacked here, within the bound.
            self._session = aiohttp.ClientSession(
                trust_env=False, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
            )
        try:
            async with self._session.request(
                method,
                url,
                json=body,
                headers={"Accept-Encoding": "gzip"} | ({"Authorization": f"Bearer {token}"} if token else {}),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS),
            ) as answer:
                content = await _read(answer, limit)
        except TimeoutError as error:
            raise FleetError(f"no answer within {seconds:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise FleetError(f"no connection ({type(error).__name__})") from error
        if not 200 <= answer.status <= 299:
            raise FleetError(_refusal(answer.status, content), answer.status)
        return content


async def _read(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body, unpacked where it is gzip (whatever its headers say), of at most `limit` bytes."""
    packed = bytearray()
    async for chunk in answer.content.iter_chunked(_CHUNK):
        packed += chunk
        if len(packed) > limit:
            raise FleetError(f"the answer is larger than {limit // 2**20} MiB")
    if not packed.startswith(_GZIP):
        return bytes(packed)
    return await asyncio.to_thread(unpack, bytes(packed), limit)


def unpack(content: bytes, limit: int) -> bytes:
    """Unpacks gzip of at most `limit` bytes. Raises FleetError."""
    decoder = zlib.decompressobj(wbits=31)
    try:
        plain = decoder.decompress(content, limit + 1)
    except zlib.error as error:
        raise FleetError("the answer is not gzip as it claims to be") from error
    if len(plain) > limit:
        raise FleetError(f"the answer is larger than {limit // 2**20} MiB when unpacked")
    if not decoder.eof:
        raise FleetError("the answer is cut off")
    return plain


def _refusal(status: int, content: bytes) -> str:
    try:
        document = json.loads(content)
        said = document.get("error") or document.get("message")
        extra = {k: document[k] for k in ("seen", "expected", "attempt") if k in document}
    except (ValueError, AttributeError, RecursionError):
        return f"it answers {status}"
    numbers = "".join(f", {key} {value}" for key, value in extra.items())
    return f"it answers {status}" + (f": {said}{numbers}"[:300] if said else "")


def parse_state(document: Mapping[str, Any]) -> FleetState:
    """The master's word on itself; what is not of its type is not known. Raises FleetError for no state at all."""
    step = document.get("step")
    if not isinstance(step, str):
        raise FleetError("its answer is not a state")
    live = document.get("live")
    workers = list(filter(_is_there, _items(document.get("workers"))))
    users = _number(document.get("users"))
    return FleetState(
        attempt=_text(document.get("attempt")),
        step=step[:_WORD],
        run=_text(document.get("run")),
        seen=len(workers),
        pods=tuple(uid for worker in workers if (uid := _text(worker.get("pod"))) is not None),
        lost=tuple(str(worker)[:_WORD] for worker in _items(document.get("lost"))[:_LIST]),
        stage=_text(document.get("stage")),
        repeat=_count(document.get("repeat")),
        holding=_count(document.get("holding")),
        holding_seconds=_number(document.get("holdingSeconds")),
        repeat_started=_number(document.get("repeatStartedAt")),
        reason=_text(document.get("reason")),
        message=(_text(document.get("message"), _SENTENCE) or ""),
        users=None if users is None else int(users),
        rate=_number(document.get("targetRate")),
        elapsed=_number(document.get("elapsedSeconds")),
        total=_number(document.get("totalSeconds")),
        result_ready=document.get("resultReady") is True,
        live={key: _number(live.get(key)) for key in _LIVE} if isinstance(live, Mapping) else {},
    )


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_there(worker: Any) -> bool:
    return isinstance(worker, Mapping) and worker.get("state") not in _AWAY


def _text(value: Any, limit: int = _WORD) -> str | None:
    return value[:limit] if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _count(value: Any) -> int | None:
    """A whole number from 0 to 1,000, or None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 1000 else None


def _host(ip: str) -> str:
    return f"[{ip}]" if ":" in ip else ip
