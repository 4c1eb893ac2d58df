"""What is wanted is done, and nothing that is not the run's is touched."""

from __future__ import annotations

import base64
import copy
import gzip
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from gatebench.decide import actions
from gatebench.decide.snapshot import Denial, Lease
from gatebench.io import denials
from gatebench.io.act import act
from gatebench.io.context import Context
from gatebench.io.pods import parse
from gatebench.plan import children
from gatebench.plan.run import Run
from unit.io import samples
from unit.io.fakekube import Refusal, site, world

PLAN = "ConfigMap"


def plan_of(run: Run) -> dict[str, Any]:
    return samples.child("ConfigMap", run.names.plan)


def master_of(run: Run) -> dict[str, Any]:
    return samples.running_pod(run.names.master, "master", "master")


async def test_a_create_makes_the_object() -> None:
    run = samples.run()
    async with world() as w:
        assert await act(run, [actions.Create(plan_of(run))], w.context) == ()
        assert w.api.get("ConfigMap", "bench", run.names.plan) is not None


@pytest.mark.fault(24)
async def test_a_child_of_ours_that_exists_is_left_as_it_is() -> None:
    run = samples.run()
    async with world() as w:
        before = copy.deepcopy(w.api.put({**plan_of(run), "data": {"plan.json": "old"}}))
        assert await act(run, [actions.Create(plan_of(run))], w.context) == ()
        assert w.api.get("ConfigMap", "bench", run.names.plan) == before
        assert not w.context.memory(run.uid).foreign
        assert {r.method for r in w.api.requests} == {"POST", "GET"}


@pytest.mark.fault(28)
@pytest.mark.parametrize("owner", [None, "another-run"])
async def test_a_foreign_object_is_untouched_and_remembered(owner: str | None) -> None:
    run = samples.run()
    async with world() as w:
        name = run.names.plan
        taken = samples.foreign(PLAN, name) if owner is None else samples.child(PLAN, name, owner=owner)
        before = copy.deepcopy(w.api.put(taken))
        wanted = [actions.Create(plan_of(run)), actions.Delete(PLAN, name)]
        assert await act(run, wanted, w.context) == ()
        assert w.api.get(PLAN, "bench", name) == before
        assert w.context.memory(run.uid).foreign == {(PLAN, name)}
        assert not w.api.asked("DELETE")


@pytest.mark.fault(28)
async def test_a_secret_is_never_read() -> None:
    run = samples.run()
    async with world() as w:
        before = copy.deepcopy(w.api.put(samples.foreign("Secret", run.names.token)))
        secret = actions.Create(children.token_secret(run, w.context.key))
        assert await act(run, [secret, actions.Delete("Secret", run.names.token)], w.context) == ()
        assert w.api.get("Secret", "bench", run.names.token) == before
        assert [r.method for r in w.api.requests] == ["POST"]


async def test_a_secret_is_deleted_by_the_uid_that_its_creation_gave() -> None:
    run = samples.run()
    async with world() as w:
        secret = actions.Create(children.token_secret(run, w.context.key))
        await act(run, [secret, actions.Delete("Secret", run.names.token)], w.context)
        assert w.api.get("Secret", "bench", run.names.token) is None
        assert "uid" in w.api.asked("DELETE", "secrets")[0].body["preconditions"]


@pytest.mark.fault(24)
async def test_after_a_restart_a_secret_is_deleted_where_the_fleet_has_proven_it() -> None:
    run = samples.run(samples.STARTED)
    async with world() as w:
        w.api.put(children.token_secret(run, w.context.key))
        await act(run, [actions.Delete("Secret", run.names.token)], w.context)
        assert w.api.get("Secret", "bench", run.names.token) is None


