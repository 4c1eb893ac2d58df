"""What a worker measured since its last report, by (phase, settled, name, method, outcome).

A request belongs to the phase in which it was started, so the recorder keeps the times at which this worker was told
of phases. Names are bounded: what comes after the first fifty is folded into "(other)".
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from gatebench_locust import classify
from gatebench_locust.histogram import Histogram

MAX_NAMES = 50
MAX_ERRORS = 100
OTHER_NAME = "(other)"
MORE_ERRORS = "(more)"
_NAME_LENGTH, _MESSAGE_LENGTH = 120, 200


@dataclasses.dataclass(frozen=True)
class Moment:
    """When something was started: its phase, and whether the users of that phase were all there."""

    phase: int
    settled: bool


@dataclasses.dataclass
class Sample:
    """What the built-in client knows of a request beyond Locust's own event. Seconds."""

    moment: Moment
    stream: bool = False
    ttft: float | None = None
    gaps: Sequence[float] = ()
    output_tokens: int | None = None


class Row:
    """The sums of one key."""

    __slots__ = ("bytes", "count", "gaps", "latency", "service", "tokens", "ttft")

    def __init__(self) -> None:
        self.count = 0
        self.bytes = 0
        self.latency = Histogram()
        self.ttft: Histogram | None = None
        self.gaps: Histogram | None = None
        self.service: Histogram | None = None  # from the send, where the latency is from when that was due
        self.tokens: int | None = None


class Recorder:
    """Collects, and gives what it has once a second."""

    def __init__(self, mask: Callable[[str], str], clock: Callable[[], float] = time.time) -> None:
        self._mask = mask
        self._clock = clock
        self._history: list[tuple[float, Moment]] = []
        self._names: dict[str, str] = {}
        self.reset()

    def reset(self) -> None:
        """Forgets what was measured (Locust clears its own figures when a test starts)."""
        self._rows: dict[tuple[int, bool, str, str, bool, bool], Row] = {}
        self._errors: dict[tuple[int, bool, str, str, int | None, str], int] = {}
        self._delay: dict[int, Histogram] = {}

    @property
    def moment(self) -> Moment:
        """The moment that it is now."""
        return self._history[-1][1] if self._history else Moment(0, False)

    def enter(self, moment: Moment) -> None:
        """The master has announced a phase, or that its users are there."""
        self._history.append((self._clock(), moment))

    def moment_at(self, started: float) -> Moment:
        """The moment at a unix time of this worker's clock."""
        for since, moment in reversed(self._history):
            if since <= started:
                return moment
        return self._history[0][1] if self._history else Moment(0, False)

    def delay(self, seconds: float) -> None:
        """How late a request was sent after the user's think time had ended."""
        phase = self.moment.phase
        if phase not in self._delay:
            self._delay[phase] = Histogram()
        self._delay[phase].record(seconds)

    def on_request(
        self,
        request_type: str,
        name: str,
        response_time: float | None,
        response_length: int | None,
        exception: BaseException | None = None,
        start_time: float | None = None,
        gatebench: Sample | None = None,
        response: Any = None,
        **_: Any,
    ) -> None:
        """Listener of Locust's request event; response_time in milliseconds, as a float."""
        seconds = None
        if response_time is not None and math.isfinite(response_time):
            seconds = response_time / 1000.0
        if gatebench is None:
            started = start_time if start_time is not None else self._clock() - (seconds or 0.0)
            gatebench = Sample(self.moment_at(started))
        moment = gatebench.moment
        name = self._name(name)
        key = (moment.phase, moment.settled, name, str(request_type)[:20], not exception, gatebench.stream)
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = Row()
        row.count += 1
        row.bytes += response_length or 0
        if seconds is not None:
            row.latency.record(seconds)
        if gatebench.output_tokens is not None:
            row.tokens = (row.tokens or 0) + gatebench.output_tokens
        if gatebench.ttft is not None:
            row.ttft = row.ttft or Histogram()
            row.ttft.record(gatebench.ttft)
        if gatebench.gaps:
            row.gaps = row.gaps or Histogram()
            for gap in gatebench.gaps:
                row.gaps.record(gap)
        if exception:
            self._error(moment, name, exception, response)

    def _error(self, moment: Moment, name: str, exception: Any, response: Any) -> None:
        status = getattr(response, "status_code", None) or None
        if isinstance(exception, BaseException):
            kind, status = classify.kind_of(exception, status if isinstance(status, int) else None)
            message = str(exception) or type(exception).__name__
        else:
            kind, message = classify.OTHER, str(exception)
        message = " ".join(self._mask(message).split())[:_MESSAGE_LENGTH]
        key = (moment.phase, moment.settled, name, kind, status, message)
        if key not in self._errors and len(self._errors) >= MAX_ERRORS:
            key = (moment.phase, moment.settled, name, classify.OTHER, None, MORE_ERRORS)
        self._errors[key] = self._errors.get(key, 0) + 1

    def _name(self, name: str) -> str:
        known = self._names.get(name)
        if known is None:
            if len(self._names) >= MAX_NAMES:
                return OTHER_NAME
            known = self._names[name] = self._mask(str(name))[:_NAME_LENGTH]
        return known

    def take(self) -> dict[str, Any]:
        """What was collected since the last call, as it goes over the wire."""
        out = {
            "rows": [
                [*key, row.count, row.bytes, row.latency.to_wire(), _wire(row.ttft), _wire(row.gaps), row.tokens]
                for key, row in self._rows.items()
            ],
            "errors": [[*key, count] for key, count in self._errors.items()],
            "delay": [[phase, histogram.to_wire()] for phase, histogram in self._delay.items()],
        }
        self.reset()
        return out


def _wire(histogram: Histogram | None) -> list[Any] | None:
    return None if histogram is None else histogram.to_wire()
