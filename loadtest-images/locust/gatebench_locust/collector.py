"""Merges the reports of the workers: exactly, by addition, each report once."""

from __future__ import annotations

from typing import Any

from gatebench_locust import classify
from gatebench_locust.histogram import Histogram
from gatebench_locust.recorder import MAX_ERRORS, MAX_NAMES, MORE_ERRORS, OTHER_NAME, Row
from gatebench_locust.series import Series
from gatebench_locust.workers import WorkerSums

RowKey = tuple[int, bool, str, str, bool, bool]
ErrorKey = tuple[int, bool, str, str, int | None, str]


class Collector:
    """Everything that the fleet has measured so far."""

    def __init__(self) -> None:
        self.rows: dict[RowKey, Row] = {}
        self.errors: dict[ErrorKey, int] = {}
        self.delay: dict[int, Histogram] = {}
        self.dropped: dict[int, int] = {}
        self.workers: dict[str, WorkerSums] = {}
        self.series = Series()
        self.requests = self.failures = 0
        self._names: set[str] = set()

    @property
    def in_flight(self) -> int | None:
        """Requests in flight of those workers that say, by their latest reports."""
        known = [sums.in_flight for sums in self.workers.values() if sums.in_flight is not None]
        return sum(known) if known else None

    def note(self, worker: str, report: dict[str, Any], now: float) -> WorkerSums:
        """A report's number, also of one from before the load: none may be missing from then on."""
        sums = self.workers.setdefault(worker, WorkerSums(base_second=int(now) - int(report["tick"])))
        sequence = int(report["sequence"])
        if sums.last_sequence is not None:
            if sequence <= sums.last_sequence:
                raise ValueError(f"report {sequence} comes after {sums.last_sequence}")
            sums.missing += sequence - sums.last_sequence - 1
        sums.last_sequence = sequence
        return sums

    def add(self, worker: str, report: dict[str, Any], users: int, now: float) -> None:
        """One report, at unix time `now`. Raises ValueError, TypeError or KeyError where it is malformed."""
        sums = self.note(worker, report, now)
        sums.reports += 1
        requests, failures, plain = self._rows(report["rows"])
        self._errors(report["errors"])
        for phase, wire in report["delay"]:
            self.delay.setdefault(int(phase), Histogram()).add(Histogram.from_wire(wire))
        for phase, count in report.get("dropped") or ():
            self.dropped[int(phase)] = self.dropped.get(int(phase), 0) + int(count)
        self.requests += requests
        self.failures += failures
        sums.add(report, requests)
        # A report counts for the second that the worker made it for: jitter on the way must not look like load.
        sums.second = sums.base_second + int(report["tick"])
        self.series.add(sums.second, users, requests, failures, plain)

    def _rows(self, rows: list[Any]) -> tuple[int, int, list[Histogram]]:
        requests = failures = 0
        plain: list[Histogram] = []
        for phase, settled, name, method, good, stream, count, size, latency, ttft, gaps, tokens, *more in rows:
            (service,) = more or (None,)  # a Python worker's rows end before it
            key = (int(phase), bool(settled), self._name(str(name)), str(method), bool(good), bool(stream))
            row = self.rows.get(key)
            if row is None:
                row = self.rows[key] = Row()
            row.count += int(count)
            row.bytes += int(size)
            histogram = Histogram.from_wire(latency)
            row.latency.add(histogram)
            if ttft is not None:
                row.ttft = row.ttft or Histogram()
                row.ttft.add(Histogram.from_wire(ttft))
            if gaps is not None:
                row.gaps = row.gaps or Histogram()
                row.gaps.add(Histogram.from_wire(gaps))
            if service is not None:
                row.service = row.service or Histogram()
                row.service.add(Histogram.from_wire(service))
            if tokens is not None:
                row.tokens = (row.tokens or 0) + int(tokens)
            requests += int(count)
            if not good:
                failures += int(count)
            elif not stream:
                plain.append(histogram)
        return requests, failures, plain

    def _name(self, name: str) -> str:
        if name not in self._names:
            if len(self._names) >= MAX_NAMES and name != OTHER_NAME:
                return OTHER_NAME
            self._names.add(name)
        return name

    def _errors(self, errors: list[Any]) -> None:
        for phase, settled, name, kind, status, message, count in errors:
            key: ErrorKey = (int(phase), bool(settled), self._name(str(name)), str(kind), status, str(message))
            if key not in self.errors and len(self.errors) >= MAX_ERRORS - 1:
                # The hundredth row holds the rest, whatever its phase and name.
                key = (int(phase), False, OTHER_NAME, classify.OTHER, None, MORE_ERRORS)
                existing = [known for known in self.errors if known[5] == MORE_ERRORS]
                key = existing[0] if existing else key
            self.errors[key] = self.errors.get(key, 0) + int(count)
