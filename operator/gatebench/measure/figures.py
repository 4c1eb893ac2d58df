"""A figure: a value, or missing with the reason. And what each starts from: the answer to one query."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from gatebench.measure import samples
from gatebench.measure.samples import Series


@dataclasses.dataclass(frozen=True)
class Reply:
    """What a query gave: `data.result` of the answer."""

    result: Any


@dataclasses.dataclass(frozen=True)
class Failed:
    """Prometheus refused this query, or its answer could not be taken."""

    message: str


Answers = Mapping[str, Reply | Failed]


@dataclasses.dataclass(frozen=True)
class Value:
    """A figure and the series that it came from."""

    number: float
    source: str


@dataclasses.dataclass(frozen=True)
class Missing:
    """A figure that is not known."""

    reason: str
    message: str
    above: float | None = None
    """The figure is not known, but it is above this."""

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


def ambiguous(found: Sequence[Series]) -> Missing:
    """Two series where one is due: taking the first would be a guess."""
    names = sorted({name for series in found for name in series.labels})
    differing = [name for name in names if len({series.labels.get(name) for series in found}) > 1]
    shown = [
        "{" + ", ".join(f'{name}="{series.labels.get(name, "")}"' for name in differing) + "}" for series in found[:3]
    ]
    return Missing("AmbiguousQuery", f"{len(found)} series where one is due: {', '.join(shown)}"[:300])


def read(answers: Answers, name: str) -> list[Series] | Missing:
    answer = answers.get(name)
    if answer is None:
        return Missing("QueryFailed", "it was not asked")
    if isinstance(answer, Failed):
        return Missing("QueryFailed", answer.message)
    try:
        return samples.read(answer.result)
    except samples.Unreadable as error:
        return Missing("NotANumber", f"Prometheus answered with {error}")


def gap_message(what: str, longest: float, limit: float) -> str:
    return f"{what} has no sample for {longest:.0f} s of the window; {limit:.0f} s are allowed"
