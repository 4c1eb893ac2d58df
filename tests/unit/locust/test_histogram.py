"""Sparse histograms against the reference implementation."""

from __future__ import annotations

import math

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st

from gatebench_locust.histogram import HIGHEST, Histogram, bounds_of, index_of, quantiles

pytestmark = pytest.mark.slow

VALUES = st.integers(0, HIGHEST)


@settings(deadline=None)
@given(VALUES)
def test_the_index_is_that_of_hdr(value: int) -> None:
    reference = HdrHistogram(1, HIGHEST, 3)
    index = index_of(value)
    assert index == reference._counts_index_for(value)
    assert bounds_of(index) == (
        reference.get_lowest_equivalent_value(value),
        reference.get_highest_equivalent_value(value),
    )


@settings(deadline=None)
@given(st.lists(st.floats(0, 599), min_size=1, max_size=50), st.lists(st.floats(0, 599), max_size=50))
def test_merging_over_the_wire_is_recording_it_all(one: list[float], other: list[float]) -> None:
    parts = []
    for seconds in (one, other):
        part = Histogram()
        for value in seconds:
            part.record(value)
        parts.append(Histogram.from_wire(part.to_wire()))
    parts[0].add(parts[1])
    document = parts[0].document()
    decoded = HdrHistogram.decode(document["data"].encode())
    reference = HdrHistogram(1, HIGHEST, 3)
    for value in one + other:
        reference.record_value(int(value * 1e6 + 0.5))
    assert decoded.get_total_count() == document["count"] == len(one + other)
    for percentile in (1, 50, 95, 99.9, 100):
        assert decoded.get_value_at_percentile(percentile) == reference.get_value_at_percentile(percentile)
    assert document["minSeconds"] == min(one + other)
    assert document["maxSeconds"] == max(one + other)
    assert document["sumSeconds"] == pytest.approx(math.fsum(one + other))


def test_above_ten_minutes_is_clamped_and_counted() -> None:
    histogram = Histogram()
    histogram.record(700.0)
    histogram.record(-0.1)
    document = histogram.document()
    assert (document["count"], document["clamped"], document["maxSeconds"]) == (2, 1, 700.0)
    assert HdrHistogram.decode(document["data"].encode()).get_total_count() == 2
    assert document["minSeconds"] == 0.0


def test_nothing_recorded_is_missing() -> None:
    document = Histogram().document()
    assert (document["count"], document["minSeconds"], document["maxSeconds"]) == (0, None, None)
    assert HdrHistogram.decode(document["data"].encode()).get_total_count() == 0
    assert quantiles({}, (0.5, 0.99)) == (None, None)


@settings(deadline=None)
@given(st.dictionaries(VALUES.map(index_of), st.integers(1, 9), min_size=1, max_size=30))
def test_a_quantile_is_the_smallest_value_that_enough_others_do_not_exceed(counts: dict[int, int]) -> None:
    values = sorted(bounds_of(index)[1] for index, count in counts.items() for _ in range(count))
    asked = (0.01, 0.5, 0.95, 1.0)
    for q, found in zip(asked, quantiles(counts, asked), strict=True):
        assert found is not None
        assert round(found * 1e6) == values[math.ceil(q * len(values) - 1e-9) - 1]


@pytest.mark.parametrize(
    "wire",
    [
        [2, 1.0, 0.5, 0.5, 0, {1: 1}],
        [1, 1.0, 0.5, 0.5, 0, {-1: 1}],
        [1, 1.0, 0.5, 0.5, 0, {10**9: 1}],
        [1, 1.0, 0.5, 0.5, 0],
        [1, None, 0.5, 0.5, 0, {1: 1}],
        "text",
    ],
)
def test_a_histogram_that_does_not_add_up_is_refused(wire: object) -> None:
    with pytest.raises((ValueError, TypeError, AttributeError)):
        Histogram.from_wire(wire)
