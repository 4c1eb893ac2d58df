"""What goes wrong before the load: scripts, images, nodes, workers. Nothing is sent; each ends by its deadline."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cluster import lab as labs
from cluster.conftest import make_run
from cluster.lab import Lab
from gatebench.plan import names


def script(name: str, text: str) -> dict[str, Any]:
    """A ConfigMap with a locustfile."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": {"locustfile.py": text},
    }


def scripted(name: str = "run", **changes: Any) -> dict[str, Any]:
    """A run with the locustfile of ConfigMap `script`."""
    workload = {"requests": None, "locustfile": {"configMap": {"name": "script"}}}
    return make_run(name, workload=workload, **changes)


GOOD = """
from locust import FastHttpUser, constant, task
class User(FastHttpUser):
    wait_time = constant(0.1)
    @task
    def models(self):
        self.client.get("/v1/models")
"""


def sent_nothing(lab: Lab, name: str) -> bool:
    """Whether the run never started its load."""
    return "startedAt" not in lab.status(name)


@pytest.mark.fault(4)
def test_a_script_that_is_missing_is_waited_for_and_no_pod_is_made_before(lab: Lab) -> None:
    lab.apply(scripted())
    message = lab.until_condition("run", "Accepted", "Unknown", "ScriptNotFound")
    assert "script" in message
    assert lab.list("pods") == []
    lab.until_condition("run", "Accepted", "False", "ScriptNotFound")
    assert lab.until_complete("run")["step"] in ("Done", "CleaningUp")
    assert lab.condition("run", "Succeeded")[:2] == ("False", "ScriptNotFound")
    assert lab.list("pods") == []


@pytest.mark.fault(4)
def test_a_script_that_comes_late_is_taken_and_one_deleted_later_is_noticed(lab: Lab) -> None:
    lab.apply(scripted(gateway={"nodeSelector": {"nowhere": "true"}}))
    lab.until_condition("run", "Accepted", "Unknown", "ScriptNotFound")
    lab.apply(script("script", GOOD))
    lab.until_condition("run", "Accepted", "True")
    lab.kubectl("delete", "configmap", "script")
    lab.until_condition("run", "Accepted", "Unknown", "ScriptNotFound")
    lab.until_condition("run", "Succeeded", "False", "ScriptNotFound")


@pytest.mark.fault(5)
def test_a_syntax_error_in_a_locustfile_is_shown_with_its_traceback(lab: Lab) -> None:
    lab.apply(script("script", "from locust import task\ndef broken(:\n    pass\n"), scripted())
    message = lab.until_condition("run", "FleetReady", "False", "ScriptInvalid")
    assert "SyntaxError" in message
    assert len(message) <= 1300
    assert sent_nothing(lab, "run")
    lab.until_condition("run", "Succeeded", "False", "ScriptInvalid")


@pytest.mark.fault(7)
def test_an_image_that_cannot_be_pulled_ends_the_run_and_names_the_container(lab: Lab) -> None:
    lab.apply(make_run(gateway={"image": "localhost/gatebench/no-such-image:1"}))
    lab.until_condition("run", "GatewayReady", "Unknown", "ImagePullFailed")
    message = lab.until_condition("run", "GatewayReady", "False", "ImagePullFailed")
    assert "container gateway" in message
    lab.until_condition("run", "Succeeded", "False", "ImagePullFailed")
    assert sent_nothing(lab, "run")


@pytest.mark.fault(8)
def test_a_selector_that_no_node_has_shows_the_schedulers_message(lab: Lab) -> None:
    lab.apply(make_run(gateway={"nodeSelector": {"nowhere": "true"}}))
    message = lab.until_condition("run", "GatewayReady", "Unknown", "Unschedulable")
    assert "nodes are available" in message
    lab.until_condition("run", "Succeeded", "False", "ScheduleTimeout")


