"""A leak is called one; a collector's sawtooth, steps, and caches that fill are not. What a spike did is told."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatebench_analysis import resampling, statistics, trends
from gatebench_analysis.trends import MIB, Second, Slope, Trend, bins, leak, never_below, slope, spike

pytestmark = pytest.mark.slow

HOUR = 3600.0
MINUTES = [60.0 * index for index in range(361)]


def noise(count: int, sigma: float, seed: int = 1, rho: float = 0.9) -> list[float]:
    """AR(1) of that standard deviation."""
    source, out = random.Random(seed), [0.0]
    for _ in range(count):
        out.append(rho * out[-1] + source.gauss(0, sigma * math.sqrt(1 - rho * rho)))
    return out[1:]


def memory(shape: Callable[[float], float], sigma: float = 1.0, times: Sequence[float] = MINUTES) -> list[float]:
    """Bytes: 400 MiB, the shape in MiB of the hour, and noise."""
    disturbed = zip(times, noise(len(times), sigma), strict=True)
    return [(400 + shape(time / HOUR) + extra) * MIB for time, extra in disturbed]


def test_a_leak_is_suspected_with_its_figures() -> None:
    found = leak(MINUTES, memory(lambda hour: 5 * hour), limit_bytes=530 * MIB)
    assert found.suspected is True
    assert found.slope is not None
    assert found.slope * HOUR / MIB == pytest.approx(5, rel=0.1)
    assert found.interval is not None
    assert found.interval.low < found.slope < found.interval.high
    assert found.growth == pytest.approx(found.slope * 6 * HOUR)
    assert found.window_seconds == 6 * HOUR
    assert found.seconds_to_limit == pytest.approx(20 * HOUR, rel=0.15)
    assert "MiB/h" in found.why
    assert "limit" in found.why


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (lambda hour: 60.0 if hour >= 3 else 0.0, "step"),
        (lambda hour: 50.0 * sum(hour >= start for start in (1.2, 2.8, 4.5)), "step"),
        (lambda hour: 120 * min(hour / 3.8, 1.0), "levels off"),
        (lambda hour: 100 * (1 - math.exp(-hour / 1.2)), "levels off"),
        (lambda hour: 30 * (hour % 2.1), ""),
        (lambda hour: 400 * (hour % 0.2), ""),
        (lambda hour: -10 * hour, ""),
        (lambda hour: 0.0, ""),
    ],
)
def test_what_only_looks_like_a_leak(shape: Callable[[float], float], words: str) -> None:
    found = leak(MINUTES, memory(shape))
    assert found.suspected is not True
    assert words in found.why
    assert found.slope is not None


def test_a_rise_that_is_given_back_is_no_leak() -> None:
    """Three long teeth: every slope says growth, but each tooth starts where the last one did."""
    found = leak(MINUTES, memory(lambda hour: 40 * ((hour + 0.8) % 1.99), sigma=0.1), floor_bytes_per_hour=-1e12)
    assert found.suspected is not True


def test_a_leak_under_a_sawtooth_is_a_leak() -> None:
    assert leak(MINUTES, memory(lambda hour: 12 * hour + 60 * (hour * 7 % 1.0))).suspected is True


def test_growth_below_the_floor_is_no_leak() -> None:
    values = memory(lambda hour: 5 * hour)
    found = leak(MINUTES, values, floor_bytes_per_hour=8 * MIB)
    assert found.suspected is False
    assert "8 MiB/h" in found.why


def test_noise_that_hides_the_growth_is_no_leak() -> None:
    found = leak(MINUTES, memory(lambda hour: 4 * hour, sigma=40.0))
    assert found.suspected is not True


@pytest.mark.parametrize(
    ("minutes", "rate", "compressed", "expected"),
    [
        (29, 100, 1, None),  # too short
        (31, 100, 1, True),
        (31, 25, 1, None),  # it grows by 13 MiB
        (6, 100, 60, True),  # six hours, of which each takes a minute
        (0.4, 100, 60, None),
    ],
)
def test_where_the_window_or_the_growth_is_too_small(
    minutes: float, rate: float, compressed: float, expected: bool | None
) -> None:
    times = [minutes * 60 * index / 240 for index in range(241)]
    values = [(400 + rate * compressed * time / HOUR + extra) * MIB
              for time, extra in zip(times, noise(241, 0.3), strict=True)]  # fmt: skip
    found = leak(times, values, limit_bytes=8192 * MIB, compressed=compressed)
    assert found.suspected is expected
    assert found.window_seconds == pytest.approx(minutes * 60 * compressed)
    assert found.slope is not None
    assert found.slope * HOUR / MIB == pytest.approx(rate, rel=0.15)


def test_the_warm_up_does_not_count() -> None:
    values = memory(lambda hour: 200 * min(hour, 1.0))
    warm = slope(MINUTES, values, warm_up=HOUR)
    assert warm.window_seconds == 5 * HOUR
    assert warm.per_second is not None
    assert abs(warm.per_second) * HOUR < MIB


def test_missing_values_are_left_out() -> None:
    values: list[float | None] = list(memory(lambda hour: 5 * hour))
    values[100:160] = [None] * 60
    values[3] = math.nan
    found = leak(MINUTES, values)
    assert found.suspected is True
    assert found.slope is not None
    assert found.slope * HOUR / MIB == pytest.approx(5, rel=0.1)


@pytest.mark.parametrize("values", [[], [1.0] * 10, [None] * 200])
def test_too_few_samples_tell_nothing(values: list[float | None]) -> None:
    times = [60.0 * index for index in range(len(values))]
    assert slope(times, values).per_second is None
    found = leak(times, values)
    assert (found.suspected, found.slope, found.growth) == (None, None, None)
    assert found.why


def test_series_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError):
        leak([1.0, 2.0], [1.0])


def test_the_same_series_gives_the_same_trend() -> None:
    values = memory(lambda hour: 5 * hour)
    assert leak(MINUTES, values) == leak(MINUTES, values)


def test_the_limit_is_not_reached_by_what_does_not_grow() -> None:
    assert leak(MINUTES, memory(lambda hour: -5 * hour), limit_bytes=500 * MIB).seconds_to_limit is None
    assert leak(MINUTES, memory(lambda hour: 5 * hour), limit_bytes=300 * MIB).seconds_to_limit is None


def test_a_flat_line_has_a_slope_of_nothing() -> None:
    found = slope(MINUTES, [3.0] * len(MINUTES))
    assert found == Slope(0.0, statistics.Interval(0.0, 0.0, trends.CONFIDENCE), 3.0, 3.0, 6 * HOUR)


def test_the_interval_covers_the_slope_on_autocorrelated_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each bound may miss in 12 % of series that are this short; the limit is two standard deviations above that.
    Bounds that take the values as independent miss far more often."""
    times = [float(index) for index in range(40)]

    def missed(tries: int = 50) -> int:
        count = 0
        for seed in range(tries):
            values = [0.05 * time + extra for time, extra in zip(times, noise(140, 1.0, seed, 0.6)[100:], strict=True)]
            found = slope(times, values)
            assert found.interval is not None
            count += not found.interval.low <= 0.05 <= found.interval.high
        return count

    in_blocks = missed()
    assert in_blocks <= 0.36 * 50
    monkeypatch.setattr(resampling, "block_length", lambda values: 1)
    assert missed() > 1.4 * in_blocks


