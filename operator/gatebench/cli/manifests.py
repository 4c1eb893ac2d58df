"""What `gatebench run -f FILE` sends: the objects of the file, and the one run or comparison to follow. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from gatebench.api import API_VERSION, COMPARISON_KIND, KIND
from gatebench.cli.errors import CliError

_RUNS = (KIND, COMPARISON_KIND)
_KINDS = {("v1", "ConfigMap"), ("v1", "Secret"), *((API_VERSION, kind) for kind in _RUNS)}


@dataclasses.dataclass(frozen=True)
class Manifests:
    """The objects of a file in the order in which they are sent: what a run refers to comes first."""

    references: tuple[dict[str, Any], ...]
    runs: tuple[dict[str, Any], ...]

    @property
    def run(self) -> dict[str, Any]:
        """The one run. Raises CliError where there are more."""
        if len(self.runs) > 1:
            raise CliError(
                f"the file has {len(self.runs)} runs, and one can be followed: use --no-wait, or a file each"
            )
        return self.runs[0]


def parse(text: str, source: str) -> Manifests:
    """The objects in YAML or JSON. Raises CliError that names what is wrong with `source`."""
    import yaml

    try:
        documents = [document for document in yaml.safe_load_all(text) if document is not None]
    except yaml.YAMLError as error:
        raise CliError(f"{source} is not YAML: {' '.join(str(error).split())}") from error
    objects: list[dict[str, Any]] = []
    for document in documents:
        objects += _flatten(document, source)
    runs = tuple(o for o in objects if o["kind"] in _RUNS)
    if not runs:
        raise CliError(f"{source} has no {KIND}: add one (examples/quick-small.yaml is a start)")
    return Manifests(tuple(o for o in objects if o["kind"] not in _RUNS), runs)


def _flatten(document: Any, source: str) -> list[dict[str, Any]]:
    if not isinstance(document, Mapping) or "kind" not in document or "apiVersion" not in document:
        raise CliError(f"{source}: every document needs apiVersion and kind")
    if document["kind"] == "List" and document["apiVersion"] == "v1":
        return [one for item in document.get("items") or [] for one in _flatten(item, source)]
    kind = (document["apiVersion"], document["kind"])
    if document["kind"] in _RUNS and kind not in _KINDS:
        raise CliError(
            f"{source}: apiVersion {document['apiVersion']} of {document['kind']}: this gatebench speaks {API_VERSION}"
        )
    if kind not in _KINDS:
        known = ", ".join(("ConfigMap", "Secret", *_RUNS))
        raise CliError(f"{source}: {document['kind']} is none of {known}: apply it with kubectl first")
    metadata = document.get("metadata") or {}
    named = metadata.get("name") or (metadata.get("generateName") and document["kind"] in _RUNS)
    if not named:
        raise CliError(f"{source}: a {document['kind']} has no metadata.name")
    return [dict(document)]


def namespace_of(manifest: Mapping[str, Any], given: str | None, default: str) -> str:
    """Its own namespace, else --namespace, else the context's. Raises CliError on a conflict."""
    own = manifest["metadata"].get("namespace")
    if own and given and own != given:
        name = manifest["metadata"].get("name") or manifest["metadata"].get("generateName")
        raise CliError(f"{manifest['kind']} {name} is for namespace {own}, not {given}: change one of them")
    return str(own or given or default)
