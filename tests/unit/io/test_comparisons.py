"""A comparison through the real rooms: what is asked of the API server, what is read of its answers, its Lease."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import pytest

from gatebench.api import COMPARISON_KIND, KIND
from gatebench.api.comparisonstatus import BenchmarkComparisonStatus
from gatebench.decide.actions import Create, TakeLease
from gatebench.decide.comparison.snapshot import Snapshot
from gatebench.decide.comparison.step import decide, is_complete
from gatebench.decide.draft import timestamp
from gatebench.decide.snapshot import Snapshot as RunSnapshot
from gatebench.io import comparisons, leases, runs, status
from gatebench.io.act import act
from gatebench.io.observe import Unobserved, observe
from gatebench.io.runs import InvalidRun, Unreadable
from gatebench.plan import children, fleet, names
from gatebench.plan.comparison import Comparison
from gatebench.plan.pods import metadata
from gatebench.plan.run import Run
from gatebench_analysis import document
from unit.decide.comparisons import TEMPLATE
from unit.io.fakekube import NOW, FakeKube, Refusal, World, world

UID = "6f1c2a34-0000-4000-8000-00000000000c"
NAMESPACE = "bench"
SPEC = {
    "template": TEMPLATE,
    "variants": [{"name": "off"}, {"name": "on", "overlay": {"gateway": {"args": ["--on"]}}}],
    "rounds": 4,
    "metrics": ["latency.p50"],
    "objectives": [{"metric": "latency.p50", "maxDelta": "5ms"}],
}


def body(given: Mapping[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "gatebench.dev/v1alpha1",
        "kind": COMPARISON_KIND,
        "metadata": {"name": "impact", "namespace": NAMESPACE, "uid": UID, "generation": 1, "resourceVersion": "7"},
        "spec": {**SPEC, **spec},
        "status": dict(given or {}),
    }


def parsed(given: Mapping[str, Any] | None = None, **spec: Any) -> Comparison:
    found = comparisons.parse(body(given, **spec))
    assert isinstance(found, Comparison), found
    return found


def finish(api: FakeKube, run: dict[str, Any], p50: float, valid: str = "True") -> None:
    """What the rest of the operator makes of a run: its verdict, its result, no pods."""
    run_metadata = run["metadata"]
    conditions = [
        {"type": kind, "status": value, "reason": "Succeeded" if value == "True" else "NoTraffic"}
        for kind, value in (("Accepted", "True"), ("Complete", "True"), ("Valid", valid), ("Passed", "True"),
                            ("Succeeded", valid))
    ]  # fmt: skip
    result = document.Result(
        metrics={"latency.p50": document.Figure(value=p50, unit="s")},
        environment={"node": "node0", "images": {"gateway": "gw@1"}, "cpuset": f"{p50}"},
    )
    name = names.of(run_metadata["name"], run_metadata["uid"]).result
    packed = base64.b64encode(document.write(result)).decode()
    api.put(
        {
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "binaryData": {"result.json.gz": packed},
        }
    )
    api.put(
        {
            **run,
            "status": {
                "conditions": conditions,
                "step": "Done",
                "environment": {"node": "node0"},
                "startedAt": timestamp(NOW),
                "nodeAcquiredAt": timestamp(NOW),
            },
        }
    )


async def tick(w: World) -> Comparison | None:
    """One tick, after which the operator has forgotten all."""
    found = await comparisons.get(w.context, NAMESPACE, "impact")
    if not isinstance(found, Comparison):
        return None
    snap = await comparisons.observe(found, w.context)
    assert isinstance(snap, Snapshot), snap
    decision = decide(found, snap)
    w.context.remember_denials(UID, await act(found, decision.actions, w.context))
    await comparisons.patch_status(found, decision.status, w.context)
    again = await comparisons.get(w.context, NAMESPACE, "impact")
    return again if isinstance(again, Comparison) else None


@pytest.mark.parametrize("forgets", [False, True])
async def test_a_whole_comparison(forgets: bool) -> None:
    async with world() as w:
        w.api.put(body())
        found, order = None, []
        for _ in range(60):
            found = await tick(w)
            if forgets and len(order) < 8:
                w.context.forget(UID)  # as an operator that was killed
            running = [o for o in list(w.api.objects.values()) if o.get("kind") == KIND and "status" not in o]
            assert len(running) <= 1
            for run in running:
                order.append(run["metadata"]["name"].rpartition("-")[2])
                finish(w.api, run, 0.052 if order[-1] == "on" else 0.05)
            if found is not None and is_complete(found):
                break
        assert found is not None
        assert order == ["off", "on", "on", "off", "off", "on", "on", "off"]
        given = {c.type: (c.status, c.reason) for c in found.status.conditions or ()}
        assert given["Succeeded"] == ("True", "Succeeded")
        assert given["Passed"] == ("True", "ObjectivesMet")
        stored = w.api.get("ConfigMap", NAMESPACE, found.names.result)
        assert stored is not None
        assert json.loads(stored["data"]["comparison.json"])["objectives"][0]["outcome"] == "Pass"
        dry = [r for r in w.api.asked("POST", "benchmarkruns") if r.query.get("dryRun") == "All"]
        assert {r.body["metadata"]["name"].rpartition("-")[2] for r in dry} == {"off", "on"}
        final = await tick(w)
        assert final is not None
        assert final.status.step == "Done"


async def test_a_variant_that_the_server_does_not_take_is_refused_and_nothing_is_made() -> None:
    async with world() as w:
        w.api.put(body())
        w.api.refusals["POST", "benchmarkruns"] = Refusal(422, "Invalid", "spec.load: stages are missing")
        found = await tick(w)
        assert found is not None
        accepted = next(c for c in found.status.conditions or () if c.type == "Accepted")
        assert (accepted.status, accepted.reason) == ("False", "InvalidSpec")
        assert "spec.variants[0] (off)" in accepted.message
        assert "spec.load: stages are missing" in accepted.message
        assert not [o for o in w.api.objects.values() if o.get("kind") == KIND]


async def test_a_right_that_is_missing_is_said_and_waited_for() -> None:
    async with world() as w:
        w.api.put(body())
        w.api.refusals["POST", "benchmarkruns"] = Refusal(403, "Forbidden", "cannot create benchmarkruns")
        found = await tick(w)
        assert found is not None
        accepted = next(c for c in found.status.conditions or () if c.type == "Accepted")
        assert (accepted.status, accepted.reason) == ("Unknown", "Forbidden")
        del w.api.refusals["POST", "benchmarkruns"]
        found = await tick(w)
        assert found is not None
        assert len([o for o in w.api.objects.values() if o.get("kind") == KIND]) == 1
        w.api.refusals["GET", "benchmarkruns"] = Refusal(403, "Forbidden", "cannot list benchmarkruns")
        assert isinstance(await comparisons.observe(found, w.context), Unobserved)


async def test_a_name_that_is_taken_ends_it() -> None:
    async with world() as w:
        w.api.put(body())
        name = parsed().slots[0].name
        w.api.put({"apiVersion": "x", "kind": KIND, "metadata": {"name": name, "namespace": NAMESPACE}})
        for _ in range(3):
            found = await tick(w)
        assert found is not None
        told = {c.type: (c.status, c.reason) for c in found.status.conditions or ()}
        assert told["Succeeded"] == ("False", "NameConflict")
        assert w.api.get(KIND, NAMESPACE, name) is not None


async def child(w: World) -> Run:
    """The comparison's first run, as the API server has it."""
    given = parsed()
    decision = decide(given, Snapshot(NOW, trials={"off": None, "on": None}))
    (create,) = [action for action in decision.actions if isinstance(action, Create)]
    stored = w.api.put(dict(create.manifest))
    found = runs.parse(stored)
    assert isinstance(found, Run)
    return found


