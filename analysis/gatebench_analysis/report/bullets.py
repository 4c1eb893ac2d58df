"""Objectives as bullet bars: the zones that the bounds make, and where the value lies, in percent of the bar."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Literal

from gatebench_analysis import quantities
from gatebench_analysis.document import ObjectiveOutcome

Zone = Literal["good", "pass", "warn", "fail"]
_BOUND = re.compile(r"([0-9]+(?:\.[0-9]+)?)([A-Za-z%]*)")
_TIMES = {"": 1.0, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_SCALES = {"": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_SCALES |= {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40}
_LESS = ("targetBelow", "warnAbove", "failAbove", "abortAbove")
_MORE = ("targetAbove", "warnBelow", "failBelow", "abortBelow")
_ROOM, _FARTHEST = 1.25, 3.0
_TIERS = ("target", "warn", "fail", "abort")


@dataclasses.dataclass(frozen=True)
class Bar:
    """`zones` are (start, width, kind); `value` None: it is not known."""

    zones: tuple[tuple[float, float, Zone], ...]
    value: float | None
    beyond: bool
    """The value is further right than the bar."""
    ticks: tuple[tuple[float, str], ...]
    """Where the bounds are, with their texts."""


@dataclasses.dataclass(frozen=True)
class Objective:
    """An objective in words; `bar` None where its bounds make none."""

    name: str
    outcome: str
    observed: str
    bounds: str
    message: str
    bar: Bar | None

    @property
    def label(self) -> str:
        """The bar in words."""
        return f"{self.name} is {self.observed}: {self.outcome}. Bounds: {self.bounds}."


def objective(one: ObjectiveOutcome) -> Objective:
    """An objective as the page shows it."""
    name = f"{one.metric}, stage {one.stage}" if one.stage else one.metric
    bounds = ", ".join(f"{_bound_words(key)} {written}" for key, written in one.bounds.items())
    return Objective(
        name=name,
        outcome=one.outcome,
        observed=one.observed or quantities.MISSING,
        bounds=bounds or quantities.MISSING,
        message=one.message,
        bar=bar(one.bounds, one.value, one.unit or "number"),
    )


def bar(bounds: Mapping[str, str], value: float | None, unit: str) -> Bar | None:
    """The bar of some bounds as written, and a value in `unit`; None where no bound is a number."""
    known = {name: number for name, text in bounds.items() if (number := bound_value(text, unit)) is not None}
    less = {name: known[name] for name in _LESS if name in known}
    more = {name: known[name] for name in _MORE if name in known}
    taken = less or more
    if not taken or (less and more):
        return None
    farthest = max(taken.values())
    most = _ROOM * farthest or 1.0
    if value is not None and value > most / 1.05:
        most = min(1.05 * value, max(_FARTHEST * farthest, most))
    zones = _less(less, most) if less else _more(more, most)
    return Bar(
        zones=tuple((_percent(start, most), _percent(end - start, most), kind) for start, end, kind in zones),
        value=None if value is None else min(_percent(value, most), 100.0),
        beyond=value is not None and value > most,
        ticks=tuple((_percent(number, most), bounds[name]) for name, number in taken.items()),
    )


def bound_value(text: str, unit: str) -> float | None:
    """A bound as a spec has it, in the metric's unit: 180ms, 1%, 6Gi, 1000; None where it is none."""
    match = _BOUND.fullmatch(text.strip())
    if match is None:
        return None
    number, suffix = float(match[1]), match[2]
    if suffix == "%":
        return number / 100
    scale = (_TIMES if unit == "s" else _SCALES).get(suffix)
    return None if scale is None else number * scale


def _less(bounds: Mapping[str, float], most: float) -> list[tuple[float, float, Zone]]:
    """Less is better: good, then pass, warn and fail, as far as there are bounds."""
    zones: list[tuple[float, float, Zone]] = []
    start, kind = 0.0, _first(bounds, "targetBelow")
    for name, after in _steps("targetBelow", "warnAbove", "failAbove"):
        if name in bounds:
            zones.append((start, bounds[name], kind))
            start, kind = bounds[name], after
    return [*zones, (start, most, kind)]


def _more(bounds: Mapping[str, float], most: float) -> list[tuple[float, float, Zone]]:
    """More is better: the same, mirrored."""
    zones: list[tuple[float, float, Zone]] = []
    end, kind = most, _first(bounds, "targetAbove")
    for name, before in _steps("targetAbove", "warnBelow", "failBelow"):
        if name in bounds:
            zones.insert(0, (bounds[name], end, kind))
            end, kind = bounds[name], before
    return [(0.0, end, kind), *zones]


def _first(bounds: Mapping[str, float], target: str) -> Zone:
    return "good" if target in bounds else "pass"


def _steps(target: str, warn: str, fail: str) -> tuple[tuple[str, Zone], ...]:
    """The bounds outwards, with the zone behind each."""
    return (target, "pass"), (warn, "warn"), (fail, "fail")


def _percent(value: float, most: float) -> float:
    return round(100 * value / most, 3)


def _bound_words(name: str) -> str:
    """failAbove: "fail above"."""
    tier = next((tier for tier in _TIERS if name.startswith(tier)), "")
    return f"{tier} {name.removeprefix(tier).lower()}" if tier else name
