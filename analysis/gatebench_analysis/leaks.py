"""What is said of the gateway's memory over a long load: part of the result document."""

from __future__ import annotations

from gatebench_analysis.models import Document, Seconds


class Leak(Document):
    """Whether memory is suspected to leak."""

    suspected: bool | None = None
    """None: it cannot be told, or does not apply; `why` says which."""
    why: str = ""
    slope_bytes_per_hour: float | None = None
    low_bytes_per_hour: float | None = None
    """The slope's interval: each bound holds at 95 %."""
    high_bytes_per_hour: float | None = None
    growth_bytes: float | None = None
    """Over the window, by the line."""
    window_seconds: Seconds | None = None
    seconds_to_limit: Seconds | None = None
    """From the window's end until the line meets the memory limit."""
    source: str = ""
