"""Where kopf meets the rooms: it tells which runs and comparisons exist; each active one gets one task that ticks.

A tick reads the run fresh, observes, decides, acts and patches. There is no handler state, no finalizer and no
progress kept in memory: an operator that was killed picks the same children up, and a chart that is uninstalled
leaves runs that can be deleted.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import kopf

from gatebench import __version__, settings
from gatebench.api import COMPARISON_PLURAL, GROUP, PLURAL, VERSION
from gatebench.decide.comparison import step as comparing
from gatebench.decide.step import decide, forbidden
from gatebench.decide.world import World
from gatebench.io import comparisons, kinds, runs, status, telemetry
from gatebench.io import context as contexts
from gatebench.io.act import act
from gatebench.io.observe import Unobserved, observe

log = logging.getLogger("gatebench")

TICK_TIMEOUT = 60.0
RESYNC_SECONDS = 60.0
# Until the first list has come: the pod is not ready before.
FIRST_LIST_SECONDS = 2.0
# After a change the next step is usually possible at once.
_PROMPT = 0.3
# A comparison mostly waits for a run of minutes, which is ticked by itself.
_COMPARISON_SECONDS = 5.0


@dataclasses.dataclass(frozen=True)
class _Life:
    """What a tick does with an object of a kind; the calls take and give that kind's own types."""

    word: str
    get: Callable[..., Awaitable[Any]]
    observe: Callable[..., Awaitable[Any]]
    decide: Callable[..., Any]
    forbidden: Callable[..., Any]
    patch: Callable[..., Awaitable[status.Patched]]
    interval: float = 0.0
    """Seconds between two ticks, at least."""


_LIVES = {
    kinds.RUN: _Life("run", runs.get, observe, decide, forbidden, status.patch_status),
    kinds.COMPARISON: _Life(
        "comparison",
        comparisons.get,
        comparisons.observe,
        lambda comparison, snap, world: comparing.decide(comparison, snap),
        comparing.forbidden,
        comparisons.patch_status,
        _COMPARISON_SECONDS,
    ),
}


class Ticker:
    """One task per active run or comparison. A tick that hangs is ended; the others go on."""

    def __init__(self, context: contexts.Context, world: World, metrics: telemetry.Telemetry) -> None:
        self._context = context
        self._world = world
        self._metrics = metrics
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._wake: dict[str, asyncio.Event] = {}

    def see(self, namespace: str, name: str, uid: str, kind: str = kinds.RUN) -> None:
        """A run or comparison exists or has changed: tick it, soon."""
        self._wake.setdefault(uid, asyncio.Event()).set()
        task = self._tasks.get(uid)
        if task is None or task.done():
            self._tasks[uid] = asyncio.create_task(self._run(kind, namespace, name, uid), name=f"{namespace}/{name}")

    def forget(self, uid: str) -> None:
        """The run is gone."""
        if (task := self._tasks.pop(uid, None)) is not None:
            task.cancel()
        self._drop(uid)

    def _drop(self, uid: str) -> None:
        self._wake.pop(uid, None)
        self._context.forget(uid)
        self._metrics.active.set(sum(not task.done() for task in self._tasks.values()))

    async def _run(self, kind: str, namespace: str, name: str, uid: str) -> None:
        life = _LIVES[kind]
        telemetry.set_subject(life.word, namespace, name, uid)
        wake = self._wake[uid]
        while True:
            wake.clear()
            delay = await self._guarded(self._tick(life, namespace, name, uid))
            self._metrics.active.set(sum(not task.done() for task in self._tasks.values()))
            if delay is None:
                break
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), delay)
        self._tasks.pop(uid, None)
        self._drop(uid)

    async def _guarded(self, tick: Awaitable[float | None]) -> float | None:
        """One tick; whatever happens in it, the next one comes. Returns the pause, or None at the end."""
        interval = float(self._world.settings.tick_interval)
        begun = time.monotonic()
        try:
            async with asyncio.timeout(TICK_TIMEOUT):
                delay = await tick
            self._metrics.ticked("ok", time.monotonic() - begun)
        except TimeoutError:
            log.error("the tick took longer than %g s and was ended", TICK_TIMEOUT)
            self._metrics.ticked("timeout", time.monotonic() - begun)
            return interval
        except Exception:
            log.exception("the tick failed")
            self._metrics.ticked("error", time.monotonic() - begun)
            return interval
        return delay

    async def _tick(self, life: _Life, namespace: str, name: str, uid: str) -> float | None:
        interval = max(float(self._world.settings.tick_interval), life.interval)
        found = await life.get(self._context, namespace, name)
        if found is None:
            return None
        if isinstance(found, runs.Unreadable):
            log.warning("cannot read the %s: %s", life.word, found.reason)
            return interval
        if isinstance(found, runs.InvalidRun):
            await runs.report_invalid(self._context, found, time.time())
            return None
        if found.uid != uid:
            return None
        snap = await life.observe(found, self._context)
        if isinstance(snap, Unobserved):
            log.warning("cannot observe: %s", snap.reason)
            if snap.denial is not None:
                await life.patch(found, life.forbidden(found, time.time(), snap.denial.message), self._context)
            return interval
        decision = await asyncio.to_thread(life.decide, found, snap, self._world)
        self._context.remember_denials(uid, await act(found, decision.actions, self._context))
        if decision.status.step != found.status.step:
            log.info("step %s -> %s", found.status.step, decision.status.step)
        patched = await life.patch(found, decision.status, self._context)
        if decision.idle:
            return None
        return _PROMPT if patched == status.Patched.CHANGED else interval


