"""A side of a comparison: one value a repeat, and the environment that both sides have to share."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from gatebench_analysis import metrics as catalogue
from gatebench_analysis.document import Figure, Result
from gatebench_analysis.observation import Measured

SAME_IN_OTHER_WORDS = ("cpuset", "isolationProof", "specHash", "operatorVersion")
"""What of an environment says nothing that has to be equal."""
# What is under test may differ, too.
_MAY_DIFFER = (*SAME_IN_OTHER_WORDS, "images.gateway")
GIVEN = ("load", "workload", "upstream", "gateway.cpus", "gateway.memory")
"""Of a spec: what a gateway is given, and is not itself."""


@dataclasses.dataclass(frozen=True)
class Side:
    """One side: of each repeat the metrics that it has, in their units; what is missing is absent."""

    name: str
    repeats: Sequence[Mapping[str, float]]
    environment: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    one_process: bool = False
    """The repeats were measured in one process of the gateway, and are not independent."""


def side(name: str, results: Sequence[Result], metrics: Sequence[str]) -> Side:
    """A side of one or more results, one value a repeat.

    Repeats inside one process are not independent: of several such results each gives one value, its median.
    """
    repeats: list[Mapping[str, float]] = []
    one_process = False
    for result in results:
        own = [_values(result, figures, metrics) for figures in _repeats(result)]
        if len(own) > 1 and _shares_process(result):
            one_process = len(results) == 1
            own = own if one_process else [_medians(own)]
        repeats += own
    return Side(name, repeats, _environment(results), one_process)


def differences(baseline: Side, current: Side) -> tuple[str, ...]:
    """The fields of the environment that differ, sorted; what only one side knows does not count."""
    before, after = dict(leaves(baseline.environment, _MAY_DIFFER)), dict(leaves(current.environment, _MAY_DIFFER))
    return tuple(sorted(key for key in before.keys() & after.keys() if before[key] != after[key]))


def _repeats(result: Result) -> Sequence[Mapping[str, Figure] | None]:
    """The figures of each repeat that was gone through; None: the result itself is the one."""
    return [{**one.metrics, **one.gateway} for one in result.repeats if one.whole] if result.repeats else [None]


def _values(result: Result, figures: Mapping[str, Figure] | None, metrics: Sequence[str]) -> dict[str, float]:
    """The metrics that are known."""
    out = {}
    for name in metrics:
        if figures is None:
            seen = catalogue.observe(result, name)
        elif name in figures:
            seen = figures[name].observation()
        else:
            continue
        if isinstance(seen, Measured) and not seen.above:
            out[name] = seen.value
    return out


def _medians(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = {name for row in rows for name in row}
    return {name: statistics.median(row[name] for row in rows if name in row) for name in sorted(names)}


def _shares_process(result: Result) -> bool:
    repeats = result.run.spec.get("repeats")
    # Only a restart that is on record makes them independent: to assume one would make chance look like proof.
    return not (isinstance(repeats, Mapping) and repeats.get("restartGateway") is True)


def _environment(results: Sequence[Result]) -> dict[str, Any]:
    """What all results agree on; where they do not, all values as one text."""
    seen: dict[str, list[Any]] = {}
    for result in results:
        given = {**result.environment, **{path: at(result.run.spec, path) for path in GIVEN}}
        for key, value in leaves(given, _MAY_DIFFER):
            seen.setdefault(key, []).append(value)
    return {key: values[0] if _same(values) else _together(values) for key, values in seen.items()}


def _same(values: Sequence[Any]) -> bool:
    return all(value == values[0] for value in values)


def _together(values: Sequence[Any]) -> str:
    return " / ".join(sorted({str(value) for value in values}))


def at(spec: Mapping[str, Any], path: str) -> Any:
    """What a spec has at a dotted path; None: nothing."""
    found: Any = spec
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def leaves(tree: Mapping[str, Any], but: Collection[str], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(path, value) of all that is known, but for those paths."""
    for key, value in tree.items():
        path = f"{prefix}{key}"
        if path in but or value is None:
            continue
        if isinstance(value, Mapping):
            yield from leaves(value, but, f"{path}.")
        else:
            yield path, value
