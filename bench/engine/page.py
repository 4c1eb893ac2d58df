"""Puts the stall's figures of build/bench/engine.json into docs/how-it-measures.md: `python -m bench.engine.page`."""

from __future__ import annotations

import json
from typing import Any

from bench.engine.lab import REPOSITORY

PAGE = REPOSITORY / "docs" / "how-it-measures.md"
RESULT = REPOSITORY / "build" / "bench" / "engine.json"
BEGIN, END = "<!-- stall: begin -->\n", "<!-- stall: end -->\n"
KINDS = {
    "engine": "the engine, open load",
    "vegeta": "vegeta, open load",
    "wrk": "wrk, 16 connections, corrected afterwards",
    "hey": "hey, 16 connections",
    "locust": "Locust, 16 users",
}


def table(document: dict[str, Any]) -> str:
    """The stall part as Markdown. ValueError where it was not measured."""
    part = document.get("parts", {}).get("stall", {})
    if "told" not in part:
        raise ValueError("there is no stall part: PARTS=stall make bench-engine measures it")
    machine = document["machine"]
    rows = ["| | requests/s | p50 | p99 |", "|---|---:|---:|---:|"]
    reckoned = f"{_ms(part['baseSeconds'])} | {_ms(part['reckonedP99Seconds'])} |"
    rows.append(f"| every arrival, reckoned without the server's own work | {part['rate']} | {reckoned}")
    own = part["told"]["record"]
    record = f"{_ms(own['p50Seconds'])} | {_ms(own['p99Seconds'])} |"
    rows.append(f"| the engine's requests, by the server's record | {part['rate']} | {record}")
    for name, words in KINDS.items():
        told = part["told"][name]
        rows.append(f"| {words} | {told['perSecond']:,.0f} | {_ms(told['p50Seconds'])} | {_ms(told['p99Seconds'])} |")
    quiet = f"others took {part['othersCpuRatio']:.0%} of all CPUs meanwhile"
    shared = "server and clients on the same one" if part["oneCpu"] else "one for the server and one for the clients"
    where = f"{machine['cpus']} CPUs of the kind {machine['model']}, {shared}"
    many = f"Medians of {len(part['rounds'])} rounds of {part['seconds']:g} s each"
    return "\n".join(rows) + f"\n\n{many}; {where}; {quiet}.\n"


def _ms(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1e3:,.1f} ms"


def put(page: str, text: str) -> str:
    """The page with this text between its marks. ValueError where it has none."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has lost its marks for the stall's figures")
    return before + begin + text + end + after


def main() -> None:
    """Writes the page anew."""
    try:
        PAGE.write_text(put(PAGE.read_text(), table(json.loads(RESULT.read_text()))))
    except (OSError, ValueError) as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
