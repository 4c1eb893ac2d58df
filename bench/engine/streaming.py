"""Two hundred streams at once: when the engine saw the first token and the gaps, beside what the mock sent."""

from __future__ import annotations

import json
import sys
from typing import Any

from bench.engine import engine
from bench.engine.figures import below, close
from bench.engine.lab import Lab
from bench.engine.quiet import middle, rounds
from bench.engine.shown import Part, Table, milliseconds, number
from bench.mock.run import Server, fetch

from gatebench_analysis import histograms

STREAMS, TOKENS, PER_SECOND = 200, 100, 50.0
LATENCY = 0.2
MOST = 0.001
# Of gaps that are further than that from the mock's own.
MOST_APART = 0.01


def measure(lab: Lab) -> Part:
    """The whole part."""
    seconds = lab.seconds(20, 5)
    print(f"  {seconds:g} s", file=sys.stderr, flush=True)
    flags = [f"--latency={LATENCY}s", f"--output-tokens={TOKENS}", f"--tokens-per-second={PER_SECOND:g}"]

    def one() -> dict[str, Any]:
        with lab.mock(*flags) as mock:  # a new one each time: its account is of all that it answered
            return _one(lab, mock, seconds)

    taken = rounds(lab, one)
    found: dict[str, Any] = {key: middle([value[key] for value in taken.values]) for key in taken.values[0]}
    gap = 1 / PER_SECOND
    rows = [
        ["first token", "", *(milliseconds(found[f"firstToken{q}"]) for q in ("P50", "P99"))],
        ["  as the mock sent it", "", *(milliseconds(found[f"mockFirstToken{q}"]) for q in ("P50", "P99"))],
        ["gap", *(milliseconds(found[f"gap{q}"]) for q in ("P1", "P50", "P99"))],
        ["  as the mock means it", "", milliseconds(gap)],
    ]
    checks = [
        close("first token p50 in s", found["firstTokenP50"], found["mockFirstTokenP50"], 0.0, MOST),
        close("first token p99 in s", found["firstTokenP99"], found["mockFirstTokenP99"], 0.0, MOST),
        close("gap p50 in s", found["gapP50"], gap, 0.0, MOST),
        below("share of gaps that are not within 1 ms of 20 ms", found["gapsApartRatio"], MOST_APART),
        close("streams that failed", max(value["errors"] for value in taken.values), 0, 0.0),
    ]
    title = f"{STREAMS} streams at once, {number(found['streams'])} in all, {PER_SECOND:g} tokens a second each"
    plain = {**taken.plain(), "values": taken.values, "mockGapSeconds": gap, "medians": found}
    return Part(plain, [Table(title, ["", "p1", "p50", "p99"], rows)], checks, [taken.words("streams")])


def _one(lab: Lab, mock: Server, seconds: float) -> dict[str, Any]:
    # As many at once as asked for, and none in step with another: users would all begin in the same moment.
    rate = STREAMS / (LATENCY + (TOKENS - 1) / PER_SECOND)
    run, _ = engine.drive(lab, engine.open_load(rate, seconds, poisson=False), mock.url, seconds, stream=True)
    sent = json.loads(fetch(f"{mock.url}/gatebench/v1/account"))["delay"]["actualSeconds"]
    first, gaps = run.successes("ttft"), run.successes("inter_token")
    return {
        "streams": run.count,
        "errors": run.errors,
        "mockFirstTokenP50": sent["p50"],
        "mockFirstTokenP99": sent["p99"],
        "firstTokenP50": at(first, 500),
        "firstTokenP99": at(first, 990),
        "gapP1": at(gaps, 10),
        "gapP50": at(gaps, 500),
        "gapP99": at(gaps, 990),
        "gaps": gaps.count,
        "gapsApartRatio": apart(gaps, 1 / PER_SECOND, MOST),
    }


def at(samples: histograms.Samples, thousandths: int) -> float | None:
    """A quantile in seconds."""
    found = samples.quantile(thousandths)
    return None if found is None else found[0]


def apart(samples: histograms.Samples, middle: float, most: float) -> float | None:
    """The share of samples that are further than `most` seconds from the middle; None: there are none."""
    if not samples.count:
        return None
    far = sum(
        count
        for index, count in samples.buckets.items()
        if not middle - most <= histograms.highest_of(index) / 1e6 <= middle + most
    )
    return far / samples.count
