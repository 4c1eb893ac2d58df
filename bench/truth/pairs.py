"""Results of a cluster, judged in pairs as the operator judges a run against its baseline.

What does not hold is in no pair, and each row says how many were left out and why.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import math
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from bench.truth import plan
from bench.truth.rows import Found, Row

from gatebench.api.baseline import COMPARED
from gatebench_analysis import against, document, regression
from gatebench_analysis.against import Reference
from gatebench_analysis.baseline import Baseline
from gatebench_analysis.document import Result

RESULT, NONE = ".json.gz", ".none.txt"
"""What is kept of a run: its result document as it came, or why there is none."""
TRIES, SAME_TRIES, SLIGHT_TRIES = 20, 6, 3
"""So many at least make a row."""
P95 = "latency.p95"


@dataclasses.dataclass(frozen=True)
class Kept:
    """A run that was measured. `unsound` says why it can be in no pair: a reason, a colon, and the details."""

    name: str
    result: Result | None
    unsound: str = ""

    @property
    def reason(self) -> str:
        """Why it can be in no pair, without the details."""
        return self.unsound.partition(":")[0]


@dataclasses.dataclass(frozen=True)
class Try:
    """A pair, and what the judgement says; None where it was left out, with the reason and its details."""

    before: str
    after: str
    found: Baseline | None
    reason: str = ""
    left_out: str = ""


def on_record(folder: pathlib.Path, name: str) -> bool:
    """Whether a run was measured, whatever came of it."""
    return any((folder / f"{name}{ending}").exists() for ending in (RESULT, NONE))


def read(folder: pathlib.Path) -> dict[str, Kept]:
    """All that was kept, by the run's name. Raises SystemExit that names a file that cannot be read."""
    found = {}
    for path in sorted(folder.glob(f"*{NONE}")):
        name = path.name.removesuffix(NONE)
        found[name] = Kept(name, None, f"no result: {path.read_text().strip()}")
    for path in sorted(folder.glob(f"*{RESULT}")):
        name = path.name.removesuffix(RESULT)
        try:
            found[name] = kept(name, document.read(path))
        except (OSError, ValueError) as error:
            raise SystemExit(f"{path}: {error}; delete it and measure again with --resume") from error
    return found


def kept(name: str, result: Result) -> Kept:
    """A result, and whether it can be in a pair."""
    whole = sum(one.whole for one in result.repeats)
    why = against.unfit(result) or ""
    if why:
        # "its measurement is not valid: GeneratorSaturated: worker-0 …"
        why = why.removeprefix("its measurement is not valid: ")
    elif whole < plan.REPEATS:
        why = f"repeats missing: {whole} of {plan.REPEATS} were gone through"
    return Kept(name, result, why)


def judge(before: Kept, after: Kept, tolerance: float) -> Try:
    """The second as a run whose baseline is the first.

    That the mock is slower stands in its spec, and would make the two incomparable: for the judgement the spec says
    what the first one's says, as though the gateway were the cause.
    """
    unsound = [one for one in (before, after) if one.unsound]
    if unsound or before.result is None or after.result is None:
        why = "; ".join(f"{one.name}: {one.unsound}" for one in unsound)
        return Try(before.name, after.name, None, unsound[0].reason if unsound else "no result", why)
    spec = {**after.result.run.spec, "upstream": before.result.run.spec.get("upstream")}
    now = after.result.model_copy(update={"run": after.result.run.model_copy(update={"spec": spec})})
    reference = Reference(before.name, regression.tolerances(COMPARED, tolerance), before.result)
    found = against.compared(reference, now)
    if found is None or not found.metrics or found.differences:
        return Try(before.name, after.name, None, "not comparable", found.why if found else "there is no baseline")
    return Try(before.name, after.name, found)


def beside(runs: Mapping[str, Kept], side: str, tolerance: float) -> list[Try]:
    """Each run of that side against the base of its pair."""
    out = []
    for name, run in sorted(runs.items()):
        base = runs.get(f"{plan.BASE}-{name.rpartition('-')[2]}")
        if name.startswith(f"{side}-") and base is not None:
            out.append(judge(base, run, tolerance))
    return out


def same(runs: Mapping[str, Kept]) -> list[Try]:
    """Disjoint pairs of base runs of one node that follow each other in time, at tolerance 0."""
    bases = [run for name, run in sorted(runs.items()) if name.startswith(f"{plan.BASE}-")]
    left_out = [Try(run.name, "", None, run.reason, run.unsound) for run in bases if run.unsound]
    by_node: dict[str, list[Kept]] = collections.defaultdict(list)
    for run in bases:
        if run.result is not None and not run.unsound:
            by_node[str(run.result.environment.get("node"))].append(run)
    pairs = [pair for found in by_node.values() for pair in zip(found[::2], found[1::2], strict=False)]
    return [judge(before, after, 0.0) for before, after in pairs] + left_out


