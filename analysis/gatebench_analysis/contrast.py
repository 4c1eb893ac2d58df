"""Results compared with results: by the statistics of `regression` where there are repeats, else figure by figure.

Figures of one run a side prove nothing, and what is said of them says so.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence

from gatebench_analysis import metrics as catalogue
from gatebench_analysis import quantities, regression, statistics
from gatebench_analysis.inputs import BadInput, Reading
from gatebench_analysis.regression import Comparison, MetricVerdict, Side, Verdict

DEFAULT_METRICS = ("throughput", "latency.p50", "latency.p95", "latency.p99")
DEFAULT_THRESHOLD = 10.0
SAME, REGRESSED, INCONCLUSIVE, BAD_INPUT = 0, 1, 2, 3
"""Exit codes; Better is 0 too."""
_WORST_FIRST: tuple[Verdict, ...] = ("Regressed", "Inconclusive", "Same", "Better")
_TOOL = "measuredBy"
_OTHERWISE = "Locust, Vegeta and hey measure otherwise than gatebench and each other"


@dataclasses.dataclass(frozen=True)
class Contrast:
    """What came of it."""

    comparison: Comparison
    baseline: Sequence[Reading]
    current: Sequence[Reading]
    proven: bool
    """By the repeats of both sides; else it is a difference of figures, which may be chance."""
    notes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 the same or better, 1 regressed, 2 it cannot be told."""
        return {"Regressed": REGRESSED, "Inconclusive": INCONCLUSIVE}.get(self.comparison.verdict, SAME)


def contrast(
    baseline: Sequence[Reading],
    current: Sequence[Reading],
    *,
    threshold: float | None = None,
    metrics: Sequence[str] = DEFAULT_METRICS,
    ignore: Collection[str] = (),
) -> Contrast:
    """Compares two sides of one or more results.

    `threshold` is in per cent (of shares in percentage points, at most one); None: 10, and nothing is said on figures
    alone. With it, one result a side is compared figure by figure where its repeats cannot tell. `ignore` names fields
    of the environment that may differ. Raises BadInput.
    """
    tolerance = (DEFAULT_THRESHOLD if threshold is None else threshold) / 100
    if not 0 <= tolerance < 1:
        raise BadInput(f"a threshold is at least 0 and below 100 per cent, not {tolerance * 100:g}")
    for name in metrics:
        if catalogue.find(name) is None:
            raise BadInput(f"{name} is no metric: docs/metrics.md has all names")
    allowed = regression.tolerances(list(metrics), tolerance)
    for one in (*baseline, *current):
        if one.compared is not None:
            raise BadInput(f"{one.path} is a comparison already: gatebench analyze shows it")
    notes = [f"{one.path} is left out: {one.doubt}" for one in (*baseline, *current) if one.doubt]
    sides = [
        _side(name, readings, metrics, ignore) for name, readings in (("baseline", baseline), ("current", current))
    ]
    found = regression.compare(sides[0], sides[1], allowed)
    proven = found.verdict != "Inconclusive"
    one_each = len(baseline) == len(current) == 1
    if not proven and one_each and threshold is not None and not found.differences and not notes:
        found = _by_figures(baseline[0], current[0], allowed)
        needed = max(regression.FEWEST_REPEATS, statistics.repeats_needed(len(allowed)))
        notes.append(
            "A single run a side cannot prove this: the difference may be chance."
            f" Give at least {needed} results a side, or runs of {needed} repeats with repeats.restartGateway"
        )
    elif not proven and one_each and threshold is None:
        notes.append("Two single runs are compared figure by figure with --threshold")
    if _TOOL in found.differences:
        notes.append(_OTHERWISE)
    if found.differences:
        notes.append("What may differ can be named with --ignore FIELD")
    return Contrast(found, baseline, current, proven, (*notes, *_errors(baseline, current, metrics)))


def _side(name: str, readings: Sequence[Reading], metrics: Sequence[str], ignore: Collection[str]) -> Side:
    """What holds of a side; results of other tools are a repeat each."""
    sound = [one for one in readings if not one.doubt]
    own = regression.side(name, [one.result for one in sound if one.result is not None], metrics)
    foreign = [one for one in sound if one.result is None]
    repeats = [
        *own.repeats,
        *({m: one.figures.values[m] for m in metrics if m in one.figures.values} for one in foreign),
    ]
    tools = sorted({one.figures.tool for one in sound})
    environment = {**own.environment, **({_TOOL: " / ".join(tools)} if tools else {})}
    kept = {key: value for key, value in environment.items() if not _named(key, ignore)}
    return dataclasses.replace(own, repeats=repeats, environment=kept)


def _named(key: str, ignore: Collection[str]) -> bool:
    return any(key == one or key.startswith(f"{one}.") for one in ignore)


def _by_figures(baseline: Reading, current: Reading, tolerances: Mapping[str, float]) -> Comparison:
    """Each metric beyond its tolerance or not, by the figures alone."""
    rows = tuple(_figure(baseline, current, name, tolerance) for name, tolerance in tolerances.items())
    verdict = min((row.verdict for row in rows), key=_WORST_FIRST.index)
    why = "; ".join(f"{row.metric}: {row.why}" for row in rows if row.verdict == verdict)
    return Comparison(verdict, why, rows, ())


def _figure(baseline: Reading, current: Reading, name: str, tolerance: float) -> MetricVerdict:
    before, after = (_value(one, name) for one in (baseline, current))
    found = catalogue.find(name)
    unit = found.unit if found is not None else "number"
    absolute = regression.is_absolute(name)

    def verdict(word: Verdict, ratio: float | None, why: str) -> MetricVerdict:
        return MetricVerdict(name, unit, word, before, after, ratio, None, None, tolerance, why)

    for side, value, reading in (("baseline", before, baseline), ("current", after, current)):
        if value is None:
            why = reading.figures.missing.get(name, "it was not measured")
            return verdict("Inconclusive", None, f"missing in {side}: {why}")
    assert before is not None
    assert after is not None
    if not absolute and before <= 0:
        same = before == after
        why = "both are 0" if same else "a baseline of 0 has no ratio"
        return verdict("Same" if same else "Inconclusive", 1.0 if same else None, why)
    ratio = after - before if absolute else after / before
    change = ratio if absolute else ratio - 1
    words = _words(change, absolute)
    worse = -change if regression.more_is_better(name) else change
    allowed = _words(tolerance, absolute).removeprefix("+")
    if _beyond(worse, tolerance):
        return verdict("Regressed", ratio, f"{words}, worse by more than {allowed}")
    if _beyond(-worse, tolerance):
        return verdict("Better", ratio, f"{words}, better by more than {allowed}")
    return verdict("Same", ratio, f"{words}, within {allowed}")


def _beyond(change: float, tolerance: float) -> bool:
    """Whether it is more than the tolerance; rounding alone, as of 110 / 100 - 1, is not."""
    return change > tolerance + 1e-9


def _words(change: float, absolute: bool) -> str:
    sign = "+" if change > 0 else ""
    return f"{sign}{quantities.digits(change * 100)} points" if absolute else f"{sign}{quantities.ratio(change)}"


def _value(reading: Reading, name: str) -> float | None:
    if name in reading.figures.values:
        return reading.figures.values[name]
    if reading.result is None or name in reading.figures.missing:
        return None
    seen = catalogue.observe(reading.result, name)
    return seen.value if isinstance(seen, catalogue.Measured) and not seen.above else None


def _errors(baseline: Sequence[Reading], current: Sequence[Reading], metrics: Sequence[str]) -> list[str]:
    """A warning where failures grew and are not compared: what fails fast makes latencies look better."""
    if "errorRatio" in metrics:
        return []
    shares = [[one.figures.values.get("errorRatio") for one in side] for side in (baseline, current)]
    known = [[share for share in side if share is not None] for side in shares]
    if not all(known):
        return []
    before, after = max(known[0]), max(known[1])
    if after - before <= 0.01:
        return []
    return [
        f"Failures grew from {quantities.ratio(before)} to {quantities.ratio(after)}, which is not part of the verdict:"
        " --metric errorRatio compares them too"
    ]
