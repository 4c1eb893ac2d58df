"""Asks Prometheus. Whatever happens there, the caller gets a result, never an exception.

prometheus-api-client is synchronous, so it works in a thread, over a session of ours that bounds size and
time, follows no redirects and takes no settings from the environment. Nothing that is reported names a
credential: only scheme, host and port of the URL are shown, and errors are in our own words.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import email.utils
import json
import pathlib
import ssl
import time
import urllib.parse
from collections.abc import Iterable
from typing import Any

import requests
import urllib3
from prometheus_api_client.prometheus_connect import PrometheusConnect

from gatebench import settings
from gatebench.measure.answers import Failed, Reply
from gatebench.measure.queries import Query

MAX_BYTES = 8 * 2**20
REQUEST_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 0.5
MAX_PAUSE_SECONDS = 8.0
_CHUNK_BYTES = 64 * 1024
# What a query itself is to blame for: asking again gives the same.
_QUERY_ERRORS = (400, 422)


@dataclasses.dataclass(frozen=True)
class Unavailable:
    """Prometheus gave no answer at all."""

    reason: str


@dataclasses.dataclass(frozen=True)
class _Retry:
    """It may work later; `after` is how long Prometheus wants to be left alone, in seconds."""

    reason: str
    after: float = 0.0


class _Refused(Exception):
    """A response that is not taken. Carries the outcome through the library."""

    def __init__(self, outcome: Failed | Unavailable | _Retry) -> None:
        super().__init__()
        self.outcome = outcome


class _BoundedSession(requests.Session):
    """A session that reads at most `max_bytes` of a body, until `deadline` (monotonic)."""

    def __init__(self, max_bytes: int, deadline: float) -> None:
        super().__init__()
        self.trust_env = False
        self._max_bytes = max_bytes
        self._deadline = deadline

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """The response with its body, once all bounds held. Raises _Refused."""
        kwargs |= {"stream": True, "allow_redirects": False}
        response = super().request(*args, **kwargs)
        try:
            if response.is_redirect or 300 <= response.status_code < 400:
                raise _Refused(Unavailable("it redirects elsewhere, which is not followed"))
            # requests has no public way to give a response the body that was read from it.
            response._content = self._body(response)
        finally:
            response.close()
        if response.status_code != 200:
            raise _Refused(_outcome(response))
        return response

    def _body(self, response: requests.Response) -> bytes:
        declared = response.headers.get("Content-Length", "")
        if declared.isdigit() and int(declared) > self._max_bytes:
            raise _Refused(self._too_large())
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise _Refused(Unavailable("it packs its answer unasked"))
        body = bytearray()
        # read1 returns what has come: a server that drips its answer is left at the deadline.
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=False):
            body += chunk
            if len(body) > self._max_bytes:
                raise _Refused(self._too_large())
            if time.monotonic() > self._deadline:
                raise _Refused(_Retry("it answers too slowly"))
        return bytes(body)

    def _too_large(self) -> Failed:
        return Failed(f"the answer is larger than {self._max_bytes / 2**20:g} MiB")


def _outcome(response: requests.Response) -> Failed | Unavailable | _Retry:
    """What a status other than 200 means."""
    status = response.status_code
    if status in _QUERY_ERRORS:
        return Failed(_error_of(response))
    if status in (408, 425, 429) or status >= 500:
        return _Retry(f"it answers {status}", _retry_after(response.headers.get("Retry-After", "")))
    if status in (401, 403):
        return Unavailable(f"it answers {status}: check the token")
    return Unavailable(f"it answers {status}: is this the base URL of a Prometheus?")


def _error_of(response: requests.Response) -> str:
    """Prometheus' words about a query, bounded; they quote the query, which has no secrets."""
    try:
        return "Prometheus refused the query: " + str(json.loads(response.content)["error"])[:200]
    except (ValueError, KeyError, TypeError, RecursionError):
        return f"it answers {response.status_code}"


def _retry_after(header: str) -> float:
    """Seconds of a Retry-After header: a number or a date; 0 where it is neither."""
    if header.strip().isdigit():
        return float(header)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return 0.0


