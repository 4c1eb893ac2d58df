"""The HTTP client of the built-in workloads: one exchange at a time, never repeated, never redirected.

geventhttpclient sends a request again when a kept connection turns out to be broken, which would count once here and
twice at the gateway; that is switched off. A whole exchange has one time limit, not one for each read.
"""

from __future__ import annotations

import dataclasses
import re
import select
import time
from collections.abc import Mapping
from typing import Any

import gevent.socket
import geventhttpclient.client
from gevent import GreenletExit, Timeout
from gevent.monkey import get_original
from geventhttpclient import HTTPClient
from geventhttpclient.connectionpool import ConnectionPool
from geventhttpclient.response import HTTPParseError
from geventhttpclient.url import URL

from gatebench_locust import classify, sse

_READ_BYTES = 64 * 1024
_poll = get_original("select", "poll")
_TOKENS = re.compile(rb'"(?:completion|output)_tokens"\s*:\s*(\d+)')


@dataclasses.dataclass
class Answer:
    """What came of one exchange. `seconds`: to its last byte, or to its failure."""

    seconds: float = 0.0
    status: int | None = None
    length: int = 0
    failure: classify.Failure | None = None
    ttft: float | None = None
    gaps: list[float] = dataclasses.field(default_factory=list)
    tokens: int | None = None


@dataclasses.dataclass(frozen=True)
class Call:
    """A request, ready to send. `counts_tokens`: its answer may state a usage."""

    name: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    status: int = 200
    stream: bool = False
    counts_tokens: bool = False
    open_ended: bool = False


def as_real_clients_do() -> None:
    """Has geventhttpclient send nothing twice, keep connections whatever their number, and not wait to send."""
    patched: Any = geventhttpclient.client
    patched._may_retry_after_send_error = lambda method: False
    patched = ConnectionPool
    patched._is_socket_alive = _alive
    patched._create_tcp_socket = _socket


def _socket(_: ConnectionPool, family: int, kind: int, protocol: int) -> Any:
    """Without Nagle's delay, as OpenAI's and Anthropic's clients: the last segment of a long prompt would else wait
    for an acknowledgement that the other side may hold back for 40 ms."""
    sock = gevent.socket.socket(family, kind, protocol)
    sock.setsockopt(gevent.socket.IPPROTO_TCP, gevent.socket.TCP_NODELAY, 1)
    return sock


def _alive(_: ConnectionPool, sock: Any) -> bool:
    """Whether an idle connection is still open. By poll: select cannot see descriptors above 1,023, which would
    open a new connection for each request of a worker with a thousand users."""
    if sock is None or sock.fileno() < 0:
        return False
    poll = _poll()
    poll.register(sock.fileno(), select.POLLIN)
    return not poll.poll(0)


class Client:
    """One user's connection to the target, kept open between requests."""

    def __init__(self, target: str, timeout: float) -> None:
        self._url = URL(target)
        self._prefix = self._url.path.rstrip("/")
        self._timeout = timeout
        self._http = self._open()

    def _open(self) -> HTTPClient:
        limits = {"connection_timeout": self._timeout, "network_timeout": self._timeout}
        return HTTPClient.from_url(self._url, concurrency=1, **limits)

    def close(self) -> None:
        """Closes the connection."""
        self._http.close()

    def send(self, call: Call) -> Answer:
        """One exchange. Failures are in the answer; only GreenletExit (the user is ended) passes, as a Cut."""
        answer = Answer()
        started = time.perf_counter()
        timer = Timeout(self._timeout)
        timer.start()
        try:
            self._exchange(call, answer, started)
        except Timeout as error:
            if error is not timer:
                raise
            answer.failure = classify.Failure(classify.TIMEOUT, f"no full answer within {self._timeout:g} s")
        except GreenletExit as error:
            answer.seconds = time.perf_counter() - started
            answer.failure = classify.Failure(classify.TIMEOUT, "still open when the load ended")
            raise Cut(answer) from error
        except Exception as error:
            answer.failure = classify.caught(error)
        finally:
            timer.close()
        if not answer.seconds:
            answer.seconds = time.perf_counter() - started
        if answer.failure is not None and answer.failure.kind != classify.HTTP:
            # A time-out in the middle of sending leaves the only place of the pool taken.
            self._http.close()
            self._http = self._open()
        return answer

    def _exchange(self, call: Call, answer: Answer, started: float) -> None:
        response = self._http.request(call.method, self._prefix + call.path, call.body, dict(call.headers))
        whole = False
        try:
            answer.status = response.get_code()
            streaming = call.stream and answer.status == call.status
            stream = sse.Stream(started, call.open_ended) if streaming else None
            tail = self._read(response, answer, stream)
            answer.seconds = time.perf_counter() - started
            whole = True
        except HTTPParseError as error:
            if answer.status is not None:
                text = "the answer ended early"
                raise classify.Failure(classify.STREAM_CUT if call.stream else classify.RESET, text) from error
            raise
        finally:
            if not whole:
                response.release()
        if answer.status != call.status:
            raise classify.Failure(classify.HTTP, f"status {answer.status}", answer.status)
        if stream is not None:
            self._finish(stream, answer, call)
        elif call.counts_tokens:
            found = _TOKENS.search(tail)
            answer.tokens = int(found.group(1)) if found else None

    def _read(self, response: Any, answer: Answer, stream: sse.Stream | None) -> bytes:
        """Reads to the end; gives the last bytes of the body, where an answer states its usage."""
        tail = b""
        sock = response._sock
        now = time.perf_counter()
        while True:
            buffer = response._body_buffer
            if buffer:
                chunk = bytes(buffer)
                buffer.clear()
                answer.length += len(chunk)
                if stream is not None:
                    stream.feed(chunk, now)
                    if answer.ttft is None:
                        answer.ttft = stream.ttft
                    answer.gaps = stream.gaps
                else:
                    tail = (tail + chunk)[-_READ_BYTES:]
            if response.message_complete:
                return tail
            data = sock.recv(_READ_BYTES)
            now = time.perf_counter()
            response.feed(data)
            if not data and not response.message_complete:
                raise HTTPParseError("the connection was closed")

    def _finish(self, stream: sse.Stream, answer: Answer, call: Call) -> None:
        answer.tokens = stream.tokens
        if stream.error:
            raise classify.Failure(classify.STREAM_CUT, stream.error)
        if not stream.ended and not call.open_ended:
            raise classify.Failure(classify.STREAM_CUT, "the stream ended without its end marker")


class Cut(BaseException):
    """The user was ended in the middle of an exchange."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer
