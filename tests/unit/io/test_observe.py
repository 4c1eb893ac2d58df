"""What is read of a run follows from its status; what does not answer leaves None and says why."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from gatebench.decide import actions
from gatebench.decide.snapshot import Child, Denial, Snapshot
from gatebench.io import fleet, inside, pods
from gatebench.io.act import act
from gatebench.io.observe import Unobserved, observe
from gatebench.plan.run import Run
from gatebench_analysis import document
from unit.io import samples
from unit.io.fakekube import NOW, Refusal, World, site, world
from unit.io.test_fleet import STATE

NODE = {
    "kind": "Node",
    "metadata": {"name": "node0", "labels": {"gatebench.dev/cpu-manager": "static"}},
    "spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]},
    "status": {
        "allocatable": {"cpu": "1900m", "memory": "24581692Ki"},
        "conditions": [{"type": "Ready", "status": "True"}],
        "nodeInfo": {"kernelVersion": "6.1", "kubeletVersion": "v1.34.2", "osImage": "Debian"},
    },
}
LOAD = {
    "schema": "gatebench.dev/load/v1",
    "startedAt": NOW - 100,
    "endedAt": NOW - 20,
    "phases": [
        {"kind": "WarmUp", "startedAt": NOW - 100, "fullAt": NOW - 99, "endedAt": NOW - 90},
        {"kind": "Stage", "startedAt": NOW - 90, "fullAt": NOW - 88, "endedAt": NOW - 21},
    ],
}


def lease(holder: str, name: str = "other", namespace: str = "bench", node: str = "node0") -> dict[str, Any]:
    return {
        "kind": "Lease",
        "metadata": {
            "name": f"node-{node}",
            "namespace": "gatebench-system",
            "labels": {"app.kubernetes.io/managed-by": "gatebench"},
            "annotations": {
                "gatebench.dev/holder-namespace": namespace,
                "gatebench.dev/holder-name": name,
            },
        },
        "spec": {"holderIdentity": holder},
    }


async def seen(run: Run, w: World) -> Snapshot:
    snap = await observe(run, w.context)
    assert isinstance(snap, Snapshot), snap
    return snap


async def test_before_a_node_is_taken_all_nodes_are_seen() -> None:
    async with world() as w:
        w.api.put(NODE)
        snap = await seen(samples.run(), w)
        (node,) = snap.nodes
        assert (node.name, node.ready, node.schedulable) == ("node0", True, True)
        assert (node.allocatable_cores, node.allocatable_bytes) == (1.9, 24581692 * 1024)
        assert (node.kernel, node.kubelet, node.os) == ("6.1", "v1.34.2", "Debian")
        assert node.taints == ({"key": "k", "effect": "NoSchedule"},)
        assert node.lease is None
        assert snap.now == NOW


@pytest.mark.fault(33)
@pytest.mark.parametrize("case", ["active", "complete", "gone", "made again", "complete with pods", "unknown"])
async def test_a_lease_is_abandoned_only_when_its_holder_needs_it_no_more(case: str) -> None:
    async with world() as w:
        w.api.put(NODE)
        w.api.put(lease("holder-uid"))
        other = samples.body(samples.COMPLETE if case.startswith("complete") else samples.STARTED)
        uid = "another-uid" if case == "made again" else "holder-uid"
        other["metadata"] |= {"name": "other", "uid": uid}
        if case != "gone":
            w.api.put(other)
        if case == "complete with pods":
            pod = samples.child("Pod", "left")
            pod["metadata"]["labels"]["gatebench.dev/run-uid"] = "holder-uid"
            w.api.put(pod)
        if case == "unknown":
            w.api.refusals["GET", "benchmarkruns"] = Refusal(403, "Forbidden", "no")
        (node,) = (await seen(samples.run(), w)).nodes
        assert node.lease is not None
        assert node.lease.holder == "holder-uid"
        assert node.lease.holder_name == "bench/other"
        assert node.lease.abandoned is (case in ("complete", "gone", "made again"))


async def test_the_own_lease_is_seen_and_the_nodes_are_not_listed_any_more() -> None:
    async with world() as w:
        w.api.put(NODE)
        w.api.put(lease(samples.UID, "demo"))
        snap = await seen(samples.run(), w)
        assert [found.name for found in snap.leases] == ["node-node0"]
        assert snap.nodes == ()


async def test_a_lease_lost_by_hand_is_sought_again() -> None:
    async with world() as w:
        w.api.put(NODE)
        run = samples.run({"nodeAcquiredAt": "2027-01-15T08:00:00Z"})
        assert [node.name for node in (await seen(run, w)).nodes] == ["node0"]


async def test_isolation_none_reads_neither_leases_nor_nodes() -> None:
    async with world() as w:
        gateway = {"image": "x", "isolation": "None"}
        await seen(samples.run(gateway=gateway), w)
        assert not w.api.asked("GET", "leases")
        assert not w.api.asked("GET", "nodes")


async def test_the_target_of_a_url_has_a_lease() -> None:
    async with world() as w:
        run = samples.run(gateway={"url": "http://gw.example:8080"})
        taken = lease("holder-uid")
        taken["metadata"]["name"] = "target-" + "0" * 16
        w.api.put(taken)
        assert (await seen(run, w)).leases == ()


async def test_only_the_runs_own_objects_are_its_children() -> None:
    run = samples.run()
    async with world() as w:
        w.api.put(samples.child("ConfigMap", run.names.plan))
        w.api.put(samples.running_pod(run.names.gateway, "gateway", "gateway", "probe", ip=""))
        w.api.put(samples.child("Service", "labelled-by-another", owner="another"))
        snap = await seen(run, w)
        assert set(snap.children) == {("ConfigMap", run.names.plan), ("Pod", run.names.gateway)}
        assert all(child.ours and not child.deleting for child in snap.children.values())
        assert [pod.component for pod in snap.pods] == ["gateway"]


@pytest.mark.fault(28)
async def test_a_foreign_object_is_seen_until_it_is_gone() -> None:
    run = samples.run()
    async with world() as w:
        name = run.names.plan
        w.api.put(samples.foreign("ConfigMap", name))
        w.context.memory(run.uid).foreign.add(("ConfigMap", name))
        snap = await seen(run, w)
        assert snap.child("ConfigMap", name) == Child("ConfigMap", name, ours=False)
        del w.api.objects["configmaps", "bench", name]
        assert (await seen(run, w)).children == {}
        assert not w.context.memory(run.uid).foreign


async def test_datasets_and_authorities_that_do_not_exist() -> None:
    run = samples.run(
        gateway={"url": "https://gateway.example"},
        load={"engine": "Go", "model": "Open", "workers": 1, "stages": [{"duration": "10s", "rate": 1}]},
        workload={
            "requests": [{"name": "ask", "body": "{{dataset}}"}],
            "dataset": {"configMap": {"name": "prompts", "key": "a.jsonl"}},
            "ca": {"configMap": {"name": "trust", "key": "ca.pem"}},
        },
    )
    async with world() as w:
        w.api.put({**samples.foreign("ConfigMap", "prompts"), "data": {"b.jsonl": ""}})
        wanted = ("ConfigMap prompts, key a.jsonl", "ConfigMap trust, key ca.pem")
        assert (await seen(run, w)).missing_references == wanted
        w.api.put({**samples.foreign("ConfigMap", "prompts"), "data": {"a.jsonl": ""}})
        w.api.put({**samples.foreign("ConfigMap", "trust"), "data": {"ca.pem": ""}})
        assert (await seen(run, w)).missing_references == ()


@pytest.mark.fault(4)
async def test_configmaps_that_the_spec_names_and_that_do_not_exist() -> None:
    run = samples.run(
        gateway={
            "image": "x",
            "env": [
                {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "a"}}},
                {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "b"}}},
                {"name": "C", "valueFrom": {"secretKeyRef": {"name": "secret", "key": "c"}}},
            ],
            "files": [{"mountPath": "/etc/x", "configMap": {"name": "files"}}],
        },
        load={
            "workers": 1,
            "stages": [{"duration": "10s", "users": 1}],
            "envFrom": [{"configMapRef": {"name": "more"}}, {"secretRef": {"name": "secret"}}],
        },
        workload={"locustfile": {"configMap": {"name": "script", "key": "main.py"}}},
    )
    async with world() as w:
        w.api.put({**samples.foreign("ConfigMap", "settings"), "data": {"a": "1"}})
        w.api.put({**samples.foreign("ConfigMap", "script"), "data": {"locustfile.py": ""}})
        snap = await seen(run, w)
        assert snap.missing_script == "ConfigMap script, key main.py"
        assert snap.missing_references == ("ConfigMap files", "ConfigMap more", "ConfigMap settings, key b")
        assert not w.api.asked("GET", "secrets")
        w.api.put({**samples.foreign("ConfigMap", "script"), "binaryData": {"main.py": ""}})
        assert (await seen(run, w)).missing_script is None


@pytest.mark.fault(27)
async def test_a_missing_right_leaves_no_snapshot_and_is_named() -> None:
    async with world() as w:
        w.api.refusals["GET", "services"] = Refusal(403, "Forbidden", "no")
        answer = await observe(samples.run(), w.context)
        words = "list services in bench: no"
        assert answer == Unobserved(words, Denial("Forbidden", words))


@pytest.mark.fault(26)
async def test_an_api_server_that_is_away_leaves_no_snapshot() -> None:
    async with world() as w:
        w.api.refusals["GET", "pods"] = Refusal(500, "InternalError", "etcd")
        assert await observe(samples.run(), w.context) == Unobserved("list pods in bench: etcd")


class Inside:
    """Master and probe in one: paths that were asked, and what is answered."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.answers: dict[str, Any] = {}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path_qs)
        answer = self.answers.get(request.path)
        return web.Response(status=503) if answer is None else web.json_response(answer)


@contextlib.asynccontextmanager
async def running(run: Run) -> AsyncIterator[tuple[World, Inside]]:
    """A world in which the run's pods run and answer."""
    inside = Inside()
    async with site(inside.handle) as port, world(master_port=port, probe_port=port) as w:
        w.api.put(NODE)
        w.api.put(lease(run.uid, run.name))
        w.api.put(samples.running_pod(run.names.gateway, "gateway", "gateway", "probe"))
        w.api.put(samples.running_pod(run.names.master, "master", "master"))
        yield w, inside


async def test_before_the_load_fleet_and_probe_are_asked() -> None:
    run = samples.run()
    async with running(run) as (w, inside):
        inside.answers = {
            "/v1/state": {**STATE, "attempt": None, "step": "Waiting"},
            "/v1/report": {"now": 1},
        }
        snap = await seen(run, w)
        assert snap.fleet is not None
        assert snap.fleet.step == "Waiting"
        assert snap.probe == {"now": 1}
        assert f"/v1/report?from={NOW - 60:.3f}" in inside.paths
        assert [node.kernel for node in snap.nodes] == ["6.1"]


async def test_what_does_not_answer_says_why() -> None:
    run = samples.run()
    async with running(run) as (w, _):
        snap = await seen(run, w)
        assert (snap.fleet, snap.fleet_error) == (None, "it answers 503")
        assert (snap.probe, snap.probe_error) == (None, "it answers 503")


