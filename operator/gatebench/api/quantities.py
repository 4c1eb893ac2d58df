"""Durations and quantities as Kubernetes writes them, parsed once into SI units.

`30s`, `1m30s` and `500ms` become seconds; `8Gi` and `500m` become bytes and cores; a bound such as `180ms`,
`10%`, `6Gi` or `1000` becomes a number in the unit of its metric.
"""

from __future__ import annotations

import re
from decimal import Decimal

DURATION_PATTERN = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"
QUANTITY_PATTERN = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"
BOUND_PATTERN = r"^[0-9]+(\.[0-9]+)?(%|us|ms|s|m|h|k|M|G|T|Ki|Mi|Gi|Ti)?$"
SLOPE = "/h"
"""How a bound of a slope ends, as does its unit: 5Mi/h."""
OBJECTIVE_PATTERN = BOUND_PATTERN.removesuffix("$") + f"({SLOPE})?$"

_SECONDS = {
    "us": Decimal("0.000001"),
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
}
_SCALE = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    "k": Decimal(10) ** 3,
    "M": Decimal(10) ** 6,
    "G": Decimal(10) ** 9,
    "T": Decimal(10) ** 12,
    "Ki": Decimal(2) ** 10,
    "Mi": Decimal(2) ** 20,
    "Gi": Decimal(2) ** 30,
    "Ti": Decimal(2) ** 40,
}
_DURATION = re.compile(DURATION_PATTERN)
_DURATION_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")
_NUMBER_AND_UNIT = re.compile(r"^([0-9]+(?:\.[0-9]+)?)([A-Za-z%]*)$")


def duration_seconds(text: str) -> float:
    """Seconds of a duration such as `1m30s`. Raises ValueError that shows the form wanted."""
    if not _DURATION.match(text):
        raise ValueError(f"{text!r} is not a duration: write it as 500ms, 30s, 1m30s or 24h")
    return float(sum(Decimal(n) * _SECONDS[unit] for n, unit in _DURATION_PART.findall(text)))


def quantity_value(text: str) -> float:
    """Plain number of a Kubernetes quantity: bytes for `8Gi`, cores for `500m`. Raises ValueError."""
    match = _NUMBER_AND_UNIT.match(text)
    if not match or match[2] not in _SCALE:
        raise ValueError(f"{text!r} is not a quantity: write it as 8Gi, 512Mi, 2 or 500m")
    return float(Decimal(match[1]) * _SCALE[match[2]])


def bound_value(text: str, unit: str) -> float:
    """A bound of an objective in the SI unit of its metric.

    `unit` is `s` (where a bare number means seconds and m means minutes), `ratio` (where 10% is 0.1), or any
    other unit, where the text is a Kubernetes quantity. A unit an hour (`bytes/h`) wants its bound to end in /h.
    Raises ValueError that names the forms wanted.
    """
    if unit.endswith(SLOPE):
        if not text.strip().endswith(SLOPE):
            raise ValueError(f"{text!r} is no slope: write it an hour, as 5Mi/h, 10ms/h, 1%/h or 100/h")
        return bound_value(text.strip().removesuffix(SLOPE), unit.removesuffix(SLOPE))
    if text.strip().endswith(SLOPE):
        raise ValueError(f"{text!r} is a slope, and this is no metric of one: leave out {SLOPE}")
    match = _NUMBER_AND_UNIT.match(text.strip())
    if not match:
        raise ValueError(f"{text!r} is not a bound: write it as 180ms, 10%, 6Gi or 1000")
    number, suffix = Decimal(match[1]), match[2]
    if unit == "s":
        if suffix and suffix not in _SECONDS:
            raise ValueError(f"{text!r} is not a time: write it as 180ms or 1.5s")
        return float(number * _SECONDS[suffix or "s"])
    if suffix == "%":
        if unit != "ratio":
            raise ValueError(f"{text!r}: a percentage bounds only a ratio such as errorRatio")
        return float(number / 100)
    if suffix not in _SCALE:
        raise ValueError(f"{text!r} does not fit a metric in {unit}: write a number, or a quantity such as 6Gi")
    return float(number * _SCALE[suffix])


def seconds_text(seconds: float) -> str:
    """A duration for people and for flags: the shortest exact of ms and s."""
    if seconds == int(seconds):
        return f"{int(seconds)}s"
    return f"{seconds * 1000:g}ms"
