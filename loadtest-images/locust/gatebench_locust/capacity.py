"""Leads a capacity search: step by step at the rates that the search wants, each judged when all of it has been heard.

A step is a settle phase and a measured window at one rate, then a pause without arrivals until nothing is in flight:
its last answers belong to it, and what one step has left behind must not burden the next one. After a step that did
not hold the settle phase goes on until latency is back.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from typing import TYPE_CHECKING

from gatebench_locust import pauses, phases
from gatebench_locust.arrivals import Line
from gatebench_locust.judging import Window, judge, median
from gatebench_locust.phases import LEAD_SECONDS, SEARCH, STAGE, Rate
from gatebench_locust.plan import Capacity
from gatebench_locust.recovery import Recovery, longest
from gatebench_locust.search import HELD, Search, Step
from gatebench_locust.windows import window_of

if TYPE_CHECKING:
    from gatebench_locust.conductor import Conductor

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 4.0  # what a pause takes where answers are fast: two reports, and the way to the next phase
SHORTEST_SETTLE_SECONDS = 1.0  # a step starts from nothing: its first second is no steady state


def lead(conductor: Conductor) -> None:
    """Warm-up and search; the confirmations become the run's stages. Raises EndEarly."""
    wanted = conductor.plan.capacity
    assert wanted is not None
    search = conductor.search = Search(wanted, _settle(wanted) + wanted.step + PAUSE_SECONDS)
    line = Line(conductor)
    for phase in conductor.phases[:-1]:
        line.run(phase)
    began = time.monotonic()
    usual: float | None = None  # the median latency of the last step that held
    held = True  # the step before has
    while (step := search.next(time.monotonic() - began)) is not None:
        window = _try(conductor, line, step, began + wanted.budget, None if held else usual)
        verdict = judge(window, wanted.objectives)
        held = verdict.outcome == HELD
        usual = median(window) if held else usual
        search.record(verdict.outcome, verdict.why, verdict.unmeasured)
        logger.info("step %d, %g/s: %s %s", step.number, step.rate, verdict.outcome, "; ".join(verdict.why))
    finding = search.finding()
    logger.info("the search is over: %s", finding.message)
    if finding.rate is None and not conductor.message:
        conductor.message = finding.message
    confirmed = {conductor.search_phases[number] for number in finding.confirmations}
    for record in conductor.records:
        if record.phase.index in confirmed:
            record.phase = dataclasses.replace(record.phase, kind=STAGE)


def _try(conductor: Conductor, line: Line, step: Step, budget_ends: float, usual: float | None) -> Window:
    """What was measured. `usual`: the median latency, in seconds, that is to be back before that."""
    plan, name, wanted = conductor.plan, f"step-{step.number}", conductor.plan.capacity
    assert wanted is not None
    settle, beyond = _settle(wanted), 0.0
    if usual is not None:
        left = budget_ends - time.monotonic() - settle - wanted.step - PAUSE_SECONDS
        beyond = longest(wanted, left)
    rate = Rate(step.rate, step.rate, settle + beyond)
    phase = phases.arrivals(plan, _next(conductor), f"{name}-settle", SEARCH, rate)
    if usual is None:
        line.run(phase, settled=False)
    elif not line.run_until(phase, settle, Recovery(conductor, phase.index, usual).back):
        logger.info("step %d: %g s longer were not enough for a median of %.3g s again", step.number, beyond, usual)
    index = _next(conductor)
    conductor.search_phases[step.number] = index
    line.run(phases.arrivals(plan, index, name, SEARCH, Rate(step.rate, step.rate, wanted.step)), settled=True)
    limit = plan.timeout + pauses.BEYOND_TIMEOUT_SECONDS
    pause = _next(conductor)
    line.begin(phases.arrivals(plan, pause, f"{name}-pause", SEARCH, Rate(0.0, 0.0, limit)), settled=False)
    ends = time.monotonic() + LEAD_SECONDS + limit
    quiet = pauses.await_quiet(conductor, pause, min(ends, max(budget_ends, time.monotonic() + PAUSE_SECONDS)))
    line.cut()
    return window_of(conductor, index, step.rate, wanted.step, quiet)


def _settle(wanted: Capacity) -> float:
    return max(wanted.settle, SHORTEST_SETTLE_SECONDS)


def _next(conductor: Conductor) -> int:
    return conductor.records[-1].phase.index + 1 if conductor.records else 0
