"""Rows about memory over hours: a leak is found, and what only looks like one is not called one."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from bench.truth import synthetic
from bench.truth.rows import Row, share

from gatebench_analysis import trends

_SERIES = (
    f"{synthetic.HOURS:.0f} h, a sample each {synthetic.INTERVAL_SECONDS:.0f} s, noise AR({synthetic.RHO}) with a "
    f"standard deviation of {synthetic.SIGMA_MIB:.0f} MiB"
)


def suspected(seed: int, make: Callable[[random.Random], Sequence[float]]) -> bool:
    """Whether a series is called a leak."""
    return trends.leak(synthetic.times(), make(synthetic.seeded(seed))).suspected is True


def leak(seed: int) -> bool:
    """5 MiB/h."""
    return suspected(seed, lambda source: synthetic.leaking(source, 5.0))


def flat(seed: int) -> bool:
    """Noise alone."""
    return suspected(seed, lambda source: synthetic.leaking(source, 0.0))


def sawtooth(seed: int) -> bool:
    """A garbage collector."""
    return suspected(seed, synthetic.sawtooth)


def steps(seed: int) -> bool:
    """Steps and plateaus."""
    return suspected(seed, synthetic.steps)


def filling(seed: int) -> bool:
    """A cache that fills."""
    return suspected(seed, synthetic.filling)


def _seldom(name: str, trial: Callable[[int], bool], start: int, how: str) -> Row:
    seeds = range(start, start + 100)
    return Row(f"{name}: leak suspected", "at most 5 %", lambda: share(trial, seeds, most=0.05), f"{how}; {_SERIES}")


ROWS = [
    Row(
        "leak: suspected",
        "at least 95 %",
        lambda: share(leak, range(40_000, 40_100), least=0.95),
        f"5 MiB/h; {_SERIES}",
    ),
    _seldom("noise alone", flat, 50_000, "no growth"),
    _seldom("sawtooth", sawtooth, 60_000, "32 to 256 MiB up in 2 min to 2 h, and down at once"),
    _seldom("steps and plateaus", steps, 70_000, "1 to 3 steps of 16 to 128 MiB at any time"),
    _seldom("filling cache", filling, 80_000, "64 to 256 MiB by 1 - exp(-t / tau), tau from 15 to 75 min"),
]
