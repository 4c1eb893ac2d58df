"""A comparison on the cluster: its runs one after the other on one node, and a verdict that is right."""

from __future__ import annotations

import itertools
import json
import pathlib
from typing import Any

import pytest

from cluster import lab as labs
from cluster.conftest import BASE, merge
from cluster.lab import Lab

pytestmark = pytest.mark.measures


def comparison(name: str = "cmp", **changes: Any) -> dict[str, Any]:
    """Two variants of the small run, of which the second answers 30 ms later."""
    load = {"stages": [{"duration": "5s", "users": 20}], "warmUp": "1s"}
    spec = {
        "template": {**BASE, "load": {**BASE["load"], **load}},
        "variants": [
            {"name": "fast"},
            {"name": "slow", "overlay": {"gateway": {"args": ["--listen=:8080", "--latency=130ms"]}}},
        ],
        "metrics": ["latency.p50"],
        "rounds": 4,
        "objectives": [{"metric": "latency.p50", "maxDelta": "10ms"}],
    }
    return {
        "apiVersion": "gatebench.dev/v1alpha1",
        "kind": "BenchmarkComparison",
        "metadata": {"name": name},
        "spec": merge(spec, changes),
    }


def state(lab: Lab, name: str = "cmp") -> dict[str, Any]:
    """The comparison's status."""
    return dict(json.loads(lab.kubectl("get", "bcmp", name, "-o", "json")).get("status") or {})


def condition(lab: Lab, kind: str, name: str = "cmp") -> tuple[str, str]:
    """Status and reason of a condition of the comparison."""
    found = (c for c in state(lab, name).get("conditions") or () if c["type"] == kind)
    return next(((c["status"], c["reason"]) for c in found), ("", ""))


@pytest.mark.long
@pytest.mark.parametrize(
    "path", list(labs.examples("*-small.yaml", kind="BenchmarkComparison\n")), ids=lambda path: path.stem
)
def test_a_small_example_runs_to_its_verdict(lab: Lab, path: pathlib.Path) -> None:
    lab.kubectl("apply", "-f", str(path))
    lab.until("it is complete", lambda: condition(lab, "Complete", path.stem)[0] == "True", 900)
    status = state(lab, path.stem)
    assert condition(lab, "Complete", path.stem) == ("True", "Finished"), status
    assert condition(lab, "Valid", path.stem)[0] == "True", status
    # Whether so few rounds can tell is the machine's affair; that a bound is broken would be a finding.
    assert condition(lab, "Passed", path.stem)[0] in ("True", "Unknown"), status
    assert len({lab.run(run["name"])["status"]["environment"]["node"] for run in status["runs"]}) == 1
    assert not any("fleet of its own" in warning for warning in status.get("warnings") or ())


@pytest.mark.long
def test_a_variant_that_is_slower_is_found_and_fails_its_bound(lab: Lab) -> None:
    lab.apply(comparison())
    lab.until("the comparison is complete", lambda: condition(lab, "Complete")[0] == "True", 600)
    status = state(lab)
    assert condition(lab, "Valid")[0] == "True", status
    assert condition(lab, "Passed") == ("False", "ObjectivesFailed"), status
    [row] = status["table"]
    assert (row["reference"], row["variant"], row["verdict"]) == ("fast", "slow", "Regressed")
    assert row["low"] > 1.2
    assert row["high"] < 1.4
    [delta] = status["objectives"]
    assert delta["outcome"] == "Fail"
    assert delta["low"] <= 0.03 <= delta["high"] or delta["delta"] == pytest.approx(0.03, abs=0.003)
    runs = status["runs"]
    assert [run["variant"] for run in runs] == ["fast", "slow", "slow", "fast"] * 2
    assert len(json.dumps(status, separators=(",", ":"))) <= 8192
    assert len({lab.run(run["name"])["status"]["environment"]["node"] for run in runs}) == 1
    finished = [lab.run(run["name"])["status"] for run in runs]
    for before, after in itertools.pairwise(finished):
        assert before["finishedAt"] <= after["startedAt"]


def fleet_of(lab: Lab) -> dict[str, dict[str, Any]]:
    """The comparison's fleet: its pods that are no run's own, by name."""
    found = lab.list("pods", "gatebench.dev/comparison-uid,!gatebench.dev/run-uid")
    return {pod["metadata"]["name"]: pod for pod in found}


