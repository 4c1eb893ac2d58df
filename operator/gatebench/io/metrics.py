"""When Prometheus is asked about a run: now and then while it runs, and once about the measured window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatebench.decide.load import LIVE_INTERVAL
from gatebench.decide.snapshot import LiveResources, MetricsAnswer
from gatebench.io.context import Context
from gatebench.io.prometheus import Unavailable
from gatebench.measure import answers, queries
from gatebench.plan.run import Run
from gatebench_analysis import measured
from gatebench_analysis.load import Load

LIVE_DEADLINE = 3.0
WINDOW_DEADLINE = 20.0


def measured_window(load: Mapping[str, Any]) -> tuple[float, float] | None:
    """From the moment when the first stage had its users to the end of the last one, in unix seconds."""
    return measured.span(Load.model_validate({"phases": load.get("phases")}))


async def of_window(run: Run, load: Mapping[str, Any], context: Context) -> MetricsAnswer | None:
    """The answer about the measured window; None while it is too early to ask."""
    memory = context.memory(run.uid)
    if memory.metrics is not None:
        return memory.metrics
    if context.prometheus is None:
        return None
    asked = list((run.spec.metrics.queries if run.spec.metrics else None) or ())
    window = measured_window(load)
    if window is None or (run.spec.gateway.image is None and not asked):
        memory.metrics = MetricsAnswer()
        return memory.metrics
    start, end = window
    interval = context.settings.prometheus.scrape_interval
    # The last sample of the window is scraped up to one interval after it.
    settled = end + min(interval, context.settings.deadlines.metrics / 2)
    if context.now() < settled:
        return None
    plan = queries.plan_queries(run.names.gateway, run.namespace, start, end, interval, asked, load["startedAt"])
    given = await context.prometheus.ask(plan.queries, WINDOW_DEADLINE)
    if isinstance(given, Unavailable):
        return MetricsAnswer(unavailable=given.reason)
    memory.metrics = MetricsAnswer(resources=answers.parse_answers(plan, given))
    return memory.metrics


async def live(run: Run, context: Context) -> LiveResources | None:
    """The gateway's CPU and memory, at most LIVE_INTERVAL old while Prometheus answers."""
    memory = context.memory(run.uid)
    now = context.now()
    if context.prometheus is None or run.spec.gateway.image is None:
        return None
    if now - memory.live_at < LIVE_INTERVAL:
        return memory.live
    memory.live_at = now
    asked = queries.live_queries(run.names.gateway, run.namespace, now, context.settings.prometheus.scrape_interval)
    given = await context.prometheus.ask(asked, LIVE_DEADLINE)
    if isinstance(given, Unavailable):
        memory.live = None
    else:
        found = answers.parse_live(given)
        memory.live = LiveResources(found.cpu_cores, found.memory_bytes)
    return memory.live
