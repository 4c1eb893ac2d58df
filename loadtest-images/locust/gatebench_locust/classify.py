"""What kind of failure an exception is: http, timeout, refused, reset, dns, tls, check, streamCut or other."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import gevent
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError
from locust.exception import CatchResponseError

HTTP, TIMEOUT, REFUSED, RESET, DNS = "http", "timeout", "refused", "reset", "dns"
TLS, CHECK, STREAM_CUT, OTHER = "tls", "check", "streamCut", "other"
_DEPTH = 8


class Failure(Exception):
    """A failed request of a built-in workload."""

    def __init__(self, kind: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status

    def __repr__(self) -> str:
        # Locust groups its own error table by this text.
        return f"{self.kind}: {self}"


def kind_of(error: BaseException, status: int | None) -> tuple[str, int | None]:
    """(kind, HTTP status or None) of an exception of any HTTP client."""
    if isinstance(error, Failure):
        return error.kind, error.status
    for cause in _causes(error):
        kind = _kind(cause)
        if kind is not None:
            return kind, None
    if isinstance(error, CatchResponseError):
        return CHECK, status or None
    if status is not None and status >= 400:
        return HTTP, status
    return OTHER, status or None


def _kind(error: BaseException) -> str | None:
    if isinstance(error, gevent.Timeout | TimeoutError):
        return TIMEOUT
    if isinstance(error, ConnectionRefusedError):
        return REFUSED
    if isinstance(error, socket.gaierror):
        return DNS
    if isinstance(error, ssl.SSLError):
        return TLS
    if isinstance(error, ConnectionResetError | BrokenPipeError | ConnectionAbortedError | HTTPConnectionClosed):
        return RESET
    # Names, since requests and urllib3 are not imported for what only a locustfile may use.
    name = type(error).__name__
    if name in ("ReadTimeout", "ConnectTimeout", "ReadTimeoutError", "ConnectTimeoutError"):
        return TIMEOUT
    if name in ("NameResolutionError",):
        return DNS
    if name in ("RemoteDisconnected", "IncompleteRead"):
        return RESET
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and what it wraps: causes, contexts, arguments and the fields that HTTP clients use."""
    seen: set[int] = set()
    level: list[BaseException] = [error]
    for _ in range(_DEPTH):
        following: list[BaseException] = []
        for item in level:
            if id(item) in seen:
                continue
            seen.add(id(item))
            yield item
            inner = (
                item.__cause__,
                item.__context__,
                getattr(item, "original", None),
                getattr(item, "reason", None),
                *item.args,
            )
            following += [other for other in inner if isinstance(other, BaseException)]
        level = following


def caught(error: BaseException) -> Failure:
    """The failure that an exception of the built-in client is."""
    if isinstance(error, Failure):
        return error
    kind, _ = kind_of(error, None)
    if kind == OTHER and isinstance(error, HTTPParseError):
        return Failure(OTHER, f"not HTTP: {error}"[:200])
    texts = {
        TIMEOUT: "no answer within the time limit",
        REFUSED: "connection refused",
        RESET: "connection closed by the other side",
        DNS: "the name cannot be resolved",
    }
    return Failure(kind, texts.get(kind) or f"{type(error).__name__}: {error}"[:200])
