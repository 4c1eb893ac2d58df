"""The page of a comparison of variants: what its rounds come to, from comparison.json and the object's status."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from gatebench_analysis import quantities, standing
from gatebench_analysis.record import Record, Standing
from gatebench_analysis.report import assets, deltas, drift, headline, intervals

# As a person writes a comparison; what is new comes at the end.
_ORDER = ("template", "variants", "rounds", "metrics", "tolerance", "tolerances", "objectives")
# They would end or hold the new one at once.
_NOT_AGAIN = ("cancel", "suspend")


def variants(record: Record, status: Mapping[str, Any] | None = None) -> str:
    """One HTML file. `status` is that of the object; without it the page has what the document keeps of it."""
    told = Standing.model_validate(status) if status is not None else record.status
    return assets.render(
        "variants.html",
        identity=record.comparison,
        title=record.comparison.name or "comparison",
        facts=list(_facts(record, told)),
        head=standing.headline(record, told),
        tiles=standing.tiles(record),
        warnings=standing.warnings(told),
        names=record.names,
        overlays=list(_overlays(record)),
        table=intervals.table(record),
        plots=intervals.plots(record),
        objectives=deltas.objectives(record.objectives),
        left_out=standing.left_out(record),
        courses=drift.courses(record),
        runs=drift.table(record),
        environment=list(_environment(record)),
        manifest=manifest(record),
        data=[],
    )


def _facts(record: Record, told: Standing | None) -> Iterator[str]:
    """When, where, and how many runs."""
    moments = [told.started_at if told is not None else "", record.finished_at]
    if any(moments):
        yield " to ".join(_moment(when) for when in moments if when)
    rounds = len({run.round for run in record.runs})
    yield f"{len(record.names)} variants, {rounds} {'round' if rounds == 1 else 'rounds'}"
    nodes = {one.environment["node"] for one in record.variants.values() if "node" in one.environment}
    if told is not None and told.node:
        nodes.add(told.node)
    if nodes:
        yield f"node {', '.join(sorted(nodes))}"


def _moment(written: str) -> str:
    """A timestamp of the API as people read it; as it is where it is none."""
    try:
        return headline.moment(datetime.datetime.fromisoformat(written).timestamp())
    except (ValueError, OverflowError):
        return written


def _overlays(record: Record) -> Iterator[tuple[int, str, int, int, str]]:
    """(number, name, runs that count, all its runs, overlay as YAML) of each variant."""
    listed = record.spec.get("variants")
    each = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    given = {str(one.get("name")): one.get("overlay") for one in each}
    for index, name in enumerate(record.names):
        own = [run for run in record.runs if run.variant == name]
        overlay = given.get(name)
        yield index, name, sum(record.counted(run) for run in own), len(own), _yaml(overlay) if overlay else ""


def _environment(record: Record) -> Iterator[tuple[str, list[str], bool]]:
    """(field, its value for each variant, whether they differ)."""
    each = [record.variants[name].environment if name in record.variants else {} for name in record.names]
    for field in dict.fromkeys(field for one in each for field in one):
        cells = [one.get(field, quantities.MISSING) for one in each]
        yield field, cells, len({cell for cell in cells if cell != quantities.MISSING}) > 1


def manifest(record: Record) -> str:
    """The comparison as YAML, to be applied again."""
    ranks = {name: rank for rank, name in enumerate(_ORDER)}
    spec = {name: value for name, value in record.spec.items() if name not in _NOT_AGAIN}
    known = record.comparison
    metadata = {"name": known.name or "again", **({"namespace": known.namespace} if known.namespace else {})}
    whole = {
        "apiVersion": "gatebench.dev/v1alpha1",
        "kind": "BenchmarkComparison",
        "metadata": metadata,
        "spec": dict(sorted(spec.items(), key=lambda item: ranks.get(item[0], len(ranks)))),
    }
    return _yaml(whole)


def _yaml(value: object) -> str:
    return str(yaml.safe_dump(value, sort_keys=False, width=100, allow_unicode=True))
