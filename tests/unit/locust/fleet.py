"""A fleet of Go workers and its gateway, simulated in a time of its own: a search of minutes takes no time."""

from __future__ import annotations

import math
from typing import Any

from contract.fleetlab.simulated import Gateway, Worker
from gatebench_locust import arrivals, capacity, conductor, direct, pauses, wire
from gatebench_locust.conductor import Conductor
from gatebench_locust.plan import Plan
from gatebench_locust.roster import Roster


class Clock:
    """In place of the time module."""

    def __init__(self) -> None:
        self.now = 5000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now + 1.7e9


class Runner:
    """As much of Locust's master as a conductor uses."""

    def __init__(self, led: Fleet) -> None:
        self._led = led
        self.user_count = self.target_user_count = 0
        self.shape_greenlet: Any = None
        self.clients: dict[str, Any] = {}

    def start_shape(self) -> None:
        self.shape_greenlet = object()
        self.user_count, _ = self._led.target()
        self.target_user_count = self.user_count

    def send_message(self, kind: str, data: dict[str, Any], client_id: str) -> None:
        assert kind == wire.PHASE
        courses = self._led.workers[client_id].courses
        again = bool(courses) and courses[-1].message["phase"] == data["phase"]  # it is settled now
        soon = data["startsAt"] > self._led.clock.time() or "burst" in data
        assert again or soon, "workers are told before arrivals begin"
        self._led.workers[client_id].told(data)
        self._led.roster.members[client_id].acknowledged = data["order"]


class Fleet(Conductor):
    """A conductor whose waits let the simulation go on."""

    def __init__(self, plan: Plan, gateway: Gateway, monkeypatch: Any, cpu: float = 0.2) -> None:
        self.clock = Clock()
        for module in (arrivals, capacity, conductor, direct, pauses):
            monkeypatch.setattr(module, "time", self.clock)
        roster = Roster()
        super().__init__(plan, roster, lambda: None)
        self.attempt = "a1"
        names = [f"w{number}" for number in range(plan.expected_workers)]
        self.workers = {name: Worker(name, gateway, cpu) for name in names}
        for number, name in enumerate(names):
            roster.prove(name, "host", "Go", self.clock.now, "1.2.3").joined = True
            self._numbers[name] = number
        self.runner = Runner(self)
        self._reported = math.floor(self.clock.now)
        self.breaks_at = math.inf

    def wait(self, seconds: float) -> None:
        ends = self.clock.now + max(0.0, seconds)
        if ends > self.breaks_at:
            self.stop("enough")
        while self._reported + 1 <= ends and self.breach is None:
            self._reported += 1
            self.clock.now = max(self.clock.now, self._reported)
            for name, worker in self.workers.items():
                if worker.courses:
                    self.report(self.roster.members[name], worker.report(self._reported + 1.7e9))
        self.clock.now = ends if self.breach is None else self.clock.now
        self.check()
