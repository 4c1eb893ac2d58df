"""The definition of a comparison: a template and overlays of a run, its rules, and its size."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

import yamlfile
from gatebench.api import COMPARISON_KIND, crd
from gatebench.api.comparison import OWN_FIELDS, BenchmarkComparisonSpec
from gatebench.api.run import BenchmarkRunSpec
from gatebench.plan.comparison import merge
from unit.api import cel

EXAMPLES = sorted((pathlib.Path(__file__).parents[3] / "examples").glob("*.yaml"))
DEFINITION = crd.benchmark_comparison()
SPEC = DEFINITION["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
TEMPLATE = SPEC["properties"]["template"]
RUN = crd.benchmark_run()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
OVERLAY = SPEC["properties"]["variants"]["items"]["properties"]["overlay"]
# The API server keeps what a client-side apply sent in an annotation of at most this size.
ANNOTATION_BYTES = 262_144


def parts(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield schema
    for part in [*(schema.get("properties") or {}).values(), schema.get("items"), schema.get("additionalProperties")]:
        if isinstance(part, Mapping):
            yield from parts(part)


def spec(**fields: Any) -> dict[str, Any]:
    given = {"template": {"gateway": {"image": "g:1"}}, "variants": [{"name": "a"}, {"name": "b"}], **fields}
    BenchmarkComparisonSpec.model_validate(given)
    return given


def test_the_definition_can_be_applied_from_a_client() -> None:
    assert len(crd.render(DEFINITION)) < ANNOTATION_BYTES * 0.6


def test_template_and_overlays_have_the_fields_of_a_run() -> None:
    own = {field.alias for field in BenchmarkRunSpec.model_fields.values()} - set(OWN_FIELDS)
    assert set(TEMPLATE["properties"]) == set(OVERLAY["properties"]) == own


@pytest.mark.parametrize("schema", [TEMPLATE, OVERLAY], ids=["template", "overlay"])
def test_a_part_of_a_run_is_not_held_to_what_a_whole_one_is(schema: Mapping[str, Any]) -> None:
    for part in parts(schema):
        assert not part.keys() & {"required", "default", "minItems", "x-kubernetes-validations"}
        assert "type" in part or "x-kubernetes-int-or-string" in part, "structural, so that unknown fields are refused"


def test_every_field_of_an_overlay_can_be_removed() -> None:
    for part in parts(OVERLAY):
        for field in (part.get("properties") or {}).values():
            assert field["nullable"] is True
            assert "enum" not in field, "null would be none of its values"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_keep_the_rules(path: pathlib.Path) -> None:
    for document in yamlfile.documents(path):
        if document["kind"] == COMPARISON_KIND:
            assert cel.problems(SPEC, document["spec"]) == []
            parsed = BenchmarkComparisonSpec.model_validate(document["spec"])
            for variant in parsed.variants:
                assert cel.problems(RUN, merge(parsed.template, variant.overlay)) == [], "as the server checks each run"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"variants": [{"name": "a"}, {"name": "a"}]}, "names of variants must differ"),
        ({"objectives": [{"metric": "throughput", "maxDelta": "2%", "between": ["a", "c"]}]}, "between must name two"),
        ({"objectives": [{"metric": "throughput", "maxDelta": "2%", "between": ["a", "a"]}]}, "between must name two"),
    ],
)
def test_what_makes_no_sense_is_refused(fields: dict[str, Any], words: str) -> None:
    assert any(words in problem for problem in cel.problems(SPEC, spec(**fields)))


def test_what_makes_sense_is_taken() -> None:
    objectives = [
        {"metric": "throughput", "maxDelta": "2%"},
        {"metric": "latency.p50", "maxDelta": "5ms", "between": ["b", "a"]},
    ]
    assert cel.problems(SPEC, spec(objectives=objectives, rounds=4, tolerances={"latency.p99": "10%"})) == []


def test_all_but_three_fields_are_immutable() -> None:
    rule = next(r["rule"] for r in SPEC["x-kubernetes-validations"] if "oldSelf" in r["rule"])
    for field in SPEC["properties"]:
        fixed = f"has(self.{field}) == has(oldSelf.{field}) && (!has(self.{field}) || self.{field} == oldSelf.{field})"
        assert (fixed in rule) == (field not in ("cancel", "suspend", "ttlSecondsAfterFinished")), field


@pytest.mark.parametrize("variants", [1, 9])
def test_there_are_two_to_eight_variants(variants: int) -> None:
    with pytest.raises(ValueError, match="variants"):
        spec(variants=[{"name": f"v{i}"} for i in range(variants)])
