"""Everything that a decision may know, read at one moment.

Which reads are needed follows from the run's status. Those on which all depends (the run's children, Leases,
the ConfigMaps that it names) fail together, and then there is no Snapshot; the others leave None and say why.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Awaitable, Mapping
from typing import Any, TypeVar

from gatebench.api.reasons import ConditionType
from gatebench.decide import ending
from gatebench.decide.admission import target_of
from gatebench.decide.draft import is_status
from gatebench.decide.snapshot import (
    Baseline,
    Child,
    Denial,
    FleetState,
    KeptReport,
    Lease,
    LiveResources,
    MetricsAnswer,
    NodeFacts,
    Pod,
    Snapshot,
)
from gatebench.io import artifacts, baseline, denials, errors, inside, leases, metrics, nodes, pods, references, reports
from gatebench.io.context import Context, Memory
from gatebench.plan import names
from gatebench.plan.run import Run
from gatebench_analysis.document import Result

log = logging.getLogger(__name__)
T = TypeVar("T")

# Kinds of which only the metadata matters.
_BARE = ("Service", "ConfigMap", "NetworkPolicy")
_LOADED_STEPS = ("WarmUp", "Stage")


@dataclasses.dataclass(frozen=True)
class Unobserved:
    """The API server did not say enough for a Snapshot; the next tick tries again."""

    reason: str
    denial: Denial | None = None
    """Where a right is missing: Forbidden, with verb and resource."""


@dataclasses.dataclass(frozen=True)
class Children:
    """Objects that are there, by (kind, name), and of the pods all that is known."""

    pods: tuple[Pod, ...]
    children: Mapping[tuple[str, str], Child]


async def observe(run: Run, context: Context) -> Snapshot | Unobserved:
    """The run's world now."""
    complete = is_status(run.status, ConditionType.COMPLETE, "True")
    try:
        if complete:
            return await _after(run, context)
        return await (_under_load if _started(run) else _before_load)(run, context)
    except errors.ApiError as error:
        denial = denials.of(error) if isinstance(error, errors.Forbidden) else None
        return Unobserved(str(error), denial)


def _started(run: Run) -> bool:
    """Whether the load's start is decided."""
    return run.status.progress is not None and run.status.progress.attempt is not None


async def _after(run: Run, context: Context) -> Snapshot:
    seen, held = await _together(_children(run, context), leases.read(run, context, waiting=False))
    needed_by = await baseline.needed_by(run, context) if ending.is_expired(run, context.now()) else ()
    return Snapshot(context.now(), pods=seen.pods, children=seen.children, leases=_own(run, held), needed_by=needed_by)


async def _before_load(run: Run, context: Context) -> Snapshot:
    seen, found, (script, others), before = await _together(
        _children(run, context),
        _leases(run, context),
        references.missing(run, context),
        baseline.remembered(run, context),
    )
    own = _own(run, found)
    (state, fleet_error), (probe, probe_error), placed = await _together(
        inside.fleet_state(run, seen.pods, context),
        inside.isolation_report(run, seen.pods, context),
        _nodes(run, seen, found, context),
    )
    return Snapshot(
        context.now(),
        pods=seen.pods,
        children=seen.children,
        missing_references=others,
        missing_script=script,
        baseline=before,
        nodes=placed,
        leases=own,
        denials=context.memory(run.uid).denials,
        fleet=state,
        fleet_error=fleet_error,
        probe=probe,
        probe_error=probe_error,
    )


async def _under_load(run: Run, context: Context) -> Snapshot:
    seen = await _children(run, context)
    (state, fleet_error), result, placed = await _together(
        inside.fleet_state(run, seen.pods, context),
        _result(run, seen, context),
        _nodes(run, seen, [], context),
    )
    load, answer, report, live, account, before = None, None, None, None, None, None
    probe_error = None
    kept: tuple[KeptReport, ...] = ()
    if result is None:
        load, load_error = await inside.load_document(run, seen.pods, state, context)
        before = await _baseline(run, load, context)
        fleet_error = fleet_error or load_error
        answer, (report, probe_error), live, account, kept = await _together(
            _metrics(run, load, context),
            _report(run, seen, state, load, context),
            _live(run, state, context),
            inside.upstream_account(run, seen.pods, load, context),
            reports.of_repeats(run, load, seen.children, context),
        )
    return Snapshot(
        context.now(),
        pods=seen.pods,
        children=seen.children,
        nodes=placed,
        denials=context.memory(run.uid).denials,
        fleet=state,
        fleet_error=fleet_error,
        probe=report,
        probe_error=probe_error,
        reports=kept,
        load=load,
        baseline=before,
        upstream=account,
        metrics=answer,
        live=live,
        result=result,
    )


async def _report(
    run: Run, seen: Children, state: FleetState | None, load: Mapping[str, Any] | None, context: Context
) -> tuple[Mapping[str, Any] | None, str | None]:
    """The probe's report about the load; while the fleet holds, what proves the isolation of the new gateway."""
    if load is None and state is not None and state.holding is not None:
        return await inside.isolation_report(run, seen.pods, context)
    return await inside.window_report(run, seen.pods, load, context)


