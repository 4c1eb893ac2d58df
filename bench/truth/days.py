"""The row about a day: a long result becomes a report soon, and in little memory."""

from __future__ import annotations

from bench import report_day
from bench.truth.rows import Found, Row


def day() -> Found:
    """24 h at 1 s."""
    found = report_day.measure()
    page = f"page of {found['bytes'] / 1e6:.2f} MB"
    figure = f"{found['cpuSeconds']:.1f} s of processor time, {found['peakMiB']:.0f} MiB, {page}"
    return Found(figure if found["peakShown"] else f"{figure} without the peak", report_day.holds(found), {**found})


ROWS = [
    Row(
        "24 h at 1 s: report",
        f"at most {report_day.MOST_SECONDS:g} s and {report_day.MOST_MIB:g} MiB",
        day,
        f"a result document of {report_day.SECONDS:,} rows of load and of the probe becomes its page, of at most"
        f" {report_day.MOST_BYTES / 1e6:g} MB, on which the p99 of a single second stands; by a process of its own,"
        " from the start of Python on",
    ),
]
