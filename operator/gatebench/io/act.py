"""Carries out what a decision wants. None of it is assumed to have worked: the next Snapshot shows what did.

Nothing that is not this run's is ever changed or deleted: a create never overwrites, a delete names the UID.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Sequence

from gatebench.decide import actions
from gatebench.decide.actions import Action
from gatebench.decide.snapshot import Denial
from gatebench.io import artifacts, denials, errors, events, kinds, leases, pods, reports
from gatebench.io.context import Context
from gatebench.io.events import Subject
from gatebench.io.fleet import FleetError
from gatebench.plan import fleet, names
from gatebench.plan.comparison import Comparison
from gatebench.plan.run import Run

log = logging.getLogger(__name__)


async def act(run: Subject, wanted: Sequence[Action], context: Context) -> tuple[Denial, ...]:
    """Does one after the other; returns what the API server refused.

    A namespace that is going away, or an API server that does not answer, ends the tick's actions.
    """
    refused: list[Denial] = []
    for action in wanted:
        try:
            await _do(run, action, context)
        except (errors.Conflict, errors.AlreadyExists) as error:
            # Somebody was faster: the next Snapshot shows who.
            log.info("run %s/%s: %s", run.namespace, run.name, error)
        except errors.ApiError as error:
            log.warning("run %s/%s: %s", run.namespace, run.name, error)
            denial = denials.of(error)
            refused.append(denial)
            if denial.kind == denials.TERMINATING or isinstance(error, errors.Unavailable):
                break
        except FleetError as error:
            # 409 is the master's "not now", which the next Snapshot explains.
            level = logging.INFO if error.status == 409 else logging.WARNING
            log.log(level, "run %s/%s: %s: %s", run.namespace, run.name, type(action).__name__, error)
    return tuple(refused)


async def _do(run: Subject, action: Action, context: Context) -> None:
    match action:
        case actions.Create():
            await _create(run, dict(action.manifest), context)
        case actions.Delete():
            await _delete(run, action, context)
        case actions.ReleaseLease():
            await _ignoring_absence(leases.release(run.uid, action.name, context))
        case actions.DeleteRun():
            kind = kinds.COMPARISON if isinstance(run, Comparison) else kinds.RUN
            await _ignoring_absence(context.kube.delete(kind, run.namespace, run.name, uid=run.uid))
        case actions.Announce():
            await _announce(run, action, context)
        case _ if isinstance(run, Run):
            await _do_for_run(run, action, context)


async def _do_for_run(run: Run, action: Action, context: Context) -> None:
    """What a comparison leaves to its runs."""
    match action:
        case actions.TakeLease():
            await leases.take(run, action, context)
        case actions.HandOver() | actions.StartLoad() | actions.GoOn() | actions.StopLoad() | actions.Acknowledge():
            await _tell_master(run, action, context)
        case actions.StoreProbe():
            await _create(run, await reports.kept(run, action.repeat, action.give_up, context), context)
        case actions.StoreResult():
            await _create(run, await artifacts.result(run, action.result), context)
        case actions.StoreReport():
            await _keep(run, await artifacts.report(run, context), context)
        case actions.StoreLogs():
            await _keep(run, await artifacts.logs(run, context), context)


async def _create(run: Subject, manifest: dict[str, object], context: Context) -> None:
    """POST. A name that is taken by another's object is remembered, and is in the next Snapshot."""
    kind, name = str(manifest["kind"]), _name(manifest)
    memory = context.memory(run.uid)
    try:
        created = await context.kube.create(manifest)
    except errors.AlreadyExists:
        if kind == "Secret":
            # It cannot be read, so it is taken for ours: its name has a hash of the UID. Nor is it changed;
            # were it another's, the master would refuse the operator's token and no load would start.
            return
        await _whose(run, kind, name, context)
        return
    memory.uids[kind, name] = created["metadata"]["uid"]


def _name(manifest: dict[str, object]) -> str:
    metadata = manifest["metadata"]
    assert isinstance(metadata, dict)
    return str(metadata["name"])


async def _whose(run: Subject, kind: str, name: str, context: Context) -> str | None:
    """The UID of the object with a child's name, where it is the run's own."""
    memory = context.memory(run.uid)
    try:
        metadata = (await context.kube.get(kind, run.namespace, name))["metadata"]
    except errors.NotFound:
        return None
    if not names.is_owned(metadata, *run.owners):
        memory.foreign.add((kind, name))
        return None
    memory.uids[kind, name] = metadata["uid"]
    return str(metadata["uid"])


async def _delete(run: Subject, action: actions.Delete, context: Context) -> None:
    memory = context.memory(run.uid)
    uid = memory.uids.get((action.kind, action.name))
    if uid is None and action.kind == "Secret":
        # Another process made it. That its fleet took the operator's token proves that it is the run's;
        # without that proof it stays until the run is deleted.
        if not _has_started(run):
            return
    elif uid is None and (uid := await _whose(run, action.kind, action.name, context)) is None:
        return
    await _ignoring_absence(context.kube.delete(action.kind, run.namespace, action.name, uid=uid))
    memory.uids.pop((action.kind, action.name), None)


def _has_started(run: Subject) -> bool:
    """Whether a load was started by that token."""
    if isinstance(run, Comparison):
        return run.status.started_at is not None
    return run.status.progress is not None and run.status.progress.attempt is not None


async def _ignoring_absence(call: Awaitable[None]) -> None:
    """What is gone already needs no deleting."""
    try:
        await call
    except errors.NotFound:
        return


async def _tell_master(
    run: Run,
    action: actions.HandOver | actions.StartLoad | actions.GoOn | actions.StopLoad | actions.Acknowledge,
    context: Context,
) -> None:
    ip = pods.address(context.memory(run.uid).pods, fleet.MASTER, fleet.MASTER)
    if ip is None:
        return
    token = context.token(run.fleet_owner.uid)
    match action:
        case actions.HandOver():
            await context.fleet.hand_over(ip, token, action.plan)
        case actions.StartLoad():
            await context.fleet.start(ip, token, action.attempt)
        case actions.GoOn():
            await context.fleet.go_on(ip, token, action.attempt, action.repeat, action.address)
        case actions.StopLoad():
            await context.fleet.stop(ip, token, action.reason)
        case actions.Acknowledge():
            await context.fleet.acknowledge(ip, token, action.keep)


async def _keep(run: Run, manifest: dict[str, object] | None, context: Context) -> None:
    """Stores what is good to have. A run does not wait for it, so a refusal is said in the log only."""
    if manifest is None:
        return
    try:
        await _create(run, manifest, context)
    except errors.ApiError as error:
        log.warning("run %s/%s: not kept: %s", run.namespace, run.name, error)


async def _announce(run: Subject, action: actions.Announce, context: Context) -> None:
    """Posts an event. The condition says the same, so a refusal holds nothing up."""
    try:
        await events.post(run, action, context)
    except errors.ApiError as error:
        log.warning("run %s/%s: no event: %s", run.namespace, run.name, error)
