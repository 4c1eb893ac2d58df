"""Sentences and cells that several forms share."""

from __future__ import annotations

from typing import Protocol

from gatebench_analysis import quantities, regression, standing
from gatebench_analysis.contrast import Contrast
from gatebench_analysis.rating import NOT_REPORTED, Rating
from gatebench_analysis.record import Delta, Record, Row


class Compared(Protocol):
    """A metric on two sides."""

    @property
    def metric(self) -> str: ...
    @property
    def ratio(self) -> float | None: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...


def rating_notes(given: Rating) -> list[str]:
    """What a reader of the table has to know."""
    figures, reference = given.figures, given.reference
    notes = []
    if figures.instances is None:
        notes.append(f"{reference.heading}; how many instances this gateway had is not known (--instances N)")
    elif figures.instances != reference.instances:
        notes.append(f"{reference.title} used {_instances(reference.instances)}, this gateway {figures.instances}")
    notes += [f"{row.label}: {row.why}" for row in given.rows if row.value is None and row.status != NOT_REPORTED]
    notes += figures.notes
    return [*notes, reference.note] if reference.note else notes


def verdict(found: Contrast) -> str:
    """The verdict, and whether it is more than a difference of figures."""
    word = found.comparison.verdict
    return word if found.proven or word == "Inconclusive" else f"{word} (not proven)"


def change(one: Compared) -> str:
    """+3.2 %, or in points of a share; a dash where it is not known."""
    return _change(one.metric, one.ratio)


def interval(one: Compared) -> str:
    """+1 % to +5.4 %; a dash where there is none."""
    if one.low is None or one.high is None:
        return quantities.MISSING
    return f"{_change(one.metric, one.low)} to {_change(one.metric, one.high)}"


def difference(row: Row) -> str:
    """How a variant differs from the reference, with the interval where there is one."""
    if row.display:
        return row.display
    between = interval(row)
    return change(row) if between == quantities.MISSING else f"{change(row)} ({between})"


def worse(one: Delta) -> str:
    """How much worse a variant is than the reference; a dash where that is not known."""
    return one.observed or quantities.MISSING


def record_notes(found: Record) -> list[str]:
    """Remedies, what is left out, and warnings of a comparison of variants."""
    head = standing.headline(found, found.status)
    remedies = [f"remedy: {one.remedy}" for one in head.findings if one.remedy]
    absent = [f"left out: {run.name or run.variant}, {why}" for run, why, _ in standing.left_out(found)]
    return [*remedies, *absent, *(f"warning: {one}" for one in standing.warnings(found.status))]


def _change(metric: str, ratio: float | None) -> str:
    if ratio is None:
        return quantities.MISSING
    if regression.is_absolute(metric):
        return f"{'+' if ratio > 0 else ''}{quantities.digits(ratio * 100)} points"
    return f"{'+' if ratio > 1 else ''}{quantities.ratio(ratio - 1)}"


def _instances(count: int) -> str:
    return f"{count} instance{'' if count == 1 else 's'}"