class PrometheusClient:
    """The Prometheus of the operator's settings. Token and CA are read again for each use."""

    def __init__(
        self,
        url: str,
        *,
        token_file: str = "",
        ca_file: str = "",
        timeout: float = REQUEST_SECONDS,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._url = url.rstrip("/")
        self._token_file = token_file
        self._ca_file = ca_file
        self._timeout = timeout
        self._max_bytes = max_bytes

    @property
    def where(self) -> str:
        """scheme://host:port, without credentials and path."""
        try:
            parts = urllib.parse.urlsplit(self._url)
        except ValueError:
            return "a URL that is not valid"
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    async def ask(self, queries: Iterable[Query], deadline: float = 30.0) -> dict[str, Reply | Failed] | Unavailable:
        """The answers by the queries' names, within `deadline` seconds; Unavailable where there are none.

        A query that Prometheus refuses fails alone. One that gets no answer in time fails all: they are asked
        again together, so that the figures of a run belong to each other.
        """
        until = time.monotonic() + deadline
        answers: dict[str, Reply | Failed] = {}
        for query in queries:
            answer = await self._persist(query, until)
            if isinstance(answer, Unavailable):
                return Unavailable(f"Prometheus at {self.where}: {answer.reason}")
            answers[query.name] = answer
        failures = [answer for answer in answers.values() if isinstance(answer, Failed)]
        if failures and len(failures) == len(answers):
            return Unavailable(f"Prometheus at {self.where}: {failures[0].message}")
        return answers

    async def _persist(self, query: Query, until: float) -> Reply | Failed | Unavailable:
        """Asks until there is an answer, with growing pauses, at most until `until`."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            outcome = await self._once(query, until)
            if not isinstance(outcome, _Retry):
                return outcome
            wait = max(pause, outcome.after)
            if time.monotonic() + wait >= until:
                wanted = f"; it asks to be left alone for {outcome.after:.0f} s" if outcome.after > pause else ""
                return Unavailable(outcome.reason + wanted)
            await asyncio.sleep(wait)
            pause = min(2 * pause, MAX_PAUSE_SECONDS)

    async def _once(self, query: Query, until: float) -> Reply | Failed | Unavailable | _Retry:
        left = min(self._timeout, until - time.monotonic())
        if left <= 0:
            return Unavailable("there was no time left to ask it")
        try:
            # The thread ends by its own bounds; a server that drips its headers must not hold up the caller.
            return await asyncio.wait_for(asyncio.to_thread(self._blocking, query, left), left + 1.0)
        except TimeoutError:
            return _Retry("it answers too slowly")

    def _blocking(self, query: Query, seconds: float) -> Reply | Failed | Unavailable | _Retry:
        """One request, in a thread of its own."""
        session = _BoundedSession(self._max_bytes, time.monotonic() + seconds)
        try:
            # Not packed: a few bytes that unpack to gigabytes would pass the bound.
            headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
            if self._token_file:
                headers["Authorization"] = f"Bearer {pathlib.Path(self._token_file).read_text().strip()}"
            session.verify = self._ca_file or True
            connection = PrometheusConnect(
                self._url,
                headers=headers,
                session=session,
                retry=urllib3.Retry(0, redirect=0),
                timeout=seconds,  # type: ignore[arg-type]
            )
            return Reply(_send(connection, query))
        except _Refused as refused:
            return refused.outcome
        except Exception as error:
            return self._explain(error)
        finally:
            session.close()

    def _explain(self, error: Exception) -> Unavailable | _Retry:
        """An error in words that name neither headers nor the whole URL."""
        # In this order: urllib3 calls every connection that fails a timeout.
        for kinds, outcome in _CAUSES:
            if any(isinstance(cause, kinds) for cause in _causes(error)):
                return outcome
        if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
            if error.filename in (self._token_file, self._ca_file):
                return Unavailable(f"{error.filename} cannot be read ({type(error).__name__})")
            # requests reports a CA file that is not there as an OSError without a file's name.
            if self._ca_file and not pathlib.Path(self._ca_file).is_file():
                return Unavailable(f"{self._ca_file} cannot be read (no such file)")
        if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
            return Unavailable("its URL is not valid")
        if isinstance(error, ValueError | KeyError | TypeError | RecursionError):
            return Unavailable("its answer is not Prometheus' JSON")
        return _Retry(f"the connection broke ({type(error).__name__})")


_CAUSES: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], Unavailable | _Retry], ...] = (
    (ssl.SSLError, Unavailable("its certificate does not hold: check the CA")),
    (ConnectionRefusedError, _Retry("the connection is refused")),
    (urllib3.exceptions.NameResolutionError, _Retry("its name does not resolve")),
    (urllib3.exceptions.NewConnectionError, _Retry("it cannot be reached")),
    ((requests.Timeout, TimeoutError, urllib3.exceptions.TimeoutError), _Retry("it does not answer in time")),
)


def _causes(error: BaseException) -> Iterable[BaseException]:
    """The error, what it was raised from, and what requests and urllib3 wrap in arguments."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]


def _send(connection: PrometheusConnect, query: Query) -> Any:
    if query.kind == "instant":
        return connection.custom_query(query.promql, params={"time": f"{query.at:.3f}"})
    return connection.custom_query_range(
        query.promql,
        start_time=_moment(query.start),
        end_time=_moment(query.end),
        step=f"{query.step:g}",
    )


def _moment(at: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(at, datetime.UTC)


def from_settings(given: settings.Prometheus) -> PrometheusClient | None:
    """The client for the operator's settings; None where they name no Prometheus."""
    if not given.url:
        return None
    return PrometheusClient(given.url, token_file=given.token_file, ca_file=given.ca_file)
