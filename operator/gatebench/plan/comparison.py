"""A comparison as the other rooms see it, the order of its runs, and each run as an object."""

from __future__ import annotations

import copy
import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pydantic

from gatebench.api import API_VERSION, COMPARISON_KIND, KIND
from gatebench.api.comparison import COMPARED, BenchmarkComparisonSpec
from gatebench.api.comparisonstatus import BenchmarkComparisonStatus
from gatebench.api.run import BenchmarkRunSpec, active_deadline
from gatebench.api.status import BenchmarkRunStatus
from gatebench.plan import fleet, names
from gatebench.plan.document import RESULT_HOLD_SECONDS
from gatebench.plan.names import Owner
from gatebench.plan.run import Run
from gatebench.settings import Images, Settings
from gatebench_analysis import regression, statistics

HOSTNAME_LABEL = "kubernetes.io/hostname"
VARIANT_LABEL = "gatebench.dev/variant"
ROUND_LABEL = "gatebench.dev/round"
RESULT_KEY = "comparison.json"
# Of a run in a comparison: what comes between its deadline and the next run.
_BETWEEN_SECONDS = 300.0
_SETTINGS = Settings(images=Images(locust="locust", engine="engine", mock="mock", probe="probe"))
# What the items of a list go by.
_ITEM_KEYS = ("name", "mountPath")


@dataclasses.dataclass(frozen=True)
class Slot:
    """One run of the comparison: which variant, in which round (from 1), under which name."""

    round: int
    variant: str
    name: str


@dataclasses.dataclass(frozen=True)
class Lending:
    """A fleet for all runs, whose pods may be there for so many seconds; without them, why each run has its own."""

    seconds: int | None = None
    why_not: str = ""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One BenchmarkComparison. `created_at` is in unix seconds; `raw_spec` is the spec as the API server has it."""

    namespace: str
    name: str
    uid: str
    generation: int
    resource_version: str
    created_at: float
    deleting: bool
    raw_spec: Mapping[str, Any]
    spec: BenchmarkComparisonSpec
    status: BenchmarkComparisonStatus

    @functools.cached_property
    def names(self) -> names.ComparisonNames:
        """Names of what it makes."""
        return names.of_comparison(self.name, self.uid)

    @property
    def owner(self) -> Owner:
        """Whose its children are."""
        return Owner(self.name, self.uid, COMPARISON_KIND)

    @property
    def owners(self) -> tuple[str, ...]:
        """The UID under which its children are its own."""
        return (self.uid,)

    @functools.cached_property
    def lending(self) -> Lending:
        """Whether one fleet serves all of its runs."""
        return _lending(self)

    @functools.cached_property
    def variants(self) -> tuple[str, ...]:
        """The variants' names; the first is the reference."""
        return tuple(variant.name for variant in self.spec.variants)

    @functools.cached_property
    def metrics(self) -> tuple[str, ...]:
        """What the table compares."""
        return tuple(dict.fromkeys([*(self.spec.metrics or COMPARED), *(self.spec.tolerances or {})]))

    @property
    def rounds(self) -> int:
        """How often each variant is measured."""
        if self.spec.rounds is not None:
            return self.spec.rounds
        return max(regression.FEWEST_REPEATS, statistics.repeats_needed(len(self.metrics), regression.ALPHA))

    @functools.cached_property
    def slots(self) -> tuple[Slot, ...]:
        """All runs, in the order in which they are made."""
        return tuple(_slots(self.variants, self.rounds, self.names))

    def with_status(self, status: BenchmarkComparisonStatus) -> Comparison:
        """The same comparison with another status."""
        return dataclasses.replace(self, status=status)


def _slots(variants: Sequence[str], rounds: int, named: names.ComparisonNames) -> Iterator[Slot]:
    """ABBA: a drift of the machine, be it steady, touches every variant alike."""
    for number in range(1, rounds + 1):
        for variant in variants if number % 2 else reversed(variants):
            yield Slot(number, variant, named.run(number, variant))


def run_spec(comparison: Comparison, variant: str) -> dict[str, Any]:
    """The spec of the variant's runs: the template with its overlay. What a comparison decides itself is not in it."""
    overlay = next(one.overlay for one in comparison.spec.variants if one.name == variant)
    merged: dict[str, Any] = merge(comparison.spec.template, overlay)
    return {**merged, "cleanup": "Always"}


