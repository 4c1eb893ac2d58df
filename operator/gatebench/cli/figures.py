"""Numbers for people, as the analysis writes them, and the times of a run. A missing number is a dash, never a zero."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from gatebench_analysis import quantities
from gatebench_analysis.quantities import MISSING, ratio, seconds, size

__all__ = ["MISSING", "age", "compared", "duration", "number", "ratio", "seconds", "size", "unix"]


def duration(value: float | None) -> str:
    """A span of time to the second: 45s, 2m05s, 3h20m, 4d2h."""
    if value is None:
        return MISSING
    whole = max(int(value), 0)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d{whole % 86400 // 3600}h"


def number(value: float | None) -> str:
    """A plain figure: 58.2, 1,170."""
    return quantities.text(value, "number")


def compared(one: Mapping[str, Any]) -> tuple[str, ...]:
    """A metric beside its baseline: verdict, name, both values, change, interval and tolerance."""
    metric, unit = str(one.get("metric")), str(one.get("unit") or "number")
    shares = unit == "ratio"
    low, high = (_change(one.get(key), shares) for key in ("low", "high"))
    tolerance = one.get("tolerance")
    return (
        str(one.get("verdict")),
        metric,
        *(quantities.text(one.get(key), unit, metric) for key in ("baseline", "current")),
        _change(one.get("ratio"), shares),
        MISSING if MISSING in (low, high) else f"{low} to {high}",
        MISSING if tolerance is None else _change(tolerance if shares else 1 + tolerance, shares).removeprefix("+"),
    )


def _change(value: float | None, shares: bool) -> str:
    """Of a ratio how far it is from one, of shares the difference in points."""
    if value is None:
        return MISSING
    change = value if shares else value - 1
    sign = "+" if change > 0 else ""
    return f"{sign}{quantities.digits(change * 100)} points" if shares else f"{sign}{ratio(change)}"


def age(created: str | None, now: float) -> str:
    """Time since an RFC 3339 timestamp."""
    at = unix(created)
    return MISSING if at is None else duration(now - at)


def unix(text: str | None) -> float | None:
    """Unix seconds of an RFC 3339 timestamp; None where it is none."""
    try:
        return datetime.datetime.fromisoformat((text or "").replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None
