"""An LLM API of a few lines that counts what reached it, for the fleet's tests."""

from __future__ import annotations

import asyncio
import collections
import json
import threading
from typing import Any

from aiohttp import web


class Upstream:
    """Runs in a thread of its own. `counts` is by (method, path); `latency` in seconds."""

    def __init__(self, latency: float = 0.005, tokens: int = 4, gap: float = 0.005) -> None:
        self.latency, self.tokens, self.gap = latency, tokens, gap
        self.counts: collections.Counter[tuple[str, str]] = collections.Counter()
        self.headers: list[dict[str, str]] = []
        self.bodies: list[Any] = []
        self.url = ""
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Upstream:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @property
    def total(self) -> int:
        """All requests that have reached it."""
        return sum(self.counts.values())

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        runner = self._loop.run_until_complete(self._start())
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    async def _start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[union-attr]
        self._ready.set()
        return runner

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.counts[request.method, request.path] += 1
        body: Any = await request.json() if request.can_read_body else None
        if len(self.headers) < 100:
            self.headers.append(dict(request.headers))
            self.bodies.append(body)
        if request.path == "/status":
            return web.Response(status=int(request.query["code"]), headers={"Location": "/elsewhere"})
        if request.path == "/hang":
            await asyncio.sleep(3600)
        if request.path == "/cut":
            return await self._cut(request)
        if request.path == "/close":
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        await asyncio.sleep(self.latency)
        if isinstance(body, dict) and body.get("stream"):
            return await self._stream(request)
        if isinstance(body, dict):
            message = {"role": "assistant", "content": "ok"}
            return web.json_response(
                {"choices": [{"index": 0, "message": message}], "usage": {"completion_tokens": self.tokens}}
            )
        return web.json_response({"data": []})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        first = {"choices": [{"delta": {"role": "assistant", "content": ""}}]}
        await response.write(_event(first))
        for number in range(self.tokens):
            await asyncio.sleep(self.gap)
            await response.write(_event({"choices": [{"delta": {"content": f"w{number} "}}]}))
        await response.write(_event({"choices": [], "usage": {"completion_tokens": self.tokens * 2}}))
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response

    async def _cut(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(_event({"choices": [{"delta": {"content": "half"}}]}))
        assert request.transport is not None
        request.transport.close()
        return response


def _event(document: Any) -> bytes:
    return b"data: " + json.dumps(document).encode() + b"\n\n"
