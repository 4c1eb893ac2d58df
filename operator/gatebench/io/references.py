"""Which ConfigMaps of a spec exist. Secrets are not looked for: the operator has no right to read them."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator, Sequence

from gatebench.api.pods import EnvFrom, EnvVar
from gatebench.io import errors
from gatebench.io.context import Context
from gatebench.plan.run import Run


@dataclasses.dataclass(frozen=True, order=True)
class Reference:
    """A ConfigMap, or a key of it."""

    name: str
    key: str = ""

    def __str__(self) -> str:
        return f"ConfigMap {self.name}" + (f", key {self.key}" if self.key else "")


def of_script(run: Run) -> Reference | None:
    """The locustfile."""
    locustfile = run.spec.workload.locustfile
    return None if locustfile is None else Reference(locustfile.config_map.name, locustfile.config_map.key)


def of_pods(run: Run) -> list[Reference]:
    """What gateway and fleet take from ConfigMaps, without doubles, in order."""
    gateway, load = run.spec.gateway, run.spec.load
    found = {*_variables(gateway.env), *_variables(load.env)}
    found |= {*_sources(gateway.env_from), *_sources(load.env_from)}
    found |= {Reference(f.config_map.name) for f in gateway.files or () if f.config_map is not None}
    dataset, ca = run.spec.workload.dataset, run.spec.workload.ca
    found |= {Reference(key.name, key.key) for key in (dataset and dataset.config_map, ca and ca.config_map) if key}
    return sorted(found)


def _variables(variables: Sequence[EnvVar] | None) -> Iterator[Reference]:
    for variable in variables or ():
        source = variable.value_from.config_map_key_ref if variable.value_from else None
        if source is not None:
            yield Reference(source.name, source.key)


def _sources(sources: Sequence[EnvFrom] | None) -> Iterator[Reference]:
    for source in sources or ():
        if source.config_map_ref is not None:
            yield Reference(source.config_map_ref.name)


async def missing(run: Run, context: Context) -> tuple[str | None, tuple[str, ...]]:
    """The locustfile if it does not exist, and the other references that do not. Raises errors.ApiError."""
    script, others = of_script(run), of_pods(run)
    names = sorted({reference.name for reference in (*others, *([script] if script else []))})
    keys = dict(zip(names, await asyncio.gather(*(_keys(run.namespace, name, context) for name in names)), strict=True))

    def absent(reference: Reference) -> bool:
        there = keys[reference.name]
        return there is None or bool(reference.key and reference.key not in there)

    return (
        str(script) if script is not None and absent(script) else None,
        tuple(str(reference) for reference in others if absent(reference)),
    )


async def _keys(namespace: str, name: str, context: Context) -> frozenset[str] | None:
    """The keys of a ConfigMap; None where it does not exist."""
    try:
        found = await context.kube.get("ConfigMap", namespace, name)
    except errors.NotFound:
        return None
    return frozenset({*(found.get("data") or {}), *(found.get("binaryData") or {})})
