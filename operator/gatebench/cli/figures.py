"""Numbers for people. A missing number is a dash, never a zero."""

from __future__ import annotations

import datetime

MISSING = "-"


def seconds(value: float | None) -> str:
    """A latency: 812 us, 81.2 ms, 1.32 s."""
    if value is None:
        return MISSING
    if value < 0.001:
        return f"{value * 1e6:.0f} us"
    if value < 1:
        return f"{_digits(value * 1000)} ms"
    return f"{_digits(value)} s"


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


def size(value: float | None) -> str:
    """Bytes: 412 MiB, 1.9 GiB."""
    if value is None:
        return MISSING
    for unit in ("B", "KiB", "MiB"):
        if value < 1000:
            return f"{_digits(value)} {unit}"
        value /= 1024
    return f"{_digits(value)} GiB"


def ratio(value: float | None) -> str:
    """A share as a percentage: 0.25 %."""
    if value is None:
        return MISSING
    percent = value * 100
    return f"{percent:.2f} %" if 0 < percent < 1 else f"{percent:.3g} %"


def number(value: float | None) -> str:
    """A plain figure: 58.2, 1,170."""
    if value is None:
        return MISSING
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else _digits(value)


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


def _digits(value: float) -> str:
    """Three significant digits, without an exponent."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
