"""Values as people read them, and durations as a spec writes them."""

from __future__ import annotations

import math
import re

MISSING = "-"
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def text(value: float | None, unit: str, metric: str = "") -> str:
    """A value with its unit: 380 ms, 118 req/s, 6.2 GiB. `metric` tells what is counted; None is a dash."""
    if value is None or not math.isfinite(value):
        return MISSING
    if unit == "count/h":
        return f"{digits(value)}/h"
    if unit.endswith("/h"):
        return f"{text(value, unit.removesuffix('/h'))}/h"
    if unit == "s":
        return seconds(value)
    if unit == "ratio":
        return ratio(value)
    if unit == "bytes":
        return size(value)
    if unit == "bytes/s":
        return f"{size(value)}/s"
    if unit == "cores":
        return f"{digits(value)} cores"
    if unit == "1/s":
        per = "tokens/s" if metric.endswith("tokensPerSecond") else "req/s"
        return f"{digits(value)} {per}"
    if unit == "count":
        return f"{value:,.0f}"
    return digits(value)


def seconds(value: float | None) -> str:
    """A time: 812 us, 81.2 ms, 1.32 s, 12.5 min."""
    if value is None:
        return MISSING
    size = abs(value)
    if 0 < size < 0.9995e-3:
        return f"{value * 1e6:.0f} us"
    if 0 < size < 0.9995:
        return f"{digits(value * 1000)} ms"
    if size < 600:
        return f"{digits(value)} s"
    return f"{digits(value / 60)} min"


def size(value: float | None) -> str:
    """Bytes: 412 MiB, 6.2 GiB."""
    if value is None:
        return MISSING
    for unit in ("B", "KiB", "MiB"):
        if abs(value) < 1000:
            return f"{digits(value)} {unit}"
        value /= 1024
    return f"{digits(value)} GiB"


def ratio(value: float | None) -> str:
    """A share as a percentage: 0.25 %."""
    if value is None:
        return MISSING
    percent = value * 100
    if 0 < abs(percent) < 0.01:
        return f"{percent:.1g} %"
    return f"{digits(percent)} %"


def digits(value: float) -> str:
    """Three significant digits without an exponent or trailing zeros; thousands in full."""
    size = abs(value)
    if round(size, 1) >= 100 or value == int(value):
        return f"{value:,.0f}"
    if 0 < size < 0.01:
        return f"{value:.2g}"
    text = f"{value:.1f}" if round(size, 2) >= 10 else f"{value:.2f}"
    return text.rstrip("0").rstrip(".")


def significant(value: float | None, count: int = 4) -> float | None:
    """Rounded to significant digits: more would be noise, and would churn a status."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{count}g}")


def duration_seconds(written: object) -> float | None:
    """Seconds of a duration as a spec has it (1m30s, 500ms); None where it is none."""
    if isinstance(written, int | float) and not isinstance(written, bool):
        return float(written) if math.isfinite(written) and written >= 0 else None
    if not isinstance(written, str):
        return None
    parts = _DURATION.findall(written)
    if not parts or "".join(number + unit for number, unit in parts) != written:
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)