def run(comparison: Comparison, slot: Slot, node: str | None = None) -> dict[str, Any]:
    """The BenchmarkRun of a slot, on `node` where that is given."""
    spec = run_spec(comparison, slot.variant)
    gateway = spec.get("gateway")
    if node is not None and isinstance(gateway, dict) and gateway.get("url") is None:
        gateway["nodeSelector"] = {**(gateway.get("nodeSelector") or {}), HOSTNAME_LABEL: node}
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "name": slot.name,
            "namespace": comparison.namespace,
            "labels": {**_labels(comparison), VARIANT_LABEL: slot.variant, ROUND_LABEL: str(slot.round)},
            "ownerReferences": [names.reference(comparison.owner)],
            **_lent(comparison),
        },
        "spec": spec,
    }


def _lent(comparison: Comparison) -> dict[str, Any]:
    seconds = comparison.lending.seconds
    return {} if seconds is None else {"annotations": {names.LENT_ANNOTATION: str(seconds)}}


def _lending(comparison: Comparison) -> Lending:
    """One fleet serves runs whose plans differ, but not runs whose fleets' pods would: pods cannot be changed."""
    try:
        runs = {variant: _example(comparison, variant) for variant in comparison.variants}
    except pydantic.ValidationError:
        return Lending(why_not="a variant's run is not valid")
    first, *others = (_pods(run) for run in runs.values())
    if any(pods != first for pods in others):
        return Lending(why_not="the pods of their fleets differ (load, secrets, locustfile or dataset)")
    each = max(active_deadline(run.spec) for run in runs.values()) + _BETWEEN_SECONDS
    return Lending(int(min(each * len(comparison.slots) + RESULT_HOLD_SECONDS, names.MAX_LENT_SECONDS)))


def _example(comparison: Comparison, variant: str) -> Run:
    """A run of the variant, for what its fleet would be. Raises pydantic.ValidationError."""
    raw = run_spec(comparison, variant)
    return Run(
        namespace=comparison.namespace,
        name="example",
        uid="example",
        generation=1,
        resource_version="",
        created_at=0.0,
        deleting=False,
        raw_spec=raw,
        spec=BenchmarkRunSpec.model_validate(raw),
        status=BenchmarkRunStatus(),
        comparison=comparison.owner,
        lent_seconds=0,
    )


def _pods(run: Run) -> list[dict[str, Any]]:
    """All pods of its fleet; the images that the operator brings are the same for all."""
    workers = (fleet.worker(run, _SETTINGS, index) for index in range(run.spec.load.workers))
    return [fleet.master(run, _SETTINGS), *workers]


def result(comparison: Comparison, document: str) -> dict[str, Any]:
    """The ConfigMap with all values and verdicts."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "immutable": True,
        "metadata": {
            "name": comparison.names.result,
            "namespace": comparison.namespace,
            "labels": _labels(comparison),
            "ownerReferences": [names.reference(comparison.owner)],
        },
        "data": {RESULT_KEY: document},
    }


def _labels(comparison: Comparison) -> dict[str, str]:
    return {
        names.NAME_LABEL: "gatebench",
        "app.kubernetes.io/managed-by": "gatebench",
        names.COMPARISON_LABEL: comparison.uid,
    }


def isolated(comparison: Comparison, variant: str) -> bool:
    """Whether the variant's runs take a node by its Lease."""
    gateway = run_spec(comparison, variant).get("gateway")
    return isinstance(gateway, Mapping) and gateway.get("url") is None and gateway.get("isolation") != "None"


def merge(base: Any, overlay: Any) -> Any:
    """`overlay` laid over `base`: maps are merged, null removes, lists of named items are merged by name, and all else
    replaces what is there."""
    if isinstance(base, Mapping) and isinstance(overlay, Mapping):
        out = {key: copy.deepcopy(value) for key, value in base.items() if overlay.get(key, value) is not None}
        for key, value in overlay.items():
            if value is not None:
                out[key] = merge(base.get(key), value)
        return out
    if isinstance(overlay, Mapping):
        return {key: merge(None, value) for key, value in overlay.items() if value is not None}
    if isinstance(base, list) and isinstance(overlay, list) and (key := _item_key([*base, *overlay])) is not None:
        return _merge_named(base, overlay, key)
    return copy.deepcopy(overlay)


def _item_key(items: Sequence[Any]) -> str | None:
    """By which field the items of a list are known; None where not all have it."""
    for key in _ITEM_KEYS:
        if items and all(isinstance(item, Mapping) and isinstance(item.get(key), str) for item in items):
            return key
    return None


def _merge_named(base: Sequence[Any], overlay: Sequence[Any], key: str) -> list[Any]:
    laid = {item[key]: item for item in overlay}
    merged = [merge(item, laid.pop(item[key], {})) for item in base]
    return [*merged, *(merge(None, item) for item in laid.values())]
