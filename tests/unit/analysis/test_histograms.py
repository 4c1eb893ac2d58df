"""Histograms merge exactly, quantiles have floors, and bounds are those of the binomial distribution."""

from __future__ import annotations

import base64
import dataclasses
import math
import struct
import zlib
from fractions import Fraction

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st

from gatebench_analysis import histograms, load
from gatebench_locust.histogram import Histogram

SECONDS = st.floats(min_value=0.0, max_value=700.0, allow_nan=False)
MICROSECONDS = st.integers(0, histograms.HIGHEST)


@given(st.lists(st.lists(SECONDS, max_size=60), max_size=8))
def test_merged_parts_are_one_histogram_over_all(parts: list[list[float]]) -> None:
    merged = histograms.merge(histograms.of_values(part) for part in parts)
    whole = histograms.of_values(value for part in parts for value in part)
    assert merged.buckets == whole.buckets
    assert (merged.count, merged.clamped) == (whole.count, whole.clamped)
    assert (merged.min_seconds, merged.max_seconds) == (whole.min_seconds, whole.max_seconds)
    assert merged.sum_seconds == pytest.approx(whole.sum_seconds)
    for rank in range(1, whole.count + 1):
        assert merged.at_rank(rank) == whole.at_rank(rank)


@given(st.lists(SECONDS, max_size=80))
def test_what_is_encoded_is_decoded(values: list[float]) -> None:
    samples = histograms.of_values(values)
    assert histograms.decode(histograms.encode(samples)) == samples


@given(MICROSECONDS)
def test_buckets_are_those_of_hdrhistogram(value: int) -> None:
    reference = HdrHistogram(histograms.LOWEST, histograms.HIGHEST, histograms.DIGITS)
    index = histograms.index_of(value)
    assert reference.get_lowest_equivalent_value(value) == histograms.lowest_of(index)
    assert reference.get_highest_equivalent_value(value) == histograms.highest_of(index)


@given(st.dictionaries(MICROSECONDS, st.integers(1, 2**40), max_size=30))
def test_what_the_library_encodes_is_decoded(recorded: dict[int, int]) -> None:
    reference = HdrHistogram(histograms.LOWEST, histograms.HIGHEST, histograms.DIGITS)
    for value, count in recorded.items():
        reference.record_value(value, count)
    samples = histograms.decode(load.Histogram(data=reference.encode().decode(), sum_seconds=1.0))
    assert samples.count == sum(recorded.values())
    for value, count in recorded.items():
        assert samples.buckets[histograms.index_of(value)] >= count


