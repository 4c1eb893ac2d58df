"""Open load: how late requests are sent, whether the rate is the one asked for, and whether random gaps are random."""

from __future__ import annotations

import functools
import sys
from typing import Any

import numpy as np
from bench.engine import engine
from bench.engine.figures import Check, at_least, below, close, exponential_distance, kolmogorov, spread
from bench.engine.lab import Lab, record, reset
from bench.engine.quiet import Rounds, middle, rounds
from bench.engine.shown import Part, Table, microseconds, number
from bench.mock.run import Server

RATES = (2_000, 5_000, 10_000)
# Of the dispatch delay, by thousandths; seconds.
BOUNDS = {500: 50e-6, 990: 250e-6, 999: 2e-3}
OF_RATE = 0.001
# A thousand gaps show a distance of some 0.05; with more of them even a few microseconds between the send and the
# server's kernel are seen, where gaps are 100 us.
SAMPLE = 1000
SIGNIFICANCE = 0.01
KINDS = {"even": False, "random": True}


def measure(lab: Lab) -> Part:
    """The whole part."""
    long, short = lab.seconds(60, 4), lab.seconds(10, 4)
    found: dict[str, Any] = {"seconds": {"rate": long, "delay": short}, "rates": {}}
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
            whole = _one(lab, server, rate, long, poisson=False)
            taken = {
                kind: rounds(lab, functools.partial(_one, lab, server, rate, short, poisson))
                for kind, poisson in KINDS.items()
            }
            found["rates"][str(rate)] = {
                "perSecond": whole["perSecond"],
                **{kind: {**each.plain(), "values": each.values} for kind, each in taken.items()},
            }
            notes += [each.words(f"{rate:,}/s, {kind}") for kind, each in taken.items()]
            rows += [_row(f"{rate:,}/s, {kind}", each, KINDS[kind]) for kind, each in taken.items()]
            checks += _checks(rate, whole, taken["even"], taken["random"])
    head = ["medians", "delay p50", "p99", "p99.9", "sent a second", "dropped", "KS distance", "p of 1,000 gaps"]
    return Part(found, [Table("dispatch delay of open load", head, rows)], checks, notes)


def _one(lab: Lab, server: Server, rate: int, seconds: float, poisson: bool) -> dict[str, Any]:
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


def _row(name: str, taken: Rounds[dict[str, Any]], poisson: bool) -> list[str]:
    plain = [_middle(taken, key) for key in ("perSecond", "dropped")]
    random = [number(_middle(taken, key)) for key in ("distance", "p")] if poisson else ["", ""]
    return [name, *(microseconds(_delay(taken, q)) for q in BOUNDS), *map(number, plain), *random]


def _middle(taken: Rounds[dict[str, Any]], key: str) -> float | None:
    return middle([value[key] for value in taken.values])


def _delay(taken: Rounds[dict[str, Any]], thousandths: int) -> float | None:
    return middle([value["dispatchDelaySeconds"][str(thousandths)] for value in taken.values])


def _checks(rate: int, whole: dict[str, Any], even: Rounds[Any], random: Rounds[Any]) -> list[Check]:
    out = [
        below(f"{rate:,}/s: dispatch delay p{q / 10:g} in us", _scaled(_delay(even, q)), bound * 1e6)
        for q, bound in BOUNDS.items()
    ]
    out.append(close(f"{rate:,}/s: sent a second", whole["perSecond"], rate, OF_RATE))
    out.append(at_least(f"{rate:,}/s: p of the random gaps", _middle(random, "p") or 0.0, SIGNIFICANCE))
    return out


def _scaled(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1e6
