"""What can be seen of runs whatever they measure: examples as they are, refusals, bounds, a time to live."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest
import yaml

import refusals
from cluster import lab as labs
from cluster.conftest import make_run
from cluster.lab import Lab
from gatebench.api import API_VERSION, KIND


@pytest.mark.parametrize("path", list(labs.examples("*.yaml")), ids=lambda path: path.stem)
def test_every_example_is_accepted_as_it_is(lab: Lab, path: pathlib.Path) -> None:
    lab.kubectl("apply", "--dry-run=server", "-f", str(path))


def test_specs_that_are_right_are_taken(lab: Lab) -> None:
    runs = [_run(spec, name) for name, spec in refusals.TAKEN.items()]
    lab.kubectl("apply", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump_all(runs))


def test_specs_that_are_wrong_are_refused_with_the_reason(lab: Lab) -> None:
    for case, (spec, words) in refusals.REFUSED.items():
        assert words in lab.refused(_run(spec, case)), case


def _run(spec: dict[str, Any], name: str) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": spec}


def test_a_run_by_url_claims_no_isolation(lab: Lab) -> None:
    lab.apply(make_run(gateway={"url": "http://not-allowed.example:80", "image": None, "args": None}))
    lab.until_condition("run", "Accepted", "False", "TargetNotAllowed")
    lab.until_condition("run", "Succeeded", "False", "TargetNotAllowed")


def test_status_and_result_stay_within_their_bounds(lab: Lab) -> None:
    stages = [{"name": f"s{i}", "duration": "1s", "users": 5} for i in range(20)]
    lab.apply(make_run(load={"stages": stages, "warmUp": "0s"}))
    lab.until_condition("run", "Complete", "True")
    run = lab.run("run")
    assert len(json.dumps(run["status"], separators=(",", ":"))) <= 8192
    config_map = lab.get("configmap", run["status"]["artifacts"]["result"])
    assert len(yaml.safe_dump(config_map)) < 1_048_576


def test_a_time_to_live_deletes_the_run(lab: Lab) -> None:
    lab.apply(make_run(ttlSecondsAfterFinished=1, load={"stages": [{"duration": "2s", "users": 5}]}))
    uid = lab.run("run")["metadata"]["uid"]
    lab.until("the run is gone", lambda: lab.get("brun", "run") is None, 120)
    lab.until("its children are gone", lambda: lab.gone(uid), 60)


@pytest.mark.fault(32)
def test_a_gateway_that_wants_root_is_denied_there_and_the_run_says_so(lab: Lab) -> None:
    lab.kubectl("label", "namespace", lab.namespace, "pod-security.kubernetes.io/enforce=restricted")
    lab.apply(make_run(gateway={"runAsUser": 0}))
    message = lab.until_condition("run", "GatewayReady", "Unknown", "PodSecurityViolation")
    assert "restricted" in message
    lab.until_condition("run", "Succeeded", "False", "PodSecurityViolation")
    assert lab.list("pods", "app.kubernetes.io/component=gateway") == []
