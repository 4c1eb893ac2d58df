"""Whether the engine's memory stays where it is: a thousand connections, without think time, for ten minutes."""

from __future__ import annotations

import sys
import time

import numpy as np
from bench.engine import engine
from bench.engine.figures import at_most, growth
from bench.engine.lab import Lab, resident_bytes
from bench.engine.shown import Part, Table, number

CONNECTIONS = 1000
# Between the second and the last fifth, by their medians: of what was held, or what a heap moves by itself.
MOST_GROWTH = 0.05
MIB = 2**20
LEAST_SEEN = 4 * MIB


def measure(lab: Lab) -> Part:
    """The whole part."""
    seconds = lab.memory_seconds
    print(f"  {seconds:g} s", file=sys.stderr, flush=True)
    at, held = [], []
    with lab.server() as server, engine.running(lab, server.url, CONNECTIONS, seconds) as run:
        began = time.monotonic()
        while run.process.poll() is None:
            passed = time.monotonic() - began
            if 1 <= passed < seconds:  # not the start, nor what is done at the end
                at.append(passed)
                held.append(resident_bytes(run.process.pid))
            if passed > seconds + 60:
                raise SystemExit("the engine does not end")
            time.sleep(0.2 if seconds < 60 else 1)
        done = run.finish()
    moments, bytes_held = np.array(at), np.array(held, dtype=float)
    grown = growth(moments, bytes_held)
    before = float(np.median(bytes_held[moments <= moments[0] + (moments[-1] - moments[0]) * 0.4]))
    found = {
        "seconds": seconds,
        "connections": CONNECTIONS,
        "requests": done.count,
        "residentBytes": {"median": before, "most": float(bytes_held.max()), "grown": grown},
    }
    rows = [[number(done.count), number(before / MIB), number(bytes_held.max() / MIB), number(grown / MIB)]]
    most = max(MOST_GROWTH * before, LEAST_SEEN) / MIB
    head = ["requests", "MiB held", "most", "grown"]
    title = f"{CONNECTIONS:,} connections for {seconds:g} s"
    return Part(found, [Table(title, head, rows)], [at_most("MiB grown", grown / MIB, most)])
