"""Synthetic measurements of which the truth is known: repeats of latencies, and memory over hours.

All of them are made of `random.Random(seed)` alone: the same seed gives the same figures on every machine.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

MIB = 2.0**20

# Memory as a scrape sees it.
INTERVAL_SECONDS = 15.0
HOURS = 6.0
RHO = 0.9
SIGMA_MIB = 4.0
BASE_MIB = 400.0

# A repeat: seconds measured, requests a second, and how much its parts vary (standard deviations of logarithms).
SECONDS = 60
PER_SECOND = 100
OF_REQUESTS = 0.3
OF_SECONDS = 0.03
OF_REPEATS = 0.01
MEDIAN_SECONDS = 0.08
USERS = 50
TENTH = 1.2816
"""A tenth of a normal distribution lies above so many standard deviations."""


def seeded(seed: int) -> random.Random:
    """The source of all chance in a trial."""
    return random.Random(seed)  # noqa: S311 - no secret depends on it


def autoregressive(source: random.Random, count: int, rho: float, sigma: float) -> Iterator[float]:
    """AR(1) of that standard deviation, from its stationary distribution on."""
    value = source.gauss(0, sigma)
    innovation = sigma * math.sqrt(1 - rho * rho)
    for _ in range(count):
        yield value
        value = rho * value + source.gauss(0, innovation)


def repeat(source: random.Random, slower: float = 1.0) -> dict[str, float]:
    """The metrics of one repeat: latencies that vary by request, by second as AR(0.9), and by start of the gateway.

    The slowest tenth takes `slower` times as long: p95 and p99 grow by that, p50 and throughput hardly change.
    Throughput is that of a closed load without think time.
    """
    level = math.log(MEDIAN_SECONDS) + source.gauss(0, OF_REPEATS)
    latencies = []
    for second in autoregressive(source, SECONDS, RHO, OF_SECONDS):
        for _ in range(PER_SECOND):
            own = source.gauss(0, OF_REQUESTS)
            latencies.append(math.exp(level + second + own) * (slower if own > TENTH * OF_REQUESTS else 1.0))
    latencies.sort()
    return {
        "throughput": USERS * len(latencies) / math.fsum(latencies),
        **{f"latency.p{q}": latencies[math.ceil(q / 100 * len(latencies)) - 1] for q in (50, 95, 99)},
    }


def times() -> list[float]:
    """Seconds of the samples of memory."""
    return [index * INTERVAL_SECONDS for index in range(round(HOURS * 3600 / INTERVAL_SECONDS))]


def _noisy(source: random.Random, shape: list[float]) -> list[float]:
    noise = autoregressive(source, len(shape), RHO, SIGMA_MIB)
    return [(BASE_MIB + level + extra) * MIB for level, extra in zip(shape, noise, strict=True)]


def leaking(source: random.Random, mib_per_hour: float) -> list[float]:
    """Memory in bytes that grows all along; 0 MiB/h: that does not."""
    return _noisy(source, [mib_per_hour * at / 3600 for at in times()])


def sawtooth(source: random.Random) -> list[float]:
    """A garbage collector's: 32 to 256 MiB up within 2 min to 2 h, and down at once; each tooth varies by a tenth."""
    height, period = source.uniform(32, 256), 120 * 60 ** source.random()
    begun, length, shape = -source.random() * period, period, []
    for at in times():
        while at >= begun + length:
            begun += length
            length = period * source.uniform(0.9, 1.1)
        shape.append(height * (at - begun) / period)
    return _noisy(source, shape)


def steps(source: random.Random) -> list[float]:
    """One to three steps of 16 to 128 MiB at any time, with plateaus between: caches, arenas, new connections."""
    at_and_height = [(source.uniform(0, HOURS * 3600), source.uniform(16, 128)) for _ in range(source.randint(1, 3))]
    return _noisy(source, [sum(height for start, height in at_and_height if at >= start) for at in times()])


def filling(source: random.Random) -> list[float]:
    """A cache that fills: 64 to 256 MiB, by 1 - exp(-t / tau) with tau from 15 to 75 min."""
    height, tau = source.uniform(64, 256), source.uniform(900, 4500)
    return _noisy(source, [height * (1 - math.exp(-at / tau)) for at in times()])
