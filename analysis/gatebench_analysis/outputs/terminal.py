"""Text for terminals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gatebench_analysis import foreign, metrics, quantities, standing, text
from gatebench_analysis.contrast import Contrast
from gatebench_analysis.foreign import Figures
from gatebench_analysis.inputs import Reading
from gatebench_analysis.outputs import Analyzed, words
from gatebench_analysis.rating import Rating, times
from gatebench_analysis.record import Record

_NARROW = 44


def analysis(found: Sequence[Analyzed], *, unicode: bool) -> str:
    """Each result in whole, and beside the reference."""
    blocks: list[str] = []
    for one in found:
        if one.reading.compared is not None:
            blocks += ["\n".join(block) for block in _record(one.reading.compared) if block]
        elif one.reading.result is not None:
            blocks.append(text.table(one.reading.result))
        elif one.rating is None:
            blocks.append("\n".join(_figures(one.reading.figures)))
        if one.rating is not None:
            blocks.append("\n".join(rating(one.rating, unicode=unicode)))
    return "\n\n".join(blocks)


def rating(given: Rating, *, unicode: bool = False) -> list[str]:
    """The table of figures beside a reference."""
    figures, reference = given.figures, given.reference
    rows = [["METRIC", figures.name, reference.title, "FACTOR", "STATUS"]]
    rows += [[r.label, r.words, r.reference_words, r.factor_words or quantities.MISSING, r.status] for r in given.rows]
    each = given.per_instance
    if each is not None:
        ours, theirs = (quantities.text(value, "1/s") for value in (each.value, each.reference))
        rows.append(["Per instance", ours, theirs, times(each.factor), ""])
    return [
        f"{figures.name} beside {reference.heading}",
        *_framed(text.columns(rows), unicode),
        f"together: {given.status}{f' ({given.why})' if given.why else ''}",
        *(f"note: {note}" for note in words.rating_notes(given)),
        f"source: {reference.source}, read {reference.date}",
        f"environment: {reference.environment}",
    ]


def comparison(found: Contrast, *, unicode: bool) -> str:
    """The table of a comparison, and its verdict."""
    compared = found.comparison.metrics
    together = len({one.why for one in compared}) == 1
    rows = [["METRIC", "BASELINE", "CURRENT", "CHANGE", "INTERVAL", "VERDICT", ""]]
    for one in compared:
        before, after = (quantities.text(value, one.unit, one.metric) for value in (one.baseline, one.current))
        cells = [one.metric, before, after, words.change(one), words.interval(one), one.verdict]
        rows.append([*cells, "" if together else one.why])
    lines = [
        f"baseline  {_side(found.baseline)}",
        f"current   {_side(found.current)}",
        *_framed(text.columns(rows), unicode),
        f"verdict: {words.verdict(found)}{f': {compared[0].why}' if together else ''}",
    ]
    return "\n".join([*lines, *(f"note: {note}" for note in found.notes)])


def _record(found: Record) -> Iterator[list[str]]:
    """A comparison of variants: its verdict, the table, the objectives, and what to know of them."""
    head, known = standing.headline(found, found.status), found.comparison
    name = f"{known.namespace}/{known.name}" if known.namespace else known.name
    rows = [("comparison", name or quantities.MISSING), ("verdict", f"{head.word.upper()}: {head.message}")]
    rows += [("valid", head.valid)] if head.valid else []
    rows += [("node", found.status.node)] if found.status is not None and found.status.node else []
    yield text.columns(rows)
    yield table(found)
    if found.objectives:
        told = [(o.metric, o.variant, o.outcome, words.worse(o), o.bound, o.message) for o in found.objectives]
        yield text.columns([("OBJECTIVE", "VARIANT", "OUTCOME", "WORSE BY", "MAX DELTA", ""), *told])
    yield words.record_notes(found)


def table(found: Record) -> list[str]:
    """Each metric of each variant beside the reference's; empty where nothing was compared."""
    rows = [
        (
            row.metric,
            row.variant,
            quantities.text(row.median, row.unit, row.metric),
            f"{quantities.text(row.reference_median, row.unit, row.metric)} of {row.reference}",
            words.difference(row),
            row.verdict,
        )
        for row in found.table
    ]
    return text.columns([("METRIC", "VARIANT", "MEDIAN", "AGAINST", "CHANGE", "VERDICT"), *rows]) if rows else []


def _framed(lines: list[str], unicode: bool) -> list[str]:
    rule = ("\u2501" if unicode else "-") * max(_NARROW, *map(len, lines))
    return [rule, *lines, rule]


def _figures(figures: Figures) -> list[str]:
    """What a foreign result has, where there is nothing to set it beside."""
    rows = [("result", f"{figures.name}, by {figures.tool}")]
    for metric in foreign.METRICS:
        found = metrics.find(metric)
        unit = found.unit if found is not None else "s"
        why = figures.missing.get(metric)
        rows.append((metric, f"- ({why})" if why else quantities.text(figures.values.get(metric), unit, metric)))
    return [*text.columns(rows), *(f"note: {note}" for note in figures.notes)]


def _side(readings: Sequence[Reading]) -> str:
    names = [one.path or one.figures.name for one in readings]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more}"
