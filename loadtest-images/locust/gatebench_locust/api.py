"""The master's HTTP API on a port of its own: /v1 with the run's token, /healthz and /metrics without.

A small WSGI application on gevent's server: it shares the process with Locust and must not block it.
"""

from __future__ import annotations

import gzip
import hmac
import json
import logging
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import gevent
import gevent.socket
from gevent.event import Event
from gevent.pool import Pool
from gevent.pywsgi import WSGIServer

from gatebench_locust import metrics, state
from gatebench_locust.conductor import Conductor
from gatebench_locust.handover import Handover
from gatebench_locust.plan import PlanError
from gatebench_locust.records import Refused

logger = logging.getLogger(__name__)

MAX_BODY_BYTES, MAX_PLAN_BYTES = 64 * 1024, 2**20
MAX_CONNECTIONS = 64
RESOLVE_SECONDS = 3.0
_STATUS = {
    200: "200 OK",
    400: "400 Bad Request",
    401: "401 Unauthorized",
    404: "404 Not Found",
    405: "405 Method Not Allowed",
    409: "409 Conflict",
    413: "413 Content Too Large",
}
JSON, TEXT = "application/json", "text/plain; version=0.0.4; charset=utf-8"


class Api:
    """Answers of the API. `result` and `reports` are set once, when the load is over."""

    def __init__(self, conductor: Conductor, token: str, handover: Handover) -> None:
        self._conductor = conductor
        self._handover = handover
        self._token = token.encode()
        self.result: bytes | None = None
        self.reports: Mapping[str, tuple[str, bytes]] = {}
        self.acknowledged = Event()
        self.released = Event()  # acknowledged, and the fleet not to be kept

    @property
    def handed_over(self) -> bool:
        """Whether this master is about to go, and the fleet to stay."""
        return self._handover.run is not None

    def publish(self, document: dict[str, Any], reports: Mapping[str, tuple[str, bytes]]) -> None:
        """The result is there."""
        text = json.dumps(document, separators=(",", ":"), allow_nan=False)
        self.reports = reports
        self.result = gzip.compress(text.encode(), 6, mtime=0)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """WSGI."""
        status, kind, content = self._answer(environ)
        headers = [("Content-Type", kind), ("Content-Length", str(len(content)))]
        if kind == JSON and content[:2] == b"\x1f\x8b":
            headers.append(("Content-Encoding", "gzip"))
        start_response(_STATUS[status], headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [content]

    def _answer(self, environ: dict[str, Any]) -> tuple[int, str, bytes]:
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        if path == "/healthz":
            return 200, TEXT, b"ok\n"
        if path == "/metrics":
            return 200, TEXT, metrics.exposition(self._conductor)
        if not path.startswith("/v1/"):
            return _json(404, {"error": "not found"})
        if not self._allowed(environ.get("HTTP_AUTHORIZATION", "")):
            return _json(401, {"error": "the run's token is needed"})
        name = path.removeprefix("/v1/")
        if name in ("start", "stop", "continue", "ack", "plan"):
            if method != "POST":
                return _json(405, {"error": "POST only"})
            return self._post(name, environ)
        if method not in ("GET", "HEAD"):
            return _json(405, {"error": "GET only"})
        return self._get(name)

    def _allowed(self, header: str) -> bool:
        given = header.removeprefix("Bearer ").encode("latin-1", "replace")
        return header.startswith("Bearer ") and hmac.compare_digest(given, self._token)

    def _get(self, name: str) -> tuple[int, str, bytes]:
        if name == "state":
            return _json(200, state.build(self._conductor, self.result is not None))
        if name == "result":
            if self.result is None:
                return _json(409, {"error": "the result is not ready", "step": self._conductor.step})
            return 200, JSON, self.result
        if name == "report.html" or name.startswith("csv/"):
            if name in self.reports:
                kind, content = self.reports[name]
                return 200, kind, content
            if self.result is None:
                return _json(409, {"error": "the load is not over", "step": self._conductor.step})
        return _json(404, {"error": "not found"})

    def _post(self, name: str, environ: dict[str, Any]) -> tuple[int, str, bytes]:
        try:
            length = int(environ.get("CONTENT_LENGTH") or 0)
        except ValueError:
            return _json(400, {"error": "a length is needed"})
        if length > (MAX_PLAN_BYTES if name == "plan" else MAX_BODY_BYTES):
            return _json(413, {"error": "the body is too large"})
        try:
            body = json.loads(environ["wsgi.input"].read(length) or b"{}")
        except (ValueError, RecursionError):
            return _json(400, {"error": "the body is not JSON"})
        if not isinstance(body, dict):
            return _json(400, {"error": "the body is not a JSON object"})
        try:
            return self._do(name, body)
        except Refused as refusal:
            return _json(409, refusal.payload)

    def _do(self, name: str, body: dict[str, Any]) -> tuple[int, str, bytes]:
        """Raises Refused."""
        if name == "plan":
            return self._plan(body.get("plan"))
        self._handover.check()
        if name == "start":
            return self._start(body.get("attempt"))
        if name == "continue":
            return self._continue(body.get("attempt"), body.get("repeat"), body.get("address"))
        if name == "stop":
            self._conductor.stop(str(body.get("reason") or "")[:200])
            return _json(200, {"step": self._conductor.step})
        return self._acknowledge(body.get("keep"))

    def _acknowledge(self, keep: Any) -> tuple[int, str, bytes]:
        if not isinstance(keep, bool | None):
            return _json(400, {"error": "keep is true or false"})
        if self.result is None:
            return _json(409, {"error": "there is no result to acknowledge"})
        if not keep:
            self.released.set()
        elif self.released.is_set():
            return _json(409, {"error": "the fleet ends: it was not to be kept"})
        self.acknowledged.set()
        return _json(200, {})

    def _plan(self, document: Any) -> tuple[int, str, bytes]:
        if not isinstance(document, dict):
            return _json(400, {"error": "a plan is needed"})
        try:
            return _json(200, {"run": self._handover.take(document)})
        except (PlanError, RecursionError) as error:
            return _json(400, {"error": str(error)})

    def _start(self, attempt: Any) -> tuple[int, str, bytes]:
        if not isinstance(attempt, str) or not 0 < len(attempt) <= 200:
            return _json(400, {"error": "an attempt id is needed"})
        self._conductor.start(attempt)
        return _json(200, {"attempt": attempt})

    def _continue(self, attempt: Any, repeat: Any, address: Any) -> tuple[int, str, bytes]:
        if not isinstance(attempt, str) or not isinstance(repeat, int) or isinstance(repeat, bool):
            return _json(400, {"error": "an attempt id and the number of a repeat are needed"})
        if address is not None:
            found = _addresses(self._conductor.plan.target)
            if address not in found:
                seen = ", ".join(sorted(found)) or "nowhere"
                return _json(409, {"error": f"the target's name leads to {seen}, not yet to {str(address)[:100]}"})
        self._conductor.go_on(attempt, repeat)
        return _json(200, {"repeat": repeat})


def _addresses(target: str) -> set[str]:
    """Where the target's name leads at this moment; empty where nobody knows."""
    try:
        with gevent.Timeout(RESOLVE_SECONDS):
            found = gevent.socket.getaddrinfo(urllib.parse.urlsplit(target).hostname, None)
    except (OSError, UnicodeError, gevent.Timeout):
        return set()
    return {str(where[0]) for *_, where in found}


def _json(status: int, document: Mapping[str, Any]) -> tuple[int, str, bytes]:
    return status, JSON, json.dumps(document, allow_nan=False).encode()


def serve(api: Api, port: int) -> WSGIServer:
    """Starts the server on all addresses, of both families where the machine has them. Raises OSError."""
    try:
        listener = gevent.socket.create_server(
            ("::", port), family=gevent.socket.AF_INET6, dualstack_ipv6=True, backlog=128
        )
    except (OSError, ValueError, AttributeError):
        listener = gevent.socket.create_server(("0.0.0.0", port), backlog=128)  # noqa: S104 - a pod's own
    server = WSGIServer(listener, api, log=None, error_log=logger, spawn=Pool(MAX_CONNECTIONS))
    server.start()
    return server
