"""The sums of the engine's benchmark."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from bench.engine import figures


def test_a_quantile_is_a_value_that_was_measured() -> None:
    values = np.arange(1.0, 101.0)[::-1].copy()
    assert [figures.quantile(values, q) for q in (0.0, 0.5, 0.99, 1.0)] == [1.0, 50.0, 99.0, 100.0]
    with pytest.raises(ValueError, match="no values"):
        figures.quantile(np.array([]), 0.5)


def test_the_distance_is_the_largest_between_the_two_distributions() -> None:
    # One gap at the median of the distribution: the empirical one jumps from 0 to 1 there.
    assert figures.exponential_distance(np.array([math.log(2)]), 1.0) == pytest.approx(0.5)
    # The quantiles of an exponential, each in the middle of its step.
    ranks = (np.arange(1000) + 0.5) / 1000
    assert figures.exponential_distance(-np.log1p(-ranks) * 3, 3.0) == pytest.approx(0.0005)


@pytest.mark.parametrize(("x", "p"), [(1.2238, 0.10), (1.3581, 0.05), (1.6276, 0.01)])
def test_significance_is_that_of_the_tables(x: float, p: float) -> None:
    assert figures.kolmogorov(x / math.sqrt(1e8), 10**8) == pytest.approx(p, rel=1e-3)


def test_significance_stays_within_its_bounds() -> None:
    assert figures.kolmogorov(0.0, 10) == 1.0
    assert figures.kolmogorov(1.0, 10_000) == 0.0
    steps = [figures.kolmogorov(d / 1000, 100) for d in range(1, 1000)]
    assert all(0 <= after <= before <= 1 for before, after in itertools.pairwise(steps))


def test_random_gaps_pass_and_even_ones_do_not() -> None:
    random = np.random.default_rng(7).exponential(0.002, 1000)
    assert figures.kolmogorov(figures.exponential_distance(random, 0.002), 1000) > 0.01
    slower = figures.exponential_distance(random * 1.2, 0.002)
    assert figures.kolmogorov(slower, 1000) < 0.01
    even = figures.exponential_distance(np.full(1000, 0.002), 0.002)
    assert figures.kolmogorov(even, 1000) < 1e-6


def test_a_sample_is_spread_from_beginning_to_end() -> None:
    assert list(figures.spread(np.arange(101), 5)) == [0, 25, 50, 75, 100]
    assert list(figures.spread(np.arange(3), 5)) == [0, 1, 2]


def test_an_open_load_meets_a_stall_with_every_arrival() -> None:
    latencies = figures.stalled(20, 1000, 0.01, 1.0, 10.0)
    assert len(latencies) == 20_000
    waited = latencies[latencies > 0.0101]
    # The second of the stall, and what would have been answered in it.
    assert len(waited) == pytest.approx(2 * 1010, abs=2)
    assert latencies.min() == pytest.approx(0.01)
    assert latencies.max() == pytest.approx(1.01, abs=1e-3)
    # Its hundredth: 10 ms of both kinds above 1 s, and 80 ms of those that came in the stall.
    assert figures.quantile(latencies, 0.99) == pytest.approx(0.92, abs=2e-3)
    assert figures.quantile(latencies, 0.5) == pytest.approx(0.01)


def test_without_a_stall_nothing_waits() -> None:
    assert np.allclose(figures.stalled(2, 100, 0.01, 0.0, 10.0), 0.01)


def test_growth_leaves_out_the_warm_up() -> None:
    seconds = np.arange(100.0)
    warmed = np.where(seconds < 15, seconds, 15.0)
    assert figures.growth(seconds, warmed) == 0.0
    assert figures.growth(seconds, seconds) == pytest.approx(60.0, abs=1)


@pytest.mark.parametrize(
    ("check", "met"),
    [
        (figures.at_least("", 0.9, 0.9), True),
        (figures.at_least("", 0.89, 0.9), False),
        (figures.below("", 1.9, 2), True),
        (figures.below("", 2.0, 2), False),
        (figures.below("", None, 2), False),
        (figures.close("", 101.0, 100.0, 0.01), True),
        (figures.close("", 98.9, 100.0, 0.01), False),
        (figures.close("", 0.0202, 0.02, 0.01, 0.0002), True),
        (figures.close("", 0.0203, 0.02, 0.01, 0.0002), False),
        (figures.close("", None, 100.0, 0.01), False),
        (figures.close("", 5, 5, 0.0), True),
        (figures.close("", 4, 5, 0.0), False),
    ],
)
def test_bounds(check: figures.Check, met: bool) -> None:
    assert check.met is met