async def test_a_delete_of_what_was_made_again_meanwhile_does_nothing() -> None:
    run = samples.run()
    async with world() as w:
        w.api.put(plan_of(run))
        w.context.memory(run.uid).uids[PLAN, run.names.plan] = "uid-of-the-old-one"
        assert await act(run, [actions.Delete(PLAN, run.names.plan)], w.context) == ()
        assert w.api.get(PLAN, "bench", run.names.plan) is not None


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (Refusal(403, "Forbidden", 'pods is forbidden: User "x" cannot create resource "pods"'), "Forbidden"),
        (Refusal(403, "Forbidden", 'pods "p" is forbidden: exceeded quota: q, requested: cpu=1'), "Quota"),
        (Refusal(403, "Forbidden", 'pods "p" is forbidden: failed quota: q: must specify cpu'), "Quota"),
        (
            Refusal(403, "Forbidden", 'pods "p" is forbidden: violates PodSecurity "restricted"'),
            "PodSecurity",
        ),
        (Refusal(422, "Invalid", "spec.containers[0].image: Required value"), "Invalid"),
        (Refusal(403, "Forbidden", "no", causes=("NamespaceTerminating",)), "Terminating"),
        (
            Refusal(403, "Forbidden", "unable to create new content in namespace b because it is being terminated"),
            "Terminating",
        ),
        (Refusal(404, "NotFound", 'namespaces "bench" not found'), "Terminating"),
        (Refusal(500, "InternalError", "webhook failed"), "Other"),
    ],
)
async def test_a_refused_create_is_a_denial(refusal: Refusal, kind: str) -> None:
    run = samples.run()
    async with world() as w:
        w.api.refusals["POST", "pods"] = refusal
        (denial,) = await act(run, [actions.Create(master_of(run))], w.context)
        assert denial.kind == kind
        assert denial.message.startswith(f"create pods bench/{run.names.master}: ")
        assert refusal.message in denial.message


@pytest.mark.fault(30)
async def test_a_terminating_namespace_ends_the_ticks_creates() -> None:
    run = samples.run()
    async with world() as w:
        refusal = Refusal(403, "Forbidden", "no", causes=("NamespaceTerminating",))
        w.api.refusals["POST", "pods"] = w.api.refusals["POST", "configmaps"] = refusal
        wanted = [actions.Create(plan_of(run)), actions.Create(master_of(run))]
        refused = await act(run, wanted, w.context)
        assert [d.kind for d in refused] == [denials.TERMINATING]
        assert len(w.api.requests) == 1


@pytest.mark.fault(26)
async def test_an_api_server_that_is_away_is_not_asked_for_every_action() -> None:
    run = samples.run()
    async with world() as w:
        w.api.refusals["POST", "configmaps"] = Refusal(503)
        wanted = [actions.Create(plan_of(run)), actions.Create(master_of(run))]
        assert [d.kind for d in await act(run, wanted, w.context)] == ["Other"]
        assert not w.api.asked("POST", "pods")


@pytest.mark.fault(33)
async def test_a_lease_is_taken_once() -> None:
    first, second = samples.run(), samples.run()
    async with world() as w:
        assert await act(first, [actions.TakeLease("node-a", None)], w.context) == ()
        lease = w.api.get("Lease", "gatebench-system", "node-a")
        assert lease is not None
        assert lease["spec"]["holderIdentity"] == samples.UID
        assert lease["metadata"]["annotations"]["gatebench.dev/holder-name"] == "demo"
        assert await act(second, [actions.TakeLease("node-a", None)], w.context) == ()
        stale = Lease("node-a", None, resource_version="0")
        assert await act(second, [actions.TakeLease("node-a", stale)], w.context) == ()
        assert w.api.get("Lease", "gatebench-system", "node-a") == lease


async def test_a_free_lease_is_taken_over_in_the_version_that_was_seen() -> None:
    run = samples.run()
    async with world() as w:
        old = w.api.put(
            {
                "kind": "Lease",
                "metadata": {"name": "node-a", "namespace": "gatebench-system"},
                "spec": {"holderIdentity": "gone"},
            }
        )
        seen = Lease("node-a", "gone", abandoned=True, resource_version=old["metadata"]["resourceVersion"])
        await act(run, [actions.TakeLease("node-a", seen)], w.context)
        lease = w.api.get("Lease", "gatebench-system", "node-a")
        assert lease is not None
        assert lease["spec"]["holderIdentity"] == run.uid


@pytest.mark.parametrize(("holder", "remains"), [(samples.UID, False), ("another", True)])
async def test_only_ones_own_lease_is_released(holder: str, remains: bool) -> None:
    run = samples.run()
    async with world() as w:
        w.api.put(
            {
                "kind": "Lease",
                "metadata": {"name": "node-a", "namespace": "gatebench-system"},
                "spec": {"holderIdentity": holder},
            }
        )
        await act(run, [actions.ReleaseLease("node-a"), actions.ReleaseLease("node-b")], w.context)
        assert (w.api.get("Lease", "gatebench-system", "node-a") is not None) is remains


