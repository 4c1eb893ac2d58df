"""A comparison on the cluster: its runs one after the other on one node, and a verdict that is right."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

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


def condition(lab: Lab, kind: str) -> tuple[str, str]:
    """Status and reason of a condition of the comparison."""
    found = (c for c in state(lab).get("conditions") or () if c["type"] == kind)
    return next(((c["status"], c["reason"]) for c in found), ("", ""))


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
