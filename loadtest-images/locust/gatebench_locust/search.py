"""The search for a capacity: which rate to try next, and what has been found. Pure: it knows no clock and no fleet.

From the start rate it doubles until a step fails, then halves the bracket between the highest rate that held and the
lowest that did not until that is narrow enough. Then the upper end has to fail once more and the lower end to hold
twice more, in this order, so that the confirmations are the last of the load. One step more or less near a capacity
is chance: a confirmation that fails moves the bracket down, an upper end that holds after all moves it up, and the
search goes on. What ends it for certain is its budget of steps and seconds.
"""

from __future__ import annotations

import dataclasses
import enum

from gatebench_locust.plan import Capacity

HELD, FAILED, SATURATED = "Held", "Failed", "GeneratorSaturated"
CONFIRMATIONS = 2
_LOWEST_SHARE = 0.015  # of the start rate: below it, after six halvings, nothing is tried


class Purpose(enum.Enum):
    """Why a rate is tried."""

    CLIMB = "climb"
    DESCEND = "descend"
    BISECT = "bisect"
    REFUSE = "refuse"
    CONFIRM = "confirm"


@dataclasses.dataclass(frozen=True)
class Step:
    """A rate to try, in requests a second. Steps are numbered from 1."""

    number: int
    rate: float
    purpose: Purpose


@dataclasses.dataclass(frozen=True)
class Tried:
    """A step and how it ended; `why` is empty where it held."""

    step: Step
    outcome: str
    why: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Finding:
    """The end of a search. `rate` is None where no capacity was found; `low` held and `high` did not, if known.

    `confirmations` are the numbers of the steps that confirmed the rate.
    """

    rate: float | None
    low: float | None
    high: float | None
    limited_by: tuple[str, ...]
    message: str
    confirmations: tuple[int, ...]