async def test_the_run_is_deleted_by_its_uid() -> None:
    run = samples.run()
    async with world() as w:
        w.api.put({**samples.body(), "metadata": {**samples.body()["metadata"], "uid": "made-again"}})
        await act(run, [actions.DeleteRun()], w.context)
        assert w.api.get("BenchmarkRun", "bench", "demo") is not None
        w.api.put(samples.body())
        await act(run, [actions.DeleteRun()], w.context)
        assert w.api.get("BenchmarkRun", "bench", "demo") is None


async def test_an_event_is_posted_once_and_then_counted() -> None:
    run = samples.run()
    told = actions.Announce("Unschedulable", "0/2 nodes fit " + "x" * 2000, warning=True)
    async with world() as w:
        await act(run, [told, told], w.context)
        w.context.forget(run.uid)  # as after a restart
        await act(run, [told, actions.Announce("Unschedulable", "other words")], w.context)
        events = [o for (plural, _, _), o in w.api.objects.items() if plural == "events"]
        assert sorted(e["count"] for e in events) == [1, 3]
        event = next(e for e in events if e["count"] == 3)
        assert event["reason"] == "Unschedulable"
        assert event["type"] == "Warning"
        assert len(event["message"]) == 1024
        assert event["involvedObject"]["uid"] == run.uid
        assert event["source"] == {"component": "gatebench"}
        assert not w.api.asked("GET", "events")


async def test_an_event_that_expired_is_posted_anew() -> None:
    run, told = samples.run(), actions.Announce("Ready", "it is")
    async with world() as w:
        await act(run, [told], w.context)
        for key in [key for key in w.api.objects if key[0] == "events"]:
            del w.api.objects[key]
        await act(run, [told], w.context)
        assert [o["count"] for (plural, _, _), o in w.api.objects.items() if plural == "events"] == [1]


async def test_events_that_are_refused_hold_nothing_up() -> None:
    run = samples.run()
    async with world() as w:
        w.api.refusals["POST", "events"] = Refusal(403, "Forbidden", "no")
        wanted = [actions.Announce("Ready", "it is"), actions.Create(plan_of(run))]
        assert await act(run, wanted, w.context) == ()
        assert w.api.get("ConfigMap", "bench", run.names.plan) is not None


def with_master(run: Run, context: Context) -> None:
    context.memory(run.uid).pods = (parse(master_of(run)),)


async def test_the_master_is_told_with_the_runs_token() -> None:
    told: list[tuple[str, str, Any, str]] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        told.append((request.method, request.path, await request.json(), request.headers["Authorization"]))
        return web.json_response({})

    run = samples.run()
    async with site(handle) as port, world(master_port=port) as w:
        with_master(run, w.context)
        wanted = [actions.StartLoad("a-1"), actions.StopLoad("Cancelled"), actions.Acknowledge()]
        assert await act(run, wanted, w.context) == ()
        token = f"Bearer {children.token(run.uid, w.context.key)}"
    assert told == [
        ("POST", "/v1/start", {"attempt": "a-1"}, token),
        ("POST", "/v1/stop", {"reason": "Cancelled"}, token),
        ("POST", "/v1/ack", {}, token),
    ]


async def test_a_master_that_does_not_answer_holds_nothing_up() -> None:
    run = samples.run()
    async with world() as w:
        wanted = [actions.Acknowledge(), actions.Create(plan_of(run))]
        assert await act(run, wanted, w.context) == ()  # no pod
        with_master(run, w.context)
        assert await act(run, [actions.StopLoad("x"), actions.Create(master_of(run))], w.context) == ()
        assert w.api.get("Pod", "bench", run.names.master) is not None


async def test_logs_are_kept_masked_once() -> None:
    run = samples.run()
    async with world() as w:
        with_master(run, w.context)
        token = w.context.token(run.uid)
        w.api.logs[run.names.master, "master"] = f"Authorization: Bearer {token}\nready\n"
        await act(run, [actions.StoreLogs()], w.context)
        stored = copy.deepcopy(w.api.get("ConfigMap", "bench", run.names.logs))
        assert stored is not None
        w.api.logs[run.names.master, "master"] = "later\n"
        await act(run, [actions.StoreLogs()], w.context)
        assert w.api.get("ConfigMap", "bench", run.names.logs) == stored
        assert token not in json.dumps(stored)
        assert stored["metadata"]["ownerReferences"][0]["uid"] == run.uid
        assert list(stored["binaryData"]) == ["master.master.log.gz"]