def main() -> None:
    """Runs the operator until it is told to stop."""
    telemetry.configure_logging()
    given = settings.read(os.environ.get("GATEBENCH_SETTINGS", "/etc/gatebench/settings.yaml"))
    namespace = os.environ.get("GATEBENCH_NAMESPACE", "gatebench-system")
    operator = Operator(given, namespace)
    registry = kopf.OperatorRegistry()
    operator.register(registry)
    namespaces = given.watch_namespaces
    kopf.run(
        registry=registry,
        standalone=True,
        clusterwide=not namespaces,
        namespaces=namespaces,
    )


class Operator:
    """Wires kopf's start, stop and events to the ticker."""

    def __init__(self, given: settings.Settings, namespace: str) -> None:
        self._settings = given
        self._namespace = namespace
        self._metrics = telemetry.Telemetry()
        self._ticker: Ticker | None = None
        self._context: contexts.Context | None = None
        self._server: Any = None
        self._resync: asyncio.Task[None] | None = None

    def register(self, registry: kopf.OperatorRegistry) -> None:
        """Registers the handlers."""
        kopf.on.login(registry=registry)(login)
        kopf.on.startup(registry=registry)(self._start)
        kopf.on.cleanup(registry=registry)(self._stop)
        kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)(self._event)
        kopf.on.event(GROUP, VERSION, COMPARISON_PLURAL, registry=registry)(self._event)

    async def _start(self, settings: kopf.OperatorSettings, **_: Any) -> None:
        configure_kopf(settings)
        self._context = await contexts.open_context(self._settings, self._namespace, __version__)
        world = World(self._settings, self._namespace, self._context.key, __version__)
        self._ticker = Ticker(self._context, world, self._metrics)
        self._server = await telemetry.serve(self._metrics, port=8080)
        self._resync = asyncio.create_task(self._resync_forever(), name="resync")
        log.info("gatebench %s watches %s", __version__, self._settings.watch_namespaces or "all namespaces")

    async def _stop(self, **_: Any) -> None:
        if self._resync is not None:
            self._resync.cancel()
        if self._server is not None:
            await self._server.cleanup()
        if self._context is not None:
            await self._context.close()

    async def _event(self, type: str | None, body: kopf.Body, resource: Any, **_: Any) -> None:
        assert self._ticker is not None
        metadata = body["metadata"]
        kind = kinds.COMPARISON if resource.plural == COMPARISON_PLURAL else kinds.RUN
        self._metrics.seen()
        if type == "DELETED":
            self._ticker.forget(metadata["uid"])
        elif not is_settled(body):
            self._ticker.see(metadata["namespace"], metadata["name"], metadata["uid"], kind)

    async def _resync_forever(self, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Lists the objects now and then: a watch that stalls without an error must not hide one."""
        while True:
            await self._list()
            await pause(RESYNC_SECONDS if self._metrics.ready else FIRST_LIST_SECONDS)

    async def _list(self) -> None:
        """Has what the API server lists ticked; with nothing in it too, the list is a sign of life."""
        assert self._context is not None
        assert self._ticker is not None
        for kind in (kinds.RUN, kinds.COMPARISON):
            found = await runs.list_objects(self._context, kind)
            if isinstance(found, runs.Unreadable):
                log.warning("cannot list objects of kind %s: %s", kind, found.reason)
                continue
            self._metrics.beat()
            for body in found:
                if not is_settled(body):
                    metadata = body["metadata"]
                    self._ticker.see(metadata["namespace"], metadata["name"], metadata["uid"], kind)


def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
    """The pod's service account; outside of a cluster the kubeconfig."""
    return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)


def is_settled(body: Mapping[str, Any]) -> bool:
    """Whether nothing is left to do: it is complete and tidied up, and will not be deleted by its TTL."""
    given = body.get("status") or {}
    complete = any(c.get("type") == "Complete" and c.get("status") == "True" for c in given.get("conditions") or ())
    ttl = (body.get("spec") or {}).get("ttlSecondsAfterFinished")
    return complete and given.get("step") == "Done" and ttl is None


def configure_kopf(given: kopf.OperatorSettings) -> None:
    """Kopf only watches here: no finalizer, no annotations, no events of its own."""
    given.posting.enabled = False
    given.networking.request_timeout = 30
    given.watching.connect_timeout = 10
    given.watching.server_timeout = 600
    given.networking.error_backoffs = [1, 2, 4, 8]
    # Scanning would list namespaces and CRDs, which the role does not allow (and nobody needs).
    given.scanning.disabled = True
    given.persistence.finalizer = f"{GROUP}/none"