async def test_a_target_is_taken_for_each_run_alone() -> None:
    """Two comparisons that held one target each and waited for the other's would wait for ever."""
    async with world() as w:
        run = await child(w)
        gateway = run.spec.gateway.model_copy(update={"image": None, "url": "http://gateway.example"})
        by_url = dataclasses.replace(run, spec=run.spec.model_copy(update={"gateway": gateway}))
        await leases.take(by_url, TakeLease("target-x", None), w.context)
        (held,) = await leases.held(by_url.uid, w.context)
        assert (held.holder_name, held.holder_kind) == (f"{NAMESPACE}/{run.name}", KIND)
        assert await leases.held(UID, w.context) == []


async def test_a_run_takes_its_node_for_the_comparison() -> None:
    async with world() as w:
        w.api.put(body())
        run = await child(w)
        assert (run.holder, run.uid) != (run.uid, UID)
        await leases.take(run, TakeLease("node-node0", None), w.context)
        (held,) = await leases.held(UID, w.context)
        assert (held.holder, held.holder_name, held.holder_kind) == (UID, f"{NAMESPACE}/impact", COMPARISON_KIND)
        assert metadata(run, "x", "gateway")["labels"][names.COMPARISON_LABEL] == UID


@pytest.mark.parametrize(
    ("there", "complete", "pod", "abandoned"),
    [
        (True, False, False, False),
        (True, True, False, True),
        (True, True, True, False),
        (False, False, False, True),
        (False, False, True, False),
    ],
)
async def test_a_node_that_a_comparison_holds_is_free_when_it_and_its_pods_are_gone(
    there: bool, complete: bool, pod: bool, abandoned: bool
) -> None:
    async with world() as w:
        if there:
            done = {"conditions": [{"type": "Complete", "status": "True"}]} if complete else {}
            w.api.put(body(done))
        run = await child(w)
        await leases.take(run, TakeLease("node-node0", None), w.context)
        if pod:
            w.api.put({"kind": "Pod", "metadata": metadata(run, "p", "gateway")})
        other = runs.parse(w.api.put({**body(), "kind": KIND, "metadata": {"name": "o", "namespace": NAMESPACE},
                                      "spec": TEMPLATE}))  # fmt: skip
        assert isinstance(other, Run)
        (seen,) = await leases.read(other, w.context, waiting=True)
        assert seen.abandoned is abandoned


