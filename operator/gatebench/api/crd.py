"""Generates the CustomResourceDefinitions from the types: structural schemas with descriptions and CEL rules.

Run as `python -m gatebench.api.crd [comparison]`; it prints the YAML that stands in crds/.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

import yaml
from pydantic import BaseModel

from gatebench.api import API_VERSION, COMPARISON_KIND, COMPARISON_PLURAL, GROUP, KIND, PLURAL, VERSION
from gatebench.api.comparison import OWN_FIELDS, BenchmarkComparisonSpec
from gatebench.api.comparisonstatus import BenchmarkComparisonStatus
from gatebench.api.quantities import seconds_text
from gatebench.api.run import BenchmarkRunSpec
from gatebench.api.status import BenchmarkRunStatus

_KEPT = (
    "type",
    "enum",
    "pattern",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "maxProperties",
    "default",
    "required",
    "x-kubernetes-validations",
    "x-kubernetes-int-or-string",
    "x-kubernetes-preserve-unknown-fields",
)

Columns = tuple[tuple[str, str, str], ...]
_COLUMNS: Columns = (
    ("Step", "string", ".status.step"),
    ("RPS", "string", ".status.summary.display.throughput"),
    ("P95", "string", ".status.summary.display.p95"),
    ("Valid", "string", '.status.conditions[?(@.type=="Valid")].status'),
    ("Passed", "string", '.status.conditions[?(@.type=="Passed")].status'),
    ("Age", "date", ".metadata.creationTimestamp"),
)
_COMPARISON_COLUMNS: Columns = (
    ("Step", "string", ".status.step"),
    ("Runs", "string", ".status.progress.display"),
    ("Variant", "string", ".status.progress.variant"),
    *_COLUMNS[-3:],
)
# What only a whole spec can be held to.
_WHOLE = ("required", "default", "minItems", "x-kubernetes-validations")


def structural(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A JSON schema of pydantic as the structural schema that Kubernetes wants: no $ref, no anyOf with null."""
    if "$ref" in schema:
        target = definitions[schema["$ref"].rsplit("/", 1)[-1]]
        schema = {**target, **{k: v for k, v in schema.items() if k != "$ref"}}
    if "anyOf" in schema:
        options = [option for option in schema["anyOf"] if option.get("type") != "null"]
        if len(options) != 1:
            raise ValueError(f"a union cannot be structural: {schema}")
        return structural({**options[0], **{k: v for k, v in schema.items() if k != "anyOf"}}, definitions)
    if "const" in schema:
        schema = {**schema, "enum": [schema["const"]], "type": "string"}
    out: dict[str, Any] = {}
    if description := schema.get("description"):
        out["description"] = " ".join(description.split())
    for key in _KEPT:
        if key in schema and not (key == "default" and schema[key] is None):
            out[key] = schema[key]
    if "default" in out:
        out["default"] = _default(schema, out["default"])
    if "properties" in schema:
        out["properties"] = {name: structural(part, definitions) for name, part in schema["properties"].items()}
    if "items" in schema:
        out["items"] = structural(schema["items"], definitions)
    if isinstance(schema.get("additionalProperties"), dict) and "properties" not in schema:
        out["additionalProperties"] = structural(schema["additionalProperties"], definitions)
    return out


def _default(schema: dict[str, Any], default: object) -> object:
    """Defaults as they are written in YAML: a duration is text there."""
    if isinstance(default, dict):
        return {}  # the defaults of its own fields fill it
    if isinstance(default, float) and schema.get("type") == "string":
        return seconds_text(default)
    return default


@functools.cache
def _json_schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(by_alias=True)


def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    schema = _json_schema(model)
    return structural(schema, schema.get("$defs", {}))


def partial(schema: dict[str, Any], *, overlay: bool) -> dict[str, Any]:
    """The schema of a part of such an object: nothing is required, nothing filled in. An `overlay` may have null, which
    removes a field (an enum would refuse it), and leaves the descriptions to the template."""
    left_out = (*_WHOLE, "description", "enum") if overlay else _WHOLE
    out = {key: part for key, part in schema.items() if key not in left_out}
    if "properties" in out:
        out["properties"] = {name: partial(part, overlay=overlay) for name, part in out["properties"].items()}
    for key in ("items", "additionalProperties"):
        if key in out:
            out[key] = partial(out[key], overlay=overlay)
            out[key].pop("nullable", None)
    return {**out, "nullable": True} if overlay else out


def benchmark_run() -> dict[str, Any]:
    """The CustomResourceDefinition of BenchmarkRun."""
    about = "One benchmark of an LLM gateway, from its pods to its verdict."
    spec, status = _schema_of(BenchmarkRunSpec), _schema_of(BenchmarkRunStatus)
    return _definition(KIND, PLURAL, "brun", about, _COLUMNS, spec, status)


def benchmark_comparison() -> dict[str, Any]:
    """The CustomResourceDefinition of BenchmarkComparison.

    Template and overlays have the fields of a run's spec with their types, so that a misspelt one is refused at once;
    whether they make a run that can be carried out, the operator asks the API server.
    """
    about = "Variants of one benchmark, measured in turn on the same node, and how they differ."
    spec, status = _schema_of(BenchmarkComparisonSpec), _schema_of(BenchmarkComparisonStatus)
    run = _schema_of(BenchmarkRunSpec)
    run["properties"] = {name: part for name, part in run["properties"].items() if name not in OWN_FIELDS}
    described = spec["properties"]["template"]
    spec["properties"]["template"] = {**partial(run, overlay=False), "description": described["description"]}
    variant = spec["properties"]["variants"]["items"]["properties"]
    overlay = {**partial(run, overlay=True), "description": variant["overlay"]["description"]}
    del overlay["nullable"]
    variant["overlay"] = overlay
    return _definition(COMPARISON_KIND, COMPARISON_PLURAL, "bcmp", about, _COMPARISON_COLUMNS, spec, status)


def _definition(
    kind: str,
    plural: str,
    short: str,
    about: str,
    columns: Columns,
    spec: dict[str, Any],
    status: dict[str, Any],
) -> dict[str, Any]:
    conditions = status["properties"]["conditions"]
    conditions["x-kubernetes-list-type"] = "map"
    conditions["x-kubernetes-list-map-keys"] = ["type"]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": plural,
                "singular": kind.lower(),
                "shortNames": [short],
                "categories": ["gatebench"],
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [
                        {"name": name, "type": form, "jsonPath": path} for name, form, path in columns
                    ],
                    "schema": {
                        "openAPIV3Schema": {
                            "description": about,
                            "type": "object",
                            "required": ["spec"],
                            "properties": {
                                "apiVersion": {"type": "string", "description": f"Always {API_VERSION}."},
                                "kind": {"type": "string", "description": f"Always {kind}."},
                                "metadata": {"type": "object"},
                                "spec": spec,
                                "status": status,
                            },
                        }
                    },
                }
            ],
        },
    }


def render(definition: dict[str, Any]) -> str:
    """YAML with a line that says where it comes from."""
    header = "# Generated from operator/gatebench/api by `make generate`. Do not edit.\n"
    return header + yaml.safe_dump(definition, sort_keys=False, width=110, allow_unicode=True)


if __name__ == "__main__":
    sys.stdout.write(render(benchmark_comparison() if sys.argv[1:] == ["comparison"] else benchmark_run()))
