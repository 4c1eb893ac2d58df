"""A Locust worker that measures: reports each second what happened in it, follows the master's phases, drains.

It differs from the stock worker where that one would falsify a measurement or outlive its master: users that were
told to stop are not counted and not stopped twice, nothing blocks the message loop, and without an answer from the
master for some seconds the load ends at once.
"""

# Locust is typed in part only.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

import logging
import os
import socket
import time
from typing import Any, ClassVar, NoReturn

import gevent
import zmq
from locust import __version__
from locust.exception import RPCError
from locust.rpc import Message
from locust.runners import STATE_INIT, WorkerRunner
from locust.user.task import LOCUST_STATE_STOPPING, LOCUST_STATE_WAITING

from gatebench_locust import usage, wire
from gatebench_locust.again import Successor
from gatebench_locust.plan import Plan
from gatebench_locust.recorder import Moment, Recorder

logger = logging.getLogger(__name__)

REPORT_SECONDS = 1.0
MASTER_SILENCE_SECONDS = 4.0
JOIN_SECONDS = 600.0
KILL_SECONDS = 10.0
MASTER_GONE_SECONDS = 5
MASTER_LOST_EXIT = 5
NOT_JOINED_EXIT = 6
EARLY_EXIT = 4  # told to end by anyone but the master