async def test_while_the_load_runs_the_probe_is_left_alone() -> None:
    run = samples.run(samples.STARTED)
    async with running(run) as (w, inside):
        inside.answers = {"/v1/state": {**STATE, "attempt": run.attempt}}
        snap = await seen(run, w)
        assert snap.fleet is not None
        assert snap.load is None
        assert inside.paths == ["/v1/state"]
        assert not w.api.asked("GET", "leases")


@pytest.mark.fault(24)
async def test_a_finished_load_is_read_once_with_the_probes_whole_window() -> None:
    run = samples.run(samples.STARTED)
    async with running(run) as (w, inside):
        state = {**STATE, "attempt": run.attempt, "step": "Finished", "resultReady": True}
        inside.answers = {"/v1/state": state, "/v1/result": LOAD, "/v1/report": {"now": 1}}
        for _ in range(2):
            snap = await seen(run, w)
            assert snap.load == LOAD
            assert snap.probe == {"now": 1}
        assert inside.paths.count("/v1/result") == 1
        windows = [path for path in inside.paths if path.startswith("/v1/report")]
        assert windows == [f"/v1/report?from={NOW - 105:.3f}&to={NOW - 15:.3f}"]
        w.context.forget(run.uid)  # as after a restart
        assert (await seen(run, w)).load == LOAD


