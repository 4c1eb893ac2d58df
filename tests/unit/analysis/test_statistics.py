"""The estimates are those of brute force, the intervals cover what they promise, the tests agree with known tables."""

from __future__ import annotations

import itertools
import math
import random
import statistics as plain

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gatebench_analysis import statistics

VALUES = st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=7)
FEW = st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=4)


@given(VALUES, VALUES)
def test_the_ratio_is_the_median_of_all_ratios_of_pairs(baseline: list[float], current: list[float]) -> None:
    logs = plain.median(math.log(one) - math.log(other) for one in current for other in baseline)
    assert statistics.hodges_lehmann_ratio(baseline, current) == pytest.approx(math.exp(logs))


@given(VALUES, VALUES, st.floats(0.01, 100))
def test_the_ratio_follows_the_scale_and_turns_with_the_sides(
    baseline: list[float], current: list[float], scale: float
) -> None:
    ratio = statistics.hodges_lehmann_ratio(baseline, current)
    assert statistics.hodges_lehmann_ratio(baseline, [scale * one for one in current]) == pytest.approx(scale * ratio)
    assert statistics.hodges_lehmann_ratio(current, baseline) == pytest.approx(1 / ratio)


@pytest.mark.parametrize(
    ("baseline", "current"), [([], [1.0]), ([1.0], []), ([0.0], [1.0]), ([1.0], [-1.0]), ([1.0], [math.nan])]
)
def test_a_ratio_of_what_has_none_is_refused(baseline: list[float], current: list[float]) -> None:
    for function in (statistics.hodges_lehmann_ratio, statistics.ratio_bounds):
        with pytest.raises(ValueError):
            function(baseline, current)
    with pytest.raises(ValueError):
        statistics.exact_p(baseline, current, 1.0)


@given(FEW, FEW, st.floats(0.1, 10))
def test_p_is_the_share_of_all_ways_to_deal_the_ranks(
    baseline: list[float], current: list[float], ratio: float
) -> None:
    def above(one_side: tuple[float, ...], others: list[float]) -> int:
        return sum(1 for one in one_side for other in others if one > other)

    scaled = [one / ratio for one in current]
    everything = [*baseline, *scaled]
    assume(len(set(everything)) == len(everything))
    assume(min(abs(a / b - 1) for a, b in itertools.combinations(everything, 2)) > 1e-9)
    seen = above(tuple(scaled), baseline)
    ways = [
        above(chosen, [one for one in everything if one not in chosen])
        for chosen in itertools.combinations(everything, len(current))
    ]
    share = sum(1 for count in ways if count >= seen) / len(ways)
    assert statistics.exact_p(baseline, current, ratio) == pytest.approx(share)


# One-sided tails of the Mann-Whitney distribution: P(U <= u), as printed in tables.
@pytest.mark.parametrize(
    ("sides", "u", "p"),
    [((3, 3), 0, 0.05), ((4, 4), 0, 0.0143), ((4, 4), 1, 0.0286), ((5, 5), 2, 0.0159), ((5, 5), 4, 0.0476),
     ((6, 5), 5, 0.0411), ((8, 8), 15, 0.0415)],
)  # fmt: skip
def test_p_is_that_of_the_tables(sides: tuple[int, int], u: int, p: float) -> None:
    baseline = [float(index + 1) for index in range(sides[0])]
    # All of the current side above, but for u pairs: the lowest of it sinks below so many.
    current = [100.0 + index for index in range(sides[1])]
    left = u
    for index in range(sides[1]):
        sink = min(left, sides[0])
        current[index] = sides[0] - sink + 0.5 + index * 1e-3 if sink else current[index]
        left -= sink
    assert statistics.exact_p(baseline, current, 1.0) == pytest.approx(p, abs=5e-5)


