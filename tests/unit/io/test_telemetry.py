"""What the operator tells of itself: lines that name their run, its metrics, and whether it is ready and alive."""

from __future__ import annotations

import asyncio
import json
import logging
import pathlib
import re
from typing import Any

import aiohttp
import pytest

from gatebench import handlers
from gatebench.api import COMPARISON_PLURAL, PLURAL
from gatebench.decide import world as deciding
from gatebench.io import kinds, telemetry
from unit.io.fakekube import Refusal, World, world
from unit.io.samples import body

INSTALL = pathlib.Path(__file__).parents[3] / "docs" / "install.md"
CHART = pathlib.Path(__file__).parents[3] / "charts" / "gatebench"


class Lines(logging.Handler):
    """The lines that the operator would write, as they are read back."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(telemetry.JsonFormatter())
        self.read: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.read.append(json.loads(self.format(record)))


@pytest.fixture
def log() -> logging.Logger:
    return logging.Logger("gatebench.io.act")


@pytest.fixture
def lines(log: logging.Logger) -> Lines:
    handler = Lines()
    log.addHandler(handler)
    return handler


def test_a_line_about_nothing_in_particular_is_one_object_with_what_every_line_has(
    log: logging.Logger, lines: Lines
) -> None:
    log.warning("cannot list %s\n“now”", "runs")
    [line] = lines.read
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", line.pop("time"))
    assert line == {"level": "warning", "logger": "gatebench.io.act", "message": "cannot list runs\n“now”"}


def test_an_exception_is_in_its_line(log: logging.Logger, lines: Lines) -> None:
    try:
        raise ValueError("odd")
    except ValueError:
        log.exception("the tick failed")
    [line] = lines.read
    assert line["exception"].endswith("ValueError: odd")


async def test_every_line_of_a_task_names_its_run_or_comparison_and_no_other(log: logging.Logger, lines: Lines) -> None:
    both = asyncio.Barrier(2)

    async def work(word: str, name: str) -> None:
        telemetry.set_subject(word, "bench", name, f"uid-{name}")
        await both.wait()
        await asyncio.to_thread(log.info, "decides")
        await asyncio.create_task(_later(log))

    await asyncio.gather(
        asyncio.create_task(work("run", "one")),
        asyncio.create_task(work("comparison", "other")),
    )
    log.info("resync")
    told = [({k: v for k, v in line.items() if k not in ("time", "level", "logger")}) for line in lines.read]
    for word, name in (("run", "one"), ("comparison", "other")):
        about = {word: name, "namespace": "bench", "uid": f"uid-{name}"}
        assert [line["message"] for line in told if line.items() >= about.items()] == ["decides", "acts"]
    assert told[-1] == {"message": "resync"}


async def _later(log: logging.Logger) -> None:
    log.info("acts")


def operator(w: World) -> handlers.Operator:
    """An operator that has started, but for kopf's watch."""
    made = handlers.Operator(w.context.settings, w.context.namespace)
    made._context = w.context
    own = deciding.World(w.context.settings, w.context.namespace, w.context.key, "0.1.0")
    made._ticker = handlers.Ticker(w.context, own, made._metrics)
    return made


