"""Go workers and the gateway that they load, without either: what they would report, by the clock they are given."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from gatebench_locust.histogram import Histogram


@dataclasses.dataclass
class Gateway:
    """Answers in 10 ms up to its capacity, in half a second above it, and for `disturbed` seconds after that.

    What came above it takes `backlog` seconds.
    """

    capacity: float
    backlog: float = 2.0
    disturbed: float = 0.0
    error_ratio: float = 0.0
    dropped_above: float = math.inf


@dataclasses.dataclass
class Course:
    """A phase as a worker was told; unix seconds."""

    message: dict[str, Any]
    ends: float = math.inf

    @property
    def rate(self) -> dict[str, float]:
        if "rate" in self.message:
            return dict(self.message["rate"])
        return {"from": 100.0 * self.message.get("burst", 0), "seconds": math.inf}

    def due(self, now: float) -> int:
        """Arrivals of one worker up to a moment; constant rates. A user of a burst makes a hundred a second."""
        rate, start = self.rate, self.message["startsAt"]
        seconds = min(now, self.ends, start + rate["seconds"]) - start
        return int(max(0.0, seconds) * rate["from"] / self.message["workers"] + 1e-6)


class Worker:
    """A Go worker: reports each second what arrived in it."""

    def __init__(self, name: str, gateway: Gateway, cpu: float) -> None:
        self.name, self.gateway, self.cpu = name, gateway, cpu
        self.courses: list[Course] = []
        self.sent: dict[int, int] = {}
        self.sequence = 0
        self.busy_until = self.slow_until = 0.0
        self.before: tuple[int, bool] | None = None

    def told(self, message: dict[str, Any]) -> None:
        if self.courses:
            self.courses[-1].ends = message["startsAt"]
        self.courses.append(Course(message))

    def drained(self, phase: int, now: float) -> None:
        """The load is over."""
        self.courses[-1].ends = min(now, self.courses[-1].ends)
        message = {"phase": phase, "settled": False, "startsAt": now, "workers": 1}
        self.courses.append(Course(message | {"rate": {"from": 0.0, "to": 0.0, "seconds": 0.0}}))

    def report(self, now: float, final: bool = False) -> dict[str, Any]:
        """The report of the second that ends now."""
        self.sequence += 1
        rows, dropped, delay = [], [], []
        for course in self.courses:
            phase, rate = course.message["phase"], course.rate["from"]
            count = course.due(now) - self.sent.get(phase, 0)
            if count <= 0:
                continue
            self.sent[phase] = course.due(now)
            over = rate > self.gateway.capacity
            if over:
                self.busy_until = now + self.gateway.backlog
                self.slow_until = now + self.gateway.disturbed
            slow = over or now < self.slow_until
            lost = count // 2 if rate > self.gateway.dropped_above else 0
            bad = int((count - lost) * self.gateway.error_ratio)
            settled = course.message["settled"]
            for good, number in ((True, count - lost - bad), (False, bad)):
                if number:
                    latency = same(0.5 if slow else 0.01, number)
                    rows.append(
                        [phase, settled, "r", "GET", good, False, number, 1, latency, None, None, None, latency]
                    )
            dropped.append([phase, lost])
            delay.append([phase, same(0.0001, count)])
        moment = (self.courses[-1].message["phase"], self.courses[-1].message["settled"])
        steady, self.before = moment == self.before, moment
        return {
            "attempt": "a1",
            "sequence": self.sequence,
            "tick": self.sequence,
            "final": final,
            "phase": moment[0],
            "settled": moment[1],
            "steady": steady,
            "allowed": 1.0,
            "wall": 1.0,
            "cpu": self.cpu * min(1.0, sum(row[6] for row in rows) / 1000),
            "onCpu": 0.1,
            "waited": 0.01,
            "gcPause": 0.001,
            "inFlight": 3 if rows or now < self.busy_until else 0,
            "rows": rows,
            "errors": [[row[0], row[1], "r", "http", 500, "status 500", row[6]] for row in rows if not row[4]],
            "delay": delay,
            "dropped": dropped,
        }


def same(seconds: float, count: int) -> list[Any]:
    """A histogram of one value, as it is sent."""
    one = Histogram()
    one.record(seconds)
    wired = one.to_wire()
    return [count, seconds * count, seconds, seconds, 0, dict.fromkeys(wired[5], count)]
