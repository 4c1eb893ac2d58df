"""A comparison's life: its runs in their order, what spoils it, and its verdict from what they measured."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Mapping
from typing import Any

import pytest

from gatebench.api.reasons import ConditionType, Reason
from gatebench.decide.actions import Create, Delete, DeleteRun
from gatebench.decide.comparison.snapshot import Measured, Snapshot
from gatebench.decide.comparison.step import decide
from gatebench.decide.draft import condition_of, is_status
from gatebench.decide.snapshot import Denial, Lease
from gatebench.plan.comparison import Comparison, Slot
from unit.decide.comparisons import ENVIRONMENT, NOW, Cluster, comparison, complete

pytestmark = pytest.mark.slow

P50 = {"metric": "latency.p50", "maxDelta": "5ms"}


def slower(by: float, metric: str = "latency.p50", noise: float = 0.0002) -> Any:
    """Values of which those of `on` are larger by so much."""
    source = random.Random(1)

    def values(slot: Slot) -> Mapping[str, float]:
        shift = by if slot.variant == "on" else 0.0
        return {metric: 0.05 + shift + source.uniform(-noise, noise)}

    return values


def reason(found: Comparison, kind: ConditionType) -> tuple[str, str]:
    condition = condition_of(found.status, kind)
    assert condition is not None
    return condition.status, condition.reason


def message(found: Comparison, kind: ConditionType) -> str:
    condition = condition_of(found.status, kind)
    assert condition is not None
    return condition.message


def test_runs_are_made_one_after_the_other_in_abba_order() -> None:
    cluster = Cluster(slower(0.0))
    found = cluster.run(comparison())
    order = [name.rpartition("-")[2] for name in cluster.made]
    assert order == ["off", "on", "on", "off", "off", "on", "on", "off"]
    assert found.status.progress is not None
    assert found.status.progress.display == "8/8"
    assert found.status.node == "node0"
    assert reason(found, ConditionType.COMPLETE) == ("True", "Finished")


def test_three_variants_go_forward_and_back() -> None:
    names = [{"name": name} for name in "abc"]
    given = comparison(variants=names, rounds=2)
    assert [(slot.round, slot.variant) for slot in given.slots] == [
        (1, "a"), (1, "b"), (1, "c"), (2, "c"), (2, "b"), (2, "a"),
    ]  # fmt: skip


@pytest.mark.parametrize(("metrics", "rounds"), [(1, 4), (3, 4), (4, 5), (12, 5)])
def test_the_default_of_rounds_is_what_a_verdict_needs(metrics: int, rounds: int) -> None:
    names = [f"requests.r{i}.latency.p50" for i in range(metrics)]
    given = comparison(metrics=names, rounds=None)
    assert given.rounds == rounds
    found = Cluster(lambda slot: dict.fromkeys(names, (2.0 if slot.variant == "on" else 1.0) + slot.round / 100))
    table = found.run(given).status.table
    assert table is not None
    assert {row.verdict for row in table} == {"Regressed"}


def test_a_difference_within_the_bound_passes_and_one_beyond_it_fails() -> None:
    within = Cluster(slower(0.003)).run(comparison(objectives=[P50]))
    assert reason(within, ConditionType.SUCCEEDED) == ("True", "Succeeded")
    (told,) = within.status.objectives or ()
    assert (told.outcome, told.unit, told.bound) == ("Pass", "s", "5ms")
    assert told.delta == pytest.approx(0.003, abs=0.0004)
    assert told.observed is not None
    assert told.observed.startswith("+")
    beyond = Cluster(slower(0.008)).run(comparison(objectives=[P50]))
    assert reason(beyond, ConditionType.PASSED) == ("False", "ObjectivesFailed")
    assert reason(beyond, ConditionType.SUCCEEDED) == ("False", "ObjectivesFailed")
    assert "latency.p50 of on is worse by" in message(beyond, ConditionType.PASSED)


def test_what_the_interval_cannot_tell_is_unknown() -> None:
    found = Cluster(slower(0.005, noise=0.004)).run(comparison(objectives=[P50]))
    assert reason(found, ConditionType.PASSED) == ("Unknown", "ObjectivesUnknown")
    assert "more rounds" in message(found, ConditionType.PASSED)
    assert is_status(found.status, ConditionType.SUCCEEDED, "False")


def test_too_few_rounds_name_how_many_are_needed() -> None:
    found = Cluster(slower(0.0)).run(comparison(rounds=3, objectives=[P50]))
    (told,) = found.status.objectives or ()
    assert told.outcome == "Unknown"
    assert told.message == "3 valid runs against 3: 4 of each variant are needed"
    assert [row.verdict for row in found.status.table or ()] == ["Inconclusive"]


@pytest.mark.parametrize(
    ("max_delta", "throughput", "outcome"),
    [("2%", 99.5, "Pass"), ("2%", 90.0, "Fail"), ("2%", 110.0, "Pass"), ("5", 90.0, "Fail"), ("20", 90.0, "Pass")],
)
def test_of_throughput_less_is_worse(max_delta: str, throughput: float, outcome: str) -> None:
    objective = {"metric": "throughput", "maxDelta": max_delta}
    cluster = Cluster(lambda s: {"throughput": (throughput if s.variant == "on" else 100.0) + s.round / 100})
    found = cluster.run(comparison(objectives=[objective]))
    (told,) = found.status.objectives or ()
    assert told.outcome == outcome
    assert told.delta is not None
    assert (told.delta > 0) == (throughput < 100)


@pytest.mark.parametrize(("max_delta", "outcome"), [("1%", "Fail"), ("10%", "Pass")])
def test_shares_differ_by_points(max_delta: str, outcome: str) -> None:
    objective = {"metric": "errorRatio", "maxDelta": max_delta}
    cluster = Cluster(lambda s: {"errorRatio": 0.05 if s.variant == "on" else 0.0})
    found = cluster.run(comparison(objectives=[objective], metrics=["errorRatio"]))
    (told,) = found.status.objectives or ()
    assert (told.outcome, told.delta, told.unit) == (outcome, 0.05, "ratio")


def test_between_names_the_pair() -> None:
    variants = [{"name": name} for name in ("off", "on", "fast")]
    objective = {**P50, "between": ["on", "fast"]}
    cluster = Cluster(slower(0.02))
    cluster.snap = dataclasses.replace(cluster.snap, trials={"off": None, "on": None, "fast": None})
    found = cluster.run(comparison(variants=variants, objectives=[objective]))
    (told,) = found.status.objectives or ()
    assert (told.reference, told.variant, told.outcome) == ("on", "fast", "Pass")
    assert told.delta is not None
    assert told.delta < 0
    assert {row.variant for row in found.status.table or ()} == {"on", "fast"}


def test_noise_fails_no_comparison_however_many_objectives_there_are() -> None:
    """A/A at maxDelta 0: one in twenty by itself, and no more over ten of them together."""
    names = [f"requests.r{i}.latency.p50" for i in range(10)]
    objectives = [{"metric": name, "maxDelta": "0ms"} for name in names]
    source, failed = random.Random(7), 0
    for _ in range(200):
        given = comparison(objectives=objectives, metrics=names[:1], rounds=8)
        found = Cluster(lambda slot: {name: source.gauss(1.0, 0.05) for name in names}).run(given)
        failed += is_status(found.status, ConditionType.PASSED, "False")
    assert failed <= 18, "5 % of 200, and what chance adds to it"


def test_a_run_that_is_not_valid_is_left_out_and_said() -> None:
    values = slower(0.0)
    cluster = Cluster(lambda slot: None if (slot.round, slot.variant) == (2, "on") else values(slot))
    found = cluster.run(comparison(rounds=5, objectives=[P50]))
    assert reason(found, ConditionType.VALID) == ("True", "Measured")
    assert "9 of 10 runs are valid" in message(found, ConditionType.VALID)
    assert any("-02-on, GeneratorSaturated" in warning for warning in found.status.warnings or ())
    left_out = [run for run in found.status.runs or () if run.valid == "False"]
    assert [(run.round, run.variant, run.reason) for run in left_out] == [(2, "on", "GeneratorSaturated")]
    (told,) = found.status.objectives or ()
    assert told.outcome == "Pass", "four of five are enough"


def test_a_variant_without_a_valid_run_makes_it_invalid() -> None:
    values = slower(0.0)
    found = Cluster(lambda slot: None if slot.variant == "on" else values(slot)).run(comparison(objectives=[P50]))
    assert reason(found, ConditionType.VALID) == ("False", "GeneratorSaturated")
    assert reason(found, ConditionType.PASSED) == ("Unknown", "NotMeasured")
    assert reason(found, ConditionType.SUCCEEDED) == ("False", "GeneratorSaturated")


def test_an_image_that_changes_between_rounds_makes_it_invalid() -> None:
    cluster = Cluster(slower(0.0))
    cluster.environment = lambda s: {**ENVIRONMENT, "images.gateway": "gw@2" if s.round > 2 else f"{s.variant}@1"}
    found = cluster.run(comparison(objectives=[P50]))
    assert reason(found, ConditionType.VALID) == ("False", "EnvironmentChanged")
    assert "images.gateway of off was off@1, and in round 3 gw@2" in message(found, ConditionType.VALID)


def test_another_node_makes_the_verdict_inconclusive() -> None:
    cluster = Cluster(slower(0.0))
    cluster.environment = lambda slot: {**ENVIRONMENT, "node": f"node-{slot.variant}"}
    found = cluster.run(comparison(objectives=[P50]))
    assert [row.verdict for row in found.status.table or ()] == ["Inconclusive"]
    (told,) = found.status.objectives or ()
    assert told.message == "the environments differ in node"


def test_a_variant_that_misses_the_objectives_of_the_template_does_not_pass() -> None:
    cluster = Cluster(slower(0.0))
    cluster.facts = lambda slot: {"passed": "False", "message": "errors"} if slot.variant == "on" else {}
    found = cluster.run(comparison(objectives=[P50]))
    assert reason(found, ConditionType.PASSED) == ("False", "ObjectivesFailed")
    assert "4 of 4 runs of on did not meet the objectives of the template" in message(found, ConditionType.PASSED)
    once = Cluster(slower(0.0))
    once.facts = lambda slot: {"passed": "False"} if (slot.variant, slot.round) == ("on", 1) else {}
    found = once.run(comparison(objectives=[P50]))
    assert reason(found, ConditionType.PASSED) == ("True", "ObjectivesMet")
    assert any("1 of 4 runs of on did not meet" in warning for warning in found.status.warnings or ())


def test_a_variant_that_cannot_be_run_is_refused_with_the_servers_words() -> None:
    snap = Snapshot(NOW, trials={"off": None, "on": "spec.load: models Closed and Open need stages"})
    status = decide(comparison(), snap).status
    found = comparison(status)
    assert reason(found, ConditionType.ACCEPTED) == ("False", "InvalidSpec")
    told = message(found, ConditionType.ACCEPTED)
    assert told.startswith("spec.variants[1] (on) makes no run that can be applied: spec.load: models Closed")
    assert reason(found, ConditionType.COMPLETE) == ("True", "Failed")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"tolerance": "5ms"}, "spec.tolerance: "),
        ({"tolerances": {"latency.p51": "5%"}}, "spec.tolerances: latency.p51 is no metric"),
        ({"tolerances": {"latency.p50": "100%"}}, "spec.tolerances.latency.p50: must be at least 0%"),
        ({"objectives": [{"metric": "latency.p50", "maxDelta": "5Mi"}]}, "spec.objectives[0].maxDelta: "),
        ({"objectives": [{"metric": "throughput", "maxDelta": "100%"}]}, "spec.objectives[0].maxDelta: throughput"),
    ],
)
def test_a_bound_without_a_meaning_is_refused(spec: dict[str, Any], words: str) -> None:
    found = comparison(decide(comparison(**spec), Snapshot(NOW)).status)
    assert reason(found, ConditionType.ACCEPTED) == ("False", "InvalidSpec")
    assert message(found, ConditionType.ACCEPTED).startswith(words)


def test_a_bound_without_a_meaning_is_refused_whatever_is_there() -> None:
    """Such as after an upgrade: it must not stop the operator from deciding."""
    first = comparison().slots[0].name
    values = {first: Measured({"latency.p50": 1.0}, {})}
    for cancel in (True, False):
        given = comparison(tolerance="5ms", cancel=cancel)
        found = given.with_status(decide(given, Snapshot(NOW, runs={first: complete(first)}, measured=values)).status)
        assert is_status(found.status, ConditionType.COMPLETE, "True")
        assert found.status.table is None


def test_a_run_of_somebody_elses_is_left_alone() -> None:
    name = comparison().slots[0].name
    snap = Snapshot(NOW, runs={name: dataclasses.replace(complete(name), ours=False)}, trials={})
    decision = decide(comparison(), snap)
    assert reason(comparison(decision.status), ConditionType.SUCCEEDED) == ("False", "NameConflict")
    assert not any(isinstance(action, Create | Delete) for action in decision.actions)


def test_two_runs_in_a_row_that_sent_no_load_end_it() -> None:
    cluster = Cluster(lambda slot: None)
    cluster.facts = lambda slot: (
        {"started_at": None, "valid": "Unknown", "reason": "ImagePullFailed", "message": "no such image"}
        if slot.variant == "on"
        else {}
    )
    found = cluster.run(comparison())
    assert reason(found, ConditionType.COMPLETE) == ("True", "Failed")
    assert reason(found, ConditionType.SUCCEEDED) == ("False", "ImagePullFailed")
    assert "the last 2 runs of on sent no load" in message(found, ConditionType.SUCCEEDED)
    assert len(cluster.made) == 3


def test_a_run_that_is_not_accepted_ends_it_at_once() -> None:
    cluster = Cluster(lambda slot: None)
    cluster.facts = lambda slot: {"accepted": "False", "reason": "TargetNotAllowed", "message": "not in allowedTargets"}
    found = cluster.run(comparison())
    assert reason(found, ConditionType.SUCCEEDED) == ("False", "TargetNotAllowed")
    assert len(cluster.made) == 1


def test_suspend_holds_the_next_run_and_lets_the_one_under_way_go_on() -> None:
    first, second = comparison().slots[:2]
    under_way = dataclasses.replace(complete(first.name), complete=False, tidy=False, step="Measuring")
    held = comparison(suspend=True)
    busy = decide(held, Snapshot(NOW, runs={first.name: under_way}))
    assert busy.status.step == "Running"
    assert not any(isinstance(action, Create | Delete) for action in busy.actions)
    snap = Snapshot(NOW, runs={first.name: complete(first.name)}, measured={first.name: Measured({}, {})})
    waiting = decide(held.with_status(busy.status), snap)
    assert waiting.status.step == "Suspended"
    assert not any(isinstance(action, Create) for action in waiting.actions)
    again = decide(comparison(waiting.status), snap)
    assert [a.manifest["metadata"]["name"] for a in again.actions if isinstance(a, Create)] == [second.name]
    assert reason(comparison(again.status), ConditionType.ACCEPTED) == ("True", "Valid")


def test_the_next_run_waits_for_the_pods_of_the_one_before() -> None:
    first = comparison().slots[0]
    snap = Snapshot(NOW, runs={first.name: complete(first.name)}, measured={first.name: Measured({}, {})}, pods=1)
    assert not any(isinstance(action, Create) for action in decide(comparison(), snap).actions)


def test_cancel_deletes_the_run_under_way_and_keeps_the_others() -> None:
    given, cluster = comparison(objectives=[P50]), Cluster(slower(0.008))
    for _ in range(4):
        decision = decide(given, cluster.snap)
        given = given.with_status(decision.status)
        cluster.carry_out(given, decision)
    last = cluster.made[-1]
    busy = dataclasses.replace(cluster.snap.runs[last], complete=False, tidy=False, step="Measuring")
    cluster.snap = dataclasses.replace(cluster.snap, runs={**cluster.snap.runs, last: busy})
    before = set(cluster.snap.runs)
    found = cluster.run(comparison(given.status, cancel=True, objectives=[P50]))
    assert set(cluster.snap.runs) == before - {last}
    assert reason(found, ConditionType.COMPLETE) == ("True", "Cancelled")
    assert reason(found, ConditionType.PASSED) == ("Unknown", "NotMeasured")
    assert reason(found, ConditionType.SUCCEEDED) == ("False", "Cancelled")
    assert found.status.table, "what was measured is shown"
    assert cluster.snap.leases == ()


def test_the_deadline_counts_from_the_node() -> None:
    first = comparison().slots[0]
    run = dataclasses.replace(complete(first.name), complete=False, tidy=False, node_acquired_at="2027-01-15T08:00:00Z")
    given = comparison(activeDeadlineSeconds=600)
    early = decide(given, Snapshot(NOW + 599, runs={first.name: run}))
    assert not any(isinstance(action, Delete) for action in early.actions)
    late = decide(given.with_status(early.status), Snapshot(NOW + 600, runs={first.name: run}))
    assert [action.name for action in late.actions if isinstance(action, Delete)] == [first.name]
    ended = decide(given.with_status(late.status), Snapshot(NOW + 601))
    assert reason(given.with_status(ended.status), ConditionType.COMPLETE) == ("True", "DeadlineExceeded")


def test_the_node_is_freed_when_the_last_pod_is_gone() -> None:
    found = Cluster(slower(0.0)).run(comparison())
    lease = Lease("node-node0", "uid-c")
    busy = decide(found, Snapshot(NOW, pods=1, leases=(lease,)))
    assert (busy.actions, busy.idle) == ((), False)
    free = decide(found, Snapshot(NOW, leases=(lease,)))
    assert [type(action).__name__ for action in free.actions] == ["ReleaseLease"]
    assert decide(found, Snapshot(NOW)).idle


def test_a_time_to_live_deletes_the_comparison() -> None:
    found = Cluster(slower(0.0)).run(comparison(), 400)
    mortal = comparison(found.status, ttlSecondsAfterFinished=60)
    early = decide(mortal, Snapshot(NOW))
    assert not early.idle
    assert not any(isinstance(action, DeleteRun) for action in early.actions)
    assert any(isinstance(action, DeleteRun) for action in decide(mortal, Snapshot(NOW + 10_000)).actions)


def test_runs_after_the_first_are_on_its_node() -> None:
    cluster = Cluster(slower(0.0))
    cluster.run(comparison())
    assert all("nodeSelector" not in m["spec"]["gateway"] for m in cluster.manifests if m["kind"] != "ConfigMap")
    shared = {"gateway": {"image": "gw:1", "cpus": 1, "isolation": "None"}}
    template = {**comparison().spec.template, **shared}
    cluster = Cluster(slower(0.0))
    cluster.run(comparison(template=template))
    runs = [m["spec"]["gateway"] for m in cluster.manifests if m["kind"] != "ConfigMap"]
    assert "nodeSelector" not in runs[0]
    assert {gateway["nodeSelector"]["kubernetes.io/hostname"] for gateway in runs[1:]} == {"node0"}


def test_the_result_has_every_value_and_is_stored_before_the_end() -> None:
    cluster = Cluster(slower(0.003))
    found = cluster.run(comparison(objectives=[P50]))
    (stored,) = [m for m in cluster.manifests if m["kind"] == "ConfigMap"]
    document = json.loads(stored["data"]["comparison.json"])
    assert [run["round"] for run in document["variants"]["on"]["runs"]] == [1, 2, 3, 4]
    assert document["variants"]["on"]["medians"]["latency.p50"] == pytest.approx(0.053, abs=0.001)
    assert document["objectives"][0]["outcome"] == "Pass"
    assert found.status.artifacts is not None
    assert found.status.artifacts.result == stored["metadata"]["name"]
    (owner,) = stored["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["blockOwnerDeletion"]) == ("BenchmarkComparison", "uid-c", False)


@pytest.mark.parametrize("ended", ["Finished", "Cancelled", "NotValid"])
def test_the_result_has_the_verdict_and_the_warnings_of_the_status(ended: str) -> None:
    other = {"name": "on", "overlay": {"load": {"stages": [{"duration": "20s", "users": 2}]}}}
    spec = {"objectives": [P50], "variants": [{"name": "off"}, other], "cancel": ended == "Cancelled"}
    given, cluster = comparison(**(spec | {"cancel": False})), Cluster(slower(0.5))
    if ended == "NotValid":
        cluster.values = lambda slot: None if slot.variant == "on" else slower(0.0)(slot)
    while len(cluster.made) < 3:
        decision = decide(given, cluster.snap)
        given = given.with_status(decision.status)
        cluster.carry_out(given, decision)
    found = cluster.run(comparison(given.status, **spec)).status
    (stored,) = [m for m in cluster.manifests if m["kind"] == "ConfigMap"]
    kept = json.loads(stored["data"]["comparison.json"])["status"]
    of_object = (ConditionType.RECONCILING, ConditionType.STALLED)
    assert [(c["type"], c["status"], c["reason"], c["message"]) for c in kept["conditions"]] == [
        (c.type, c.status, c.reason, c.message) for c in found.conditions or () if c.type not in of_object
    ]
    complete = next(c for c in kept["conditions"] if c["type"] == "Complete")
    assert (complete["status"], complete["reason"] == "Cancelled") == ("True", ended == "Cancelled")
    assert kept["warnings"] == found.warnings
    assert any(warning.startswith("the variants differ in load") for warning in kept["warnings"])
    assert (kept["node"], kept["startedAt"]) == (found.node, found.started_at)


def test_a_right_that_is_missing_is_waited_for_and_tried_again() -> None:
    denied = Snapshot(NOW, trials={"off": None, "on": None}, denials=(Denial("Forbidden", "cannot create"),))
    decision = decide(comparison(), denied)
    assert reason(comparison(decision.status), ConditionType.ACCEPTED) == ("Unknown", "Forbidden")
    assert any(isinstance(action, Create) for action in decision.actions)
    restored = decide(comparison(decision.status), dataclasses.replace(denied, denials=()))
    assert reason(comparison(restored.status), ConditionType.ACCEPTED) == ("True", "Valid")


def test_variants_that_are_given_different_load_are_told_so() -> None:
    other = {"name": "on", "overlay": {"load": {"stages": [{"duration": "20s", "users": 2}]}}}
    found = Cluster(slower(0.0)).run(comparison(variants=[{"name": "off"}, other]))
    assert any(warning.startswith("the variants differ in load") for warning in found.status.warnings or ())
    assert reason(found, ConditionType.PASSED)[1] == Reason.OBJECTIVES_MET
