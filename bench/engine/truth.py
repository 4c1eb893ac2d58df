"""Whether what is reported is what happened: known delays, and a server that stands still for a second of every ten."""

from __future__ import annotations

import functools
import sys
from typing import Any

from bench.engine import engine, rivals
from bench.engine.figures import Check, Values, close, quantile, stalled
from bench.engine.lab import Lab, calendar, record, reset
from bench.engine.shown import Part, Table, milliseconds, number
from bench.engine.stolen import undisturbed
from bench.mock.run import Server

QUANTILES = (500, 990, 999)
DELAYS = {"constant 20 ms": ("--constant=20ms",), "log-normal, p50 20 ms, p99 200 ms": ("--p50=20ms", "--p99=200ms")}
RATE = 1000

BASE, STALL, EVERY = 0.010, 1.0, 10.0
STALL_RATE, STALL_CONNECTIONS = 400, 16


def measure(lab: Lab) -> Part:
    """Known delays."""
    seconds = lab.seconds(30, 5)
    found: dict[str, Any] = {"rate": RATE, "seconds": seconds, "delays": {}}
    rows, checks, notes = [], list[Check](), list[str]()
    for name, flags in DELAYS.items():
        print(f"  {name}", file=sys.stderr, flush=True)
        with lab.server("--record", *flags) as server:
            taken = undisturbed(lab, functools.partial(_beside, lab, server, seconds))
            run, own = taken.value
        if taken.words():
            notes.append(f"{name}: {taken.words()}")
        if run.errors or run.count != len(own):
            seen = f"the server saw {len(own)}"
            raise SystemExit(f"{run.count} requests, {run.errors} errors; {seen}")
        truth = {q: quantile(own, q / 1000) for q in QUANTILES}
        told = {q: run.latency(q) for q in QUANTILES}
        found["delays"][name] = {
            "requests": run.count,
            "stolenSeconds": taken.stolen,
            "attempts": taken.attempts,
            "serverSeconds": {str(q): v for q, v in truth.items()},
            "engineSeconds": {str(q): v for q, v in told.items()},
        }
        for q in QUANTILES:
            rows.append([f"{name}: p{q / 10:g}", milliseconds(truth[q]), milliseconds(told[q])])
            checks.append(close(f"{name}: p{q / 10:g} in s", told[q], truth[q], 0.01, 0.0002))
    title = f"{RATE:,} random arrivals a second for {seconds:g} s"
    return Part(found, [Table(title, ["", "the server's record", "the engine reports"], rows)], checks, notes)


def _beside(lab: Lab, server: Server, seconds: float) -> tuple[engine.Run, Values]:
    """What the engine reports, and the delays that the server wrote down."""
    reset(server)
    return engine.opened(lab, server.url, RATE, seconds, poisson=True), record(server).delay


def stall(lab: Lab) -> Part:
    """A server that stalls, as each load generator reports it."""
    seconds = lab.seconds(30, 10)
    with lab.server("--record", f"--constant={BASE}s", f"--stall={STALL}s", f"--every={EVERY}s") as server:
        period = calendar(server)
        truth = quantile(stalled(seconds, STALL_RATE, BASE, period["stall"], period["every"]), 0.99)
        reset(server)
        print("  engine", file=sys.stderr, flush=True)
        run = engine.opened(lab, server.url, STALL_RATE, seconds, poisson=False)
        own = record(server).delay
        told: dict[str, dict[str, float | None]] = {}
        for name in rivals.NAMES:
            print(f"  {name}", file=sys.stderr, flush=True)
            sent = rivals.send(lab, name, server.url, STALL_CONNECTIONS, seconds, STALL_RATE).report
            told[name] = {"p50Seconds": sent.p50, "p99Seconds": sent.p99, "perSecond": sent.requests / seconds}
    account = quantile(own, 0.99)
    engine_told = {"p50Seconds": run.latency(500), "p99Seconds": run.latency(990), "perSecond": run.count / seconds}
    rows = [["every arrival, reckoned", number(STALL_RATE), milliseconds(BASE), milliseconds(truth)]]
    rows.append(["the server's record of the engine's", number(len(own) / seconds), milliseconds(quantile(own, 0.5)),
                 milliseconds(account)])  # fmt: skip
    for name, one in {"engine": engine_told, **told}.items():
        rows.append([name, number(one["perSecond"]), milliseconds(one["p50Seconds"]), milliseconds(one["p99Seconds"])])
    found = {
        "rate": STALL_RATE,
        "connections": STALL_CONNECTIONS,
        "seconds": seconds,
        "stallSeconds": STALL,
        "everySeconds": EVERY,
        "baseSeconds": BASE,
        "truthP99Seconds": truth,
        "recordP50Seconds": quantile(own, 0.5),
        "recordP99Seconds": account,
        "told": {"engine": engine_told, **told},
    }
    title = (
        f"answers after {BASE * 1e3:g} ms, and none for {STALL:g} s of every {EVERY:g} s; {STALL_RATE}/s, wrk: no rate"
    )
    checks = stall_checks(engine_told["p99Seconds"], own, truth)
    return Part(found, [Table(title, ["", "requests/s", "p50", "p99"], rows)], checks)


def stall_checks(told: float | None, own: Values, reckoned: float) -> list[Check]:
    """Whether the engine's p99 is that of the server's own record, and that of the arrivals as they are reckoned.

    What was never sent is missing in the record too, and not in the reckoning, which leaves out the server's own work.
    Of that one answer's is added: what the record's median takes beyond the delay that was asked for. That those who
    waited for the end of a stall are then answered one after the other is not, and has to fit into the 1 %.
    """
    work = max(0.0, quantile(own, 0.5) - BASE)
    to = "to every arrival, reckoned, and one answer's work"
    return [
        close("p99 of the engine in s, to the server's record", told, quantile(own, 0.99), 0.01),
        close(f"p99 of the engine in s, {to}", told, reckoned + work, 0.01),
    ]
