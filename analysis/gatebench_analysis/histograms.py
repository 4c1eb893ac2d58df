"""HDR histograms: decoded, merged exactly, and asked for quantiles in seconds with what the samples allow.

Buckets are those of HdrHistogram with 3 significant digits over 1 us to 10 min, as every worker records them; so
two histograms merge bucket by bucket, without loss. The decoder is bounded and never trusts its input.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import math
import struct
import zlib
from collections.abc import Iterable, Mapping

from gatebench_analysis import load

LOWEST, HIGHEST, DIGITS = 1, 600_000_000, 3
"""Microseconds: 1 us to 10 min."""
CLAMP_SECONDS = HIGHEST / 1e6
CONFIDENCE = 0.99

_HALF_BITS = 10  # 2,048 sub-buckets hold three digits
_HALF = 1 << _HALF_BITS
_BUCKETS = 20  # 2,048 us doubled 19 times is above 600 s
_SLOTS = (_BUCKETS + 1) * _HALF
_HEADER = struct.Struct(">IIIIQQd")
_COOKIE, _COMPRESSED_COOKIE = 0x1C849303, 0x1C849304
_MOST_BYTES = _HEADER.size + 9 * _SLOTS
_MOST_COUNT = 2**53


class Undecodable(ValueError):
    """The data is no histogram of ours."""


@dataclasses.dataclass(frozen=True)
class Samples:
    """A merged histogram. `buckets` maps a bucket's index to its count."""

    buckets: Mapping[int, int] = dataclasses.field(default_factory=dict)
    count: int = 0
    sum_seconds: float = 0.0
    min_seconds: float | None = None
    max_seconds: float | None = None
    clamped: int = 0
    """How many of them were above 10 min; they stand in the last bucket."""

    def mean(self) -> float | None:
        """Exact mean, in seconds."""
        return self.sum_seconds / self.count if self.count else None

    def at_rank(self, rank: int) -> float | None:
        """The rank-th smallest sample, in seconds: the upper end of its bucket, and at most the largest sample."""
        if not 1 <= rank <= self.count:
            return None
        seen = 0
        for index in sorted(self.buckets):
            seen += self.buckets[index]
            if seen >= rank:
                value = highest_of(index) / 1e6
                return value if self.max_seconds is None else min(value, self.max_seconds)
        return None

    def is_clamped(self, rank: int) -> bool:
        """Whether the rank-th smallest sample is only known to be above 10 min."""
        return rank > self.count - self.clamped

    def quantile(self, thousandths: int) -> tuple[float, bool] | None:
        """(seconds, whether it is above 10 min); None below the sample floor. `thousandths` of p99.9 is 999."""
        if self.count < floor(thousandths / 1000):
            return None
        return self._at(-(-self.count * thousandths // 1000))

    def upper(self, thousandths: int) -> tuple[float, bool] | None:
        """The quantile's upper confidence bound at 99 %, as `quantile` gives it."""
        rank = upper_rank(self.count, thousandths / 1000)
        return None if rank is None else self._at(rank)

    def lower(self, thousandths: int) -> tuple[float, bool] | None:
        """The quantile's lower confidence bound at 99 %, as `quantile` gives it."""
        rank = upper_rank(self.count, 1 - thousandths / 1000)  # the same, counted from the largest
        return None if rank is None else self._at(self.count + 1 - rank)

    def _at(self, rank: int) -> tuple[float, bool] | None:
        if self.is_clamped(rank):
            return CLAMP_SECONDS, True
        value = self.at_rank(rank)
        return None if value is None else (value, False)


def index_of(microseconds: int) -> int:
    """The bucket of a value."""
    shift = max(0, microseconds.bit_length() - _HALF_BITS - 1)
    return (shift << _HALF_BITS) + (microseconds >> shift)


def lowest_of(index: int) -> int:
    """The smallest value of a bucket, in microseconds."""
    shift = max(0, (index >> _HALF_BITS) - 1)
    return (index - (shift << _HALF_BITS)) << shift


def highest_of(index: int) -> int:
    """The largest value of a bucket, in microseconds."""
    return lowest_of(index + 1) - 1


def decode(histogram: load.Histogram) -> Samples:
    """Its samples. Raises Undecodable."""
    count, clamped = histogram.count, histogram.clamped or 0
    if histogram.data is None:
        if count == 0:
            return Samples()
        raise Undecodable("its buckets were left out of the document")
    buckets = _decode(histogram.data)
    total = sum(buckets.values())
    if count is not None and count != total:
        raise Undecodable(f"its buckets hold {total} samples, its count says {count}")
    if total and histogram.sum_seconds is None:
        raise Undecodable("its sum is missing")
    if clamped > total:
        raise Undecodable(f"it has {total} samples, of which {clamped} clamped ones")
    return Samples(buckets, total, histogram.sum_seconds or 0.0, histogram.min_seconds, histogram.max_seconds, clamped)


def _decode(data: str) -> dict[int, int]:
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Undecodable("it is not base64") from error
    if len(raw) < 8 or _base(int.from_bytes(raw[:4], "big")) != _COMPRESSED_COOKIE:
        raise Undecodable("it is no compressed HDR histogram of version 2")
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(raw[8:], _MOST_BYTES)
    except zlib.error as error:
        raise Undecodable("its zlib data is damaged") from error
    if not unpacker.eof or len(plain) < _HEADER.size:
        raise Undecodable("it is cut off, or too large")
    cookie, length, _, digits, lowest, highest, _ = _HEADER.unpack_from(plain)
    if _base(cookie) != _COOKIE or (digits, lowest, highest) != (DIGITS, LOWEST, HIGHEST):
        raise Undecodable(f"it has {digits} digits over {lowest} to {highest}, not {DIGITS} over {LOWEST} to {HIGHEST}")
    return _counts(plain[_HEADER.size : _HEADER.size + length])


def _base(cookie: int) -> int:
    return cookie & ~0xF0


def _counts(payload: bytes) -> dict[int, int]:
    """ZigZag LEB128 numbers: a count, or minus the length of a run of empty buckets."""
    buckets: dict[int, int] = {}
    index = position = 0
    while position < len(payload):
        number = payload[position]
        if number < 0x80:
            position += 1
        else:
            number, position = _varint(payload, position)
        if number & 1:
            index += (number + 1) >> 1
            continue
        if index >= _SLOTS or number > 2 * _MOST_COUNT:
            raise Undecodable("a bucket is out of range")
        if number:
            buckets[index] = number >> 1
        index += 1
    return buckets


def _varint(payload: bytes, position: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 63, 7):
        if position >= len(payload):
            raise Undecodable("it ends within a number")
        byte = payload[position]
        position += 1
        # The ninth byte has eight bits of its own.
        if shift == 56:
            return number | byte << shift, position
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position
    raise Undecodable("a number is too long")


def encode(samples: Samples) -> load.Histogram:
    """The same as it stands in a document."""
    from hdrh.histogram import HdrHistogram

    histogram = HdrHistogram(LOWEST, HIGHEST, DIGITS)
    for index, count in samples.buckets.items():
        histogram.record_value(lowest_of(index), count)
    return load.Histogram(
        count=samples.count,
        sum_seconds=samples.sum_seconds,
        min_seconds=samples.min_seconds,
        max_seconds=samples.max_seconds,
        clamped=samples.clamped,
        data=histogram.encode().decode(),
    )


def of_values(values: Iterable[float]) -> Samples:
    """Samples recorded as a worker does it; seconds."""
    seen = list(values)
    buckets: dict[int, int] = {}
    for value in seen:
        index = index_of(min(int(value * 1e6 + 0.5), HIGHEST))
        buckets[index] = buckets.get(index, 0) + 1
    clamped = sum(1 for value in seen if int(value * 1e6 + 0.5) > HIGHEST)
    return Samples(buckets, len(seen), math.fsum(seen), min(seen, default=None), max(seen, default=None), clamped)


def merge(parts: Iterable[Samples]) -> Samples:
    """All samples of the parts; exact."""
    buckets: dict[int, int] = {}
    taken = list(parts)
    for part in taken:
        for index, count in part.buckets.items():
            buckets[index] = buckets.get(index, 0) + count
    return Samples(
        buckets,
        sum(part.count for part in taken),
        math.fsum(part.sum_seconds for part in taken),
        min((part.min_seconds for part in taken if part.min_seconds is not None), default=None),
        max((part.max_seconds for part in taken if part.max_seconds is not None), default=None),
        sum(part.clamped for part in taken),
    )


def floor(quantile: float, confidence: float = CONFIDENCE) -> int:
    """How many samples a quantile needs: n >= ln(1 - c) / ln(q). p99 at 99 %: 459."""
    return math.ceil(math.log(1 - confidence) / math.log(quantile))


def upper_rank(count: int, quantile: float, confidence: float = CONFIDENCE) -> int | None:
    """The rank of the order statistic that is an upper confidence bound of the quantile; None: too few samples.

    The smallest k with P(Binomial(n, q) >= k) <= 1 - c (David & Nagaraja, Order Statistics, 7.1): exact, and
    distribution-free for independent samples.
    """
    if count < floor(quantile, confidence):
        return None
    spread = math.sqrt(count * quantile * (1 - quantile))
    rank = min(count, math.ceil(count * quantile + 12 * spread + 12))
    # P(X = rank); then downwards, until the tail is too heavy. Beyond 12 sigma nothing is lost.
    log_term = (
        math.lgamma(count + 1)
        - math.lgamma(rank + 1)
        - math.lgamma(count - rank + 1)
        + rank * math.log(quantile)
        + (count - rank) * math.log1p(-quantile)
    )
    term = math.exp(log_term)
    tail = term
    while tail <= 1 - confidence and rank > 1:
        # P(X = rank - 1) = P(X = rank) * rank / (n - rank + 1) * (1 - q) / q
        term *= rank / (count - rank + 1) * (1 - quantile) / quantile
        rank -= 1
        tail += term
    return rank + 1