def uids(fleet: dict[str, dict[str, Any]]) -> set[str]:
    return {pod["metadata"]["uid"] for pod in fleet.values()}


@pytest.mark.fault(14)
def test_one_fleet_serves_all_runs_and_is_made_anew_as_a_whole_when_a_worker_is_lost(lab: Lab) -> None:
    lab.apply(comparison(rounds=2))
    first, second, third, last = names_of(lab)
    until_measuring(lab, first)
    fleet = fleet_of(lab)
    assert len(fleet) == 3
    lab.until_complete(first)
    labs.kill_operator()
    until_measuring(lab, second)
    assert uids(fleet_of(lab)) == uids(fleet), "the same pods send the load of the second run"
    again = fleet_of(lab)
    assert [pod["status"]["containerStatuses"][0]["restartCount"] for pod in again.values()] == [0, 0, 0]
    worker = next(pod for name, pod in again.items() if name.endswith("-worker-1"))
    labs.kill(worker, "worker")
    lab.until_condition(second, "Valid", "False", "WorkerLost")
    until_measuring(lab, third)
    assert uids(fleet_of(lab)) & uids(fleet) == set(), "no part of a broken fleet goes on"
    assert "FleetRenewed" in {event["reason"] for event in lab.events(third)}
    lab.until("the comparison is complete", lambda: condition(lab, "Complete")[0] == "True", 300)
    status = state(lab)
    assert condition(lab, "Valid")[0] == "True", status
    assert status["warnings"] == [f"left out: {second}, WorkerLost"]
    for name, latency in ((first, 0.1), (third, 0.13), (last, 0.1)):
        document = lab.result(name)
        assert document["load"]["integrity"]["agree"] is True
        assert document["metrics"]["latency.p50"]["value"] == pytest.approx(latency, rel=0.05)
    selector = "gatebench.dev/comparison-uid"
    kinds = ("pods", "services", "networkpolicies")
    lab.until("nothing is left of the fleet", lambda: not any(lab.list(kind, selector) for kind in kinds), 60)
    assert [s for s in lab.list("secrets") if s["metadata"]["name"].endswith("-token")] == []


def until_measuring(lab: Lab, name: str) -> None:
    """Until a run that may not be there yet is under load."""
    lab.until(f"run {name}", lambda: lab.get("brun", name))
    lab.until_step(name, "Measuring")


def names_of(lab: Lab) -> list[str]:
    """Of the runs of two rounds, in their order: they follow from that of the first."""
    [run] = lab.until("the first run", lambda: lab.list("brun"))
    base = run["metadata"]["name"].removesuffix("-01-fast")
    return [f"{base}-{slot}" for slot in ("01-fast", "01-slow", "02-slow", "02-fast")]


def test_a_cancelled_comparison_deletes_the_run_under_way_and_ends(lab: Lab) -> None:
    lab.apply(comparison())
    lab.until("a run", lambda: lab.list("brun"))
    lab.kubectl("patch", "bcmp", "cmp", "--type=merge", "-p", '{"spec":{"cancel":true}}')
    lab.until("it is complete", lambda: condition(lab, "Complete") == ("True", "Cancelled"), 60)
    assert condition(lab, "Succeeded")[0] == "False"
    lab.until("no pods", lambda: not lab.list("pods"), 90)
    lab.kubectl("patch", "bcmp", "cmp", "--type=merge", "-p", '{"spec":{"ttlSecondsAfterFinished":1}}')
    lab.until("its time to live is over", lambda: not lab.kubectl("get", "bcmp", "--no-headers").strip(), 60)


def test_a_variant_that_makes_no_run_is_refused_with_its_name(lab: Lab) -> None:
    wrong = {"name": "wrong", "overlay": {"load": {"model": "Open"}}}
    lab.apply(comparison(variants=[{"name": "fast"}, wrong]))
    lab.until("it is refused", lambda: condition(lab, "Accepted")[0] == "False")
    message = next(c["message"] for c in state(lab)["conditions"] if c["type"] == "Accepted")
    assert "wrong" in message
    assert "engine: Go" in message
    assert lab.list("brun") == []
