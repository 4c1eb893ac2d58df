"""What goes wrong under load: whatever it is, the run says so, keeps no number that looks right, and ends."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from cluster import lab as labs
from cluster.conftest import make_run
from cluster.lab import Lab
from cluster.test_faults_start import script, scripted

COMPONENT = "app.kubernetes.io/component"
LONG: dict[str, Any] = {"load": {"stages": [{"duration": "40s", "users": 20}]}}


def spoiled(lab: Lab, reason: str, name: str = "run") -> str:
    """Waits for the end, and checks that nothing looks valid. Returns the message of Valid."""
    message = lab.until_condition(name, "Valid", "False", reason)
    status = lab.until_complete(name)
    assert "summary" not in status
    assert lab.condition(name, "Succeeded")[:2] == ("False", reason)
    assert any(event["reason"] == reason for event in lab.events(name))
    return message


@pytest.mark.fault(14)
@pytest.mark.parametrize("how", ["killed", "silent", "evicted"])
def test_a_worker_that_is_lost_makes_the_run_invalid(lab: Lab, how: str) -> None:
    lab.apply(make_run(**LONG))
    lab.until_step("run", "Measuring")
    worker = lab.pod("run", "worker")
    # One that is evicted is stopped, so that it takes its grace period, and is seen on its way.
    labs.kill(worker, "worker", signal.SIGKILL if how == "killed" else signal.SIGSTOP)
    if how == "evicted":
        lab.evict(worker)
    message = spoiled(lab, "WorkerLost")
    name = worker["metadata"]["name"]
    assert f"pod {name} ended under load" in message if how == "evicted" else "worker" in message


@pytest.mark.fault(17)
def test_a_master_that_is_killed_ends_the_run(lab: Lab) -> None:
    lab.apply(make_run(**LONG))
    lab.until_step("run", "Measuring")
    labs.kill(lab.pod("run", "master"), "master")
    spoiled(lab, "MasterLost")
    assert lab.condition("run", "FleetReady")[:2] == ("False", "MasterLost")


@pytest.mark.measures  # the operator looks away meanwhile
@pytest.mark.fault(13)
def test_a_gateway_that_comes_back_under_load_makes_the_run_invalid(lab: Lab) -> None:
    lab.apply(make_run(**LONG))
    lab.until_step("run", "Measuring")
    with labs.stopped_operator():  # else it may see the gateway gone, and not yet back
        labs.kill(lab.pod("run", "gateway"), "gateway")
        lab.until("the gateway is back", lambda: _restarts(lab) == 1, 30)
    spoiled(lab, "GatewayRestarted")


def _restarts(lab: Lab) -> int:
    statuses = lab.pod("run", "gateway")["status"]["containerStatuses"]
    return sum(s["restartCount"] for s in statuses if s["name"] == "gateway" and "running" in s["state"])


@pytest.mark.fault(13)
def test_a_gateway_that_runs_out_of_memory_is_named(lab: Lab) -> None:
    leaky = {"args": ["--listen=:8080", "--leak-per-minute=3Gi"], "memory": "64Mi"}
    lab.apply(make_run(gateway=leaky, **LONG))
    lab.until_condition("run", "Succeeded", "False")
    reason, message = lab.condition("run", "Succeeded")[1:]
    assert reason in ("GatewayFailed", "GatewayRestarted"), message
    assert "OOMKilled" in message
    assert "summary" not in lab.status("run")


@pytest.mark.fault(29)
@pytest.mark.parametrize(
    ("kind", "component"),
    [("pod", "worker"), ("pod", "gateway"), ("pod", "master"), ("service", "gateway"), ("networkpolicies", "master")],
)
def test_a_child_deleted_under_load_disturbs_the_run(lab: Lab, kind: str, component: str) -> None:
    lab.apply(make_run(**LONG))
    lab.until_step("run", "Measuring")
    children = [c for c in lab.children("run", kind) if c["metadata"]["labels"][COMPONENT] == component]
    lab.kubectl("delete", kind, children[0]["metadata"]["name"], "--wait=false")
    spoiled(lab, "RunDisturbed")


@pytest.mark.fault(12)
def test_a_gateway_that_is_resized_under_load_makes_the_run_invalid(lab: Lab) -> None:
    lab.apply(make_run(**LONG))
    lab.until_step("run", "Measuring")
    resources = {name: {"cpu": "1", "memory": "320Mi"} for name in ("requests", "limits")}
    patch = {"spec": {"containers": [{"name": "gateway", "resources": resources}]}}
    pod = lab.pod("run", "gateway")["metadata"]["name"]
    lab.kubectl("patch", "pod", pod, "--subresource=resize", "--patch", json.dumps(patch))
    assert "resized under load: memory is 3.35544e+08" in spoiled(lab, "CPUSetChanged")


@pytest.mark.fault(16)
def test_a_starved_generator_makes_the_run_invalid(lab: Lab) -> None:
    starved = {
        "workers": 1,
        "workerResources": {"cpu": "120m"},
        "thinkTime": {"min": "0s", "max": "0s"},
        "warmUp": "2s",
        "stages": [{"duration": "10s", "users": 100}],
    }
    lab.apply(make_run(gateway={"args": ["--listen=:8080", "--latency=1ms"]}, load=starved))
    message = spoiled(lab, "GeneratorSaturated")
    assert "%" in message
    assert not [one for one in lab.status("run").get("warnings", []) if one.startswith("ThinkTimeBound")]


@pytest.mark.measures
@pytest.mark.fault(18)
def test_failed_requests_are_judged_by_the_objectives_not_by_an_exit_code(lab: Lab) -> None:
    failing = {"args": ["--listen=:8080", "--latency=100ms", "--error-ratio=0.3"]}
    lab.apply(make_run(gateway=failing))
    status = lab.until_complete("run")
    assert lab.condition("run", "Valid")[0] == "True"
    assert lab.condition("run", "Passed")[:2] == ("False", "ObjectivesFailed")
    assert 0.2 < status["summary"]["errorRatio"] < 0.4
    added = [o for o in status["objectives"] if o["metric"] == "errorRatio"]
    assert added[0]["outcome"] == "Fail"


@pytest.mark.measures
@pytest.mark.fault(18)
def test_failed_requests_within_the_bound_pass(lab: Lab) -> None:
    failing = {"args": ["--listen=:8080", "--latency=100ms", "--error-ratio=0.3"]}
    lab.apply(make_run(gateway=failing, objectives=[{"metric": "errorRatio", "failAbove": "50%"}]))
    lab.until_condition("run", "Succeeded", "True")


@pytest.mark.fault(19)
def test_a_run_that_sends_nothing_has_no_numbers(lab: Lab) -> None:
    silent = """
