"""The users of the built-in workloads: think, send, report; nothing else.

What they do is Locust's own FastHttpUser to everybody who looks (weights, dispatching, statistics, the web page);
the exchange itself is made by our client, which measures streams and never repeats a request.
"""

# Locust is typed in part only.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

import itertools
import os
import random
import time
from typing import Any

from locust import FastHttpUser, User
from locust.exception import StopUser

from gatebench_locust import payloads, scenario
from gatebench_locust.client import Answer, Call, Client, Cut, as_real_clients_do
from gatebench_locust.plan import GO, Plan
from gatebench_locust.recorder import Recorder, Sample

_number = itertools.count()


def make(plan: Plan, recorder: Recorder | None, worker: str) -> type[User]:
    """The user class of a plan. Without a recorder (on the master) it is only a name to dispatch.

    Which request a user picks depends on the run, the worker and the user's number alone.
    """
    if plan.engine == GO:
        return _name_only(plan)
    as_real_clients_do()
    ready = payloads.calls(plan, os.environ)
    options = [call for call, _ in ready]
    weights = list(itertools.accumulate(weight for _, weight in ready))
    think = plan.think_time
    low, high = (think.min, think.max) if think is not None else scenario.THINK_SECONDS

    def turn(user: Any) -> None:
        user.act()

    class GatebenchUser(FastHttpUser):
        """One user of the built-in workload."""

        abstract = False
        tasks = [turn]
        host = plan.target
        network_timeout = connection_timeout = plan.timeout

        def __init__(self, environment: Any) -> None:
            super().__init__(environment)
            seed = f"{plan.uid}/{worker}/{next(_number)}"
            self._random = random.Random(seed)  # noqa: S311 - to be repeatable is the point
            self._http = Client(plan.target, plan.timeout)
            self._due: float | None = None

        def wait_time(self) -> float:
            seconds = self._random.uniform(low, high)
            self._due = time.perf_counter() + seconds
            return seconds

        def act(self) -> None:
            assert recorder is not None
            call = self._random.choices(options, cum_weights=weights)[0]
            moment = recorder.moment
            started = time.time()
            if self._due is not None:
                recorder.delay(time.perf_counter() - self._due)
                self._due = None
            try:
                answer = self._http.send(call)
            except Cut as cut:
                self._report(call, cut.answer, started, moment)
                raise StopUser() from None
            self._report(call, answer, started, moment)

        def on_stop(self) -> None:
            self._http.close()

        def _report(self, call: Call, answer: Answer, started: float, moment: Any) -> None:
            self.environment.events.request.fire(
                request_type=call.method,
                name=call.name,
                response_time=answer.seconds * 1000.0,
                response_length=answer.length,
                exception=answer.failure,
                context={},
                start_time=started,
                url=call.path,
                gatebench=Sample(moment, call.stream, answer.ttft, answer.gaps, answer.tokens),
            )

    return GatebenchUser


def _name_only(plan: Plan) -> type[User]:
    """What a master of Go workers dispatches: they know the plan themselves, and only count."""

    def turn(user: Any) -> None:
        raise NotImplementedError("it is no more than a name")

    class GatebenchUser(User):
        """A user of a Go worker."""

        abstract = False
        tasks = [turn]
        host = plan.target

    return GatebenchUser
