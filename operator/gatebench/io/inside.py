"""What the run's own pods say of themselves: the fleet's state, the load document, the probe's reports."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

from gatebench.decide.snapshot import FleetState, Pod
from gatebench.io import pods
from gatebench.io.context import Context
from gatebench.io.fleet import FleetError
from gatebench.plan import fleet, gateway, upstream
from gatebench.plan.run import Run

log = logging.getLogger(__name__)

LOAD_SCHEMA = "gatebench.dev/load/v1"
ACCOUNT_SCHEMA = "gatebench.dev/mock-account/v1"
# How far back the probe is asked before the load.
PROBE_SECONDS = 60.0
# The result is made from what one tick sees, so one lost answer must not leave it without the probe.
WINDOW_ATTEMPTS = 3
# How far the clocks of the master's node and the gateway's may be apart.
CLOCK_SECONDS = 5.0


async def fleet_state(run: Run, seen: Sequence[Pod], context: Context) -> tuple[FleetState | None, str | None]:
    """The master's state, where its container runs; or why there is none."""
    ip = pods.address(seen, fleet.MASTER, fleet.MASTER)
    if ip is None:
        return None, None
    try:
        return await context.fleet.state(ip, context.token(run.fleet_owner.uid)), None
    except FleetError as error:
        return None, str(error)


async def load_document(
    run: Run, seen: Sequence[Pod], state: FleetState | None, context: Context
) -> tuple[Mapping[str, Any] | None, str | None]:
    """The load document, once the master has it; it does not change any more."""
    memory = context.memory(run.uid)
    ip = pods.address(seen, fleet.MASTER, fleet.MASTER)
    ready = state is not None and state.result_ready and state.attempt == run.attempt
    if memory.load is not None or not ready or ip is None:
        return memory.load, None
    try:
        found = await context.fleet.result(ip, context.token(run.fleet_owner.uid))
    except FleetError as error:
        return None, f"its result: {error}"
    if found.get("schema") != LOAD_SCHEMA or not all(_is_time(found.get(key)) for key in ("startedAt", "endedAt")):
        return None, "its result is not a load document"
    memory.load = found
    return found, None


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


async def isolation_report(
    run: Run, seen: Sequence[Pod], context: Context
) -> tuple[Mapping[str, Any] | None, str | None]:
    """The last minute, for the proof of isolation."""
    ip = pods.address(seen, "gateway", gateway.PROBE)
    if ip is None or not run.isolated:
        return None, None
    try:
        report = await context.fleet.probe(ip, context.token(run.fleet_owner.uid), context.now() - PROBE_SECONDS, None)
    except FleetError as error:
        return None, str(error)
    return report, None


async def window_report(
    run: Run, seen: Sequence[Pod], load: Mapping[str, Any] | None, context: Context
) -> tuple[Mapping[str, Any] | None, str | None]:
    """The probe's report about the whole load; nothing asks the probe while the load runs."""
    memory = context.memory(run.uid)
    ip = pods.address(seen, "gateway", gateway.PROBE)
    if load is None or memory.window_report is not None or ip is None:
        return memory.window_report, None
    failure = None
    for _ in range(WINDOW_ATTEMPTS):
        try:
            memory.window_report = await context.fleet.probe(
                ip,
                context.token(run.fleet_owner.uid),
                load["startedAt"] - CLOCK_SECONDS,
                load["endedAt"] + CLOCK_SECONDS,
            )
            return memory.window_report, None
        except FleetError as error:
            failure = str(error)
    return None, failure


async def upstream_account(
    run: Run, seen: Sequence[Pod], load: Mapping[str, Any] | None, context: Context
) -> Mapping[str, Any] | None:
    """The mock's account of its own delays, once the load is over; nothing asks it while the load runs."""
    memory = context.memory(run.uid)
    ip = pods.address(seen, "upstream", upstream.CONTAINER)
    if load is None or memory.upstream is not None or ip is None:
        return memory.upstream
    for _ in range(WINDOW_ATTEMPTS):
        try:
            found = await context.fleet.upstream(ip)
        except FleetError as error:
            log.warning("run %s/%s: the mock's account: %s", run.namespace, run.name, error)
            continue
        memory.upstream = found if found.get("schema") == ACCOUNT_SCHEMA else None
        break
    return memory.upstream
