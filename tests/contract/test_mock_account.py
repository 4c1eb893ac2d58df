"""The account of the real mock, read as the operator reads it: a mock that is held up says so."""

from __future__ import annotations

import asyncio
import os
import pathlib
import signal
import socket
import subprocess
from collections.abc import AsyncIterator

import aiohttp
import pytest

from gatebench.io.fleet import Client
from gatebench_analysis.upstream import Upstream, missing

BODY = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


class Mock:
    """A mock that runs, and how to ask it."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, session: aiohttp.ClientSession) -> None:
        self.process, self.port, self.session = process, port, session

    async def ask(self, times: int, at_once: int) -> None:
        """Sends so many requests."""
        url = f"http://127.0.0.1:{self.port}/v1/chat/completions"
        limit = asyncio.Semaphore(at_once)

        async def one() -> None:
            async with limit, self.session.post(url, json=BODY) as answer:
                assert answer.status == 200
                await answer.read()

        await asyncio.gather(*(one() for _ in range(times)))

    async def account(self) -> Upstream:
        """Its account, as the operator reads it."""
        client = Client(mock_port=self.port)
        try:
            return Upstream.model_validate(await client.upstream("127.0.0.1"))
        finally:
            await client.close()


def _start(mock_binary: pathlib.Path, port: int) -> subprocess.Popen[bytes]:
    flags = ("--latency=100ms", "--tokens-per-second=100000")
    return subprocess.Popen([mock_binary, f"--listen=127.0.0.1:{port}", *flags])


@pytest.fixture
async def mock(mock_binary: pathlib.Path) -> AsyncIterator[Mock]:
    """A mock of 100 ms."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = _start(mock_binary, port)
    async with aiohttp.ClientSession() as session:
        try:
            for _ in range(200):
                try:
                    async with session.get(f"http://127.0.0.1:{port}/health"):
                        break
                except aiohttp.ClientError:
                    await asyncio.sleep(0.05)
            yield Mock(process, port, session)
        finally:
            process.kill()
            process.wait()


async def test_too_few_delays_are_said_to_be_too_few(mock: Mock) -> None:
    await mock.ask(10, 10)
    account = await mock.account()
    assert account.delay.count == 10
    assert account.delay.intended_seconds.p50 == pytest.approx(0.1, rel=0.01)
    assert missing(account) == "it needs 459 delays, and the mock has 10"


@pytest.mark.measures
async def test_a_mock_that_is_held_up_is_late_by_its_own_account(mock: Mock) -> None:
    async def hold_up() -> None:
        await asyncio.sleep(0.05)
        os.kill(mock.process.pid, signal.SIGSTOP)
        await asyncio.sleep(0.4)
        os.kill(mock.process.pid, signal.SIGCONT)

    await asyncio.gather(mock.ask(500, 50), hold_up())
    account = await mock.account()
    late, allowed = account.excess(), account.allowed()
    assert missing(account) is None
    assert late is not None
    assert allowed == pytest.approx(0.005, rel=0.01)
    # Fifty of five hundred were held up.
    assert late > 0.2 > allowed
