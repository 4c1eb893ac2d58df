"""Bounds on differences as bars: what is allowed, what is not, and where the difference lies with its interval."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from gatebench_analysis import quantities
from gatebench_analysis.record import Delta
from gatebench_analysis.report import bullets

_FARTHEST, _ROOM = 3.0, 1.1


@dataclasses.dataclass(frozen=True)
class Bar:
    """Places are percent of the bar. The left part is allowed, up to `bound`."""

    zero: float
    bound: float
    value: float
    low: float | None
    high: float | None
    beyond: str
    """Where the difference is further away than the bar: left, right or nowhere."""


@dataclasses.dataclass(frozen=True)
class Objective:
    """A bound in words; `bar` None where there is none to be drawn."""

    name: str
    pair: str
    outcome: str
    observed: str
    bound: str
    message: str
    bar: Bar | None

    @property
    def label(self) -> str:
        """The bar in words."""
        return f"{self.name} of {self.pair}: worse by {self.observed}, at most {self.bound}: {self.outcome}."


def objectives(each: Sequence[Delta]) -> list[Objective]:
    """As the page shows them."""
    return [
        Objective(
            name=one.metric,
            pair=f"{one.variant} against {one.reference}",
            outcome=one.outcome,
            observed=one.observed or quantities.MISSING,
            bound=one.bound,
            message=one.message,
            bar=bar(one),
        )
        for one in each
    ]


def bar(one: Delta) -> Bar | None:
    """None where the difference is not known, or the bound is no number."""
    bound = bullets.bound_value(one.bound, one.unit)
    if one.delta is None or bound is None:
        return None
    size = bound or max(abs(end) for end in (one.delta, one.low or 0.0, one.high or 0.0)) or 1.0
    most = _ROOM * min(max(one.delta, one.high or 0.0, 1.5 * size), _FARTHEST * size)
    least = _ROOM * max(min(one.delta, one.low or 0.0, -0.5 * size), -_FARTHEST * size)

    def place(value: float) -> float:
        return round(100 * (min(max(value, least), most) - least) / (most - least), 2)

    return Bar(
        zero=place(0.0),
        bound=place(bound),
        value=place(one.delta),
        low=None if one.low is None or one.high is None else place(one.low),
        high=None if one.low is None or one.high is None else place(one.high),
        beyond="right" if one.delta > most else "left" if one.delta < least else "",
    )
