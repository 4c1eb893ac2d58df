"""Generates the reference pages from the CRD's schema and the list of metrics, so that they say nothing else.

Run as `python -m gatebench.api.reference > docs/reference.md`, and with the argument `metrics` for
docs/metrics.md.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from gatebench.api import API_VERSION, COMPARISON_KIND, KIND, crd
from gatebench.api.reasons import REMEDIES, ConditionType, Reason
from gatebench_analysis import metrics

Schema = Mapping[str, Any]
_HEADER = f"""\
<!-- Generated from operator/gatebench/api by `make generate`. Do not edit. -->
# Reference of the API

`{KIND}`, `{API_VERSION}`, short name `brun`. `kubectl explain brun.spec.gateway` shows the same text.

Durations are written `500ms`, `30s`, `1m30s`; quantities `8Gi`, `500m`; bounds `180ms`, `10%`, `6Gi`, `1000`.
In `status` an absent field is a missing value, never a zero; its names carry their SI units.
"""

_METRICS_HEADER = """\
<!-- Generated from analysis/gatebench_analysis/metrics.py by `make generate`. Do not edit. -->
# Metrics

The names that objectives may use. Bounds are written in the metric's unit, or as `180ms`, `10%`, `6Gi`. A
metric that could not be measured is missing: it is absent from the summary, named in `status.missing`, and an
objective on it is `Unknown`.

With `stage`, an objective is about one stage of the load; figures of the gateway cover the whole measured
window. `requests.NAME.` stands before a metric of one request name, `query.NAME` for a query of
`spec.metrics.queries`.
"""


_COMPARISON = f"""\
# {COMPARISON_KIND}

`{API_VERSION}`, short name `bcmp`; docs/comparison.md shows how to use it. `spec.template` and the overlays have the
fields of a run's spec, above.
"""


def metrics_page() -> str:
    """The page of all metrics as Markdown."""
    return f"{_METRICS_HEADER}\n{metrics.page()}"


def page() -> str:
    """The whole page as Markdown."""
    schema = _schema(crd.benchmark_run())
    parts = [_HEADER]
    for name in ("spec", "status"):
        parts += _section(name, schema["properties"][name])
    parts += [*_reasons(), _COMPARISON]
    compared = _schema(crd.benchmark_comparison())
    variant = compared["properties"]["spec"]["properties"]["variants"]["items"]["properties"]
    for part in (compared["properties"]["spec"]["properties"]["template"], variant["overlay"]):
        del part["properties"]
    for name in ("spec", "status"):
        parts += _section(f"{COMPARISON_KIND} {name}", compared["properties"][name])
    return "\n".join(parts)


def _schema(definition: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return found


def _section(path: str, schema: Schema) -> Iterator[str]:
    """A heading, its fields as a table, its rules, and then a section for each object below."""
    yield f"## {path}\n"
    yield f"{schema.get('description', '')}\n"
    yield "| Field | Type | Default | Description |"
    yield "|---|---|---|---|"
    required = schema.get("required") or []
    for name, part in schema["properties"].items():
        default = "required" if name in required else _default(part)
        description = str(part.get("description", "")).replace("|", "\\|")
        yield f"| `{name}` | {_type(part)} | {default} | {description} |"
    yield ""
    messages = [rule["message"] for rule in schema.get("x-kubernetes-validations") or []]
    if messages:
        yield "Rules:\n"
        yield from (f"- {message}" for message in messages)
        yield ""
    for name, part in schema["properties"].items():
        below, suffix = _below(part)
        if below is not None:
            yield from _section(f"{path}.{name}{suffix}", below)


def _below(part: Schema) -> tuple[Schema | None, str]:
    """The object in a field, in its items or in its values, with what that adds to its path."""
    for key, suffix in (("items", "[]"), ("additionalProperties", ".NAME")):
        inner = part.get(key)
        if isinstance(inner, Mapping) and inner.get("properties"):
            return inner, suffix
    return (part, "") if part.get("properties") else (None, "")


def _type(part: Schema) -> str:
    if "enum" in part:
        return " \\| ".join(f"`{value}`" for value in part["enum"])
    rules = [rule["message"] for rule in part.get("x-kubernetes-validations") or []]
    if part.get("x-kubernetes-int-or-string"):
        return "quantity" if any("must be a quantity" in message for message in rules) else "bound"
    for message in rules:
        if message.startswith("must be a duration"):
            return f"duration from {message.rpartition(', from ')[2]}"
    kind = str(part.get("type", "any"))
    if kind == "array":
        most = f", at most {part['maxItems']}" if "maxItems" in part else ""
        return f"list of {_type(part['items'])}{most}"
    if kind == "object" and isinstance(part.get("additionalProperties"), Mapping):
        return f"map of {_type(part['additionalProperties'])}"
    if kind in ("integer", "number"):
        low, high = part.get("minimum"), part.get("maximum")
        if low is not None and high is not None:
            return f"{kind} {low:,} to {high:,}"
        return f"{kind} from {low:,}" if low is not None else kind
    return kind


def _default(part: Schema) -> str:
    if "default" not in part or part["default"] == {}:
        return ""
    value = part["default"]
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _reasons() -> Iterator[str]:
    yield "## Conditions\n"
    yield ", ".join(f"`{kind}`" for kind in ConditionType) + ".\n"
    yield "| Reason | Remedy |"
    yield "|---|---|"
    for reason in Reason:
        yield f"| `{reason}` | {REMEDIES.get(reason, '')} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(metrics_page() if sys.argv[1:] == ["metrics"] else page())