def test_what_is_no_comparison_names_its_field() -> None:
    found = comparisons.parse(body(rounds=0))
    assert isinstance(found, InvalidRun)
    assert found.reason.startswith("spec.rounds: ")
    assert found.kind == COMPARISON_KIND
    assert isinstance(comparisons.parse(body({"progress": "later"})), Unreadable)
    assert isinstance(comparisons.parse(body({"novel": 1, "step": "Running"})), Comparison)


async def test_an_invalid_one_is_ended_in_its_own_status() -> None:
    async with world() as w:
        w.api.put(body(rounds=0))
        found = await comparisons.get(w.context, NAMESPACE, "impact")
        assert isinstance(found, InvalidRun)
        assert await runs.report_invalid(w.context, found, NOW) == status.Patched.CHANGED
        stored = w.api.get(COMPARISON_KIND, NAMESPACE, "impact")
        assert stored is not None
        assert {c["type"]: c["status"] for c in stored["status"]["conditions"]}["Accepted"] == "False"


@pytest.mark.parametrize("variants", [2, 8])
def test_the_status_stays_within_its_bound(variants: int) -> None:
    many = [f"variant-{i:012d}" for i in range(variants)]
    row: dict[str, Any] = {
        "metric": "requests.name.latency.p99.9", "reference": many[0], "unit": "s", "verdict": "Inconclusive",
        "referenceMedian": 0.1234, "median": 0.1234, "ratio": 1.234, "low": 1.1, "high": 1.2,
        "display": "x" * 200,
    }  # fmt: skip
    given = {
        "runs": [{"name": f"n{i:060d}", "round": i, "variant": v, "valid": "True"} for i in range(20) for v in many],
        "table": [{**row, "variant": v, "verdict": "Regressed" if v == many[-1] else "Same"} for v in many[1:]] * 16,
        "objectives": [{"metric": row["metric"], "reference": many[0], "variant": v, "outcome": "Pass", "bound": "5ms",
                        "observed": "+1 ms (+0.5 ms to +2 ms)", "delta": 0.001} for v in many[1:]] * 4,
        "warnings": ["w" * 300] * 16,
        "conditions": [{"type": f"t{i}", "status": "True", "reason": "r", "message": "m" * 1024,
                        "lastTransitionTime": "t"} for i in range(7)],
    }  # fmt: skip
    cut = comparisons.bounded(given)
    assert status.size(cut) <= status.LIMIT
    assert cut == comparisons.bounded(given)
    BenchmarkComparisonStatus.model_validate(cut)
    assert any(r["verdict"] == "Regressed" for r in cut["table"])


def fleet_of(api: FakeKube, name: str) -> set[tuple[str, str]]:
    """What there is of the comparison's fleet: (plural, name)."""
    base = f"{names.of_comparison('impact', UID).base}-"
    return {(plural, found) for plural, _, found in api.objects if found.startswith(base) and name in found}


async def test_the_fleet_of_a_comparison_goes_with_its_end_and_what_is_its_runs_stays() -> None:
    async with world() as w:
        first = await child(w)
        assert first.lender == names.Owner("impact", UID, COMPARISON_KIND)
        for manifest in children.desired(
            first, w.context.settings, node=None, operator_namespace="o", key=w.context.key
        ):
            w.api.put(manifest)
        found = await observe(first, w.context)
        assert isinstance(found, RunSnapshot)
        lent = {name for (_, name), one in found.children.items() if one.lent}
        pods = {first.fleet.master, *map(first.fleet.worker, range(first.spec.load.workers))}
        assert lent == {*pods, first.fleet.plan, first.fleet.workers}
        assert {pod.name for pod in found.pods} - {pod.name for pod in found.own_pods} == pods
        w.api.put(body({"conditions": [COMPLETE], "startedAt": timestamp(NOW)}))
        assert (await tick(w)) is not None
        left = {name for _, _, name in w.api.objects}
        assert left & {*lent, first.fleet.token} == set()
        assert {first.names.gateway, first.names.upstream} & left, "they are the run's, and go with it"
        complete = parsed({"conditions": [COMPLETE]})
        snap = await comparisons.observe(complete, w.context)
        assert isinstance(snap, Snapshot)
        assert (snap.fleet, snap.pods > 0) == ((), True)


async def test_a_fleet_whose_token_was_never_used_leaves_it_to_the_garbage_collector() -> None:
    async with world() as w:
        first = await child(w)
        w.api.put(children.token_secret(first, w.context.key))
        w.api.put(fleet.plan_config_map(first))
        w.context.forget(UID)
        w.api.put(body({"conditions": [COMPLETE]}))
        await tick(w)
        assert fleet_of(w.api, "plan") == set()
        assert fleet_of(w.api, "token") == {("secrets", first.fleet.token)}


COMPLETE = {
    "type": "Complete",
    "status": "True",
    "reason": "Finished",
    "message": "",
    "lastTransitionTime": "2027-01-15T08:00:00Z",
}