async def _together(*reads: Awaitable[Any]) -> list[Any]:
    """All reads at once. The first error is raised when all are over: none is left running."""
    found = await asyncio.gather(*reads, return_exceptions=True)
    for answer in found:
        if isinstance(answer, BaseException):
            raise answer
    return found


async def _children(run: Run, context: Context) -> Children:
    """The run's own objects, those of a fleet that is lent to it, and foreign ones that a create has met."""
    memory = context.memory(run.uid)
    reads = [_listed(f"{names.UID_LABEL}={run.uid}", run.namespace, run.owner, memory, context)]
    if run.lender is not None:
        reads.append(lent(run.namespace, run.lender, memory, context))
    found: list[Children] = await _together(*reads)
    children = {key: child for part in found for key, child in part.children.items()}
    for kind, name in sorted(memory.foreign - children.keys()):
        if await _is_foreign(run, kind, name, context):
            children[kind, name] = Child(kind, name, False)
        else:
            memory.foreign.discard((kind, name))
    memory.pods = tuple(pod for part in found for pod in part.pods)
    return Children(memory.pods, children)


async def lent(namespace: str, lender: names.Owner, memory: Memory, context: Context) -> Children:
    """What there is of the fleet that a comparison lends to its runs. Raises errors.ApiError."""
    return await _listed(names.lent(lender.uid), namespace, lender, memory, context, is_lent=True)


async def _listed(
    selector: str, namespace: str, owner: names.Owner, memory: Memory, context: Context, *, is_lent: bool = False
) -> Children:
    """The owner's children, whose UIDs are remembered."""
    kube = context.kube
    listed = await _together(
        kube.list_all("Pod", namespace, selector=selector),
        *(kube.list_all(kind, namespace, selector=selector, metadata_only=True) for kind in _BARE),
    )
    children: dict[tuple[str, str], Child] = {}
    own: list[Pod] = []
    for kind, objects in zip(("Pod", *_BARE), listed, strict=True):
        for found in objects:
            metadata = found["metadata"]
            if not names.is_owned(metadata, owner.uid):
                continue
            deleting = metadata.get("deletionTimestamp") is not None
            children[kind, metadata["name"]] = Child(kind, metadata["name"], True, deleting, is_lent)
            memory.uids[kind, metadata["name"]] = metadata["uid"]
            if kind == "Pod":
                own.append(pods.parse(found))
    return Children(tuple(own), children)


async def _is_foreign(run: Run, kind: str, name: str, context: Context) -> bool:
    try:
        found = await context.kube.get(kind, run.namespace, name)
    except errors.NotFound:
        return False
    return not names.is_owned(found["metadata"], *run.owners)


def _own(run: Run, found: list[Lease]) -> tuple[Lease, ...]:
    """This run's Leases, and its target's."""
    url = run.spec.gateway.url
    target = names.target_lease(target_of(url)) if url is not None else None
    return tuple(lease for lease in found if lease.holder == run.holder or lease.name == target)


async def _leases(run: Run, context: Context) -> list[Lease]:
    if not run.isolated and run.spec.gateway.url is None:
        return []
    return await leases.read(run, context, waiting=True)


async def _nodes(run: Run, seen: Children, found: list[Lease], context: Context) -> tuple[NodeFacts, ...]:
    """All nodes while one is to be chosen; later the gateway's own, until its environment is known."""
    held = any(lease.holder == run.holder for lease in found)
    if run.isolated and not held and not _started(run):
        by_name = {lease.name: lease for lease in found}
        listed = await context.kube.list_all("Node", None)
        return tuple(nodes.parse_node(n, by_name.get(names.node_lease(n["metadata"]["name"]))) for n in listed)
    pod = next((pod for pod in seen.pods if pod.component == "gateway"), None)
    environment = run.status.environment
    if pod is None or pod.node is None or (environment is not None and environment.kernel is not None):
        return ()
    try:
        return (nodes.parse_node(await context.kube.get("Node", None, pod.node), None),)
    except errors.ApiError as error:
        log.warning("cannot read node %s: %s", pod.node, error)
        return ()


async def _baseline(run: Run, load: Mapping[str, Any] | None, context: Context) -> Baseline | None:
    """Read again when there is something to compare with it: it may have been deleted meanwhile."""
    if load is None:
        context.memory(run.uid).baseline = None
        return None
    return await baseline.remembered(run, context)


async def _metrics(run: Run, load: Mapping[str, Any] | None, context: Context) -> MetricsAnswer | None:
    return None if load is None else await metrics.of_window(run, load, context)


async def _live(run: Run, state: FleetState | None, context: Context) -> LiveResources | None:
    if state is None or state.step not in _LOADED_STEPS:
        return None
    return await metrics.live(run, context)


async def _result(run: Run, seen: Children, context: Context) -> Result | None:
    memory = context.memory(run.uid)
    stored = seen.children.get(("ConfigMap", run.names.result))
    if stored is None or not stored.ours:
        memory.result = None
        return None
    if memory.result is None:
        memory.result = await artifacts.read_result(run, context)
        # The result has all that was needed of them.
        memory.load = memory.window_report = memory.upstream = memory.metrics = memory.baseline = None
    return memory.result
