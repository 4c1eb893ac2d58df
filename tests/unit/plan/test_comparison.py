"""Overlays, and the runs that a comparison makes of them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatebench.api.run import BenchmarkRunSpec, active_deadline
from gatebench.plan import comparison as plan
from gatebench.plan import names
from unit.decide.comparisons import comparison

JSON = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=12,
)
OBJECT = st.dictionaries(st.sampled_from("abcd"), JSON, max_size=4)


@pytest.mark.parametrize(
    ("base", "overlay", "merged"),
    [
        ({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"c": 4}}, {"a": 1, "b": {"c": 4, "d": 3}}),
        ({"a": 1, "b": {"c": 2}}, {"b": None}, {"a": 1}),
        ({"a": {"b": 1}}, {"a": {"b": None, "c": 2}}, {"a": {"c": 2}}),
        ({}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
        ({"args": ["a", "b"]}, {"args": ["c"]}, {"args": ["c"]}),
        ({"n": [{"name": "x", "v": 1, "w": 2}, {"name": "y", "v": 3}]},
         {"n": [{"name": "z", "v": 5}, {"name": "x", "v": 4}]},
         {"n": [{"name": "x", "v": 4, "w": 2}, {"name": "y", "v": 3}, {"name": "z", "v": 5}]}),
        ({"files": [{"mountPath": "/a", "configMap": {"name": "c"}}]},
         {"files": [{"mountPath": "/a", "configMap": {"name": "d"}}]},
         {"files": [{"mountPath": "/a", "configMap": {"name": "d"}}]}),
        ({"stages": [{"duration": "1s"}]}, {"stages": [{"name": "x"}]}, {"stages": [{"name": "x"}]}),
        ({"n": [{"name": "x"}]}, {"n": []}, {"n": [{"name": "x"}]}),
    ],
)  # fmt: skip
def test_an_overlay_is_laid_over_the_template(base: Any, overlay: Any, merged: Any) -> None:
    assert plan.merge(base, overlay) == merged


@given(OBJECT, OBJECT)
def test_a_merge_changes_neither_side_and_is_stable(base: dict[str, Any], overlay: dict[str, Any]) -> None:
    before = copy.deepcopy((base, overlay))
    merged = plan.merge(base, overlay)
    assert (base, overlay) == before
    assert plan.merge(merged, overlay) == merged, "laid over twice it is the same"
    assert plan.merge(base, {}) == base


def test_a_run_is_the_template_with_the_overlay_and_is_the_comparisons() -> None:
    given = comparison()
    off, on = (plan.run(given, slot) for slot in given.slots[:2])
    assert "args" not in off["spec"]["gateway"]
    assert on["spec"]["gateway"]["args"] == ["--on"]
    for run in (off, on):
        BenchmarkRunSpec.model_validate(run["spec"])
        assert run["spec"]["cleanup"] == "Always"
        assert names.is_owned(run["metadata"], given.uid)
        assert run["metadata"]["labels"][names.COMPARISON_LABEL] == given.uid
    assert {k: v for k, v in on["spec"]["gateway"].items() if k != "args"} == off["spec"]["gateway"]


def test_a_pinned_run_keeps_its_own_node_selector() -> None:
    template = {**comparison().spec.template, "gateway": {"image": "g:1", "nodeSelector": {"pool": "bench"}}}
    given = comparison(template=template)
    run = plan.run(given, given.slots[0], "node0")
    assert run["spec"]["gateway"]["nodeSelector"] == {"pool": "bench", "kubernetes.io/hostname": "node0"}
    url = comparison(template={**template, "gateway": {"url": "http://gateway.example"}})
    assert "nodeSelector" not in plan.run(url, url.slots[0], "node0")["spec"]["gateway"]


@given(st.text(st.characters(categories=("Ll", "Nd"), include_characters="-."), min_size=1, max_size=253))
def test_names_of_runs_are_labels_and_none_is_shared(name: str) -> None:
    one, other = names.of_comparison(name, "uid-1"), names.of_comparison(name, "uid-2")
    run = one.run(20, "v" * 20)
    assert len(run) <= 63
    assert run[0].isalpha()
    assert run != other.run(20, "v" * 20)
    assert one.run(1, "a") != one.run(1, "b") != one.run(2, "b")


@pytest.mark.parametrize(
    ("gateway", "isolated"),
    [({"image": "g"}, True), ({"image": "g", "isolation": "None"}, False), ({"url": "http://g.example"}, False)],
)
def test_which_runs_take_a_node(gateway: dict[str, Any], isolated: bool) -> None:
    given = comparison(template={**comparison().spec.template, "gateway": gateway})
    assert plan.isolated(given, "on") is isolated


SECRET = {"X": {"secretKeyRef": {"name": "s", "key": "k"}}}
LITTLE = {
    "gateway": {"image": "gw:1", "cpus": 1},
    "workload": {"requests": [{"name": "chat"}]},
    "load": {"stages": [{"duration": "10s", "users": 1}], "workers": 2},
}


@pytest.mark.parametrize(
    "overlay",
    [
        {"gateway": {"args": ["--on"], "image": "other:2"}},
        {"upstream": {"mock": {"latency": "10ms"}}},
        {"load": {"stages": [{"duration": "20s", "users": 5}]}},
        {"workload": {"requests": [{"name": "other", "promptTokens": 9}]}},
    ],
)
def test_one_fleet_serves_variants_whose_fleets_differ_in_their_plans_alone(overlay: dict[str, Any]) -> None:
    given = comparison(template=LITTLE, variants=[{"name": "off"}, {"name": "on", "overlay": overlay}])
    assert given.lending.why_not == ""
    seconds = given.lending.seconds
    assert seconds is not None
    runs = [plan.run(given, slot) for slot in given.slots]
    assert {run["metadata"]["annotations"][names.LENT_ANNOTATION] for run in runs} == {str(seconds)}
    each = max(active_deadline(BenchmarkRunSpec.model_validate(run["spec"])) for run in runs)
    assert len(runs) * each < seconds <= names.MAX_LENT_SECONDS


@pytest.mark.parametrize(
    "overlay",
    [
        {"load": {"workers": 3}},
        {"load": {"engine": "Go"}},
        {"load": {"env": [{"name": "A", "value": "1"}]}},
        {"load": {"workerResources": {"cpu": "100m"}}},
        {"load": {"nodeSelector": {"pool": "load"}}},
        {"workload": {"requests": None, "locustfile": {"configMap": {"name": "script", "key": "locustfile.py"}}}},
        {"workload": {"ca": {"configMap": {"name": "ca", "key": "ca.crt"}}}},
        {"workload": {"requests": [{"name": "chat", "headersFrom": SECRET}]}},
    ],
)  # fmt: skip
def test_variants_whose_fleets_have_other_pods_have_one_each(overlay: dict[str, Any]) -> None:
    template = {**LITTLE, "load": {**LITTLE["load"], "engine": "Locust"}}
    given = comparison(template=template, variants=[{"name": "off"}, {"name": "on", "overlay": overlay}])
    assert given.lending.seconds is None
    assert "the pods of their fleets differ" in given.lending.why_not
    assert "annotations" not in plan.run(given, given.slots[0])["metadata"]


def test_a_variant_that_is_no_run_has_no_part_in_a_fleet() -> None:
    given = comparison(variants=[{"name": "off"}, {"name": "on", "overlay": {"load": {"workers": 0}}}])
    assert given.lending.seconds is None
    assert "not valid" in given.lending.why_not
