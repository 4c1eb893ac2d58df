"""The operator dies, its Prometheus is away, two runs want one node: a run ends right all the same."""

from __future__ import annotations

import json
import time

import pytest

from cluster import lab as labs
from cluster.conftest import make_run
from cluster.lab import Lab

pytestmark = pytest.mark.measures

SYSTEM = Lab(labs.OPERATOR_NAMESPACE)
OPERATOR = "deployment/gatebench"


def uids(lab: Lab, name: str) -> dict[str, str]:
    """Pods of a run by name."""
    return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in lab.children(name)}


@pytest.mark.fault(24)
@pytest.mark.parametrize("step", ["Starting", "Joining", "Measuring", "Collecting"])
def test_a_killed_operator_goes_on_with_the_same_children(lab: Lab, step: str) -> None:
    lab.apply(make_run(cleanup="Never", load={"stages": [{"duration": "15s", "users": 20}]}))
    lab.until("all pods", lambda: len(uids(lab, "run")) == 4)
    if step == "Joining":
        lab.until_condition("run", "GatewayReady", "True")
    elif step in ("Measuring", "Collecting"):
        lab.until_step("run", step)
    before = uids(lab, "run")
    labs.kill_operator()
    status = lab.until_complete("run", 240)
    assert uids(lab, "run") == before
    assert lab.condition("run", "Succeeded")[0] == "True", lab.condition("run", "Succeeded")
    assert status["summary"]["windowSeconds"] == pytest.approx(15, abs=1.5)
    load = lab.result("run")["load"]
    assert load["outcome"] == "Finished"
    assert load["integrity"]["agree"] is True


@pytest.mark.fault(24)
def test_an_operator_that_was_down_for_the_whole_load_still_gets_the_result(lab: Lab) -> None:
    lab.apply(make_run(cleanup="Never"))
    lab.until_step("run", "WarmUp", "Measuring")
    before = uids(lab, "run")
    SYSTEM.kubectl("scale", OPERATOR, "--replicas=0")
    try:
        time.sleep(20)  # the load takes ten
    finally:
        SYSTEM.kubectl("scale", OPERATOR, "--replicas=1")
    back = time.time()
    lab.until_complete("run", 90)
    assert time.time() - back < 75
    assert uids(lab, "run") == before
    assert lab.condition("run", "Succeeded")[0] == "True"


@pytest.mark.fault(25)
def test_two_operators_at_once_make_one_set_of_children_and_one_load(lab: Lab) -> None:
    SYSTEM.kubectl("scale", OPERATOR, "--replicas=2")
    try:
        SYSTEM.kubectl("rollout", "status", OPERATOR, "--timeout=90s")
        assert len(labs.operator_pods()) == 2
        lab.apply(make_run(cleanup="Never"))
        lab.until_step("run", "Measuring")
        before = uids(lab, "run")
        lab.until_complete("run", 240)
    finally:
        SYSTEM.kubectl("scale", OPERATOR, "--replicas=1")
        SYSTEM.until("one operator is left", lambda: len(labs.operator_pods()) == 1)
    assert len(before) == 4
    assert uids(lab, "run") == before
    assert lab.condition("run", "Succeeded")[0] == "True", lab.condition("run", "Succeeded")
    assert lab.result("run")["load"]["integrity"]["agree"] is True
    assert not {"ChildRecreated", "NameConflict", "RunDisturbed"} & {event["reason"] for event in lab.events("run")}


@pytest.mark.fault(33)
def test_two_runs_that_want_one_node_run_one_after_the_other(lab: Lab) -> None:
    isolated = {"isolation": "Required"}  # which node0 alone is known to give: node1 is free, and is not taken
    short = {"stages": [{"duration": "5s", "users": 10}]}
    for name in ("first", "second"):
        lab.apply(make_run(name, gateway=isolated, load=short))
    lab.until("one is queued", lambda: {"Queued"} & {lab.status(n).get("step") for n in ("first", "second")})
    queued = next(n for n in ("first", "second") if lab.status(n).get("step") == "Queued")
    other = "second" if queued == "first" else "first"
    message = lab.condition(queued, "Accepted")[2]
    assert "node0" in message
    for name in (other, queued):
        status = lab.until_complete(name, 240)
        assert lab.condition(name, "Succeeded")[0] == "True", (name, status)
    assert lab.status(queued)["nodeAcquiredAt"] >= lab.status(other)["finishedAt"]


