"""A whole run, tick by tick, through the real rooms; the operator forgets everything after each tick."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from gatebench.decide.step import decide
from gatebench.decide.world import World as Own
from gatebench.io import artifacts, runs
from gatebench.io.act import act
from gatebench.io.observe import observe
from gatebench.io.status import Patched, patch_status
from gatebench.plan.run import Run
from unit.io import samples
from unit.io.fakekube import NOW, FakeKube, World, site, world
from unit.io.test_observe import NODE, Snapshot

STEP_SECONDS = 15.0
MOST_TICKS = 60


class Pods:
    """What the pods of the run answer: one worker, one load of a few ticks, an isolated gateway.

    With `repeats` the load holds before each but the first.
    """

    def __init__(self, repeats: int = 1) -> None:
        self.now = NOW
        self.repeats = repeats
        self.begun: list[float] = []
        self.started: list[str] = []
        self.started_at = 0.0
        self.acknowledged = 0
        self.reads = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        answer = {
            "/v1/state": self._state,
            "/v1/start": self._start,
            "/v1/continue": self._continue,
            "/v1/result": self._result,
            "/v1/ack": self._acknowledge,
            "/v1/report": self._report,
        }.get(request.path)
        if answer is None:
            return web.Response(status=409)
        return web.json_response(answer(await request.json() if request.can_read_body else {}))

    @property
    def finished(self) -> bool:
        return len(self.begun) == self.repeats and self.now - self.begun[-1] >= 60

    @property
    def holding(self) -> int | None:
        """The repeat that waits."""
        ended = bool(self.begun) and self.now - self.begun[-1] >= 60
        return len(self.begun) if ended and not self.finished else None

    def _state(self, _: Any) -> dict[str, Any]:
        step = "Finished" if self.finished else "Stage" if self.started else "Waiting"
        return {
            "repeat": len(self.begun) - 1 if self.begun else None,
            "repeatStartedAt": self.begun[-1] if self.begun else None,
            "holding": self.holding,
            "holdingSeconds": None if self.holding is None else self.now - self.begun[-1] - 60,
            "step": "Pause" if self.holding is not None else step,
            "attempt": self.started[0] if self.started else None,
            "workers": [{"id": "w0", "state": "ready"}],
            "resultReady": self.finished,
        }

    def _start(self, body: Any) -> dict[str, Any]:
        if not self.started:
            self.started_at = self.now
            self.begun.append(self.now)
        self.started.append(body["attempt"])
        return {"attempt": body["attempt"]}

    def _continue(self, body: Any) -> dict[str, Any]:
        assert body == {"attempt": self.started[0], "repeat": self.holding, "address": "127.0.0.1"}
        self.begun.append(self.now)
        return {"repeat": body["repeat"]}

    def _result(self, _: Any) -> dict[str, Any]:
        self.reads += 1
        begun = self.started_at
        return {
            "schema": "gatebench.dev/load/v1",
            "attempt": self.started[0],
            "engine": "Locust",
            "outcome": "Finished",
            "startedAt": begun,
            "endedAt": self.begun[-1] + 50,
            "phases": [
                {
                    "index": repeat,
                    "name": "stage-1",
                    "kind": "Stage",
                    "repeat": repeat,
                    "startedAt": at,
                    "fullAt": at + 1,
                    "endedAt": at + 50,
                    "users": 1,
                }
                for repeat, at in enumerate(self.begun)
            ],
            "expectedWorkers": 1,
            "workers": [{"id": "w0", "host": "w", "kind": "Python", "lost": False}],
            "requests": [],
        }

    def _acknowledge(self, _: Any) -> dict[str, Any]:
        self.acknowledged += 1
        return {}

    def _report(self, _: Any) -> dict[str, Any]:
        times = [self.now - 120 + i for i in range(121)]
        return {
            "schema": "gatebench.dev/probe/v1",
            "now": self.now,
            "startedAt": NOW - 60,
            "intervalSeconds": 1.0,
            "self": {"containerId": "cd" * 32, "cpusAllowed": "0", "cpus": [0]},
            "online": [0, 1],
            "siblings": {},
            "containers": [
                {
                    "id": samples.CONTAINER_ID,
                    "processes": 1,
                    "cpusAllowed": "1",
                    "cpus": [1],
                    "changes": [],
                    "columns": [
                        "at",
                        "cpuSeconds",
                        "waitSeconds",
                        "rssBytes",
                        "peakBytes",
                        "swapBytes",
                        "threads",
                    ],
                    "samples": [[at, at - NOW + 120, 0.0, 1e6, 1e6, 0, 4] for at in times],
                }
            ],
            "cpus": {
                "columns": ["at", "busySeconds", "stealSeconds", "irqSeconds"],
                "samples": {"1": [[at, at - NOW + 120, 0.0, 0.0] for at in times]},
            },
        }


def kubelet(api: FakeKube, now: float) -> None:
    """Runs every pod that is not running yet."""
    at = datetime.datetime.fromtimestamp(now, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for (plural, _, _), pod in api.objects.items():
        if plural != "pods" or "status" in pod:
            continue
        pod["spec"]["nodeName"] = "node0"
        pod["metadata"]["creationTimestamp"] = at
        pod["status"] = {
            "phase": "Running",
            "podIP": "127.0.0.1",
            "qosClass": "Guaranteed",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [
                {
                    "name": container["name"],
                    "ready": True,
                    "restartCount": 0,
                    "containerID": f"containerd://{samples.CONTAINER_ID}",
                    "state": {"running": {"startedAt": at}},
                }
                for container in pod["spec"]["containers"]
            ],
        }


async def tick(w: World, own: Own) -> tuple[Run, bool]:
    """One look at the run by an operator that knows nothing of the last one."""
    run = await runs.get(w.context, "bench", "demo")
    assert isinstance(run, Run)
    snap = await observe(run, w.context)
    assert isinstance(snap, Snapshot), snap
    decision = decide(run, snap, own)
    assert await act(run, decision.actions, w.context) == ()
    assert await patch_status(run, decision.status, w.context) in (Patched.CHANGED, Patched.UNCHANGED)
    w.context.forget(run.uid)
    return run, decision.idle


async def carried(w: World, pods: Pods, made_once: Callable[[tuple[str, str, str]], bool]) -> Run:
    """The run when nothing is left to do for it; each object is made once, if it is to be."""
    own = Own(w.context.settings, w.context.namespace, w.context.key, "0.1.0")
    uids: dict[tuple[str, str, str], str] = {}
    for _ in range(MOST_TICKS):
        run, idle = await tick(w, own)
        kubelet(w.api, pods.now)
        for key, found in w.api.objects.items():
            uid = found["metadata"]["uid"]
            assert uids.setdefault(key, uid) == uid or not made_once(key), f"{key} was made twice"
        if idle:
            ended = await runs.get(w.context, "bench", "demo")
            assert isinstance(ended, Run)
            return ended
        pods.now += STEP_SECONDS
    raise AssertionError(run.status.step)


async def test_each_repeat_has_a_gateway_and_a_report_of_its_own() -> None:
    """As with one load, by an operator that forgets all after each tick."""
    pods = Pods(repeats=3)
    async with site(pods.handle) as port, world(master_port=port, probe_port=port) as w:
        w.context.now = lambda: pods.now
        w.api.put({**NODE, "spec": {}})
        w.api.put(samples.body(repeats={"count": 3, "restartGateway": True}))
        ended = await carried(w, pods, lambda key: not key[2].endswith("-gateway") or key[0] != "pods")
        gateways = [r for r in w.api.requests if (r.method, r.path.rpartition("/")[2]) == ("POST", "pods")]
        repeats = [
            pod["metadata"].get("annotations", {}).get("gatebench.dev/repeat")
            for pod in (r.body for r in gateways)
            if pod["metadata"]["name"].endswith("-gateway")
        ]
        assert repeats == [None, "1", "2"]
        assert len(pods.begun) == 3
        assert set(pods.started) == {ended.attempt}
        told = {c.type: (c.status, c.reason) for c in ended.status.conditions or ()}
        assert told["Isolated"] == ("True", "Exclusive")
        assert told["Valid"] == ("False", "NoTraffic")
        left = sorted(name for (plural, _, name) in w.api.objects if plural == "configmaps")
        assert left == [ended.names.logs, ended.names.result], "the reports go with the other children"
        w.context.forget(ended.uid)
        result = await artifacts.read_result(ended, w.context)
        assert result is not None
        assert [one.gateway["gateway.cpu.mean"].value for one in result.repeats] == pytest.approx([1.0] * 3)
        assert result.probe is not None
        assert (result.probe.proven, result.probe.window.seconds) == (True, pytest.approx(3 * 49.0, abs=1.5))


@pytest.mark.fault(24)
async def test_an_operator_that_forgets_all_after_each_tick_carries_a_run_through() -> None:
    pods = Pods()
    async with site(pods.handle) as port, world(master_port=port, probe_port=port) as w:
        w.context.now = lambda: pods.now
        w.api.put({**NODE, "spec": {}})
        w.api.put(samples.body())
        ended = await carried(w, pods, lambda key: True)
        told = {c.type: (c.status, c.reason) for c in ended.status.conditions or ()}
        assert told["Complete"][0] == "True"
        assert told["Isolated"] == ("True", "Exclusive")
        # No request was sent, so there is nothing to show.
        assert told["Valid"] == ("False", "NoTraffic")
        assert ended.status.summary is None
        assert set(pods.started) == {ended.attempt}
        assert pods.acknowledged >= 1
        left = sorted((plural, name) for (plural, _, name) in w.api.objects if plural not in ("events", "nodes"))
        assert left == [
            ("benchmarkruns", "demo"),
            ("configmaps", ended.names.logs),
            ("configmaps", ended.names.result),
        ]
        assert not w.api.asked("GET", "secrets")
