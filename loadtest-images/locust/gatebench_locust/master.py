"""A Locust master that knows its workers: no strangers, no replacement, no redistribution.

Stock Locust goes on with fewer workers when it loses one, takes everybody who says client_ready, and starts users on
late joiners. Each of these would change the load under the measurement; here the first one ends the load, and the
others are refused and counted.
"""

# Locust is typed in part only.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

import logging
import time
from typing import Any, ClassVar, NoReturn

import gevent
from locust.rpc import Message
from locust.runners import STATE_MISSING, MasterRunner

from gatebench_locust import wire
from gatebench_locust.conductor import Conductor
from gatebench_locust.plan import GO, LOCUST, Plan
from gatebench_locust.roster import Member, Roster

logger = logging.getLogger(__name__)

SILENCE_SECONDS = 4.0
CHECK_SECONDS = 0.5
KINDS = {LOCUST: "Python", GO: "Go"}  # of workers, by the plan's engine


class Master(MasterRunner):
    """The runner of the master process. The class attributes are set before Locust makes it."""

    plan: ClassVar[Plan]
    token: ClassVar[str]
    roster: ClassVar[Roster]
    conductor: ClassVar[Conductor]

    def handle_message(self, client_id: str, msg: Message) -> None:
        """Any message. What it contains is anybody's guess until its sender has proven who it is."""
        try:
            self._handle(client_id, msg)
        except Exception:
            self.roster.junk(client_id)
            logger.warning("a message of type %.30s from %s could not be used", msg.type, client_id, exc_info=True)

    def _handle(self, client_id: str, msg: Message) -> None:
        if self.roster.closed and msg.type in (wire.HELLO, "client_ready"):
            return  # it asks again, and the next master answers
        if msg.type == wire.HELLO:
            self._hello(client_id, msg.data)
            return
        member = self.roster.members.get(client_id)
        if member is not None and member.lost:
            return
        if member is None:
            self._refuse(client_id, "it has not proven that it belongs to this run")
            return
        member.heard = time.monotonic()
        match msg.type:
            case "client_ready":
                self._ready(member, msg)
            case "quit" | "client_stopped":
                self._left(member, msg)
            case "stats":
                self._stats(member, msg)
            case wire.SELF_STOP:
                self.conductor.stop("the locustfile has ended the test")
            case wire.PHASE_ACK:
                member.acknowledged = int(msg.data["order"])
            case wire.PLAN_ACK:
                member.handed = True
            case _:
                super().handle_message(client_id, msg)

    def _hello(self, client_id: str, data: Any) -> None:
        if not wire.proven(data.get("proof"), self.token, self.plan.uid, client_id):
            self._refuse(client_id, "its proof is wrong")
        elif data["kind"] != KINDS[self.plan.engine]:
            self._refuse(client_id, f"the plan is for engine {self.plan.engine}, it is a {data['kind']!s:.20} worker")
        elif client_id not in self.roster.members and self.conductor.begun:
            self._refuse(client_id, "the load has begun without it")
        else:
            engine, pod = str(data.get("engine") or ""), str(data.get("pod") or "")
            self.roster.prove(client_id, str(data["host"]), str(data["kind"]), time.monotonic(), engine, pod)

    def _refuse(self, client_id: str, why: str) -> None:
        if self.roster.stranger(client_id):
            logger.warning("%s is not taken: %s", client_id, why)

    def _ready(self, member: Member, msg: Message) -> None:
        if member.joined:  # it has asked again before the answer came
            self.send_message("ack", client_id=member.id, data={"index": self.get_worker_index(member.id)})
            return
        member.joined = True
        super().handle_message(member.id, msg)

    def _left(self, member: Member, msg: Message) -> None:
        if self.conductor.loading:
            self.lose(member, "it has left")
        elif not self.conductor.begun:
            del self.roster.members[member.id]
            super().handle_message(member.id, msg)

    def _stats(self, member: Member, msg: Message) -> None:
        report = msg.data.pop(wire.REPORT_KEY, None)
        if self.conductor.sealed:
            return
        # Both totals in one go: nothing else runs between Locust's addition and ours.
        super().handle_message(member.id, msg)
        if report is not None:
            self.conductor.report(member, report)

    def lose(self, member: Member, why: str) -> None:
        """A worker is gone under load: that ends it."""
        member.lost, member.why = True, why
        node = self.clients.get(member.id)
        if node is not None:
            node.state = STATE_MISSING
            node.user_classes_count = {}
        logger.error("worker %s is lost: %s", member.id, why)
        self.conductor.lose(member)

    def heartbeat_worker(self) -> NoReturn:
        """Looks for silent workers; replaces Locust's own, which would go on without them."""
        before = time.monotonic()
        while True:
            gevent.sleep(CHECK_SECONDS)
            now = time.monotonic()
            overslept = now - before - CHECK_SECONDS
            before = now
            if overslept > 1.0:
                # This process itself did not run: what the workers sent meanwhile has not been read yet.
                for member in self.roster.joined:
                    member.heard = max(member.heard, now - SILENCE_SECONDS / 2)
                continue
            for member in self.roster.silent(SILENCE_SECONDS, now):
                if self.conductor.loading:
                    self.lose(member, f"nothing was heard of it for {now - member.heard:.1f} s")
                elif not self.conductor.begun:
                    logger.warning("worker %s has gone before the start", member.id)
                    del self.roster.members[member.id]
                    self.clients.pop(member.id, None)
