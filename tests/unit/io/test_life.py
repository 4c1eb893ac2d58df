"""A whole run, tick by tick, through the real rooms; the operator forgets everything after each tick."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from aiohttp import web

from gatebench.decide.step import decide
from gatebench.decide.world import World as Own
from gatebench.io import runs
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
    """What the pods of the run answer: one worker, one load of a few ticks, an isolated gateway."""

    def __init__(self) -> None:
        self.now = NOW
        self.started: list[str] = []
        self.started_at = 0.0
        self.acknowledged = 0
        self.reads = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        answer = {
            "/v1/state": self._state,
            "/v1/start": self._start,
            "/v1/result": self._result,
            "/v1/ack": self._acknowledge,
            "/v1/report": self._report,
        }.get(request.path)
        if answer is None:
            return web.Response(status=409)
        return web.json_response(answer(await request.json() if request.can_read_body else {}))

    @property
    def finished(self) -> bool:
        return bool(self.started) and self.now - self.started_at >= 60

    def _state(self, _: Any) -> dict[str, Any]:
        step = "Finished" if self.finished else "Stage" if self.started else "Waiting"
        return {
            "step": step,
            "attempt": self.started[0] if self.started else None,
            "workers": [{"id": "w0", "state": "ready"}],
            "resultReady": self.finished,
        }

    def _start(self, body: Any) -> dict[str, Any]:
        if not self.started:
            self.started_at = self.now
        self.started.append(body["attempt"])
        return {"attempt": body["attempt"]}

    def _result(self, _: Any) -> dict[str, Any]:
        self.reads += 1
        begun = self.started_at
        return {
            "schema": "gatebench.dev/load/v1",
            "attempt": self.started[0],
            "engine": "Locust",
            "outcome": "Finished",
            "startedAt": begun,
            "endedAt": begun + 50,
            "phases": [
                {
                    "index": 0,
                    "name": "stage-1",
                    "kind": "Stage",
                    "startedAt": begun,
                    "fullAt": begun + 1,
                    "endedAt": begun + 50,
                    "users": 1,
                }
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


@pytest.mark.fault(24)
async def test_an_operator_that_forgets_all_after_each_tick_carries_a_run_through() -> None:
    pods = Pods()
    async with site(pods.handle) as port, world(master_port=port, probe_port=port) as w:
        w.context.now = lambda: pods.now
        w.api.put({**NODE, "spec": {}})
        w.api.put(samples.body())
        own = Own(w.context.settings, w.context.namespace, w.context.key, "0.1.0")
        uids: dict[tuple[str, str, str], str] = {}
        for _ in range(MOST_TICKS):
            run, idle = await tick(w, own)
            kubelet(w.api, pods.now)
            for key, found in w.api.objects.items():
                uid = found["metadata"]["uid"]
                assert uids.setdefault(key, uid) == uid, f"{key} was made twice"
            if idle:
                break
            pods.now += STEP_SECONDS
        assert idle, run.status.step
        ended = await runs.get(w.context, "bench", "demo")
        assert isinstance(ended, Run)
        told = {c.type: (c.status, c.reason) for c in ended.status.conditions or ()}
        assert told["Complete"][0] == "True"
        assert told["Isolated"] == ("True", "Exclusive")
        # No request was sent, so there is nothing to show.
        assert told["Valid"] == ("False", "NoTraffic")
        assert ended.status.summary is None
        assert set(pods.started) == {run.attempt}
        assert pods.acknowledged >= 1
        left = sorted((plural, name) for (plural, _, name) in w.api.objects if plural not in ("events", "nodes"))
        assert left == [
            ("benchmarkruns", "demo"),
            ("configmaps", run.names.logs),
            ("configmaps", run.names.result),
        ]
        assert not w.api.asked("GET", "secrets")
