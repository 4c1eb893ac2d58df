"""Bad input is refused by the API server, naming the field; names of any form give distinct children."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from cluster.conftest import make_run, merge
from cluster.lab import Lab


@pytest.mark.fault(1)
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"gateway": {"cpus": 0}}, "spec.gateway.cpus"),
        ({"gateway": {"cpus": 1.5}}, "spec.gateway.cpus"),
        ({"gateway": {"cpus": 100_000}}, "spec.gateway.cpus"),
        ({"load": {"workers": 0}}, "spec.load.workers"),
        ({"load": {"stages": [{"duration": "-5s", "users": 1}]}}, "spec.load.stages[0].duration"),
        ({"load": {"stages": [{"duration": "9000h", "users": 1}]}}, "spec.load.stages[0].duration"),
        ({"load": {"stages": [{"duration": "5 minutes", "users": 1}]}}, "spec.load.stages[0].duration"),
        ({"load": {"stages": []}}, "spec.load.stages"),
        ({"gateway": {"memory": "lots"}}, "spec.gateway.memory"),
        ({"gateway": {"url": "http://x.example:80"}}, "spec.gateway"),
        ({"workload": {"scenario": "gateway-mix"}}, "spec.workload"),
        ({"gateway": {"hostNetwork": True}}, "hostNetwork"),
        ({"load": {"users": 5}}, "users"),
        ({"objectives": [{"metric": "latency.p42", "failAbove": "1s"}]}, "spec.objectives[0].metric"),
        ({"objectives": [{"metric": "throughput", "failAbove": 5, "failBelow": 1}]}, "spec.objectives[0]"),
    ],
)
def test_a_bad_field_is_refused_by_name(lab: Lab, changes: dict[str, Any], field: str) -> None:
    assert field in lab.refused(make_run(**changes))


@pytest.mark.fault(2)
def test_the_spec_is_immutable_but_for_three_fields(lab: Lab) -> None:
    base = make_run(
        gateway={"nodeSelector": {"nowhere": "true"}},
        workload={"requests": [{"name": "chat", "body": '{"n": 1}'}]},
    )
    lab.apply(base)
    changed = [
        {"gateway": {"cpus": 2}},  # changed
        {"gateway": {"env": [{"name": "A", "value": "b"}]}},  # added, inside
        {"upstream": {"mock": {"latency": "10ms"}}},  # added
        {"objectives": [{"metric": "throughput", "failBelow": 5}]},  # added
        {"metrics": {"queries": [{"name": "q", "promql": "up"}]}},  # added
        {"activeDeadlineSeconds": 600},  # added
        {"cleanup": "Never"},  # a default changed
        {"gateway": {"nodeSelector": None}},  # removed, inside
        {"workload": {"requests": [{"name": "chat", "body": '{"n": 2}'}]}},  # deep in a free-form field
        {"workload": {"requests": [{"name": "chat"}]}},  # removed, deep
        {"load": {"stages": [{"duration": "9s", "users": 20}]}},
    ]
    for changes in changed:
        run = make_run(gateway={"nodeSelector": {"nowhere": "true"}}, workload=base["spec"]["workload"])
        merge(run["spec"], changes)
        patch = [{"op": "replace", "path": "/spec", "value": run["spec"]}]
        out = lab.kubectl("patch", "brun", "run", "--type=json", "-p", json.dumps(patch), check=False)
        assert "spec is immutable" in out, f"{changes}: {out}"
    for field, value in (("suspend", "true"), ("ttlSecondsAfterFinished", "600"), ("cancel", "true")):
        lab.kubectl("patch", "brun", "run", "--type=merge", "-p", f'{{"spec":{{"{field}":{value}}}}}')


@pytest.mark.fault(3)
def test_names_of_every_form_give_distinct_children(lab: Lab) -> None:
    long = "a" * 100 + "." + "b" * 100 + "." + "c" * 51
    names = ["with.dots", "with-dots", "9starts-with-a-digit", long]
    for name in names:
        lab.apply(make_run(name, gateway={"nodeSelector": {"nowhere": "true"}}))
    generated = make_run("x", gateway={"nodeSelector": {"nowhere": "true"}})
    generated["metadata"] = {"generateName": "made-"}
    lab.kubectl("create", "-f", "-", stdin=yaml.safe_dump(generated))
    expected = 4 * (len(names) + 1)  # gateway, master and two workers each

    def pods() -> list[str] | None:
        found = [pod["metadata"]["name"] for pod in lab.list("pods")]
        return found if len(found) == expected else None

    made = lab.until("all pods", pods, 60)
    assert len(set(made)) == expected
    assert all(len(name) <= 63 for name in made)
    before = {pod["metadata"]["uid"] for pod in lab.list("pods")}
    lab.until_condition("with.dots", "GatewayReady", "Unknown", "Unschedulable")
    assert {pod["metadata"]["uid"] for pod in lab.list("pods")} == before, "children were made again"
