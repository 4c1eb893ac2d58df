"""Leads one attempt: start barrier, phases, drain, result. It runs once; nothing is ever started a second time.

Every wait can be interrupted by what ends a load early (a lost worker, a stop), and every wait has a limit.
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
from locust import LoadTestShape

from gatebench_locust import phases, wire
from gatebench_locust.collector import Collector
from gatebench_locust.phases import DRAIN, RAMP, STAGE, WARM_UP, Phase
from gatebench_locust.plan import Plan
from gatebench_locust.roster import Member, Roster

logger = logging.getLogger(__name__)

ACK_SECONDS = 5.0
USERS_SLACK_SECONDS = 20.0
FINAL_SLACK_SECONDS = 15.0
EARLY_DRAIN_SECONDS = 5.0
NO_USERS_SECONDS = 5
_POLL = 0.05

FINISHED, STOPPED, WORKER_LOST, FAILED = "Finished", "Stopped", "WorkerLost", "Failed"
_STEPS = {WARM_UP: "WarmUp", STAGE: "Stage", RAMP: "Stage", DRAIN: "Draining"}


class EndEarly(Exception):
    """The load ends before its plan does; why is in the conductor's outcome."""


@dataclasses.dataclass
class Record:
    """A phase as it was. Unix seconds of the master's clock."""

    phase: Phase
    started: float
    full: float | None = None
    ended: float | None = None


class PlanShape(LoadTestShape):
    """The plan's load curve, as Locust asks for it each second."""

    abstract = True  # Locust must not find it in a locustfile that imports it

    def __init__(self, conductor: Conductor) -> None:
        super().__init__()
        self._conductor = conductor
        self._last = (-1, 1.0)

    def tick(self) -> tuple[int, float]:
        """(users, users a second). Never None: the conductor ends the test, after the drain."""
        wanted = self._conductor.target()
        if wanted[0] != self._last[0]:  # another rate alone would have Locust send its jobs again
            self._last = wanted
        return self._last


class Refused(Exception):
    """A start is not possible; the payload says why."""

    def __init__(self, **payload: Any) -> None:
        super().__init__(payload["error"])
        self.payload = payload