async def test_a_result_of_another_attempt_is_not_taken() -> None:
    run = samples.run(samples.STARTED)
    async with running(run) as (w, inside):
        inside.answers = {
            "/v1/state": {**STATE, "attempt": "another", "resultReady": True},
            "/v1/result": LOAD,
        }
        assert (await seen(run, w)).load is None


@pytest.mark.parametrize(
    "document", [{}, {**LOAD, "schema": "other"}, {**LOAD, "endedAt": "soon"}, {**LOAD, "startedAt": None}]
)
async def test_what_is_no_load_document_is_not_taken(document: dict[str, Any]) -> None:
    run = samples.run(samples.STARTED)
    async with running(run) as (w, inside):
        inside.answers = {
            "/v1/state": {**STATE, "attempt": run.attempt, "resultReady": True},
            "/v1/result": document,
        }
        snap = await seen(run, w)
        assert snap.load is None
        assert snap.fleet_error == "its result is not a load document"


async def test_a_probe_that_is_lost_leaves_the_load_document() -> None:
    run = samples.run(samples.STARTED)
    async with running(run) as (w, inside):
        inside.answers = {
            "/v1/state": {**STATE, "attempt": run.attempt, "resultReady": True},
            "/v1/result": LOAD,
        }
        snap = await seen(run, w)
        assert snap.load == LOAD
        assert (snap.probe, snap.probe_error) == (None, "it answers 503")


async def test_once_complete_only_children_and_leases_are_read() -> None:
    run = samples.run(samples.COMPLETE)
    async with running(run) as (w, inside):
        snap = await seen(run, w)
        assert snap.leases[0].holder == run.uid
        assert len(snap.pods) == 2
        assert inside.paths == []
        assert not w.api.asked("GET", "nodes")


@pytest.mark.fault(24)
async def test_a_stored_result_is_read_and_nothing_else_is_needed() -> None:
    run = samples.run(samples.STARTED)
    async with running(run) as (w, inside):
        w.context.memory(run.uid).load = LOAD
        result = document.Result(started_at=NOW, run=document.RunInfo(uid=run.uid))
        await act(run, [actions.StoreResult(result), actions.StoreResult(result)], w.context)
        for _ in range(2):
            snap = await seen(run, w)
            assert snap.result is not None
            assert snap.result.started_at == NOW
            assert snap.load is None
        assert len([r for r in w.api.asked("GET", "configmaps") if r.path.endswith("-result")]) == 2
        assert "/v1/result" not in inside.paths


async def test_a_result_that_cannot_be_read_is_none() -> None:
    run = samples.run(samples.STARTED)
    async with running(run) as (w, _):
        w.api.put({**samples.child("ConfigMap", run.names.result), "binaryData": {"result.json.gz": "AAAA"}})
        assert (await seen(run, w)).result is None


async def test_the_mocks_account_is_read_once_after_the_load() -> None:
    asked: list[web.Request] = []
    answers: list[dict[str, Any]] = [{"schema": "gatebench.dev/mock-account/v1", "delay": {"count": 3}}]

    async def handle(request: web.Request) -> web.StreamResponse:
        asked.append(request)
        return web.json_response(answers[0])

    run = samples.run(samples.STARTED, upstream={"mock": {}})
    pods_ = [pods.parse(samples.running_pod("m", "upstream", "mock"))]
    async with world() as w, site(handle) as port:
        w.context.fleet = fleet.Client(mock_port=port)
        assert await inside.upstream_account(run, pods_, None, w.context) is None
        assert not asked
        for _ in range(2):
            assert await inside.upstream_account(run, pods_, LOAD, w.context) == answers[0]
        (request,) = asked
        assert request.path == "/gatebench/v1/account"
        assert "Authorization" not in request.headers
        w.context.forget(run.uid)
        answers[0] = {"schema": "something else"}
        assert await inside.upstream_account(run, pods_, LOAD, w.context) is None


async def test_a_mock_that_does_not_answer_has_no_account() -> None:
    run = samples.run(samples.STARTED, upstream={"mock": {}})
    async with world() as w:
        w.context.fleet = fleet.Client(mock_port=1)
        pods_ = [pods.parse(samples.running_pod("m", "upstream", "mock"))]
        assert await inside.upstream_account(run, pods_, LOAD, w.context) is None