@pytest.mark.parametrize(
    ("kind", "plural", "word"), [(kinds.RUN, PLURAL, "run"), (kinds.COMPARISON, COMPARISON_PLURAL, "comparison")]
)
async def test_what_the_rooms_of_a_tick_log_names_what_the_tick_is_about(kind: str, plural: str, word: str) -> None:
    """The refused read is logged by the ticker, the refused status by the room that writes it."""
    handler = Lines()
    logger = logging.getLogger("gatebench")
    logger.addHandler(handler)
    try:
        async with world() as w:
            made = operator(w)
            assert made._ticker is not None
            manifest = body(load={"workers": 0}) if kind == kinds.RUN else {**body(), "kind": kind, "spec": {}}
            w.api.put(manifest)
            w.api.refusals["PATCH", plural] = Refusal(403, "Forbidden", "no right")
            metadata = manifest["metadata"]
            made._ticker.see(metadata["namespace"], metadata["name"], metadata["uid"], kind)
            [task] = made._ticker._tasks.values()
            await task
    finally:
        logger.removeHandler(handler)
    refused = [line for line in handler.read if "no right" in line["message"]]
    assert refused
    assert {line["logger"] for line in refused} == {"gatebench.io.status"}
    for line in refused:
        about = {word: metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"]}
        assert line.items() >= about.items()


async def asked(told: telemetry.Telemetry, path: str) -> tuple[int, str]:
    """Status and text that the operator's port answers."""
    server = await telemetry.serve(told, port=0)
    try:
        url = f"http://127.0.0.1:{server.addresses[0][1]}{path}"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status, await answer.text()
    finally:
        await server.cleanup()


async def test_it_is_alive_as_long_as_something_succeeds() -> None:
    now = 1000.0
    told = telemetry.Telemetry(clock=lambda: now)
    now += telemetry.HEARTBEAT_SECONDS - 1
    assert await asked(told, "/healthz") == (200, "ok")
    told.ticked("timeout", 60.0)
    told.ticked("error", 1.0)
    told.seen()
    now += 1
    assert await asked(told, "/healthz") == (503, "no heartbeat")
    told.ticked("ok", 0.1)
    assert await asked(told, "/healthz") == (200, "ok")


async def test_it_is_ready_when_the_first_event_has_come() -> None:
    told = telemetry.Telemetry()
    assert await asked(told, "/readyz") == (503, "the runs are not listed yet")
    told.ticked("error", 1.0)
    assert await asked(told, "/readyz") == (503, "the runs are not listed yet")
    told.seen()
    assert await asked(told, "/readyz") == (200, "ok")


async def test_an_operator_without_any_run_is_ready_after_its_first_list() -> None:
    async with world() as w:
        made = operator(w)
        refused = Refusal(403, "Forbidden", "no right")
        w.api.refusals.update({("GET", PLURAL): refused, ("GET", COMPARISON_PLURAL): refused})
        await made._list()
        assert await asked(made._metrics, "/readyz") == (503, "the runs are not listed yet")
        w.api.refusals.clear()
        await made._list()
        assert await asked(made._metrics, "/readyz") == (200, "ok")
        assert made._ticker is not None
        assert made._ticker._tasks == {}
        w.api.refusals["GET", PLURAL] = refused
        await made._list()
        assert await asked(made._metrics, "/readyz") == (200, "ok"), "an outage is no reason to be replaced"


async def test_the_first_list_does_not_wait_for_its_turn() -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        w.api.refusals.clear()
        if len(pauses) == 2:
            raise asyncio.CancelledError

    async with world() as w:
        made = operator(w)
        for plural in (PLURAL, COMPARISON_PLURAL):
            w.api.refusals["GET", plural] = Refusal(403, "Forbidden", "no right")
        with pytest.raises(asyncio.CancelledError):
            await made._resync_forever(pause)
    assert pauses == [handlers.FIRST_LIST_SECONDS, handlers.RESYNC_SECONDS]


def test_the_chart_asks_what_is_served() -> None:
    text = (CHART / "templates" / "deployment.yaml").read_text()
    probes = dict(re.findall(r"(\w+Probe):\n\s+httpGet: \{path: (\S+), port: http\}", text))
    assert probes == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}


async def test_its_metrics_are_those_of_the_docs() -> None:
    told = telemetry.Telemetry()
    told.ticked("ok", 0.2)
    told.seen()
    told.active.set(3)
    status, text = await asked(told, "/metrics")
    assert status == 200
    assert {line for line in text.splitlines() if not line.startswith("#")} >= {
        'gatebench_ticks_total{outcome="ok"} 1.0',
        "gatebench_tick_duration_seconds_sum 0.2",
        'gatebench_tick_duration_seconds_bucket{le="0.25"} 1.0',
        "gatebench_active_runs 3.0",
        "gatebench_watch_events_total 1.0",
    }
    assert re.search(r"^gatebench_heartbeat_timestamp_seconds 1\.\d+e\+09$", text, re.MULTILINE)
    typed = dict(re.findall(r"^# TYPE (gatebench_\S+) (\w+)$", text, re.MULTILINE))
    served = {name: form for name, form in typed.items() if not name.endswith("_created")}
    documented = re.findall(r"^\| `(gatebench_\w+)` \| (\w+) \|", INSTALL.read_text(), re.MULTILINE)
    assert documented == list(served.items())
