"""The load second by second, bounded, and the figures of the last ten seconds. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from gatebench_locust.histogram import Histogram, quantiles

COLUMNS = ("at", "users", "requests", "failures", "p50Seconds", "p95Seconds", "p99Seconds")
MAX_ROWS = 3600
LIVE_SECONDS = 10
_SETTLED_SECONDS = 3  # a second is written down when every worker's report of it has surely come
_QS = (0.5, 0.95, 0.99)


@dataclasses.dataclass
class _Second:
    users: int = 0
    requests: int = 0
    failures: int = 0
    counts: dict[int, int] = dataclasses.field(default_factory=dict)


class Series:
    """Rows of (at, users, requests, failures, p50, p95, p99); latencies of good answers that do not stream."""

    def __init__(self) -> None:
        self.step = 1
        self._open: dict[int, _Second] = {}
        self._rows: list[list[Any]] = []
        self._live: dict[int, _Second] = {}

    def add(self, second: int, users: int, requests: int, failures: int, latencies: Iterable[Histogram]) -> None:
        """A worker's report of a second (unix time)."""
        if self._rows and second < self._rows[-1][0] + self.step:
            second = int(self._rows[-1][0]) + self.step  # late: counted where there is still room
        slot = self._open.setdefault(second, _Second())
        slot.users = max(slot.users, users)
        slot.requests += requests
        slot.failures += failures
        for histogram in latencies:
            for index, count in histogram.counts.items():
                slot.counts[index] = slot.counts.get(index, 0) + count
        self._live[second] = slot
        newest = max(self._open)
        for old in sorted(s for s in self._open if s <= newest - _SETTLED_SECONDS):
            self._close(old)
        for old in [s for s in self._live if s <= newest - LIVE_SECONDS - _SETTLED_SECONDS]:
            del self._live[old]

    def _close(self, second: int) -> None:
        slot = self._open.pop(second)
        row: list[Any] = [float(second), slot.users, slot.requests, slot.failures, *quantiles(slot.counts, _QS)]
        start = row[0] - row[0] % self.step
        if self._rows and self._rows[-1][0] == start:
            self._rows[-1] = _merged(self._rows[-1], row)
        else:
            self._rows.append([start, *row[1:]])
        if len(self._rows) > MAX_ROWS:
            self._thin()

    def _thin(self) -> None:
        """Twice the step: neighbours are merged; counts add up, percentiles keep the larger."""
        self.step *= 2
        rows: list[list[Any]] = []
        for row in self._rows:
            start = row[0] - row[0] % self.step
            if rows and rows[-1][0] == start:
                rows[-1] = _merged(rows[-1], row)
            else:
                rows.append([start, *row[1:]])
        self._rows = rows

    def finish(self) -> None:
        """The load is over: nothing more will come."""
        for second in sorted(self._open):
            self._close(second)

    def document(self) -> dict[str, Any]:
        """`series` of the load document."""
        return {"stepSeconds": self.step, "columns": list(COLUMNS), "rows": self._rows}

    def live(self, now: float) -> Mapping[str, float | None]:
        """Figures of the last ten full seconds, as far as they are there."""
        last = int(now) - 2
        seconds = [slot for second, slot in self._live.items() if last - LIVE_SECONDS < second <= last]
        counts: dict[int, int] = {}
        for slot in seconds:
            for index, count in slot.counts.items():
                counts[index] = counts.get(index, 0) + count
        requests = sum(slot.requests for slot in seconds)
        failures = sum(slot.failures for slot in seconds)
        p50, p95, p99 = quantiles(counts, _QS)
        return {
            "requestsPerSecond": requests / len(seconds) if seconds else None,
            "errorRatio": failures / requests if requests else None,
            "p50Seconds": p50,
            "p95Seconds": p95,
            "p99Seconds": p99,
        }


def _merged(one: list[Any], other: list[Any]) -> list[Any]:
    percentiles = [
        max((v for v in pair if v is not None), default=None) for pair in zip(one[4:], other[4:], strict=True)
    ]
    return [one[0], max(one[1], other[1]), one[2] + other[2], one[3] + other[3], *percentiles]
