"""Generates the CustomResourceDefinition from the types: a structural schema with descriptions and CEL rules.

Run as `python -m gatebench.api.crd`; it prints the YAML that stands in crds/.
"""

from __future__ import annotations

import sys
from typing import Any

import yaml
from pydantic import BaseModel

from gatebench.api import API_VERSION, GROUP, KIND, PLURAL, VERSION
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

_COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("Step", "string", ".status.step"),
    ("RPS", "string", ".status.summary.display.throughput"),
    ("P95", "string", ".status.summary.display.p95"),
    ("Valid", "string", '.status.conditions[?(@.type=="Valid")].status'),
    ("Passed", "string", '.status.conditions[?(@.type=="Passed")].status'),
    ("Age", "date", ".metadata.creationTimestamp"),
)


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


def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(by_alias=True)
    return structural(schema, schema.get("$defs", {}))


def benchmark_run() -> dict[str, Any]:
    """The CustomResourceDefinition of BenchmarkRun."""
    spec, status = _schema_of(BenchmarkRunSpec), _schema_of(BenchmarkRunStatus)
    conditions = status["properties"]["conditions"]
    conditions["x-kubernetes-list-type"] = "map"
    conditions["x-kubernetes-list-map-keys"] = ["type"]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": KIND.lower(),
                "shortNames": ["brun"],
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
                        {"name": name, "type": kind, "jsonPath": path} for name, kind, path in _COLUMNS
                    ],
                    "schema": {
                        "openAPIV3Schema": {
                            "description": "One benchmark of an LLM gateway, from its pods to its verdict.",
                            "type": "object",
                            "required": ["spec"],
                            "properties": {
                                "apiVersion": {"type": "string", "description": f"Always {API_VERSION}."},
                                "kind": {"type": "string", "description": f"Always {KIND}."},
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
    sys.stdout.write(render(benchmark_run()))
