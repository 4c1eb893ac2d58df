"""Leads one attempt: start barrier, phases, drain, result. It runs once; nothing is ever started a second time.

How the phases follow each other is the model's: closed.py, arrivals.py, capacity.py. Every wait can be interrupted by
what ends a load early (a lost worker, a stop), and every wait has a limit.
"""

# Locust is typed in part only.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable
from typing import Any

import gevent
from gevent.event import Event

from gatebench_locust import arrivals, capacity, closed, phases, wire
from gatebench_locust.collector import Collector
from gatebench_locust.guards import Breach, Guards
from gatebench_locust.pauses import Gate
from gatebench_locust.phases import CEILING, DIRECT, DRAIN, PAUSE, RAMP, SEARCH, STAGE, WARM_UP, Phase
from gatebench_locust.plan import CAPACITY, CLOSED, OPEN, Plan
from gatebench_locust.records import ABORTED, FAILED, FINISHED, STOPPED, WORKER_LOST, EndEarly, Record, Refused
from gatebench_locust.roster import Member, Roster
from gatebench_locust.search import Search

logger = logging.getLogger(__name__)

ACK_SECONDS = 5.0
FINAL_SLACK_SECONDS = 15.0
EARLY_DRAIN_SECONDS = 5.0
POLL = 0.05

_STEPS = {WARM_UP: "WarmUp", STAGE: "Stage", RAMP: "Stage", SEARCH: "Stage", PAUSE: "Pause", DRAIN: "Draining"}
_STEPS |= {DIRECT: "Direct", CEILING: "Ceiling"}
_LEADERS: dict[str, Callable[[Any], None]] = {CLOSED: closed.lead, OPEN: arrivals.lead, CAPACITY: capacity.lead}


