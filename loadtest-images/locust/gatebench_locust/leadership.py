"""Puts the master together: runner, conductor, HTTP API, web page."""

# Locust is typed in part only.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

import logging
import pathlib
from collections.abc import Callable
from typing import Any

import gevent
import locust
import locust.env
from locust.rpc import rpc

from gatebench_locust import api, context, document, reports, script, webui, wire
from gatebench_locust.again import Successor
from gatebench_locust.conductor import Conductor
from gatebench_locust.handover import Handover
from gatebench_locust.master import Master
from gatebench_locust.plan import Plan
from gatebench_locust.roster import Roster
from gatebench_locust.settings import Settings
from gatebench_locust.shape import PlanShape

logger = logging.getLogger(__name__)
EARLY_EXIT = 4  # told to end before the result was acknowledged
_LAST_ANSWER_SECONDS = 0.5


def prepare(plan: Plan, settings: Settings, mask: Callable[[str], str], successor: Successor) -> None:
    """Before Locust's main is called. Raises OSError where the API's port is taken."""
    reports.forget(script.csv_prefix(settings))
    roster = Roster()
    context.plan = plan
    wire.Server.on_garbage = staticmethod(roster.junk)
    patched: Any = locust.env
    patched.MasterRunner = Master
    patched = rpc
    patched.Server = wire.Server
    held: dict[str, Any] = {}

    def on_sealed() -> None:
        environment = held["environment"]
        total = environment.stats.total
        built = document.build(conductor, total.num_requests, total.num_failures)
        history = pathlib.Path(f"{script.csv_prefix(settings)}_stats_history.csv")
        http.publish(built, reports.take(environment, history, mask))
        gevent.spawn(_hold, environment, http, plan.result_hold)

    conductor = Conductor(plan, roster, on_sealed)
    http = api.Api(conductor, settings.token, Handover(conductor, successor))
    Master.plan, Master.token, Master.roster, Master.conductor = plan, settings.token, roster, conductor

    def on_init(environment: Any, runner: Any, web_ui: Any, **_: Any) -> None:
        held["environment"] = environment
        environment.process_exit_code = EARLY_EXIT
        environment.shape_class = PlanShape(conductor)
        environment.shape_class.runner = runner
        environment.host = plan.target
        conductor.runner = runner
        webui.look_only(web_ui)
        held["server"] = api.serve(http, settings.api_port)
        logger.info("waiting for %d workers", plan.expected_workers)

    locust.events.init.add_listener(on_init)


def _hold(environment: Any, http: api.Api, seconds: float) -> None:
    """Keeps the result until it is acknowledged, then lets the process end: its workers go with it. A fleet that is to
    be kept stays until it is let go, or handed to another run."""
    if http.acknowledged.wait(timeout=seconds):
        if not http.released.is_set():
            logger.info("the result is acknowledged, the fleet is kept")
            environment.process_exit_code = 0
            http.released.wait()
        logger.info("the result is acknowledged")
        gevent.sleep(_LAST_ANSWER_SECONDS)
    else:
        logger.warning("nobody has acknowledged the result within %g s", seconds)
    if http.handed_over:
        return  # what comes now is for the next master to end
    environment.process_exit_code = 0
    environment.web_ui.stop()