class Conductor:
    """One attempt, from Waiting to Finished or Failed."""

    def __init__(self, plan: Plan, roster: Roster, on_sealed: Callable[[], None]) -> None:
        self.plan = plan
        self.roster = roster
        self.phases = phases.phases_of(plan)
        self.collector = Collector(frozenset(p.index for p in self.phases if p.kind == STAGE))
        self.records: list[Record] = []
        self.attempt: str | None = None
        self.outcome: str | None = None
        self.message = ""
        self.sealed = False
        self.started_at: float | None = None
        self.ended_at: float | None = None
        self.runner: Any = None
        self._on_sealed = on_sealed
        self._interrupt = Event()
        self._order = 0
        self._since = 0.0

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
    def step(self) -> str:
        """The step, in the words of /v1/state."""
        if self.sealed:
            return "Failed" if self.outcome == FAILED else "Finished"
        return _STEPS[self.records[-1].phase.kind] if self.records else "Waiting"

    def target(self) -> tuple[int, float]:
        """What the load shape asks for now."""
        current = self.current
        if current is None or current.phase.kind == DRAIN:
            return 0, self.plan.spawn_rate
        return phases.target(current.phase, time.monotonic() - self._since, self.plan.spawn_rate)

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
        logger.info("attempt %s begins with %d workers", attempt, len(seen))
        gevent.spawn(self._run).link_exception(lambda g: self._crashed(g.exception))

    def stop(self, reason: str) -> None:
        """Ends the load; a partial result is built."""
        if self.begun and not self.sealed:
            self._end(STOPPED, reason or "stopped")

    def lose(self, member: Member) -> None:
        """A worker is lost."""
        ids = [m.id for m in self.roster.lost]
        seen, expected = len(self.roster.joined), self.plan.expected_workers
        self._end(WORKER_LOST, f"{seen} of {expected} workers are left; lost: {', '.join(ids)} ({member.why})")

    def report(self, member: Member, report: dict[str, Any]) -> None:
        """A report has come. One of another attempt, or of before the start, holds nothing of ours."""
        if report.get("attempt") != self.attempt or not self.begun:
            self.collector.note(member.id, report, time.time())
            return
        users = sum(node.user_count for node in self.runner.clients.values())
        self.collector.add(member.id, report, users, time.time())
        member.cpu_ratio = self.collector.workers[member.id].ratio
        member.final = member.final or bool(report["final"])

    def _end(self, outcome: str, message: str) -> None:
        if self.outcome is None or (outcome == WORKER_LOST and self.outcome in (WORKER_LOST, FINISHED)):
            self.outcome, self.message = outcome, message
        self._interrupt.set()

    # -- the attempt itself

    def _run(self) -> None:
        self.started_at = time.time()
        try:
            for phase in self.phases[:-1]:
                self._phase(phase)
            self.outcome = self.outcome or FINISHED
        except EndEarly:
            logger.warning("the load ends early: %s, %s", self.outcome, self.message)
        self._drain()
        self._seal()

    def _phase(self, phase: Phase) -> None:
        self._enter(phase)
        if self.runner.shape_greenlet is None:
            self.runner.start_shape()
        if phase.kind == STAGE:
            self._await_users(phase)
            self._announce(phase, settled=True)
            self.records[-1].full = time.time()
        else:
            self._since = time.monotonic()
        self._hold(phase)

    def _hold(self, phase: Phase) -> None:
        """Waits for the end of a phase. A locustfile may end its own users, which Locust does not put back."""
        ends = time.monotonic() + phase.seconds
        alone = 0
        while (left := ends - time.monotonic()) > 0:
            self._wait(min(left, 1.0))
            alone = alone + 1 if phase.kind == STAGE and phase.users and not self.runner.user_count else 0
            if alone > NO_USERS_SECONDS:
                self._end(STOPPED, f"no user is left in {phase.name}: the locustfile has ended them")
        have = self.runner.user_count
        if phase.kind == STAGE and have < phase.users and not self.message:
            self.message = f"only {have} of {phase.users} users were left at the end of {phase.name}"

    def _enter(self, phase: Phase) -> None:
        """The master's clock says when a phase begins: just before the workers are told."""
        now = time.time()
        if self.records:
            self.records[-1].ended = now
        self._since = time.monotonic()
        self.records.append(Record(phase, now))
        logger.info("phase %d %s (%s): %d users", phase.index, phase.name, phase.kind, phase.users)
        if phase.kind != DRAIN:  # which has a message of its own
            self._announce(phase, settled=False)

    def _announce(self, phase: Phase, settled: bool) -> None:
        self._order += 1
        order = self._order
        data = {"attempt": self.attempt, "order": order, "phase": phase.index, "settled": settled}
        for member in self.roster.joined:
            self.runner.send_message(wire.PHASE, data, client_id=member.id)
        deadline = time.monotonic() + ACK_SECONDS
        while pending := [m for m in self.roster.joined if m.acknowledged < order]:
            if time.monotonic() > deadline:
                for member in pending:
                    self.runner.lose(member, f"it has not acknowledged phase {phase.index}")
                break
            gevent.sleep(0.005)
        self._check()

    def _await_users(self, phase: Phase) -> None:
        limit = time.monotonic() + phases.spawn_seconds(phase, self.plan.spawn_rate) + USERS_SLACK_SECONDS
        if phase.index and self.records[-2].phase.kind == WARM_UP:
            limit += phase.users / self.plan.spawn_rate
        while self.runner.user_count != phase.users or self.runner.target_user_count != phase.users:
            if time.monotonic() > limit:
                have = self.runner.user_count
                self._end(FAILED, f"only {have} of the {phase.users} users of {phase.name} came up")
            self._wait(_POLL)

    def _wait(self, seconds: float) -> None:
        self._interrupt.wait(timeout=max(0.0, seconds))
        self._check()

    def _check(self) -> None:
        if self._interrupt.is_set():
            raise EndEarly

    def _drain(self) -> None:
        """Nothing new is sent; what is in flight may end; then every worker's last report is awaited."""
        runner = self.runner
        if runner.shape_greenlet is not None:
            runner.shape_greenlet.kill(block=True)
            runner.shape_greenlet = runner.shape_last_tick = None
        runner._users_dispatcher = None
        phase = self.phases[-1]
        self._enter(phase)
        seconds = phase.seconds if self.outcome == FINISHED else min(phase.seconds, EARLY_DRAIN_SECONDS)
        for member in self.roster.joined:
            runner.send_message(wire.DRAIN, {"phase": phase.index, "seconds": seconds}, client_id=member.id)
        deadline = time.monotonic() + seconds + FINAL_SLACK_SECONDS
        while any(not member.final for member in self.roster.joined):
            if time.monotonic() > deadline:
                missing = [m.id for m in self.roster.joined if not m.final]
                logger.error("no last report from %s", ", ".join(missing))
                break
            gevent.sleep(_POLL)
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
            data = {"phase": self.phases[-1].index, "seconds": 0.0}
            self.runner.send_message(wire.DRAIN, data, client_id=member.id)
        self.sealed = True
        self._on_sealed()
