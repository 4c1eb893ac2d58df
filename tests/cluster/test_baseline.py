"""Runs against a baseline: the same gateway again, a slower one, and what is waited for or refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cluster import lab as labs
from cluster.conftest import make_run
from cluster.lab import Lab
from cluster.test_command_line import PASSED, gatebench

TOLERANCES = {"latency.p50": "3%", "latency.p95": "3%"}
# Placed alike each time: what differs between two measurements must be the gateway alone.
PLACE = {"kubernetes.io/hostname": "node0"}


def run_of(name: str, latency: str = "100ms", **changes: Any) -> dict[str, Any]:
    """Repeats of one core and 20 users against a loopback of that latency."""
    gateway = {"isolation": "Required", "args": ["--listen=:8080", f"--latency={latency}"], "nodeSelector": PLACE}
    load = {"engine": "Go", "spawnRate": 50, "stages": [{"duration": "6s", "users": 20}], "nodeSelector": PLACE}
    return make_run(name, gateway=gateway, load=load, **changes)


def save(lab: Lab, run: str, name: str) -> None:
    """`gatebench baseline save`, as a user types it."""
    code, told = gatebench(lab, "baseline", "save", run, name, seconds=60)
    assert code == PASSED, told


def judged(lab: Lab, name: str) -> dict[str, Any]:
    """The run's status once it is complete; its measurement is valid."""
    status = lab.until_complete(name, 600)
    assert lab.condition(name, "Valid")[0] == "True", json.dumps(status["conditions"], indent=1)
    return status


@pytest.mark.long
@pytest.mark.measures
def test_the_same_is_not_regressed_and_a_slower_one_is(lab: Lab) -> None:
    """A baseline outlives its run; 30 % more latency is found, by the table and in the condition."""
    repeats: dict[str, Any] = {"count": 4, "pause": "1s"}
    lab.apply(run_of("before", repeats={**repeats, "restartGateway": True}))
    judged(lab, "before")
    save(lab, "before", "kept")
    lab.kubectl("delete", "brun", "before", "--timeout=60s")
    # With a baseline the gateway is restarted by default.
    compared = {"repeats": repeats, "baseline": {"configMap": {"name": "kept"}, "tolerances": TOLERANCES}}

    lab.apply(run_of("again", **compared))
    status = judged(lab, "again")
    found = status["baseline"]
    assert found["verdict"] != "Regressed", found
    assert "differences" not in found, found
    assert "OneProcess" not in found["why"], found
    assert lab.condition("again", "Passed")[0] == "True", found

    lab.apply(run_of("slower", "130ms", **compared))
    status = judged(lab, "slower")
    found = status["baseline"]
    assert lab.condition("slower", "Passed")[:2] == ("False", "Regressed"), found
    assert lab.condition("slower", "Succeeded")[:2] == ("False", "Regressed")
    by_name = {metric["metric"]: metric for metric in found["metrics"]}
    assert by_name.keys() == TOLERANCES.keys()
    for metric in by_name.values():
        assert metric["verdict"] == "Regressed"
        assert metric["ratio"] == pytest.approx(1.3, abs=0.05)
    assert lab.result("slower")["baseline"]["run"] == f"{lab.namespace}/before"


@pytest.mark.long
@pytest.mark.measures
def test_the_small_example_is_compared_as_its_comment_says(lab: Lab) -> None:
    text = (labs.ROOT / "examples" / "regression-small.yaml").read_text()
    without = "".join(line for line in text.splitlines(keepends=True) if " baseline: " not in line)
    lab.kubectl("apply", "-f", "-", stdin=without.replace("name: regression-small\n", "name: before-small\n"))
    judged(lab, "before-small")
    save(lab, "before-small", "regression-small-baseline")
    lab.kubectl("apply", "-f", "-", stdin=text)
    found = judged(lab, "regression-small")["baseline"]
    assert found["verdict"] != "Regressed", found
    assert "differences" not in found, found


@pytest.mark.long
@pytest.mark.measures
def test_repeats_of_one_process_are_inconclusive_and_fail_nothing(lab: Lab) -> None:
    repeats = {"count": 4, "pause": "0s", "restartGateway": False}
    lab.apply(run_of("before", repeats=repeats))
    judged(lab, "before")
    save(lab, "before", "kept")
    lab.kubectl("delete", "brun", "before", "--timeout=60s")
    compared = {"configMap": {"name": "kept"}, "tolerances": TOLERANCES}
    lab.apply(run_of("slower", "130ms", repeats=repeats, baseline=compared))
    found = judged(lab, "slower")["baseline"]
    assert found["verdict"] == "Inconclusive"
    assert lab.result("slower")["baseline"]["run"] == f"{lab.namespace}/before"
    assert "OneProcess" in found["why"]
    assert lab.condition("slower", "Succeeded")[0] == "True"
    assert any("OneProcess" in warning for warning in lab.status("slower")["warnings"])


def test_a_baseline_that_never_comes_refuses_the_run_before_any_pod(lab: Lab) -> None:
    lab.apply(make_run(baseline={"configMap": {"name": "kept"}, "tolerance": "3%"}))
    lab.until_condition("run", "Accepted", "Unknown", "BaselineNotFound")
    assert not lab.children("run")
    message = lab.until_condition("run", "Accepted", "False", "BaselineNotFound")
    assert "ConfigMap kept does not exist" in message
    assert not lab.children("run")


def test_what_is_no_result_is_refused_with_the_remedy(lab: Lab) -> None:
    lab.kubectl("create", "configmap", "kept", "--from-literal=result.json=1")
    lab.kubectl("patch", "configmap", "kept", "-p", '{"binaryData": {"result.json.gz": "bm8="}}')
    lab.apply(make_run(baseline={"configMap": {"name": "kept"}, "tolerance": "3%"}))
    message = lab.until_condition("run", "Accepted", "False", "BaselineInvalid")
    assert "is no result document: it is not JSON" in message
    assert not lab.children("run")


@pytest.mark.measures  # a run whose generator others kept from its CPU cannot be a baseline
def test_a_run_waits_for_its_baseline_and_the_result_waits_for_the_run(lab: Lab) -> None:
    """The first is deleted by its TTL only when the second is complete."""
    lab.apply(make_run("after", baseline={"run": "before", "tolerances": TOLERANCES}))
    lab.apply(make_run("before", ttlSecondsAfterFinished=1))
    lab.until_condition("after", "Accepted", "Unknown", "BaselineNotFound")
    assert judged(lab, "after")["baseline"]["verdict"] == "Inconclusive", "one repeat a side tells nothing"
    lab.until("run before is deleted", lambda: lab.get("brun", "before") is None)
