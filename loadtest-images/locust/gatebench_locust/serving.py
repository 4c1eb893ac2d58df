"""Puts a worker together: recorder, runner, and what measures a locustfile of a user's own."""

# Locust is typed in part only.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

import functools
import gc
import socket
from collections.abc import Callable
from typing import Any

import locust
import locust.env
from locust import argument_parser

from gatebench_locust import context, foreign, worker
from gatebench_locust.again import Successor
from gatebench_locust.plan import LOCUST, Plan, PlanError
from gatebench_locust.recorder import Recorder
from gatebench_locust.settings import Settings


def prepare(plan: Plan, settings: Settings, mask: Callable[[str], str], successor: Successor) -> None:
    """Before Locust's main is called: our listeners are the first. Raises PlanError."""
    if plan.engine != LOCUST:
        raise PlanError(f"it is for engine {plan.engine}, this is a Python worker")
    recorder = Recorder(mask)
    context.plan, context.recorder, context.node = plan, recorder, socket.gethostname()
    locust.events.request.add_listener(recorder.on_request)
    locust.events.test_start.add_listener(lambda **_: recorder.reset())
    if plan.locustfile is not None:
        foreign.install(recorder, plan.think_time)
    runner = worker.Worker
    runner.plan, runner.recorder, runner.token = plan, recorder, settings.token
    runner.pod_uid, runner.successor = settings.pod_uid, successor
    patched: Any = locust.env
    patched.WorkerRunner = runner
    # Locust asks for this some sixty times in each spawn message, and builds a parser of all its options each time:
    # 0.2 s and more in which no user of the worker moves.
    patched = argument_parser
    patched.default_args_dict = functools.cache(argument_parser.default_args_dict)

    def on_init(environment: Any, **_: Any) -> None:
        environment.host = plan.target
        environment.process_exit_code = worker.EARLY_EXIT
        # What is loaded by now stays: the collector need not walk through it while users wait.
        gc.collect()
        gc.freeze()

    locust.events.init.add_listener(on_init)