class Conductor:
    """One attempt, from Waiting to Finished or Failed."""

    def __init__(self, plan: Plan, roster: Roster, on_sealed: Callable[[], None]) -> None:
        self.plan = plan
        self.roster = roster
        self.phases = phases.phases_of(plan)
        self.collector = Collector()
        self.records: list[Record] = []
        self.attempt: str | None = None
        self.outcome: str | None = None
        self.message = ""
        self.sealed = False
        self.started_at: float | None = None
        self.ended_at: float | None = None
        self.runner: Any = None
        self.search: Search | None = None
        self.search_phases: dict[int, int] = {}  # of its steps' windows, by the step's number
        self.guards = Guards(plan.abort)
        self.breach: Breach | None = None
        self.gate = Gate()
        self._on_sealed = on_sealed
        self._interrupt = Event()
        self._order = 0
        self._since = 0.0
        self._numbers: dict[str, int] = {}

    # -- what others ask

    @property
    def begun(self) -> bool:
        """Whether the attempt was started, now or earlier."""
        return self.attempt is not None

    @property
    def loading(self) -> bool:
        """Whether a loss would spoil the load."""
        return self.begun and not self.sealed

    @property
    def current(self) -> Record | None:
        """The phase that is under way, or the last one."""
        return self.records[-1] if self.records else None

    @property
    def measured(self) -> frozenset[int]:
        """The phases that a run's figures are about."""
        return frozenset(record.phase.index for record in self.records if record.phase.kind == STAGE)

    @property
    def step(self) -> str:
        """The step, in the words of /v1/state."""
        if self.sealed:
            return "Failed" if self.outcome == FAILED else "Finished"
        return _STEPS[self.records[-1].phase.kind] if self.records else "Waiting"

    def target(self) -> tuple[int, float]:
        """What the load shape asks for now."""
        current = self.current
        if current is None and self.begun and self.plan.model != CLOSED:
            return self.plan.expected_workers, float(self.plan.expected_workers)
        if current is None or current.phase.kind == DRAIN:
            return 0, self.plan.spawn_rate
        return phases.target(current.phase, time.monotonic() - self._since, self.plan.spawn_rate)

    def rate(self) -> float | None:
        """The arrivals a second that are asked for now; None where load is closed or over."""
        current = self.current
        if current is None or current.phase.rate is None or self.sealed:
            return None
        return current.phase.rate.at(time.time() - current.started)

    # -- what others do

    def start(self, attempt: str) -> None:
        """Begins; the same attempt again changes nothing. Counts the workers at this very moment. Raises Refused."""
        if self.attempt == attempt:
            return
        if self.attempt is not None:
            raise Refused(error="attempt", attempt=self.attempt)
        now = time.monotonic()
        seen = [m for m in self.roster.joined if now - m.heard <= ACK_SECONDS]
        if len(seen) != self.plan.expected_workers or len(seen) != len(self.roster.joined):
            raise Refused(error="workers", seen=len(seen), expected=self.plan.expected_workers)
        self.attempt = attempt
        self._numbers = {member.id: number for number, member in enumerate(seen)}
        logger.info("attempt %s begins with %d workers", attempt, len(seen))
        gevent.spawn(self._run).link_exception(lambda g: self._crashed(g.exception))

    def stop(self, reason: str) -> None:
        """Ends the load; a partial result is built."""
        if self.begun and not self.sealed:
            self.end(STOPPED, reason or "stopped")

    def go_on(self, attempt: str, repeat: int) -> None:
        """The repeat that waits may begin; again, once it was told, changes nothing. Raises Refused."""
        if attempt != self.attempt:
            raise Refused(error="attempt", attempt=self.attempt)
        if not self.gate.tell(repeat):
            raise Refused(error="that repeat does not wait", holding=self.gate.holding)

    def lose(self, member: Member) -> None:
        """A worker is lost."""
        ids = [m.id for m in self.roster.lost]
        seen, expected = len(self.roster.joined), self.plan.expected_workers
        self.end(WORKER_LOST, f"{seen} of {expected} workers are left; lost: {', '.join(ids)} ({member.why})")

    def report(self, member: Member, report: dict[str, Any]) -> None:
        """A report has come. One of another attempt, or of before the start, holds nothing of ours."""
        if report.get("attempt") != self.attempt or not self.begun:
            self.collector.note(member.id, report, time.time())
            return
        users = sum(node.user_count for node in self.runner.clients.values())
        self.collector.add(member.id, report, users, time.time())
        member.cpu_ratio = self.collector.workers[member.id].ratio
        member.final = member.final or bool(report["final"])
        self._guard(member, report)

    def _guard(self, member: Member, report: dict[str, Any]) -> None:
        """Ends the load where it has gone beyond a bound that the plan has for it."""
        current, workers = self.current, self.collector.workers
        if not self.guards.all or current is None or current.phase.kind not in (STAGE, RAMP) or self.outcome:
            return
        own = [r for r in self.records if r.phase.repeat == current.phase.repeat and r.phase.kind in (STAGE, RAMP)]
        self.guards.add(workers[member.id].second, report["rows"], {record.phase.index for record in own})
        complete = min(workers[m.id].second if m.id in workers else 0 for m in self.roster.joined)
        full = current.started if current.phase.kind == RAMP else current.full
        self.breach = self.guards.check(complete, own[0].started, full)
        if self.breach is not None:
            self.end(ABORTED, str(self.breach))

    # -- what the models lead with

    def end(self, outcome: str, message: str) -> None:
        """The load ends before its plan does; the next wait raises EndEarly."""
        if self.outcome is None or (outcome == WORKER_LOST and self.outcome in (WORKER_LOST, FINISHED)):
            self.outcome, self.message = outcome, message
        self._interrupt.set()

    def enter(self, phase: Phase, starts_at: float | None = None) -> Record:
        """A phase begins: at once by the master's clock, or at a unix time that is a moment away."""
        now = time.time() if starts_at is None else starts_at
        if self.records:
            now = max(now, self.records[-1].started)  # one that was announced and never came to be
            self.records[-1].ended = now
        self.restart_clock()
        record = Record(phase, now)
        self.records.append(record)
        logger.info("phase %d %s (%s): %s", phase.index, phase.name, phase.kind, _load(phase))
        return record

    def restart_clock(self) -> None:
        """A ramp of users counts from now."""
        self._since = time.monotonic()

    def announce(self, record: Record, settled: bool, burst: int | None = None) -> None:
        """Tells the workers, and waits until all of them have said that they know; `burst` users are to be theirs.

        Raises EndEarly.
        """
        self._order += 1
        order, phase = self._order, record.phase
        data: dict[str, Any] = {
            "attempt": self.attempt,
            "order": order,
            "phase": phase.index,
            "settled": settled,
            "workers": len(self._numbers),
            "startsAt": record.started,
        }
        if phase.rate is not None:
            data["rate"] = phase.rate.wire()
        if phase.kind == DIRECT:
            data["direct"] = True
        if burst is not None:
            data["burst"] = burst
        for member in self.roster.joined:
            own = data | {"worker": self._numbers[member.id]}
            self.runner.send_message(wire.PHASE, own, client_id=member.id)
        deadline = time.monotonic() + ACK_SECONDS
        while pending := [m for m in self.roster.joined if m.acknowledged < order]:
            if time.monotonic() > deadline:
                for member in pending:
                    self.runner.lose(member, f"it has not acknowledged phase {phase.index}")
                break
            gevent.sleep(0.005)
        self.check()

    def await_users(self, users: int, seconds: float, what: str) -> None:
        """Until so many users are there; the load fails where they do not come in time. Raises EndEarly."""
        limit = time.monotonic() + seconds
        while self.runner.user_count != users or self.runner.target_user_count != users:
            if time.monotonic() > limit:
                self.end(FAILED, f"only {self.runner.user_count} of the {users} users of {what} came up")
            self.wait(POLL)

    def wait(self, seconds: float) -> None:
        """Waits, unless the load ends early. Raises EndEarly."""
        self._interrupt.wait(timeout=max(0.0, seconds))
        self.check()

    def check(self) -> None:
        """Raises EndEarly where the load is to end."""
        if self._interrupt.is_set():
            raise EndEarly

    # -- the attempt itself

    def _run(self) -> None:
        self.started_at = time.time()
        try:
            _LEADERS[self.plan.model](self)
            self.outcome = self.outcome or FINISHED
        except EndEarly:
            logger.warning("the load ends early: %s, %s", self.outcome, self.message)
        self._drain()
        self._seal()

    def _last_phase(self) -> Phase:
        """The drain; after a search its number is not known before."""
        drain = self.phases[-1]
        if self.records:
            drain = dataclasses.replace(drain, repeat=self.records[-1].phase.repeat)
        if self.records and self.records[-1].phase.kind == DRAIN:
            return self.records[-1].phase
        known = max((record.phase.index for record in self.records), default=-1)
        return dataclasses.replace(drain, index=max(drain.index, known + 1))

    def _drain(self) -> None:
        """Nothing new is sent; what is in flight may end; then every worker's last report is awaited."""
        runner = self.runner
        if runner.shape_greenlet is not None:
            runner.shape_greenlet.kill(block=True)
            runner.shape_greenlet = runner.shape_last_tick = None
        runner._users_dispatcher = None
        phase = self._last_phase()
        self.enter(phase)  # announced by a message of its own
        seconds = phase.seconds if self.outcome == FINISHED else min(phase.seconds, EARLY_DRAIN_SECONDS)
        for member in self.roster.joined:
            runner.send_message(wire.DRAIN, {"phase": phase.index, "seconds": seconds}, client_id=member.id)
        deadline = time.monotonic() + seconds + FINAL_SLACK_SECONDS
        while any(not member.final for member in self.roster.joined):
            if time.monotonic() > deadline:
                missing = [m.id for m in self.roster.joined if not m.final]
                logger.error("no last report from %s", ", ".join(missing))
                break
            gevent.sleep(POLL)
        self.ended_at = self.records[-1].ended = time.time()

    def _seal(self) -> None:
        self.sealed = True  # reports that come now would change what is being written down
        self.collector.series.finish()
        self.runner.stop(send_stop_to_client=False)
        self._on_sealed()
        logger.info("the load is over: %s %s", self.outcome, self.message)

    def _crashed(self, error: Any) -> None:
        logger.error("the load cannot be led: %r", error)
        self.outcome, self.message = FAILED, f"the master failed: {type(error).__name__}"
        self.ended_at = self.ended_at or time.time()
        for member in self.roster.joined:
            data = {"phase": self._last_phase().index, "seconds": 0.0}
            self.runner.send_message(wire.DRAIN, data, client_id=member.id)
        self.sealed = True
        self._on_sealed()


def _load(phase: Phase) -> str:
    if phase.rate is None:
        return f"{phase.burst or phase.users} users"
    return f"{phase.rate.start:g} to {phase.rate.end:g} arrivals/s"
