"""The rules of the CRD refuse what they are to refuse, and nothing else, evaluated as the API server does."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

import refusals
import yamlfile
from gatebench.api import COMPARISON_KIND, crd
from gatebench.api.run import BenchmarkRunSpec
from unit.api import cel

ROOT = pathlib.Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
DEFINITIONS = sorted((ROOT / "crds").glob("*.yaml"))
SCHEMA = crd.benchmark_run()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]


def rules(schema: Mapping[str, Any]) -> Iterator[Mapping[str, str]]:
    yield from schema.get("x-kubernetes-validations") or ()
    for part in [*(schema.get("properties") or {}).values(), schema.get("items"), schema.get("additionalProperties")]:
        if isinstance(part, Mapping):
            yield from rules(part)


@pytest.mark.parametrize("case", refusals.TAKEN)
def test_what_is_allowed_is_taken(case: str) -> None:
    assert cel.problems(SCHEMA, refusals.TAKEN[case]) == []
    BenchmarkRunSpec.model_validate(refusals.TAKEN[case])


@pytest.mark.parametrize("case", refusals.REFUSED)
def test_what_is_not_is_refused_with_the_reason(case: str) -> None:
    spec, words = refusals.REFUSED[case]
    found = cel.problems(SCHEMA, spec)
    assert any(words in message for message in found), found
    BenchmarkRunSpec.model_validate(spec)  # so that it is the rule that refuses


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_keep_the_rules(path: pathlib.Path) -> None:
    for document in yamlfile.documents(path):
        if document["kind"] == "BenchmarkRun":
            assert cel.problems(SCHEMA, document["spec"]) == []


@pytest.mark.parametrize("section", ["load", "workload"])
def test_every_rule_of_load_and_workload_refuses_something(section: str) -> None:
    seen = {message for spec, _ in refusals.REFUSED.values() for message in cel.problems(SCHEMA, spec)}
    own = {rule["message"] for rule in SCHEMA["properties"][section].get("x-kubernetes-validations")}
    elsewhere = {"set exactly one of requests, scenario and locustfile", "names of requests must differ"}
    assert own - seen - elsewhere == set()


def test_every_rule_can_be_evaluated() -> None:
    found = [rule["rule"] for rule in rules(SCHEMA) if "oldSelf" not in rule["rule"]]
    assert len(found) > 40
    for text in found:
        cel.Expression(text)


@pytest.mark.parametrize(
    ("rule", "value", "holds"),
    [
        ("self.a == 1 || self.b", {"a": 1}, True),
        ("has(self.a.b) && self.a.b.size() == 2", {"a": {"b": [1, 2]}}, True),
        ("has(self.a.b)", {"a": {}}, False),
        ("self.x.exists_one(i, i > 2 && i < 4)", {"x": [1, 2, 3, 3]}, False),
        ("!(self.x.all(i, i in [1, 2]) ? true : false)", {"x": [1, 2]}, False),
        ("duration(self.a) + duration('30s') <= duration('1m')", {"a": "30s"}, True),
        ("self.a.matches('^[0-9]+\\\\.$') && self.a.startsWith('1')", {"a": "12."}, True),
        ("[has(self.a), has(self.b)].filter(x, x).size() == 1", {"a": 0, "b": 0}, False),
    ],
)
def test_the_evaluator(rule: str, value: Any, holds: bool) -> None:
    assert cel.Expression(rule).holds(value) is holds


def undescribed(schema: Mapping[str, Any], described: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The fields below `schema`, at every depth, that neither it nor its twin `described` has a description of."""
    for name, part in (schema.get("properties") or {}).items():
        twin = (described.get("properties") or {}).get(name) or {}
        if not (part.get("description", "").strip() or twin.get("description", "").strip()):
            yield f"{path}.{name}"
        yield from undescribed(part, twin, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(part := schema.get(key), Mapping):
            yield from undescribed(part, described.get(key) or {}, f"{path}[]")


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.stem.partition("_")[2])
def test_every_field_is_described(path: pathlib.Path) -> None:
    [definition] = yamlfile.documents(path)
    for version in definition["spec"]["versions"]:
        whole = version["schema"]["openAPIV3Schema"]
        del whole["properties"]["metadata"]  # Kubernetes' own
        spec = whole["properties"]["spec"]["properties"]
        if definition["spec"]["names"]["kind"] == COMPARISON_KIND:
            # An overlay has the template's fields, which are described there and not a second time.
            overlay = spec["variants"]["items"]["properties"]["overlay"]
            assert list(undescribed({"properties": overlay.pop("properties")}, spec["template"], ".overlay")) == []
        assert list(undescribed(whole, whole)) == []


def test_a_field_without_a_description_is_found() -> None:
    schema = {"properties": {"a": {"items": {"properties": {"b": {"description": " "}}}, "description": "A."}}}
    assert list(undescribed(schema, schema)) == [".a[].b"]
    assert (
        list(undescribed(schema, {"properties": {"a": {"items": {"properties": {"b": {"description": "B."}}}}}})) == []
    )
