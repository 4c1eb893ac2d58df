"""Open load: how late requests are sent, whether the rate is the one asked for, and whether random gaps are random."""

from __future__ import annotations

import functools
import sys
from typing import Any

import numpy as np
from bench.engine import engine
from bench.engine.figures import Check, at_least, below, close, exponential_distance, kolmogorov, spread
from bench.engine.lab import Lab, record, reset
from bench.engine.shown import Part, Table, microseconds, number
from bench.engine.stolen import undisturbed

RATES = (2_000, 5_000, 10_000)
CONNECTIONS = 256
# Of the dispatch delay, by thousandths; seconds.
BOUNDS = {500: 50e-6, 990: 250e-6, 999: 2e-3}
OF_RATE = 0.001
# A thousand gaps show a distance of some 0.05; with more of them even a few microseconds between the send and the
# server's kernel are seen, where gaps are 100 us.
SAMPLE = 1000
SIGNIFICANCE = 0.01


def measure(lab: Lab) -> Part:
    """The whole part."""
    even_seconds, random_seconds = lab.seconds(60, 4), lab.seconds(15, 4)
    found: dict[str, Any] = {"seconds": {"even": even_seconds, "random": random_seconds}, "rates": {}}
    rows, checks, notes = [], list[Check](), []
    with lab.server("--record") as server:
        ceiling = engine.closed(lab, server.url, 64, lab.seconds(3, 1))[0].report.per_second
        found["ceiling"] = ceiling
        for rate in RATES:
            if rate > ceiling / 2:
                notes.append(f"{rate:,}/s is left out: more than half of {ceiling:,.0f}/s, which the two reach here")
                checks.append(Check(f"{rate:,}/s", None, "to be measured", False))
                continue
            print(f"  {rate:,}/s", file=sys.stderr, flush=True)
            taken = {
                "even": undisturbed(lab, functools.partial(_one, lab, server, rate, even_seconds, poisson=False)),
                "random": undisturbed(lab, functools.partial(_one, lab, server, rate, random_seconds, poisson=True)),
            }
            even, random = taken["even"].value, taken["random"].value
            found["rates"][str(rate)] = {
                kind: {**one.value, "stolenSeconds": one.stolen, "attempts": one.attempts}
                for kind, one in taken.items()
            }
            notes += [f"{rate:,}/s, {kind}: {one.words()}" for kind, one in taken.items() if one.words()]
            for kind, one in (("even", even), ("random", random)):
                delay = one["dispatchDelaySeconds"]
                row = [f"{rate:,}/s, {kind}", *(microseconds(delay[str(q)]) for q in BOUNDS), number(one["perSecond"])]
                row += [number(one["dropped"]), f"{one['distance']:.3f}" if kind == "random" else ""]
                row += [number(one["p"]) if kind == "random" else ""]
                rows.append(row)
            checks += _checks(rate, even, random)
    head = ["", "delay p50", "p99", "p99.9", "sent a second", "dropped", "KS distance", "p of 1,000 gaps"]
    return Part(found, [Table("dispatch delay of open load", head, rows)], checks, notes)


def _one(lab: Lab, server: Any, rate: int, seconds: float, poisson: bool) -> dict[str, Any]:
    reset(server)
    run = engine.opened(lab, server.url, rate, seconds, poisson)
    gaps = np.diff(record(server).came)
    sample = spread(gaps, SAMPLE)
    distance = exponential_distance(sample, 1 / rate)
    return {
        "dispatchDelaySeconds": {str(q): run.delay(q) for q in BOUNDS},
        "requests": run.count,
        "perSecond": run.count / seconds,
        "dropped": run.dropped,
        "errors": run.errors,
        "gaps": len(gaps),
        "distance": exponential_distance(gaps, 1 / rate),
        "p": kolmogorov(distance, len(sample)),
    }


def _checks(rate: int, even: dict[str, Any], random: dict[str, Any]) -> list[Check]:
    delay = even["dispatchDelaySeconds"]
    out = [
        below(f"{rate:,}/s: dispatch delay p{q / 10:g} in us", _scaled(delay[str(q)]), bound * 1e6)
        for q, bound in BOUNDS.items()
    ]
    out.append(close(f"{rate:,}/s: sent a second", even["perSecond"], rate, OF_RATE))
    out.append(at_least(f"{rate:,}/s: p of the random gaps", random["p"], SIGNIFICANCE))
    return out


def _scaled(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1e6
