"""The fleet is lent to one run after the other: the master takes the next one's plan, hands it to the workers, and
makes room for the master that it begins again as."""

# Locust is typed in part only.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

import json
import logging
import time
from typing import Any

import gevent
from locust.exception import RPCError

from gatebench_locust import wire
from gatebench_locust.again import Successor
from gatebench_locust.conductor import Conductor
from gatebench_locust.plan import Plan, PlanError, parse
from gatebench_locust.records import Refused

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 0.1
ACK_SECONDS = 2.0
_POLL = 0.01


class Handover:
    """From one plan to the next; `run` is the next one's once it was taken."""

    def __init__(self, conductor: Conductor, successor: Successor) -> None:
        self._conductor = conductor
        self._successor = successor
        self.run: str | None = None

    def check(self) -> None:
        """Raises Refused where this master is about to go: what it were told now would be forgotten."""
        if self.run is not None:
            raise Refused(error="the fleet is being handed to another run", run=self.run)

    def take(self, document: Any) -> str:
        """Hands the fleet to the plan's run, whose uid it gives; to the present one again changes nothing.

        Raises PlanError, and Refused.
        """
        plan = parse(document)
        if plan.uid == self.run:
            return plan.uid
        self.check()
        if plan.uid == self._conductor.plan.uid:
            return plan.uid
        if self._conductor.loading:
            raise Refused(error="a load is under way")
        if differs := differences(self._conductor.plan, plan):
            raise Refused(error=f"{' and '.join(differs)} cannot change: the pods are there", differs=differs)
        try:
            text = json.dumps(document, allow_nan=False)
        except ValueError as error:
            raise PlanError(f"a number of the plan is none: {error}") from error
        try:
            self._successor.store(text)
        except OSError as error:
            raise Refused(error=f"the plan cannot be stored: {error.strerror}") from error
        self.run = plan.uid
        self._tell(text)
        logger.info("the fleet goes to %s", plan.run)
        gevent.spawn(self._go)
        return plan.uid

    def _tell(self, text: str) -> None:
        self._conductor.roster.closed = True
        for member in self._conductor.roster.joined:
            try:
                self._conductor.runner.send_message(wire.PLAN, {"plan": text}, client_id=member.id)
            except RPCError as error:
                logger.error("worker %s cannot be told: %s", member.id, error)

    def _go(self) -> None:
        """Once the answer is out, and every worker knows what it will wait for."""
        gevent.sleep(ANSWER_SECONDS)
        deadline = time.monotonic() + ACK_SECONDS
        while pending := [m.id for m in self._conductor.roster.joined if not m.handed]:
            if time.monotonic() > deadline:
                logger.error("these workers have not taken the plan: %s", ", ".join(pending))
                break
            gevent.sleep(_POLL)
        self._successor.begin()


def differences(present: Plan, other: Plan) -> list[str]:
    """The fields of a plan that pods were made by, where two plans have other values."""
    fields = {
        "engine": present.engine != other.engine,
        "expectedWorkers": present.expected_workers != other.expected_workers,
    }
    return [name for name, differ in fields.items() if differ]
