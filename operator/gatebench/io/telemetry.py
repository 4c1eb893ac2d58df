"""What the operator tells of itself: JSON log lines, gatebench_* metrics, and whether it is ready and alive.

Ready means that it has seen which runs there are. Alive means that ticks really happen: a watch or a loop that hangs
without an error is found by the heartbeat.
"""

from __future__ import annotations

import contextvars
import json
import logging
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

HEARTBEAT_SECONDS = 180.0
_NOTHING: Mapping[str, str] = {}
_subject = contextvars.ContextVar("subject", default=_NOTHING)


def set_subject(word: str, namespace: str, name: str, uid: str) -> None:
    """From here on the lines of this task, and of what it starts, are about that `word`: a run or a comparison."""
    _subject.set({word: name, "namespace": namespace, "uid": uid})


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with the run or comparison and its namespace where the line is about one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= _subject.get()
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure_logging(level: int = logging.INFO) -> None:
    """Sends all log lines as JSON to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("kopf").setLevel(logging.WARNING)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)


class Telemetry:
    """The operator's own metrics, and its heartbeat."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.registry = CollectorRegistry()
        self.ticks = Counter(
            "gatebench_ticks_total", "Looks at a run or comparison, by outcome.", ["outcome"], registry=self.registry
        )
        self.seconds = Histogram(
            "gatebench_tick_duration_seconds",
            "How long a look took.",
            buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
            registry=self.registry,
        )
        self.active = Gauge("gatebench_active_runs", "Runs and comparisons that are looked at.", registry=self.registry)
        self.events = Counter(
            "gatebench_watch_events_total", "Events of the watch on runs and comparisons.", registry=self.registry
        )
        self.heartbeat = Gauge(
            "gatebench_heartbeat_timestamp_seconds",
            "When a look or a list last succeeded.",
            registry=self.registry,
        )
        self._last_beat = clock()
        self.ready = False
        """Whether a list or an event has come: rights, definitions and the way to the API server are in order."""

    def ticked(self, outcome: str, seconds: float) -> None:
        """A tick is over."""
        self.ticks.labels(outcome).inc()
        self.seconds.observe(seconds)
        if outcome == "ok":
            self.beat()

    def seen(self) -> None:
        """The watch brought an event."""
        self.events.inc()
        self.ready = True

    def beat(self) -> None:
        """Something that proves life has succeeded."""
        self._last_beat = self._clock()
        self.ready = True
        self.heartbeat.set_to_current_time()

    @property
    def alive(self) -> bool:
        """Whether the heartbeat is recent."""
        return self._clock() - self._last_beat < HEARTBEAT_SECONDS


async def serve(telemetry: Telemetry, port: int) -> web.AppRunner:
    """Serves /healthz, /readyz and /metrics until its `cleanup` is called."""

    async def health(_: web.Request) -> web.Response:
        return web.Response(text="ok" if telemetry.alive else "no heartbeat", status=200 if telemetry.alive else 503)

    async def ready(_: web.Request) -> web.Response:
        told = "ok" if telemetry.ready else "the runs are not listed yet"
        return web.Response(text=told, status=200 if telemetry.ready else 503)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(telemetry.registry), content_type="text/plain", charset="utf-8")

    app = web.Application()
    app.add_routes([web.get("/healthz", health), web.get("/readyz", ready), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", port).start()  # noqa: S104 - the pod's own address
    return runner
