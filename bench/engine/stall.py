"""A server that stands still for a second of every ten, as each load generator reports it, in turn."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from bench.engine import engine, rivals
from bench.engine.figures import Check, close, quantile, stalled
from bench.engine.lab import Lab, calendar, record, reset
from bench.engine.quiet import middle
from bench.engine.shown import Part, Table, milliseconds, number
from bench.engine.truth import Pair, typical
from bench.mock.run import Server

BASE, STALL, EVERY = 0.010, 1.0, 10.0
RATE, CONNECTIONS = 400, 16
KEYS = ("p50Seconds", "p99Seconds", "perSecond")

Told = Mapping[str, float | None]
RECORD = "record"  # the server's, of the engine's requests


def measure(lab: Lab) -> Part:
    """The whole part."""
    turns, seconds = (1 if lab.quick else 5), EVERY
    with lab.server("--record", f"--constant={BASE}s", f"--stall={STALL}s", f"--every={EVERY}s") as server:
        period = calendar(server)
        reckoned = quantile(stalled(seconds, RATE, BASE, period["stall"], period["every"]), 0.99)
        taken = [_round(lab, server, seconds, turn) for turn in range(turns)]
    told = {name: {key: middle([one[name][key] for one in taken]) for key in KEYS} for name in taken[0]}
    rows = [["every arrival, reckoned", number(RATE), milliseconds(BASE), milliseconds(reckoned)]]
    for name, one in told.items():
        words = "the server's record of the engine's" if name == RECORD else name
        rows.append([words, number(one["perSecond"]), milliseconds(one["p50Seconds"]), milliseconds(one["p99Seconds"])])
    found = {
        "rate": RATE,
        "connections": CONNECTIONS,
        "seconds": seconds,
        "rounds": taken,
        "stallSeconds": STALL,
        "everySeconds": EVERY,
        "baseSeconds": BASE,
        "reckonedP99Seconds": reckoned,
        "told": told,
    }
    title = (
        f"answers after {BASE * 1e3:g} ms, and none for {STALL:g} s of every {EVERY:g} s; {RATE}/s, wrk: no rate; "
        f"medians of {turns} rounds"
    )
    return Part(found, [Table(title, ["", "requests/s", "p50", "p99"], rows)], checks(taken, reckoned))


def _round(lab: Lab, server: Server, seconds: float, turn: int) -> dict[str, Told]:
    print(f"  round {turn + 1}", file=sys.stderr, flush=True)
    reset(server)
    run = engine.opened(lab, server.url, RATE, seconds, poisson=False)
    own = record(server).delay
    told: dict[str, Told] = {
        RECORD: _told(quantile(own, 0.5), quantile(own, 0.99), len(own), seconds),
        "engine": _told(run.latency(500), run.latency(990), run.count, seconds),
    }
    for name in rivals.NAMES:
        sent = rivals.send(lab, name, server.url, CONNECTIONS, seconds, RATE).report
        told[name] = _told(sent.p50, sent.p99, sent.requests, seconds)
    return told


def _told(p50: float | None, p99: float | None, requests: int, seconds: float) -> Told:
    return {"p50Seconds": p50, "p99Seconds": p99, "perSecond": requests / seconds}


def checks(taken: Sequence[Mapping[str, Told]], reckoned: float) -> list[Check]:
    """Whether the engine's p99 is that of the server's own record, and that of the arrivals as they are reckoned: of
    each the round whose difference is the median.

    What was never sent is missing in the record too, and not in the reckoning, which leaves out the server's own work.
    Of that one answer's is added: what the record's median takes beyond the delay that was asked for. That those who
    waited for the end of a stall are then answered one after the other is not, and has to fit into the 1 %.
    """
    own, due = [], []
    for one in taken:
        told = one["engine"]["p99Seconds"]
        median, p99 = one[RECORD]["p50Seconds"], one[RECORD]["p99Seconds"]
        if median is None or p99 is None:
            raise ValueError("the server has written nothing down")
        own.append(Pair(p99, told))
        due.append(Pair(reckoned + max(0.0, median - BASE), told))
    return [
        _close("p99 of the engine in s, to the server's record", typical(own)),
        _close("p99 of the engine in s, to every arrival, reckoned, and one answer's work", typical(due)),
    ]


def _close(what: str, pair: Pair) -> Check:
    return close(what, pair.told, pair.truth, 0.01)
