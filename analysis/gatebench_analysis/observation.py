"""What is known of a metric: a value, the reason why there is none, or why there can be none."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Measured:
    """A value in the metric's unit."""

    value: float
    note: str = ""
    """What a reader should know, such as "> 10 min"."""
    above: bool = False
    """The value is a lower bound: the true one is larger by an unknown amount."""
    source: str = ""
    """Where it came from, if not from where the metric's description says."""
    low: float | None = None
    """The smallest value of any repeat; None where there was one. Of overhead the lower end of its interval."""
    high: float | None = None
    """The largest, or the upper end."""


@dataclasses.dataclass(frozen=True)
class Missing:
    """It should be known, and is not."""

    why: str
    too_few: bool = False
    """For want of samples alone: a longer window would have it."""


@dataclasses.dataclass(frozen=True)
class NotApplicable:
    """It cannot exist here, so nothing is wrong."""

    why: str


Observation = Measured | Missing | NotApplicable
