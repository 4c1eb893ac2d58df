"""Markdown for a comment on a pull request. All that comes from outside is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from gatebench_analysis import foreign, metrics, quantities, standing
from gatebench_analysis.contrast import Contrast
from gatebench_analysis.document import Result
from gatebench_analysis.outputs import Analyzed, words
from gatebench_analysis.rating import GOOD, INVESTIGATE, ISSUE, Rating, times
from gatebench_analysis.record import Record

_MARKS = {
    GOOD: "✅", "Same": "✅", "Better": "✅", "Pass": "✅", "True": "✅",
    INVESTIGATE: "⚠️", "Inconclusive": "⚠️", "Warn": "⚠️", "Unknown": "⚠️",
    ISSUE: "❌", "Regressed": "❌", "Fail": "❌", "False": "❌",
}  # fmt: skip
_KINDS = {"pass": "✅", "fail": "❌", "invalid": "❌", "unknown": "⚠️"}
_VERDICTS = {"True": "passed", "False": "failed", "Unknown": "undecided"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]|~#@!])")


def analysis(found: Sequence[Analyzed]) -> str:
    """A section for each result: objectives, and the table beside the reference."""
    return "\n\n".join(
        _section(one) if one.reading.compared is None else _record(one.reading.figures.name, one.reading.compared)
        for one in found
    )


def comparison(found: Contrast) -> str:
    """The verdict, and the table of its metrics."""
    rows = [
        (
            f"`{one.metric}`" if _plain(one.metric) else escaped(one.metric),
            quantities.text(one.baseline, one.unit, one.metric),
            quantities.text(one.current, one.unit, one.metric),
            words.change(one),
            words.interval(one),
            _marked(one.verdict),
        )
        for one in found.comparison.metrics
    ]
    lines = [
        f"### Compared with the baseline: {_MARKS[found.comparison.verdict]} {words.verdict(found)}",
        "",
        *_table(("Metric", "Baseline", "Current", "Change", "Interval", "Verdict"), rows),
        "",
        escaped(found.comparison.why),
        *_notes(found.notes),
    ]
    return "\n".join(lines).rstrip()


def escaped(text: str) -> str:
    """Text as itself: neither markup nor HTML nor a mention, in one line."""
    line = " ".join(text.split())
    html = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", html)


def _section(one: Analyzed) -> str:
    reading = one.reading
    lines = [f"### {escaped(reading.figures.name)}{_headline(reading.result, reading.doubt)}"]
    if reading.result is not None and reading.result.objectives and not reading.doubt:
        rows = [
            (
                _marked(o.outcome),
                escaped(f"{o.metric} ({o.stage})" if o.stage else o.metric),
                escaped(o.observed or quantities.MISSING),
                escaped(o.bound or ", ".join(f"{key} {text}" for key, text in o.bounds.items())),
                escaped(o.message),
            )
            for o in reading.result.objectives
        ]
        lines += ["", *_table(("Outcome", "Objective", "Observed", "Bound", ""), rows)]
    if reading.doubt:
        lines += ["", escaped(reading.doubt)]
    elif one.rating is not None:
        lines += ["", *_rating(one.rating)]
    else:
        bounds = bool(reading.upper)
        lines += ["", *_table(("Metric", "Value", *(("At most, 99 %",) if bounds else ())), _values(one, bounds))]
        lines += _notes(reading.figures.notes)
    return "\n".join(lines)


def _record(name: str, found: Record) -> str:
    """A comparison of variants: its verdict, what is bounded, and how each metric differs."""
    head = standing.headline(found, found.status)
    lines = [f"### {escaped(name)}: {_KINDS[head.kind]} {head.word.lower()}", "", escaped(head.message)]
    if found.objectives:
        bounds = [
            (_marked(o.outcome), escaped(o.metric), escaped(o.variant), escaped(words.worse(o)), escaped(o.bound))
            for o in found.objectives
        ]
        lines += ["", *_table(("Outcome", "Objective", "Variant", "Worse by", "At most"), bounds)]
    if found.table:
        rows = [
            (
                escaped(row.metric),
                escaped(row.variant),
                quantities.text(row.median, row.unit, row.metric),
                escaped(f"{quantities.text(row.reference_median, row.unit, row.metric)} of {row.reference}"),
                escaped(words.difference(row)),
                _marked(row.verdict),
            )
            for row in found.table
        ]
        lines += ["", *_table(("Metric", "Variant", "Median", "Against", "Change", "Verdict"), rows)]
    told = [one for one in (head.valid, *words.record_notes(found)) if one]
    return "\n".join([*lines, *_notes(told)])


def _headline(result: Result | None, doubt: str) -> str:
    if doubt:
        return ": ❌ the measurement does not hold"
    if result is None:
        return ""
    return f": {_MARKS[result.verdict.status]} {_VERDICTS[result.verdict.status]}"


def _rating(rating: Rating) -> list[str]:
    figures, reference = rating.figures, rating.reference
    rows = [
        (r.label, r.words, r.reference_words, r.factor_words or quantities.MISSING, _marked(r.status))
        for r in rating.rows
    ]
    each = rating.per_instance
    if each is not None:
        ours, theirs = (quantities.text(value, "1/s") for value in (each.value, each.reference))
        rows.append(("Per instance", ours, theirs, times(each.factor), ""))
    head = ("Metric", escaped(figures.name), escaped(reference.heading), "Factor", "Status")
    why = f" ({escaped(rating.why)})" if rating.why else ""
    source = f"Source: <{reference.source}>, read {reference.date}; {escaped(reference.environment)}"
    return [
        *_table(head, rows),
        "",
        f"Together: {_marked(rating.status)}{why}",
        *_notes([*words.rating_notes(rating)], source),
    ]


def _values(one: Analyzed, bounds: bool) -> list[tuple[str, ...]]:
    figures, upper = one.reading.figures, one.reading.upper
    out: list[tuple[str, ...]] = []
    for metric in foreign.METRICS:
        found = metrics.find(metric)
        unit = found.unit if found is not None else "s"
        bound = (quantities.text(upper[metric], unit, metric) if metric in upper else "",) if bounds else ()
        out.append((f"`{metric}`", quantities.text(figures.values.get(metric), unit, metric), *bound))
    return out


def _marked(word: str) -> str:
    return f"{_MARKS[word]} {word}" if word in _MARKS else word


def _plain(text: str) -> bool:
    return re.fullmatch(r"[\w.-]+", text) is not None


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(row)} |" for row in rows)]


def _notes(notes: Sequence[str], *more: str) -> list[str]:
    lines = [*(f"- {escaped(note)}" for note in notes), *(f"- {line}" for line in more)]
    return ["", "<details><summary>Notes</summary>", "", *lines, "", "</details>"] if lines else []