def test_blocks_are_as_long_as_neighbours_resemble_each_other() -> None:
    assert resampling.block_length(noise(200, 1.0, rho=0.0)) <= 8
    assert resampling.block_length(noise(200, 1.0, rho=0.9)) > 12
    assert resampling.block_length([float(index) for index in range(200)]) == 50
    assert resampling.block_length([1.0] * 200) == 3
    assert resampling.autocorrelation(noise(5000, 1.0, rho=0.9), 1) == pytest.approx(0.9, abs=0.03)


POINTS = st.lists(st.tuples(st.floats(0, 1e5), st.floats(-1e9, 1e9)), min_size=1, max_size=400).map(sorted)


@given(POINTS, st.integers(2, 50))
def test_bins_are_few_in_order_and_within_the_values(points: list[tuple[float, float]], most: int) -> None:
    times, levels = bins(points, most)
    assert len(times) == len(levels) <= max(most, 1)
    assert times == sorted(times)
    assert points[0][0] - 1e-6 <= times[0]
    assert times[-1] <= points[-1][0] + 1e-6
    values = [value for _, value in points]
    assert min(values) <= min(levels)
    assert max(levels) <= max(values)
    if len(points) <= most:
        assert list(zip(times, levels, strict=True)) == points


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_what_is_never_given_back_only_rises(levels: list[float]) -> None:
    kept = never_below(levels)
    assert kept == [min(levels[index:]) for index in range(len(levels))]
    assert all(before <= after for before, after in itertools.pairwise(kept))


