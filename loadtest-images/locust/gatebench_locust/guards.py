"""Bounds at which a load ends at once: judged over the last seconds, as the workers have reported them. Pure.

A window is judged when every worker has reported all of it, and when it holds enough: a percentile needs ten samples
above it, as at a step of a capacity search.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from gatebench_locust.histogram import Histogram
from gatebench_locust.objectives import DURATIONS, ERROR_RATIO, QUANTILES, TAIL_SAMPLES, THROUGHPUT

FEWEST = 20  # answers, or samples, that a ratio or a mean needs
_STATISTICS = "|".join(("mean", "max", *map(re.escape, QUANTILES)))
_NAME = re.compile(rf"(?:requests\.(.+)\.)?({ERROR_RATIO}|{THROUGHPUT}|(?:{'|'.join(DURATIONS)})\.(?:{_STATISTICS}))")
_FIELDS = {"latency": 8, "ttft": 9, "interToken": 10}  # of a worker's row


@dataclasses.dataclass(frozen=True)
class Guard:
    """Ends the load where the metric is above, or below, a bound over `window` seconds; exactly one is set. `request`
    is the name that it is about, `local` the metric without it. Seconds, ratios, requests a second."""

    metric: str
    request: str | None
    local: str
    window: int
    above: float | None = None
    below: float | None = None

    def broken(self, value: float) -> bool:
        """Whether a value is beyond the bound."""
        if self.above is not None:
            return value > self.above
        return self.below is not None and value < self.below

    @property
    def settled(self) -> bool:
        """Whether it is about a window in which all users were there: fewer of them send less."""
        return self.local == THROUGHPUT and self.below is not None


@dataclasses.dataclass(frozen=True)
class Breach:
    """A guard that was broken; `at` is the end of its window in unix seconds."""

    guard: Guard
    value: float
    at: float

    def __str__(self) -> str:
        guard = self.guard
        side, bound = ("above", guard.above) if guard.above is not None else ("below", guard.below)
        return f"{guard.metric} was {self.value:.4g} over {guard.window} s, {side} {bound:.4g}"


def parse(item: Mapping[str, Any]) -> Guard:
    """One guard of the plan. Raises KeyError, ValueError or TypeError where it cannot be used."""
    metric = str(item["metric"])
    found = _NAME.fullmatch(metric)
    if found is None:
        raise ValueError(f"abort: {metric!r} cannot be told while the load runs")
    above, below = item.get("above"), item.get("below")
    if (above is None) == (below is None):
        raise ValueError(f"abort: {metric} needs either above or below")
    window = math.ceil(float(item["windowSeconds"]))
    if not 1 <= window <= 3600:
        raise ValueError(f"abort: windowSeconds of {metric} must be from 1 to 3600")
    bounds = {"above": None if above is None else float(above), "below": None if below is None else float(below)}
    return Guard(metric, found[1], found[2], window, **bounds)


class _Second:
    """What ended in a second, of one request name or of all."""

    def __init__(self) -> None:
        self.good = self.failed = 0
        self.samples = {name: Histogram() for name in _FIELDS}

    def add(self, row: list[Any], plain: bool) -> None:
        """A worker's row. Streams have a latency only by their name (`plain` is false)."""
        if not row[4]:
            self.failed += int(row[6])
            return
        self.good += int(row[6])
        for name, column in _FIELDS.items():
            if row[column] is not None and not (plain and name == "latency" and row[5]):
                self.samples[name].add(Histogram.from_wire(row[column]))


class Guards:
    """All guards of a plan, and the seconds that they look back at."""

    def __init__(self, guards: tuple[Guard, ...]) -> None:
        self.all = guards
        self.judged = dict.fromkeys(guards, 0)
        self._keep = max((guard.window for guard in guards), default=0)
        self._names = {guard.request for guard in guards}
        self._seconds: dict[int, dict[str | None, _Second]] = {}
        self._seen: int | None = None

    def add(self, second: int, rows: Iterable[list[Any]], phases: Collection[int]) -> None:
        """A worker's report of a second (unix time); only requests that were started in one of the phases count."""
        slot = self._seconds.setdefault(second, {})
        for row in rows:
            for name in self._names:
                if int(row[0]) in phases and name in (None, row[2]):
                    slot.setdefault(name, _Second()).add(row, plain=name is None)
        for old in [one for one in self._seconds if one <= max(self._seconds) - self._keep - 10]:
            del self._seconds[old]

    def check(self, complete: int, since: float, full: float | None) -> Breach | None:
        """The first guard that is broken over its window, which ends with the second `complete`; each second once.

        The window has to begin at or after `since`; where it is to have all users, at or after `full`.
        """
        if self._seen is not None and complete <= self._seen:
            return None
        self._seen = complete
        for guard in self.all:
            begins = full if guard.settled else since
            if begins is None or complete - guard.window < begins:
                continue
            value = self._value(guard, complete)
            if value is None:
                continue
            self.judged[guard] += 1
            if guard.broken(value):
                return Breach(guard, value, float(complete))
        return None

    def _value(self, guard: Guard, complete: int) -> float | None:
        """The guard's metric over its window; None where it holds too little."""
        window = [
            slot[guard.request]
            for second in range(complete - guard.window + 1, complete + 1)
            if guard.request in (slot := self._seconds.get(second, {}))
        ]
        good, failed = sum(one.good for one in window), sum(one.failed for one in window)
        if guard.local == THROUGHPUT:
            return good / guard.window
        if guard.local == ERROR_RATIO:
            return failed / (good + failed) if good + failed >= FEWEST else None
        which, _, statistic = guard.local.partition(".")
        samples = Histogram()
        for one in window:
            samples.add(one.samples[which])
        if statistic == "max":
            return samples.maximum if samples.count else None
        if statistic == "mean":
            return samples.total / samples.count if samples.count >= FEWEST else None
        quantile = QUANTILES[statistic]
        needed = math.ceil(TAIL_SAMPLES / (1 - quantile) - 1e-6)
        return samples.quantile(quantile) if samples.count >= needed else None