@pytest.mark.fault(8)
@pytest.mark.parametrize("changes", [{"cpus": 64}, {"nodeSelector": {"nowhere": "true"}}, {"memory": "900Gi"}])
def test_no_node_that_fits_is_said_before_any_pod_is_made(lab: Lab, changes: dict[str, Any]) -> None:
    lab.apply(make_run(gateway={"isolation": "Required", **changes}))
    message = lab.until_condition("run", "GatewayReady", "Unknown", "Unschedulable")
    assert "node0" in message
    lab.until_condition("run", "Succeeded", "False", "ScheduleTimeout")
    assert lab.list("pods") == []


@pytest.mark.fault(13)
def test_a_gateway_that_ends_at_once_is_named_with_its_exit(lab: Lab) -> None:
    lab.apply(make_run(gateway={"args": ["--listen=:8080", "--no-such-flag"]}))
    message = lab.until_condition("run", "GatewayReady", "False", "GatewayFailed")
    assert "exit code 2" in message
    lab.until_condition("run", "Succeeded", "False", "GatewayFailed")
    assert "summary" not in lab.status("run")


@pytest.mark.fault(13)
def test_a_gateway_that_is_never_ready_ends_the_run_by_its_timeout(lab: Lab) -> None:
    lab.apply(make_run(gateway={"readiness": {"path": "/no-such-path", "timeout": "12s"}}))
    message = lab.until_condition("run", "GatewayReady", "False", "GatewayFailed")
    assert "/no-such-path" in message
    lab.until_condition("run", "Succeeded", "False", "GatewayFailed")


@pytest.mark.fault(15)
def test_workers_that_never_connect_end_the_run_with_how_many_did(lab: Lab) -> None:
    lazy = "import sys, time\nif '--worker' in sys.argv:\n    time.sleep(3600)\n" + GOOD
    lab.apply(script("script", lazy), scripted())
    message = lab.until_condition("run", "FleetReady", "False", "WorkersTimeout")
    assert "0 of 2 workers" in message
    lab.until_condition("run", "Succeeded", "False", "WorkersTimeout")
    assert sent_nothing(lab, "run")


FOREIGN: dict[str, dict[str, Any]] = {
    "Service": {"apiVersion": "v1", "spec": {"ports": [{"port": 1}]}},
    "ConfigMap": {"apiVersion": "v1", "data": {"mine": "yes"}},
    "NetworkPolicy": {"apiVersion": "networking.k8s.io/v1", "spec": {"podSelector": {"matchLabels": {"mine": "yes"}}}},
    "Pod": {
        "apiVersion": "v1",
        "spec": {"nodeSelector": {"nowhere": "true"}, "containers": [{"name": "mine", "image": labs.MOCK}]},
    },
}


@pytest.fixture
def injected(lab: Lab) -> Iterator[None]:
    """A mesh, as far as a pod can tell: each gateway of the namespace is given a sidecar."""
    component = "app.kubernetes.io/component"
    policy = {
        "matchConstraints": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": lab.namespace}},
            "resourceRules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
            ],
        },
        "matchConditions": [
            {"name": "gateway", "expression": f"object.metadata.labels[?'{component}'].orValue('') == 'gateway'"}
        ],
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "mutations": [
            {
                "patchType": "JSONPatch",
                "jsonPatch": {
                    "expression": '[JSONPatch{op: "add", path: "/spec/containers/-", value: Object.spec.containers{'
                    f'name: "mesh", image: "{labs.MOCK}", args: ["--listen=:9090"]'
                    "}}]"
                },
            }
        ],
    }
    name, group = f"mesh-{lab.namespace}", "admissionregistration.k8s.io/v1beta1"
    kinds = {"MutatingAdmissionPolicy": policy, "MutatingAdmissionPolicyBinding": {"policyName": name}}
    for kind, spec in kinds.items():
        lab.apply({"apiVersion": group, "kind": kind, "metadata": {"name": name}, "spec": spec})

    def takes_effect() -> bool:
        """The API server learns of a policy a moment later."""
        labels = {component: "gateway"}
        container = {"name": "one", "image": labs.MOCK}
        meta, spec = {"name": "trial", "labels": labels}, {"containers": [container]}
        trial = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
        made = lab.kubectl(
            "create", "--dry-run=server", "-o", "jsonpath={.spec.containers[*].name}", "-f", "-",
            stdin=json.dumps(trial),
        )  # fmt: skip
        return "mesh" in made.split()

    try:
        lab.until("the policy is in force", takes_effect, 30)
        yield
    finally:
        for kind in kinds:
            lab.kubectl("delete", kind.lower(), name)