from locust import User, constant, task
class Silent(User):
    wait_time = constant(1)
    @task
    def nothing(self):
        pass
"""
    lab.apply(script("script", silent), scripted())
    spoiled(lab, "NoTraffic")


@pytest.mark.fault(30)
@pytest.mark.parametrize("step", ["Starting", "Joining", "Measuring"])
def test_a_deleted_run_takes_its_children_with_it(lab: Lab, step: str) -> None:
    lab.apply(make_run(**LONG))
    if step == "Measuring":
        lab.until_step("run", "Measuring")
    else:
        lab.until("pods", lambda: lab.children("run"))
        if step == "Joining":
            lab.until_condition("run", "GatewayReady", "True")
    uid = lab.run("run")["metadata"]["uid"]
    lab.kubectl("delete", "brun", "run", "--timeout=30s")
    lab.until("no children", lambda: lab.gone(uid), 60)


@pytest.mark.fault(30)
def test_a_namespace_that_is_deleted_goes_within_a_minute(lab: Lab) -> None:
    lab.apply(make_run(**LONG))
    lab.until_step("run", "Measuring")
    lab.kubectl("delete", "namespace", lab.namespace, "--timeout=60s")


def test_a_cancelled_run_keeps_what_was_measured_and_does_not_succeed(lab: Lab) -> None:
    lab.apply(make_run(**LONG))
    lab.until_step("run", "Measuring")
    lab.kubectl("patch", "brun", "run", "--type=merge", "-p", '{"spec":{"cancel":true}}')
    status = lab.until_complete("run", 60)
    assert lab.condition("run", "Complete")[1] == "Cancelled"
    assert lab.condition("run", "Succeeded")[:2] == ("False", "Cancelled")
    assert lab.condition("run", "Valid")[:2] == ("Unknown", "NotMeasured")
    assert "summary" not in status
    assert lab.result("run")["load"]["outcome"] == "Stopped"
