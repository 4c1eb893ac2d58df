"""Whether what is reported is what happened: delays that the server itself wrote down."""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from bench.engine import engine
from bench.engine.figures import Check, close, quantile
from bench.engine.lab import Lab, record, reset
from bench.engine.quiet import rounds
from bench.engine.shown import Part, Table, milliseconds
from bench.mock.run import Server

QUANTILES = (500, 990, 999)
DELAYS = {"constant 20 ms": ("--constant=20ms",), "log-normal, p50 20 ms, p99 200 ms": ("--p50=20ms", "--p99=200ms")}
RATE, WARM_UP = 1000, 2.0


def measure(lab: Lab) -> Part:
    """Known delays."""
    seconds = lab.seconds(10, 5)
    found: dict[str, Any] = {"rate": RATE, "seconds": seconds, "delays": {}}
    rows, checks, notes = [], list[Check](), list[str]()
    for name, flags in DELAYS.items():
        print(f"  {name}", file=sys.stderr, flush=True)
        with lab.server("--record", *flags) as server:
            taken = rounds(lab, functools.partial(_beside, lab, server, seconds))
        notes.append(taken.words(name))
        found["delays"][name] = {
            **taken.plain(),
            "serverSeconds": [{str(q): one.truth for q, one in each.items()} for each in taken.values],
            "engineSeconds": [{str(q): one.told for q, one in each.items()} for each in taken.values],
        }
        for q in QUANTILES:
            truth, told = typical([each[q] for each in taken.values])
            rows.append([f"{name}: p{q / 10:g}", milliseconds(truth), milliseconds(told)])
            checks.append(close(f"{name}: p{q / 10:g} in s", told, truth, 0.01, 0.0002))
    title = f"{RATE:,} random arrivals a second for {seconds:g} s; of the rounds the one with the median difference"
    return Part(found, [Table(title, ["", "the server's record", "the engine reports"], rows)], checks, notes)


class Pair(NamedTuple):
    """A quantile of the delays that the server wrote down, and the one that the engine reports; seconds."""

    truth: float
    told: float | None


def typical(pairs: Sequence[Pair]) -> Pair:
    """The one whose difference is the median; one of which nothing was told differs most."""
    ordered = sorted(pairs, key=lambda one: math.inf if one.told is None else abs(one.told - one.truth))
    return ordered[len(ordered) // 2]


def _beside(lab: Lab, server: Server, seconds: float) -> dict[int, Pair]:
    """What the engine reports, and the delays that the server wrote down. SystemExit where they are of other requests.

    Connections are dialled in the warm-up: what that takes is the client's wait, and none that the server knows of.
    """
    reset(server)
    run = engine.opened(lab, server.url, RATE, seconds, poisson=True, warm_up=WARM_UP)
    own = record(server).delay
    if run.errors or run.count != len(own):
        raise SystemExit(f"{run.count} requests, {run.errors} errors; the server saw {len(own)}")
    measured = own[len(own) - run.settled.count :]
    return {q: Pair(quantile(measured, q / 1000), run.settled.latency(q)) for q in QUANTILES}
