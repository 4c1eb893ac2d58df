"""Repeats of a load: each is a measurement of its own, and a run's figures are what they come to together.

A metric is the median over the repeats, with the smallest and the largest; upper bounds and largest values are the
largest of any repeat; counts add up. Where one repeat lacks it, it is missing: the others would not be all of them.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence

from gatebench_analysis.load import Load, Phase
from gatebench_analysis.measured import Account, Stage, counts, seconds_of
from gatebench_analysis.observation import Measured, Missing, NotApplicable, Observation

_COUNTS = ("dropped",)
_LARGEST = (".upper", ".max", ".peak")


@dataclasses.dataclass(frozen=True)
class Part:
    """The load of one repeat. `whole`: it was gone through to its end."""

    index: int
    load: Load
    account: Account
    whole: bool

    @property
    def measured(self) -> bool:
        """Whether a stage of it was measured."""
        return self.account.window().seconds is not None


def parts(load: Load) -> list[Part]:
    """The repeats in their order; one where nothing was repeated."""
    indices = sorted({phase.repeat for phase in load.phases if phase.kind != "Drain"})
    if len(indices) < 2:
        return [Part(indices[0] if indices else 0, load, Account(load), True)]
    return [_part(load, index, last=index == indices[-1]) for index in indices]


def _part(load: Load, index: int, last: bool) -> Part:
    phases = [phase for phase in load.phases if phase.repeat == index]
    known = {phase.index for phase in phases}
    own = load.model_copy(
        update={
            "phases": phases,
            # A row without a phase is damage, and shows in every repeat.
            "requests": [row for row in load.requests if row.phase is None or row.phase in known],
            "dropped": None if load.dropped is None else [one for one in load.dropped if one.phase in known],
        }
    )
    whole = not last or load.outcome in (None, "Finished") or any(phase.kind == "Pause" for phase in phases)
    return Part(index, own, Account(own), whole)


def counting(found: Sequence[Part]) -> list[Part]:
    """Those that a run's figures are made from: one that was cut short only where there is no whole one."""
    measured = [part for part in found if part.measured]
    return [part for part in measured if part.whole] or measured


def span(part: Part) -> tuple[float, float] | None:
    """From the first measured moment of a repeat to its last, in unix seconds."""
    phases = [phase for phase in part.load.phases if counts(phase) and seconds_of(phase) is not None]
    return (_start(phases[0]), _end(phases[-1])) if phases else None


def _start(phase: Phase) -> float:
    assert phase.full_at is not None  # seconds_of gives nothing else
    return phase.full_at


def _end(phase: Phase) -> float:
    assert phase.ended_at is not None
    return phase.ended_at


def combine(name: str, seen: Sequence[tuple[int, Observation]]) -> Observation:
    """What a metric comes to over repeats, each with its index from 0."""
    if len(seen) == 1:
        return seen[0][1]
    for index, one in seen:
        if isinstance(one, Missing):
            return Missing(f"repeat {index + 1}: {one.why}", one.too_few)
    known = [one for _, one in seen if isinstance(one, Measured)]
    if len(known) < len(seen):
        return next((one for _, one in seen if isinstance(one, NotApplicable)), Missing("no repeat was measured"))
    values = [one.value for one in known]
    if name in _COUNTS:
        value = sum(values)
    elif name.endswith(_LARGEST):
        value = max(values)
    else:
        value = statistics.median(values)
    # What is only known to be above something makes the median such a thing where it is not below it.
    unsure = [one for one in known if one.above and one.value <= value]
    first = unsure[0] if unsure else known[0]
    note = first.note if unsure or len({one.note for one in known}) == 1 else ""
    return Measured(value, note, bool(unsure), known[0].source, min(values), max(values))


def observe(load: Load, name: str, request: str | None = None, stage: Stage = None) -> Observation:
    """A metric of the fleet by its name without requests.NAME, over all repeats. Never raises."""
    found = counting(parts(load))
    if not found:
        return Account(load).observe(name, request, stage)
    return combine(name, [(part.index, part.account.observe(name, request, stage)) for part in found])