@pytest.mark.fault(11)
@pytest.mark.usefixtures("injected")
def test_an_injected_sidecar_takes_the_isolation_away_and_is_named(lab: Lab) -> None:
    lab.apply(make_run(gateway={"isolation": "Required"}))
    message = lab.until_condition("run", "Valid", "False", "QoSNotGuaranteed")
    assert "mesh" in message
    lab.until_condition("run", "Succeeded", "False", "QoSNotGuaranteed")
    assert lab.condition("run", "Isolated")[:2] == ("False", "QoSNotGuaranteed")
    assert sent_nothing(lab, "run")


@pytest.mark.fault(28)
@pytest.mark.parametrize("kind", sorted(FOREIGN))
def test_a_foreign_object_under_a_childs_name_is_left_alone(lab: Lab, kind: str) -> None:
    # Held by a script that is not there yet, so that the children's names can be taken before they are made.
    lab.apply(scripted())
    lab.until_condition("run", "Accepted", "Unknown", "ScriptNotFound")
    child = names.of("run", lab.run("run")["metadata"]["uid"])
    name = child.plan if kind == "ConfigMap" else child.master
    foreign = {**FOREIGN[kind], "kind": kind, "metadata": {"name": name, "labels": {"mine": "yes"}}}
    lab.apply(foreign, script("script", GOOD))
    message = lab.until_condition("run", "Accepted", "False", "NameConflict")
    assert name in message
    lab.until_condition("run", "Succeeded", "False", "NameConflict")
    lab.until("tidy", lambda: lab.status("run")["step"] == "Done")
    plural = {"NetworkPolicy": "networkpolicies"}.get(kind, kind.lower())
    left = lab.get(plural, name)
    assert left is not None
    assert left["metadata"]["labels"] == {"mine": "yes"}
    assert "ownerReferences" not in left["metadata"]
    assert "deletionTimestamp" not in left["metadata"]


@pytest.mark.measures
@pytest.mark.fault(29)
def test_a_child_deleted_before_the_load_is_made_again_with_an_event(lab: Lab) -> None:
    lab.apply(make_run(suspend=True))
    lab.until_step("run", "Suspended")
    victim = lab.pod("run", "worker")
    lab.kubectl("delete", "pod", victim["metadata"]["name"], "--grace-period=0", "--force")

    def again() -> bool:
        pod = lab.get("pod", victim["metadata"]["name"])
        return pod is not None and pod["metadata"]["uid"] != victim["metadata"]["uid"]

    lab.until("the worker again", again)
    lab.until("an event", lambda: any(e["reason"] == "ChildRecreated" for e in lab.events("run")))
    lab.kubectl("patch", "brun", "run", "--type=merge", "-p", '{"spec":{"suspend":false}}')
    lab.until_condition("run", "Succeeded", "True")


@pytest.mark.fault(28)
def test_a_child_that_is_deleted_again_is_counted_in_its_event(lab: Lab) -> None:
    lab.apply(make_run(suspend=True))
    lab.until_step("run", "Suspended")
    name = lab.children("run", "services")[0]["metadata"]["name"]
    seen = {_uid(lab, name)}
    for times in (2, 3):
        lab.kubectl("delete", "service", name)
        lab.until("it is made again", lambda: _uid(lab, name) not in {None, *seen})
        seen.add(_uid(lab, name))
        assert len(seen) == times
    counts = [event["count"] for event in lab.events("run") if event["reason"] == "ChildRecreated"]
    assert counts == [2]


def _uid(lab: Lab, service: str) -> str | None:
    found = lab.get("service", service)
    return None if found is None else str(found["metadata"]["uid"])