def regressed(found: Baseline) -> bool:
    """Any metric."""
    return found.verdict == against.REGRESSED


def p95_regressed(found: Baseline) -> bool:
    """p95, among four metrics."""
    return any(one.metric == P95 and one.verdict == against.REGRESSED for one in found.metrics)


def share(
    tries: Sequence[Try], happens: Callable[[Baseline], bool], fewest: int, *, least: float = 0.0, most: float = 1.0
) -> Found:
    """In how many of the tries it happened. Fewer than `fewest` that could be judged make no row."""
    judged = [one.found for one in tries if one.found is not None]
    happened = sum(happens(one) for one in judged)
    left_out = [one for one in tries if one.found is None]
    words = [f"{happened} of {len(judged)}"]
    if len(judged) < fewest:
        words.append(f"{fewest} are needed")
    if left_out:
        counted = collections.Counter(one.reason for one in left_out)
        words.append(f"left out: {len(left_out)}, {', '.join(f'{why} {count}' for why, count in counted.items())}")
    found = happened / len(judged) if judged else None
    ok = found is not None and len(judged) >= fewest and least <= found <= most
    if found is not None and found > most > 0:
        words.append(f"chance of it at a true {most:.0%}: {_at_least(happened, len(judged), most):.0%}")
    numbers = {
        "happened": happened,
        "trials": len(judged),
        "share": found,
        "leftOut": [{"runs": [*filter(None, (one.before, one.after))], "why": one.left_out} for one in left_out],
        "tries": [_told(one, one.found, happens) for one in tries if one.found is not None],
    }
    return Found(f"{f'{100 * found:.1f} %' if found is not None else '-'} ({'; '.join(words)})", ok, numbers)


def _at_least(happened: int, trials: int, probability: float) -> float:
    """The chance of so many or more where each happens with that probability."""
    return sum(
        math.comb(trials, count) * probability**count * (1 - probability) ** (trials - count)
        for count in range(happened, trials + 1)
    )


def _told(one: Try, found: Baseline, happens: Callable[[Baseline], bool]) -> dict[str, Any]:
    metrics = {
        each.metric: {"verdict": each.verdict, "ratio": each.ratio, "low": each.low, "high": each.high}
        for each in found.metrics
    }
    return {"before": one.before, "after": one.after, "happened": happens(found), "metrics": metrics}


def rows(folder: pathlib.Path) -> list[Row]:
    """The rows of what was measured on a cluster, judged anew; none where nothing was."""
    runs = read(folder)
    if not runs:
        return []
    how = f"{plan.HOW}; {_when(runs.values())}"

    def row(name: str, target: str, measure: Callable[[], Found], more: str) -> Row:
        return Row(f"cluster: {name}", target, measure, f"{more}; {how}")

    return [
        row(
            "A/A at tolerance 0: anything Regressed",
            f"at most 5 % of {SAME_TRIES} or more",
            lambda: share(same(runs), regressed, SAME_TRIES, most=0.05),
            "the same twice, in pairs that have no run in common",
        ),
        row(
            "10 % slower, tolerance 3 %: p95 Regressed",
            f"at least 90 % of {TRIES} or more",
            lambda: share(beside(runs, plan.SLOWER, 0.03), p95_regressed, TRIES, least=0.9),
            "the mock takes 10 % longer",
        ),
        row(
            "3 % slower, tolerance 10 %: anything Regressed",
            f"never, in {SLIGHT_TRIES} or more",
            lambda: share(beside(runs, plan.SLIGHTLY, 0.1), regressed, SLIGHT_TRIES, most=0.0),
            "the mock takes 3 % longer",
        ),
    ]


def _when(runs: Iterable[Kept]) -> str:
    """When, and by which gatebench."""
    results = [run.result for run in runs if run.result is not None]
    times = [one.finished_at for one in results if one.finished_at is not None]
    versions = sorted({str(one.environment.get("operatorVersion")) for one in results} - {"None"})
    if not times:
        return "no run has a result"
    first, last = (datetime.datetime.fromtimestamp(at, datetime.UTC) for at in (min(times), max(times)))
    by = f" by gatebench {', '.join(versions)}" if versions else ""
    return f"measured from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC{by}"
