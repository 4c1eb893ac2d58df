"""Measures a locustfile of a user's own without changing what it does.

Locust's request event gives its latencies. What is added: the dispatch delay, a think time where the plan has one,
and an entry for a request that is still open when its user is ended, which Locust would forget.
"""

# Locust is typed in part only.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import gevent
from gevent import GreenletExit
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession
from locust.user.task import TaskSet

from gatebench_locust import classify
from gatebench_locust.plan import ThinkTime
from gatebench_locust.recorder import Recorder


def install(recorder: Recorder, think: ThinkTime | None) -> None:
    """Once, before the locustfile is loaded."""
    patched: Any = TaskSet
    patched._sleep = _sleep(recorder, think)
    session: Any
    for session in (FastHttpSession, HttpSession):
        session.request = _counted(session.request)


def _sleep(recorder: Recorder, think: ThinkTime | None) -> Callable[[Any, float], None]:
    def sleep(task_set: Any, seconds: float) -> None:
        if think is not None:
            seconds = random.uniform(think.min, think.max)  # noqa: S311
        due = time.perf_counter() + seconds
        gevent.sleep(seconds)
        recorder.delay(time.perf_counter() - due)

    return sleep


def _counted(request: Callable[..., Any]) -> Callable[..., Any]:
    def counted(session: Any, method: str, url: str, name: str | None = None, *args: Any, **kwargs: Any) -> Any:
        begun, started = time.time(), time.perf_counter()
        try:
            return request(session, method, url, name, *args, **kwargs)
        except GreenletExit:
            session.request_event.fire(
                request_type=method,
                name=name or getattr(session, "request_name", None) or url,
                response_time=(time.perf_counter() - started) * 1000.0,
                response_length=0,
                exception=classify.Failure(classify.TIMEOUT, "still open when the load ended"),
                context={},
                start_time=begun,
                url=url,
            )
            raise

    return counted
