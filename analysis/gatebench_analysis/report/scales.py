"""A line on which values stand as their change from a reference: ratios on logarithms, shares by their difference."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence

from gatebench_analysis import quantities, regression

_MARGIN = 4.0  # percent of the line that stay free on each side
_LINEAR_UP_TO = 2.5
_MOST_TICKS = 6
_LEAST_SPAN, _FARTHEST = 1e-9, 1e12


@dataclasses.dataclass(frozen=True)
class Scale:
    """Of one metric. Shifts are logarithms of ratios, or differences; places are percent of the line."""

    absolute: bool
    low: float
    high: float

    def place(self, shift: float) -> float:
        """Where a shift stands."""
        share = (shift - self.low) / (self.high - self.low)
        return round(_MARGIN + (100 - 2 * _MARGIN) * min(max(share, 0.0), 1.0), 2)

    def ticks(self) -> list[tuple[float, str]]:
        """(place, words), the reference included; of shares in percentage points, which the words leave out."""
        if self.absolute:
            marks = [(mark, points(mark).removesuffix(" points")) for mark in _steps(self.low, self.high)]
        else:
            least, most = math.exp(self.low), math.exp(self.high)
            if most / least < _LINEAR_UP_TO:
                marks = [(math.log1p(mark), percent(mark)) for mark in _steps(least - 1, most - 1)]
            else:
                marks = [(math.log(mark), f"\N{MULTIPLICATION SIGN} {mark:g}") for mark in _factors(least, most)]
        return [(self.place(mark), words) for mark, words in marks]


def scale(metric: str, shifts: Iterable[float]) -> Scale:
    """The line that holds these shifts, and the reference."""
    known = [*shifts, 0.0]
    low, high = min(known), max(known)
    if high - low < _LEAST_SPAN:
        low, high = low - 0.01, high + 0.01
    return Scale(regression.is_absolute(metric), low, high)


def shift(metric: str, value: float, reference: float) -> float | None:
    """How far a value lies from the reference's; None where they have no ratio."""
    if regression.is_absolute(metric):
        return value - reference
    return of_estimate(metric, value / reference) if value > 0 and reference > 0 else None


def of_estimate(metric: str, estimate: float | None) -> float | None:
    """The same of a ratio, or of a difference, that a table has."""
    if estimate is None or regression.is_absolute(metric):
        return estimate
    return math.log(estimate) if 1 / _FARTHEST < estimate < _FARTHEST else None


def change(metric: str, shifted: float) -> str:
    """+1.2 %, or +0.3 points."""
    return points(shifted) if regression.is_absolute(metric) else percent(math.expm1(shifted))


def percent(share: float) -> str:
    """+1.2 %."""
    return f"{'+' if share > 0 else ''}{quantities.ratio(share)}"


def points(share: float) -> str:
    """+0.3 points."""
    return f"{'+' if share > 0 else ''}{quantities.digits(100 * share)} points"


def _steps(low: float, high: float) -> list[float]:
    """Multiples of 1, 2 or 5 of a power of ten, 0 among them."""
    wanted = (high - low) / (_MOST_TICKS - 1)
    power = 10.0 ** math.floor(math.log10(wanted))
    step = next(power * digit for digit in (1, 2, 5, 10) if power * digit >= wanted * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [0.0 if mark == 0 else float(f"{mark * step:.6g}") for mark in range(first, last + 1)]


def _factors(low: float, high: float) -> Sequence[float]:
    """1, 2 and 5 of every decade, or only its 1 where these are many."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), (1,)):
        marks = [float(f"{digit}e{decade}") for decade in decades for digit in digits]
        inside = [mark for mark in marks if low * (1 - 1e-9) <= mark <= high * (1 + 1e-9)]
        if len(inside) <= _MOST_TICKS:
            return inside
    every = math.ceil(len(inside) / _MOST_TICKS)
    return [mark for mark in inside if round(math.log10(mark)) % every == 0]