class Search:
    """One search. Call `next` and `record` in turn, until `next` gives None."""

    def __init__(self, capacity: Capacity, step_seconds: float) -> None:
        """`step_seconds` is what a step takes, with everything around it."""
        self.tried: list[Tried] = []
        self._limits = capacity
        self._cost = step_seconds
        self._held: set[float] = set()
        self._refused: dict[float, Tried] = {}
        self._refused_again: set[float] = set()
        self._confirmed: list[int] = []  # of the present lower end
        self._stride: float | None = None  # None: double
        self._blind: Tried | None = None  # the highest step with too few samples, before any has held
        self._step: Step | None = None
        self._found = False
        self._end: str | None = None

    @property
    def low(self) -> float | None:
        """The highest rate that holds, as far as is known."""
        return max(self._held, default=None)

    @property
    def high(self) -> float | None:
        """The lowest rate that does not hold, as far as is known."""
        return min(self._refused, default=None)

    def next(self, elapsed: float) -> Step | None:
        """What to try now, `elapsed` seconds into the search; None: it is over."""
        if self._end is not None:
            return None
        chosen = self._choose()
        if chosen is None:
            return None
        if len(self.tried) >= self._limits.max_steps:
            self._give_up(f"the {self._limits.max_steps} steps that it may take were not enough")
            return None
        if elapsed + self._cost > self._limits.budget:
            self._give_up(f"the {self._limits.budget:g} s that it may take were not enough")
            return None
        self._step = Step(len(self.tried) + 1, *chosen)
        return self._step

    def record(self, outcome: str, why: tuple[str, ...] = (), unmeasured: bool = False) -> None:
        """How the step that `next` gave has ended. `unmeasured`: it failed for want of samples alone."""
        step = self._step
        if step is None:
            raise ValueError("there is no step to end")
        self._step = None
        one = Tried(step, outcome, why)
        self.tried.append(one)
        if outcome == HELD:
            self._hold(step)
        elif unmeasured and self.low is None:
            self._blind = one  # it says nothing of the gateway; a higher rate has more samples
        else:
            self._refuse(one)

    def finding(self) -> Finding:
        """What has been found; also of a search that was broken off."""
        low, high = self.low, self.high
        limits = self._refused[high].why if high is not None else ()
        if self._found and low is not None:
            above = f"{high:g} requests/s did not" if high is not None else "no higher rate was to be tried"
            message = f"{low:g} requests/s held {CONFIRMATIONS} times more, {above}"
            return Finding(low, low, high, limits, message, tuple(self._confirmed))
        return Finding(None, low, high, limits, self._end or "the search was broken off", ())

    def _choose(self) -> tuple[float, Purpose] | None:
        low, high, limits = self.low, self.high, self._limits
        if low is None and high is None:
            return self._start()
        if low is None:
            return self._descend(high or 0.0)
        if high is None:
            return self._confirm(low, None) if low >= limits.max_rate else (self._climb(low), Purpose.CLIMB)
        if high - low > limits.tolerance * high:
            return _between(low, high), Purpose.BISECT
        return self._confirm(low, high)

    def _start(self) -> tuple[float, Purpose] | None:
        if self._blind is None:
            return self._limits.start_rate, Purpose.CLIMB
        rate = self._blind.step.rate
        if rate >= self._limits.max_rate:
            self._too_short(self._blind)
            return None
        return min(self._limits.max_rate, 2 * rate), Purpose.CLIMB

    def _too_short(self, one: Tried) -> None:
        self._end = f"at {one.step.rate:g} requests/s the steps are too short: {'; '.join(one.why)}"

    def _descend(self, high: float) -> tuple[float, Purpose] | None:
        blind = self._blind
        if blind is not None and blind.step.rate >= high / 2:
            if high - blind.step.rate <= self._limits.tolerance * high:
                self._too_short(blind)
                return None
            return _between(blind.step.rate, high), Purpose.DESCEND
        rate = _tidy(high / 2)
        if rate < self._limits.start_rate * _LOWEST_SHARE:
            self._end = f"even {high:g} requests/s did not hold: {'; '.join(self._refused[high].why)}"
            return None
        return rate, Purpose.DESCEND

    def _climb(self, low: float) -> float:
        stride = low if self._stride is None else self._stride
        if self._stride is not None:
            self._stride *= 2
        return min(self._limits.max_rate, low + stride)

    def _confirm(self, low: float, high: float | None) -> tuple[float, Purpose] | None:
        if high is not None and high not in self._refused_again:
            return high, Purpose.REFUSE
        if high is not None and self._refused[high].outcome == SATURATED:
            self._end = f"{SATURATED}: above {low:g} requests/s the generator was the limit, not the gateway"
            return None
        if len(self._confirmed) < CONFIRMATIONS:
            return low, Purpose.CONFIRM
        self._found, self._end = True, ""
        return None

    def _give_up(self, why: str) -> None:
        low, high = self.low, self.high
        known = [f"{low:g} requests/s held"] if low is not None else []
        if high is not None:
            saturated = self._refused[high].outcome == SATURATED
            known.append(f"at {high:g} the generator was saturated" if saturated else f"{high:g} did not hold")
        self._end = f"no capacity was found: {why}" + (f"; {', '.join(known)}" if known else "")

    def _hold(self, step: Step) -> None:
        rate, low = step.rate, self.low
        if step.purpose is Purpose.CONFIRM:
            self._confirmed.append(step.number)
            return
        if step.purpose is Purpose.REFUSE and low is not None:
            # The capacity is near: doubling would leap far beyond it.
            self._stride = max(rate - low, self._limits.tolerance * rate)
        self._held.add(rate)
        self._confirmed = []
        for refused in [one for one in self._refused if one <= rate]:
            del self._refused[refused]

    def _refuse(self, one: Tried) -> None:
        rate = one.step.rate
        self._held = {held for held in self._held if held < rate}
        self._confirmed = []
        self._refused[rate] = one
        if one.step.purpose is Purpose.REFUSE:
            self._refused_again.add(rate)
        else:
            self._refused_again.discard(rate)


def _between(low: float, high: float) -> float:
    middle = (low + high) / 2
    tidy = _tidy(middle)
    return tidy if low < tidy < high else middle


def _tidy(rate: float) -> float:
    """Four digits: what people can read."""
    return float(f"{rate:.4g}")