def test_a_latency_that_drifts_has_a_slope() -> None:
    values = [0.1 + 0.01 * time / HOUR + extra for time, extra in zip(MINUTES, noise(361, 0.002), strict=True)]
    found = slope(MINUTES, values)
    assert found.per_second is not None
    assert found.per_second * HOUR == pytest.approx(0.01, rel=0.15)
    assert found.interval is not None
    assert found.interval.low > 0
    assert found.end is not None
    assert found.start is not None
    assert found.end - found.start == pytest.approx(0.06, rel=0.15)


def seconds(start: int, p95: Sequence[float | None], **given: Sequence[int | None]) -> list[Second]:
    """Rows of 100 requests with that p95; p99 is twice that."""
    out = []
    for index, value in enumerate(p95):
        cells = {name: cell[index] for name, cell in given.items()}
        out.append(Second(at=start + index, p95_seconds=value, p99_seconds=value and 2 * value,
                          **{"requests": 100, "failures": 0, **cells}))  # fmt: skip
    return out


BEFORE = seconds(0, [0.1, 0.104, 0.098, 0.3, 0.1, 0.099])


def test_a_spike_is_told_in_its_figures() -> None:
    during = seconds(6, [0.5, 2.0, 3.0], failures=[0, 25, 10], shed=[0, 20, 5])
    after = seconds(9, [3.0, 2.0, 1.0, 0.1, 0.9, 0.8, 0.9, 0.109, 0.1, 0.4, 0.1, 0.1, 0.1], shed=[3] + [0] * 12)
    found = spike(BEFORE, during, after)
    assert found.before_p95_seconds == pytest.approx(0.1)
    assert found.error_ratio == 0.25
    assert found.p99_seconds == 6.0
    assert found.shed == 28
    assert found.recovery_seconds == 7.0  # one quick second is no recovery, one slow one no relapse
    assert found.why == ""


def test_a_spike_that_left_no_mark_took_no_time() -> None:
    found = spike(BEFORE, seconds(6, [0.1] * 3), seconds(9, [0.1] * 9))
    assert (found.recovery_seconds, found.error_ratio, found.shed) == (0.0, 0.0, None)


@pytest.mark.parametrize(
    ("before", "during", "after", "words"),
    [
        (BEFORE, seconds(6, [1.0] * 3), seconds(9, [1.0] * 30), "not back within 10 % of 100 ms in 29 s"),
        (BEFORE, seconds(6, [1.0] * 3), [], "nothing was recorded after"),
        (BEFORE, [], seconds(9, [0.1] * 9), "no second of the spike"),
        ([], seconds(6, [1.0] * 3), seconds(9, [0.1] * 9), "no p95 before"),
        (BEFORE, seconds(6, [1.0] * 3), seconds(9, [None] * 9), "not back"),
        (BEFORE, seconds(6, [1.0] * 3), seconds(9, [0.1, 0.1]), "not back"),
    ],
)
def test_a_recovery_that_was_not_seen_is_missing(
    before: list[Second], during: list[Second], after: list[Second], words: str
) -> None:
    found = spike(before, during, after)
    assert found.recovery_seconds is None
    assert words in found.why


def test_what_a_spike_did_not_record_is_missing() -> None:
    found = spike(BEFORE, [Second(at=6), Second(at=7, requests=0, failures=0)], seconds(9, [0.1] * 9))
    assert (found.error_ratio, found.p99_seconds, found.shed) == (None, None, None)
    assert found.recovery_seconds == 0.0


def test_a_trend_is_plain_data() -> None:
    assert leak([], []) == Trend(None, "too few samples to tell", None, None, None, 0.0, None)
