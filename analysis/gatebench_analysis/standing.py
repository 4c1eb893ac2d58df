"""The top of a comparison: its verdict and whether it holds, in words, and what became of each variant.

That is the operator's word, of the object's status or of what the document keeps of it. A document without it says
that it does not have it all.
"""

from __future__ import annotations

from collections.abc import Sequence

from gatebench_analysis.document import Finding
from gatebench_analysis.headlines import Headline, Tile, sentence
from gatebench_analysis.record import Delta, Record, Run, Standing, Verdict
from gatebench_analysis.remedies import REMEDIES

_WORST_FIRST: tuple[Verdict, ...] = ("Regressed", "Inconclusive", "Same", "Better")
_PASSED = {"True": ("pass", "Passed"), "False": ("fail", "Failed"), "Unknown": ("unknown", "Undecided")}
_OF_FILE = (
    "Whether node and images stayed the same, and whether each run met the template's objectives, is in the status"
)


def headline(record: Record, standing: Standing | None) -> Headline:
    """What to say first."""
    return _of_file(record) if standing is None else _of_status(standing)


def _of_status(standing: Standing) -> Headline:
    valid, passed, ended = (standing.of(kind) for kind in ("Valid", "Passed", "Succeeded"))
    if standing.of("Complete").status != "True":
        return Headline("unknown", "Under way", "It is not complete: its verdict is still to come.", "", True, ())
    if valid.status == "False":
        remedy = REMEDIES.get(valid.reason, "")
        why = "There is no verdict: what was measured says nothing reliable about the variants."
        told = Finding(status="False", reason=valid.reason, message=valid.message, remedy=remedy)
        return Headline("invalid", "Not valid", why, valid.message, False, (told,))
    if valid.status != "True":
        word = "Ended early" if ended.reason in ("Cancelled", "DeadlineExceeded") else "Undecided"
        return Headline("unknown", word, sentence(ended.message), sentence(valid.message), True, ())
    kind, word = _PASSED.get(passed.status, _PASSED["Unknown"])
    return Headline(kind, word, sentence(passed.message), sentence(valid.message), True, ())


def _of_file(record: Record) -> Headline:
    count = sum(record.counted(run) for run in record.runs)
    name = record.comparison.name
    told = f"{count} of {len(record.runs)} runs count. {_OF_FILE}: gatebench report bcmp/{name} shows it."
    empty = [name for name in record.names if not record.variants.get(name) or not record.variants[name].runs]
    if empty:
        why = "There is no verdict: what was measured says nothing reliable about the variants."
        found = tuple(_unmeasured(record, name) for name in empty)
        return Headline("invalid", "Not valid", why, told, False, found)
    by_outcome = {
        outcome: [_words(one) for one in record.objectives if one.outcome == outcome] for outcome in ("Fail", "Unknown")
    }
    if by_outcome["Fail"]:
        return Headline("fail", "Failed", sentence("; ".join(by_outcome["Fail"])), told, True, ())
    if by_outcome["Unknown"]:
        return Headline("unknown", "Undecided", sentence("; ".join(by_outcome["Unknown"])), told, True, ())
    if record.objectives:
        return Headline("pass", "Objectives met", "All bounds on differences are shown to hold.", told, True, ())
    why = "No difference is bounded: the table says how the variants differ."
    return Headline("unknown", "No objectives", why, told, True, ())


def _unmeasured(record: Record, name: str) -> Finding:
    first = next((run for run in record.runs if run.variant == name and run.reason), Run())
    words = f"no run of {name} counts{f'; {first.name}: {first.reason}' if first.reason else ''}"
    reason = first.reason or "NotMeasured"
    return Finding(status="False", reason=reason, message=words, remedy=REMEDIES.get(reason, ""))


def _words(one: Delta) -> str:
    seen = f" is worse by {one.observed}" if one.observed else ""
    why = f": {one.message}" if one.message else ""
    return f"{one.metric} of {one.variant}{seen} than {one.reference}, maxDelta {one.bound}{why}"


def tiles(record: Record) -> list[Tile]:
    """Each variant against the reference: the worst of its metrics' verdicts, and which metrics have which."""
    found = []
    for pair in dict.fromkeys((row.variant, row.reference) for row in record.table):
        rows = [row for row in record.table if (row.variant, row.reference) == pair]
        by_verdict = {
            verdict: [row.metric for row in rows if row.verdict == verdict]
            for verdict in sorted({row.verdict for row in rows}, key=_WORST_FIRST.index)
        }
        worst = next(iter(by_verdict))
        parts = [f"{verdict.lower()} in {', '.join(names)}" for verdict, names in by_verdict.items()]
        told = "in all metrics" if len(by_verdict) == 1 else sentence("; ".join(parts))
        found.append(Tile(f"{pair[0]} against {pair[1]}", worst, told))
    return found


def left_out(record: Record) -> list[tuple[Run, str, str]]:
    """(run, why, what to do) of each run that does not count."""
    found = []
    for run in record.runs:
        if record.counted(run):
            continue
        if run.valid is None:
            why = "it was not complete when the comparison ended"
        elif run.valid == "True":
            why = "its result cannot be read, or has none of the metrics"
        else:
            why = run.reason or "whether it is valid is not known"
        found.append((run, why, REMEDIES.get(run.reason, "") if run.valid != "True" else ""))
    return found


def warnings(standing: Standing | None) -> Sequence[str]:
    """What the status warns of, but for the runs that are left out: they have a section of their own."""
    return [one for one in standing.warnings if not one.startswith("left out: ")] if standing is not None else ()