@given(VALUES, VALUES, st.floats(0.2, 5), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_the_interval_excludes_what_the_test_rejects(
    baseline: list[float], current: list[float], ratio: float, confidence: float
) -> None:
    bounds = statistics.ratio_bounds(baseline, current, confidence)
    p_above, p_below = statistics.exact_p(baseline, current, ratio), statistics.exact_p(current, baseline, 1 / ratio)
    smallest = 1 / math.comb(len(baseline) + len(current), len(baseline))
    if bounds is None:
        assert smallest > 1 - confidence or len(baseline) * len(current) == 1
        return
    assert bounds.low <= statistics.hodges_lehmann_ratio(baseline, current) * (1 + 1e-9)
    assume(all(abs(one / ratio - 1) > 1e-9 for one in (bounds.low, bounds.high)))
    assert (bounds.low > ratio) == (p_above <= 1 - confidence + 1e-12)
    assert (bounds.high < ratio) == (p_below <= 1 - confidence + 1e-12)


def test_too_few_values_have_no_bounds() -> None:
    assert statistics.ratio_bounds([1.0, 2.0], [3.0, 4.0]) is None
    assert statistics.ratio_bounds([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]) == statistics.Interval(
        pytest.approx(4 / 3), pytest.approx(6.0), 0.95
    )
    assert statistics.ratio_bounds([1.0, 2.0, 3.0], [4.0, 5.0, 6.0], 0.99) is None


@given(FEW, FEW)
def test_differences_are_ratios_of_powers(baseline: list[float], current: list[float]) -> None:
    before, after = [math.log(one) for one in baseline], [math.log(one) for one in current]
    difference = statistics.hodges_lehmann_difference(before, after)
    assert math.exp(difference) == pytest.approx(statistics.hodges_lehmann_ratio(baseline, current))
    bounds, ratios = statistics.difference_bounds(before, after), statistics.ratio_bounds(baseline, current)
    assert (bounds is None) == (ratios is None)
    if bounds is not None and ratios is not None:
        assert (math.exp(bounds.low), math.exp(bounds.high)) == pytest.approx((ratios.low, ratios.high))
    assert statistics.exact_p_difference(before, after, 0.0) == statistics.exact_p(baseline, current, 1.0)


def test_ties_never_speak_for_a_difference() -> None:
    same = [0.0] * 5
    assert statistics.exact_p_difference(same, same, 0.0) == 1.0
    assert statistics.difference_bounds(same, same) == statistics.Interval(0.0, 0.0, 0.95)


@pytest.mark.parametrize("sides", [(4, 4), (5, 5), (5, 8)])
def test_each_bound_covers_the_truth_as_often_as_promised(sides: tuple[int, int]) -> None:
    """Heavy-tailed values, since the promise is for any distribution. The miss rate of a bound is at most 5 %; the
    limit is the 99.9 % quantile of so many tries at 5 %, and at least it is not over-wide by more than the ranks."""
    source, truth, tries = random.Random(11), 1.07, 3000
    missed = [0, 0]
    for _ in range(tries):
        baseline = [source.lognormvariate(0, 0.1) ** source.choice((1, 3)) for _ in range(sides[0])]
        current = [truth * source.lognormvariate(0, 0.1) ** source.choice((1, 3)) for _ in range(sides[1])]
        bounds = statistics.ratio_bounds(baseline, current)
        assert bounds is not None
        missed[0] += bounds.low > truth
        missed[1] += bounds.high < truth
    most = 0.05 * tries + 3.1 * math.sqrt(0.05 * 0.95 * tries)
    assert max(missed) <= most
    assert min(missed) >= 0.02 * tries


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_is_between_bonferroni_and_each_by_itself(p_values: list[float]) -> None:
    rejected = statistics.holm(p_values)
    count = len(p_values)
    for p, is_rejected in zip(p_values, rejected, strict=True):
        assert is_rejected or p > 0.05 / count
        assert p <= 0.05 + 1e-9 or not is_rejected
    accepted = [p for p, is_rejected in zip(p_values, rejected, strict=True) if not is_rejected]
    assert all(
        p <= min(accepted) for p, is_rejected in zip(p_values, rejected, strict=True) if is_rejected and accepted
    )


def test_holm_steps_down() -> None:
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == [True, False, False, True]
    assert statistics.holm([0.04, 0.03, 0.02]) == [False, False, False]
    assert statistics.holm([0.01, 0.02, 0.03]) == [True, True, True]
    assert statistics.holm([]) == []


@given(st.integers(1, 200), st.sampled_from([0.01, 0.05, 0.1]))
def test_repeats_needed_are_the_fewest(metrics: int, alpha: float) -> None:
    needed = statistics.repeats_needed(metrics, alpha)
    assert 1 / math.comb(2 * needed, needed) <= alpha / metrics * (1 + 1e-9)
    assert needed == 1 or 1 / math.comb(2 * needed - 2, needed - 1) > alpha / metrics * (1 - 1e-9)


def test_repeats_needed_of_few_metrics() -> None:
    assert [statistics.repeats_needed(metrics) for metrics in (1, 2, 3, 4, 12, 13)] == [3, 4, 4, 5, 5, 6]
    with pytest.raises(ValueError):
        statistics.repeats_needed(0)


@given(st.lists(st.tuples(st.integers(0, 20), st.floats(-1e3, 1e3)), min_size=2, max_size=15))
def test_the_slope_is_the_median_of_all_slopes(points: list[tuple[int, float]]) -> None:
    times, values = [float(time) for time, _ in points], [value for _, value in points]
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.combinations(points, 2) if a[0] != b[0]]
    if not slopes:
        with pytest.raises(ValueError):
            statistics.theil_sen(times, values)
        return
    assert statistics.theil_sen(times, values) == pytest.approx(plain.median(slopes), rel=1e-9, abs=1e-9)


def test_a_slope_holds_against_a_quarter_of_outliers() -> None:
    times = [float(index) for index in range(40)]
    values = [2.0 * time + (1e6 if index % 4 == 0 else 0.0) for index, time in enumerate(times)]
    assert statistics.theil_sen(times, values) == pytest.approx(2.0, abs=1e-9)
    with pytest.raises(ValueError):
        statistics.theil_sen([1.0, 2.0], [1.0])