class Worker(WorkerRunner):
    """The runner of a worker process. The class attributes are set before Locust makes it."""

    plan: ClassVar[Plan]
    recorder: ClassVar[Recorder]
    token: ClassVar[str]
    pod_uid: ClassVar[str]
    successor: ClassVar[Successor]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._attempt: str | None = None
        self._sequence = 0
        self._tick = 0
        self._heard = time.monotonic()
        self._no_more_users = self._drain_begun = self._finished = self._leaving = False
        self._allowed = usage.allowed_cores()
        self._usage = usage.read()
        self._usage_moment: Moment | None = None
        super().__init__(*args, **kwargs)

    # -- joining and leaving

    def connect_to_master(self) -> None:
        """Shows the proof and asks to be taken, until the master answers."""
        self.register_message(wire.PHASE, self._on_phase)
        self.register_message(wire.DRAIN, self._on_drain, concurrent=True)
        self.register_message(wire.PLAN, self._on_plan, concurrent=True)
        deadline = time.monotonic() + JOIN_SECONDS
        hello = {
            "proof": wire.proof(self.token, self.plan.uid, self.client_id),
            "host": socket.gethostname(),
            "kind": "Python",
            "engine": __version__,
            "pod": self.pod_uid,
        }
        while True:
            self.client.send(Message(wire.HELLO, hello, self.client_id))
            self.client.send(Message("client_ready", __version__, self.client_id))
            if self.connection_event.wait(timeout=5):
                break
            if time.monotonic() > deadline:
                leave(NOT_JOINED_EXIT, f"the master {self.master_host}:{self.master_port} does not answer")
            logger.info("waiting for the master %s:%s", self.master_host, self.master_port)
        self._heard = time.monotonic()
        self.connected = True
        logger.info("joined as %s", self.client_id)

    def heartbeat_timeout_checker(self) -> NoReturn:
        """Ends the process when the master is gone."""
        while True:
            gevent.sleep(0.5)
            if self._silent() <= MASTER_SILENCE_SECONDS:
                continue
            gevent.sleep(0.5)  # what has arrived while this process was not running is read first
            if self._silent() > MASTER_SILENCE_SECONDS:
                self._orphaned()

    def _silent(self) -> float:
        return time.monotonic() - self._heard

    def _orphaned(self) -> None:
        if self._leaving:
            return
        if self._finished:
            leave(0, "the master is gone after the end of the load")
        self._no_more_users = True
        self.user_greenlets.kill(block=False)
        gevent.sleep(0)
        leave(
            MASTER_LOST_EXIT,
            f"the master has not answered for {MASTER_SILENCE_SECONDS:g} s: the load was stopped",
        )

    # -- messages

    def handle_message(self, msg: Message) -> None:
        """Locust's own messages, but for those that would restart or reset what must not be."""
        self._heard = time.monotonic()
        if msg.type == "reconnect" or (msg.type == "spawn" and self._no_more_users):
            return
        if msg.type == "quit":
            self._no_more_users = True
            self.environment.process_exit_code = 0
        super().handle_message(msg)

    def _on_phase(self, environment: Any, msg: Message) -> None:
        self._attempt = msg.data["attempt"]
        self.recorder.enter(Moment(int(msg.data["phase"]), bool(msg.data["settled"])))
        self.client.send(Message(wire.PHASE_ACK, {"order": msg.data["order"]}, self.client_id))

    def _on_drain(self, environment: Any, msg: Message) -> None:
        """Starts no new request; gives those in flight some time, ends the rest, and reports for the last time."""
        if self._drain_begun:
            return
        self._drain_begun = self._no_more_users = True
        self.recorder.enter(Moment(int(msg.data["phase"]), False))
        if self.spawning_greenlet is not None:
            self.spawning_greenlet.kill(block=True)
        self.stop_users(self.user_classes_count)
        self.user_greenlets.join(timeout=float(msg.data["seconds"]))
        self.stop()
        self.worker_state = STATE_INIT
        self._send_stats(final=True)
        self._finished = True
        logger.info("drained")

    def _on_plan(self, environment: Any, msg: Message) -> None:
        """Begins again with another plan, unless a load is under way: when the master has closed the connection, since
        whoever came back sooner would find the old one."""
        if not self._finished and (self._attempt is not None or self.worker_state != STATE_INIT):
            logger.error("another plan has come while a load is under way: it is not taken")
            return
        self.successor.store(msg.data["plan"])
        self._no_more_users = self._leaving = True
        closed = self.client.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        self.client.send(Message(wire.PLAN_ACK, None, self.client_id))
        if not closed.poll(MASTER_GONE_SECONDS * 1000):
            logger.warning("the master has not closed the connection in %d s", MASTER_GONE_SECONDS)
        self.successor.begin()

    # -- users

    @property
    def user_classes_count(self) -> dict[str, int]:
        """Users by class, without those that are on their way out."""
        out = {user_class.__name__: 0 for user_class in self.user_classes}
        for user in self._users():
            if user._state != LOCUST_STATE_STOPPING:
                out[type(user).__name__] += 1
        return out

    def _users(self) -> list[Any]:
        return [greenlet.args[0] for greenlet in self.user_greenlets if getattr(greenlet, "args", None)]

    def stop_users(self, user_classes_stop_count: dict[str, int]) -> None:
        """Has users stop after the request that they are in, at once if they are in none. Does not wait: in the
        meantime others would go on to send."""
        left = dict(user_classes_stop_count)
        for user in self._users():
            name = type(user).__name__
            if left.get(name, 0) > 0 and user._state != LOCUST_STATE_STOPPING:
                left[name] -= 1
                thinking = user._state in (None, LOCUST_STATE_WAITING)
                user._state = LOCUST_STATE_STOPPING
                if thinking:
                    user.group.killone(user.greenlet, block=False)

    def stop(self) -> None:
        """Ends all users, those in a request too, and the test. The master must know where a locustfile does this."""
        if not self._no_more_users:
            self._no_more_users = True
            self.client.send(Message(wire.SELF_STOP, None, self.client_id))
        self.user_greenlets.kill(block=True, timeout=KILL_SECONDS)
        super().stop()

    # -- reports

    def stats_reporter(self) -> NoReturn:
        """A report at each full second of this worker's clock, however long one takes."""
        begun = time.monotonic()
        while True:
            try:
                self._send_stats()
            except RPCError as error:
                logger.error("a report could not be sent: %s", error)
            passed = time.monotonic() - begun
            self._tick = int(passed / REPORT_SECONDS) + 1
            gevent.sleep(self._tick * REPORT_SECONDS - passed)

    def _send_stats(self, final: bool = False) -> None:
        data: dict[str, Any] = {}
        self.environment.events.report_to_master.fire(client_id=self.client_id, data=data)
        data[wire.REPORT_KEY] = self._report(final)
        self.client.send(Message("stats", data, self.client_id))

    def _report(self, final: bool) -> dict[str, Any]:
        self._sequence += 1
        now, moment = usage.read(), self.recorder.moment
        before, steady = self._usage, self._usage_moment == moment
        self._usage, self._usage_moment = now, moment
        return {
            "attempt": self._attempt,
            "sequence": self._sequence,
            "tick": self._tick,
            "final": final,
            "phase": moment.phase,
            "settled": moment.settled,
            "steady": steady,
            "allowed": self._allowed,
            "wall": now.wall - before.wall,
            "cpu": now.cpu - before.cpu,
            "onCpu": _difference(now.on_cpu, before.on_cpu),
            "waited": _difference(now.waited, before.waited),
            "alive": len(self.user_greenlets),
            **self.recorder.take(),
        }


def _difference(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else max(0.0, now - before)


def leave(code: int, message: str) -> None:
    """Ends this process without waiting for anything: what would have to be waited for is gone."""
    if code:
        logger.error(message)
    else:
        logger.info(message)
    logging.shutdown()
    os._exit(code)
