"""From what the runs measured to the table: each metric of each variant against the first one's."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gatebench.api.comparisonstatus import ComparisonRow
from gatebench.decide.comparison.admission import tolerances
from gatebench.decide.comparison.runs import existing
from gatebench.decide.comparison.snapshot import Measured, Snapshot
from gatebench.plan.comparison import Comparison, run_spec
from gatebench_analysis import quantities, regression
from gatebench_analysis.regression import MetricVerdict, Side
from gatebench_analysis.sides import GIVEN, at

# Of the environment: what the variants themselves may choose, and so may differ between them but not within one.
_CHOSEN = "images."


def measured(comparison: Comparison, snap: Snapshot) -> dict[str, list[tuple[int, Measured]]]:
    """By variant what its valid runs measured, with their round."""
    out: dict[str, list[tuple[int, Measured]]] = {variant: [] for variant in comparison.variants}
    for slot, run in existing(comparison, snap):
        found = snap.measured.get(run.name)
        if run.complete and run.valid == "True" and found is not None:
            out[slot.variant].append((slot.round, found))
    return out


def unread(comparison: Comparison, snap: Snapshot) -> list[str]:
    """Valid runs whose result was not read yet."""
    runs = (run for _, run in existing(comparison, snap) if run.complete and run.valid == "True")
    return [run.name for run in runs if run.name not in snap.measured]


def sides(found: Mapping[str, Sequence[tuple[int, Measured]]]) -> dict[str, Side]:
    """Each variant as a side of a comparison, one value a run."""
    out = {}
    for variant, runs in found.items():
        environments = [one.environment for _, one in runs]
        shared = {
            key: value
            for environment in environments[:1]
            for key, value in environment.items()
            if not key.startswith(_CHOSEN)
        }
        out[variant] = Side(variant, [one.values for _, one in sorted(runs, key=lambda pair: pair[0])], shared)
    return out


def changed(found: Mapping[str, Sequence[tuple[int, Measured]]]) -> str | None:
    """Which part of the environment changed between the runs of one variant, in words; None: nothing did."""
    for variant, runs in found.items():
        seen: dict[str, str] = {}
        for round_, one in sorted(runs, key=lambda pair: pair[0]):
            for key, value in sorted(one.environment.items()):
                if seen.setdefault(key, value) != value:
                    return f"{key} of {variant} was {seen[key]}, and in round {round_} {value}"
    return None


def rows(comparison: Comparison, by_variant: Mapping[str, Side]) -> list[ComparisonRow]:
    """The table. Metrics that no run has are left out."""
    reference = comparison.variants[0]
    wanted = {
        name: tolerance
        for name, tolerance in tolerances(comparison).items()
        if any(name in row for side in by_variant.values() for row in side.repeats)
    }
    if not wanted:
        return []
    return [
        _row(reference, variant, verdict)
        for variant in comparison.variants[1:]
        for verdict in regression.compare(by_variant[reference], by_variant[variant], wanted).metrics
    ]


def _row(reference: str, variant: str, verdict: MetricVerdict) -> ComparisonRow:
    return ComparisonRow(
        metric=verdict.metric,
        reference=reference,
        variant=variant,
        unit=verdict.unit,
        reference_median=quantities.significant(verdict.baseline),
        median=quantities.significant(verdict.current),
        ratio=quantities.significant(verdict.ratio),
        low=quantities.significant(verdict.low),
        high=quantities.significant(verdict.high),
        verdict=verdict.verdict,
        display=verdict.why[:200] or None,
    )


def unequal(comparison: Comparison) -> str | None:
    """What the variants are given differs, not only what they are; None: it does not."""
    specs = {variant: run_spec(comparison, variant) for variant in comparison.variants}
    reference, *others = specs.values()
    differ = [path for path in GIVEN if any(at(spec, path) != at(reference, path) for spec in others)]
    if not differ:
        return None
    return f"the variants differ in {', '.join(differ)}: in what they are given, not only in what they are"


def values(found: Mapping[str, Sequence[tuple[int, Measured]]]) -> dict[str, Any]:
    """All values by variant, for the result: of each run its round, its values, and over them the medians."""
    return {variant: dict(_variant(runs)) for variant, runs in found.items()}


def _variant(runs: Sequence[tuple[int, Measured]]) -> Iterator[tuple[str, Any]]:
    names = sorted({name for _, one in runs for name in one.values})
    yield (
        "medians",
        {name: statistics.median(one.values[name] for _, one in runs if name in one.values) for name in names},
    )
    yield "runs", [{"round": round_, "values": dict(one.values)} for round_, one in runs]
    yield "environment", dict(runs[0][1].environment) if runs else {}