@pytest.mark.fault(33)
def test_a_gateway_has_its_node_when_another_runs_workers_have_gone(lab: Lab) -> None:
    """The scheduler itself would look again after five minutes only."""
    for number, node in enumerate(("node0", "node1")):
        where = {"isolation": "Preferred", "nodeSelector": {"kubernetes.io/hostname": node}}
        lab.apply(make_run(f"on-{node}", gateway=where, load={"stages": [{"duration": "20s", "users": 10}]}))
        if number == 0:
            lab.until_condition("on-node0", "FleetReady", "True")
    assert lab.pod("on-node0", "worker")["spec"]["nodeName"] == "node1", "its workers keep away from their own gateway"
    lab.until_condition("on-node1", "GatewayReady", "Unknown", "Unschedulable")
    assert "anti-affinity" in lab.condition("on-node1", "GatewayReady")[2]
    lab.until_complete("on-node0", 120)
    lab.until_complete("on-node1", 150)
    assert lab.condition("on-node1", "Succeeded")[0] == "True", lab.status("on-node1")
    assert any("waits for pods of another run" in event["message"] for event in lab.events("on-node1"))


@pytest.mark.fault(33)
def test_two_runs_of_one_target_run_one_after_the_other(lab: Lab) -> None:
    gone = dict.fromkeys(("image", "args", "isolation", "cpus", "memory"))
    for name in ("first", "second"):
        lab.apply(make_run(name, gateway={"url": "http://127.0.0.1:9", **gone}))
    lab.until("one is queued", lambda: {"Queued"} & {lab.status(n).get("step") for n in ("first", "second")})
    queued = next(n for n in ("first", "second") if lab.status(n).get("step") == "Queued")
    other = "second" if queued == "first" else "first"
    assert "127.0.0.1:9" in lab.condition(queued, "Accepted")[2]
    for name in (other, queued):
        lab.until_complete(name, 120)  # nothing listens there
    assert lab.status(queued)["startedAt"] >= lab.status(other)["finishedAt"]


@pytest.mark.fault(20)
def test_a_prometheus_that_is_away_leaves_the_verdict_unknown_not_wrong(lab: Lab) -> None:
    memory = [{"metric": "gateway.memory.end", "failAbove": "1Gi"}, {"metric": "query.up", "failBelow": 1}]
    lab.apply(
        make_run(
            load={"stages": [{"duration": "20s", "users": 20}]},
            objectives=memory,
            metrics={"queries": [{"name": "up", "promql": "vector(1)"}]},
        )
    )
    lab.until_step("run", "Measuring")
    SYSTEM.kubectl("scale", "deployment/gatebench-prometheus", "--replicas=0")
    try:
        lab.until_complete("run", 240)
    finally:
        SYSTEM.kubectl("scale", "deployment/gatebench-prometheus", "--replicas=1")
        SYSTEM.kubectl("rollout", "status", "deployment/gatebench-prometheus", "--timeout=60s")
    assert lab.condition("run", "Complete")[0] == "True"
    assert lab.condition("run", "Valid")[:2] == ("Unknown", "MetricsUnavailable")
    assert lab.condition("run", "Passed")[0] == "Unknown"
    assert lab.condition("run", "Succeeded")[0] == "False"
    assert "query.up" in lab.status("run")["missing"]


@pytest.mark.fault(21)
def test_a_query_without_an_answer_is_missing_and_its_objective_unknown(lab: Lab) -> None:
    queries = [
        {"name": "none", "promql": "no_such_series"},
        {"name": "nan", "promql": "vector(0) / 0"},
        {"name": "two", "promql": "label_replace(vector(1), 'a', 'b', '', '') or vector(2)"},
        {"name": "one", "promql": "vector(7)"},
        {"name": "scraped", "promql": 'max_over_time(up{namespace="$namespace",pod="$pod"}[$range])'},
    ]
    objectives = [{"metric": f"query.{query['name']}", "failAbove": 100} for query in queries]
    # Prometheus learns of a pod within 5 s, and scrapes it within 5 s of that: the shorter stages end sooner.
    load = {"stages": [{"duration": "15s", "users": 20}]}
    gateway = {"metricsPath": "/metrics"}
    lab.apply(make_run(gateway=gateway, load=load, metrics={"queries": queries}, objectives=objectives))
    status = lab.until_complete("run")
    outcomes = {o["metric"]: o for o in status["objectives"]}
    assert outcomes["query.one"]["outcome"] == "Pass"
    assert outcomes["query.one"]["value"] == 7
    assert outcomes["query.scraped"]["value"] == 1, "gateway.metricsPath is scraped while the gateway is measured"
    for name in ("none", "nan", "two"):
        assert outcomes[f"query.{name}"]["outcome"] == "Unknown", name
        assert "value" not in outcomes[f"query.{name}"]
        assert f"query.{name}" in status["missing"]
    assert lab.condition("run", "Passed")[0] == "Unknown"
    assert lab.condition("run", "Succeeded")[0] == "False"


@pytest.mark.fault(23)
def test_two_series_where_one_is_due_are_ambiguous(lab: Lab) -> None:
    queries = [{"name": "pods", "promql": 'kubelet_running_pods or up{job=~".+"}'}]
    lab.apply(make_run(metrics={"queries": queries}, objectives=[{"metric": "query.pods", "failAbove": 1}]))
    status = lab.until_complete("run")
    assert "AmbiguousQuery" in json.dumps(status["objectives"])
    assert lab.condition("run", "Passed")[0] == "Unknown"