@given(st.lists(SECONDS, min_size=1, max_size=300), st.integers(1, 999))
def test_a_quantile_is_the_sample_of_its_rank_to_three_digits(values: list[float], thousandths: int) -> None:
    samples = histograms.of_values(values)
    rank = -(-len(values) * thousandths // 1000)
    truth = sorted(values)[rank - 1]
    found = samples.at_rank(rank)
    assert found is not None
    assert found == pytest.approx(min(truth, histograms.CLAMP_SECONDS), rel=1.01e-3, abs=1e-6)
    assert found <= max(values)


@pytest.mark.parametrize(("quantile", "samples"), [(0.5, 7), (0.9, 44), (0.95, 90), (0.99, 459), (0.999, 4603)])
def test_sample_floors(quantile: float, samples: int) -> None:
    assert histograms.floor(quantile) == samples
    assert 1 - quantile**samples >= 0.99 > 1 - quantile ** (samples - 1)
    below = histograms.of_values([0.1] * (samples - 1))
    thousandths = round(quantile * 1000)
    assert below.quantile(thousandths) is None
    assert below.upper(thousandths) is None
    enough = histograms.of_values([0.1] * samples)
    assert enough.quantile(thousandths) == (0.1, False)


def _exact_rank(count: int, quantile: str) -> int:
    """The definition, in exact fractions: the smallest k with P(Binomial(n, q) >= k) <= 1 %."""
    q, tail = Fraction(quantile), Fraction(0)
    for k in range(count, -1, -1):
        tail += math.comb(count, k) * q**k * (1 - q) ** (count - k)
        if tail > Fraction(1, 100):
            return k + 1
    raise AssertionError


@pytest.mark.parametrize(
    ("count", "quantile"),
    [(7, "0.5"), (20, "0.5"), (100, "0.5"), (44, "0.9"), (200, "0.9"), (300, "0.95"), (459, "0.99"), (700, "0.99")],
)
def test_upper_bounds_are_exact(count: int, quantile: str) -> None:
    assert histograms.upper_rank(count, float(quantile)) == _exact_rank(count, quantile)


def test_known_upper_bounds() -> None:
    # Where the floor is just met the bound is the largest sample; the median of 100 has its bound at rank 63.
    assert histograms.upper_rank(459, 0.99) == 459
    assert histograms.upper_rank(100, 0.5) == 63
    assert histograms.upper_rank(458, 0.99) is None
    # Normal approximation: n q + 2.326 sqrt(n q (1 - q)).
    assert histograms.upper_rank(10_000_000, 0.5) == pytest.approx(5_003_678, abs=2)


def test_clamped_samples_are_only_known_to_be_above() -> None:
    samples = histograms.of_values([0.1] * 600 + [700.0] * 20)
    assert samples.clamped == 20
    assert samples.quantile(500) == (pytest.approx(0.1, rel=1e-3), False)
    assert samples.quantile(990) == (600.0, True)
    # The estimate of p95 is known, its upper bound is not.
    assert samples.quantile(950) == (pytest.approx(0.1, rel=1e-3), False)
    assert samples.upper(950) == (600.0, True)


@settings(max_examples=3 * settings.default.max_examples)
@given(st.one_of(st.text(), st.binary().map(lambda raw: base64.b64encode(raw).decode())))
def test_rubbish_is_undecodable(data: str) -> None:
    with pytest.raises(histograms.Undecodable):
        histograms.decode(load.Histogram(data=data, sum_seconds=0.0))


def _packed(payload: bytes, digits: int = 3, highest: int = histograms.HIGHEST) -> str:
    plain = struct.pack(">IIIIQQd", 0x1C849303, len(payload), 0, digits, 1, highest, 1.0) + payload
    packed = zlib.compress(plain)
    return base64.b64encode(struct.pack(">II", 0x1C849304, len(packed)) + packed).decode()


@settings(max_examples=3 * settings.default.max_examples)
@given(st.binary(max_size=200))
def test_any_payload_is_decoded_or_undecodable(payload: bytes) -> None:
    try:
        samples = histograms.decode(load.Histogram(data=_packed(payload), sum_seconds=0.0))
    except histograms.Undecodable:
        return
    assert samples.count == sum(samples.buckets.values())


def test_a_histogram_of_other_buckets_is_refused() -> None:
    for data in (_packed(b"", digits=2), _packed(b"", highest=3_600_000_000)):
        with pytest.raises(histograms.Undecodable, match="digits"):
            histograms.decode(load.Histogram(data=data))


def test_a_bomb_is_not_unpacked() -> None:
    packed = zlib.compress(bytes(50_000_000))
    data = base64.b64encode(struct.pack(">II", 0x1C849304, len(packed)) + packed).decode()
    with pytest.raises(histograms.Undecodable, match="too large"):
        histograms.decode(load.Histogram(data=data))


def test_what_does_not_add_up_is_refused() -> None:
    good = histograms.encode(histograms.of_values([0.1, 0.2]))
    for change in ({"count": 3}, {"sum_seconds": None}, {"clamped": 3}, {"data": None}):
        with pytest.raises(histograms.Undecodable):
            histograms.decode(good.model_copy(update=change))


@given(st.lists(SECONDS, max_size=60))
def test_what_workers_record_is_read(values: list[float]) -> None:
    recorded = Histogram()
    for value in values:
        recorded.record(value)
    samples = histograms.decode(load.Histogram.model_validate(recorded.document()))
    own = histograms.of_values(values)
    assert samples == dataclasses.replace(own, sum_seconds=samples.sum_seconds)
    assert samples.sum_seconds == pytest.approx(own.sum_seconds)