async def test_a_log_that_cannot_be_read_does_not_keep_the_others_away() -> None:
    run = samples.run()
    async with world() as w:
        with_master(run, w.context)
        w.api.refusals["GET", "pods"] = Refusal(400, "BadRequest", "container is waiting to start")
        assert await act(run, [actions.StoreLogs()], w.context) == ()
        assert w.api.get("ConfigMap", "bench", run.names.logs) is not None


async def test_without_pods_there_are_no_logs_to_keep() -> None:
    run = samples.run()
    async with world() as w:
        assert await act(run, [actions.StoreLogs(), actions.StoreReport()], w.context) == ()
        assert not w.api.requests


async def kept_report(of: Callable[[str], str | None]) -> dict[str, str]:
    """What is stored of Locust's reports by key, where the master has these texts; None: it has none."""

    async def handle(request: web.Request) -> web.StreamResponse:
        text = of(request.path.removeprefix("/v1/"))
        return web.Response(status=409) if text is None else web.Response(text=text)

    run = samples.run()
    async with site(handle) as port, world(master_port=port) as w:
        with_master(run, w.context)
        assert await act(run, [actions.StoreReport()], w.context) == ()
        stored = w.api.get("ConfigMap", "bench", run.names.report)
        assert stored is not None
        data = {key: base64.b64decode(content) for key, content in stored["binaryData"].items()}
        assert sum(map(len, data.values())) <= 2**20
        return {key: (gzip.decompress(one) if key.endswith(".gz") else one).decode() for key, one in data.items()}


REPORTS = ("stats.csv", "history.csv", "failures.csv", "exceptions.csv", "report.html")


async def test_locusts_reports_are_kept_masked() -> None:
    stored = await kept_report(lambda path: f"{path}\nGET,/?api_key=abcdef\n")
    assert stored.keys() == {f"{name}.gz" for name in REPORTS}
    for name in REPORTS[:4]:
        assert stored[f"{name}.gz"].startswith(f"csv/{name}\n")
        assert "abcdef" not in stored[f"{name}.gz"]
    assert stored["report.html.gz"].startswith("report.html\n")


async def test_what_the_master_does_not_have_of_locusts_reports_is_said() -> None:
    stored = await kept_report(lambda path: "Type,Name\n" if path == "csv/stats.csv" else None)
    assert stored.keys() == {"stats.csv.gz", "missing.txt"}
    told = [line.partition(" is not kept: ") for line in stored["missing.txt"].splitlines()]
    assert sorted(name for name, _, _ in told) == sorted(REPORTS[1:])
    assert all("409" in why for _, _, why in told)


@pytest.mark.slow
async def test_reports_that_are_too_large_are_left_out_or_thinned_and_that_is_said() -> None:
    source = random.Random(3)
    rows = [f"{n},{source.random()},{source.random()}\r\n" for n in range(86_400)]
    table, page = "Timestamp,a,b\r\n" + "".join(rows), source.randbytes(900_000).hex()
    stored = await kept_report({"csv/history.csv": table, "report.html": page * 2}.get)
    history = stored["history.csv.gz"].splitlines(keepends=True)
    assert history[0] == "Timestamp,a,b\r\n"
    assert (history[1], history[-1]) == (rows[0], rows[-1])
    step = int(history[2].partition(",")[0])
    assert step > 1
    assert history[1:-1] == rows[:-1:step]
    assert "report.html.gz" not in stored
    said = stored["missing.txt"].splitlines()
    assert f"history.csv has one row in {step}: all of them are too large" in said
    assert any(line.startswith("report.html is not kept: it is too large") for line in said)


async def test_denials_are_part_of_the_next_snapshot() -> None:
    run = samples.run()
    async with world() as w:
        denial = (Denial("Quota", "exceeded"),)
        w.context.remember_denials(run.uid, denial)
        assert w.context.memory(run.uid).denials == denial
        w.context.forget(run.uid)
        assert w.context.memory(run.uid).denials == ()
