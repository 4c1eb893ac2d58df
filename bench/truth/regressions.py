"""Rows about two sides of repeats: nothing is called where nothing differs, and what differs is found."""

from __future__ import annotations

import functools

from bench.truth.rows import Row, share
from bench.truth.synthetic import OF_REPEATS, OF_REQUESTS, OF_SECONDS, PER_SECOND, RHO, SECONDS, repeat, seeded

from gatebench_analysis.regression import Comparison, Side, compare

REPEATS = 5
_NOISE = (
    f"{REPEATS} repeats a side of {SECONDS} s at {PER_SECOND} req/s; latencies vary by {OF_REQUESTS:.0%} a request, "
    f"{OF_SECONDS:.0%} a second as AR({RHO}), {OF_REPEATS:.0%} a repeat; throughput, p50, p95 and p99 with Holm"
)


def comparison(seed: int, slower: float, tolerance: float) -> Comparison:
    """One comparison of throughput, p50, p95 and p99, all with that tolerance."""
    source = seeded(seed)
    before, after = ([repeat(source, factor) for _ in range(REPEATS)] for factor in (1.0, slower))
    return compare(Side("before", before), Side("after", after), dict.fromkeys(before[0], tolerance))


def called(seed: int, slower: float, tolerance: float) -> bool:
    """Whether any metric is called Regressed."""
    return comparison(seed, slower, tolerance).verdict == "Regressed"


def p95_called(seed: int, slower: float, tolerance: float) -> bool:
    """Whether p95 is called Regressed, among four metrics."""
    found = comparison(seed, slower, tolerance)
    return any(one.metric == "latency.p95" and one.verdict == "Regressed" for one in found.metrics)


ROWS = [
    Row(
        "A/A at tolerance 0: anything Regressed",
        "at most 5 %",
        lambda: share(functools.partial(called, slower=1.0, tolerance=0.0), range(10_000, 10_200), most=0.05),
        _NOISE,
    ),
    Row(
        "tail 10 % slower, tolerance 3 %: p95 Regressed",
        "at least 90 %",
        lambda: share(functools.partial(p95_called, slower=1.1, tolerance=0.03), range(20_000, 20_100), least=0.9),
        f"the slowest tenth takes 10 % longer; {_NOISE}",
    ),
    Row(
        "tail 3 % slower, tolerance 10 %: anything Regressed",
        "never",
        lambda: share(functools.partial(called, slower=1.03, tolerance=0.1), range(30_000, 30_100), most=0.0),
        f"the slowest tenth takes 3 % longer; {_NOISE}",
    ),
]
