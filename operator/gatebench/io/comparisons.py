"""BenchmarkComparison objects -> comparisons, what is known of them, and back to their status."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from typing import Any

from gatebench.api.comparison import BenchmarkComparisonSpec
from gatebench.api.comparisonstatus import BenchmarkComparisonStatus
from gatebench.api.reasons import ConditionType
from gatebench.decide.comparison.snapshot import Measured, RunFacts, Snapshot
from gatebench.decide.comparison.step import is_complete
from gatebench.decide.draft import is_status
from gatebench.decide.snapshot import Denial
from gatebench.io import artifacts, denials, errors, kinds, leases, runs, status
from gatebench.io.context import Context, Memory
from gatebench.io.observe import Unobserved, lent
from gatebench.io.runs import InvalidRun, Unreadable
from gatebench.plan import comparison as plan
from gatebench.plan import names
from gatebench.plan.comparison import Comparison
from gatebench_analysis import sides
from gatebench_analysis.document import Result

# A result is up to a MiB, packed: an operator that comes back reads those of a long comparison over several ticks.
_READ_PER_TICK = 8
_LAST_RUNS, _ROWS, _FEWEST_ROWS = 8, 20, 8
_VERDICTS = ("Regressed", "Inconclusive", "Better", "Same")


async def get(context: Context, namespace: str, name: str) -> Comparison | InvalidRun | Unreadable | None:
    """The comparison as it is now; None where it does not exist."""
    return await runs.read(context, kinds.COMPARISON, namespace, name, parse)


def parse(body: Mapping[str, Any]) -> Comparison | InvalidRun | Unreadable:
    """The comparison."""
    found = runs.understood(body, BenchmarkComparisonSpec, BenchmarkComparisonStatus, kinds.COMPARISON)
    return Comparison(**found) if isinstance(found, dict) else found


async def observe(comparison: Comparison, context: Context) -> Snapshot | Unobserved:
    """The comparison's world now."""
    try:
        if is_complete(comparison):
            return await _after(comparison, context)
        return await _before(comparison, context)
    except errors.ApiError as error:
        denial = denials.of(error) if isinstance(error, errors.Forbidden) else None
        return Unobserved(str(error), denial)


async def _after(comparison: Comparison, context: Context) -> Snapshot:
    held = await leases.held(comparison.uid, context)
    fleet = await lent(comparison.namespace, comparison.owner, context.memory(comparison.uid), context)
    return Snapshot(
        context.now(), leases=tuple(held), pods=await _pods(comparison, context), fleet=tuple(fleet.children.values())
    )


async def _before(comparison: Comparison, context: Context) -> Snapshot:
    memory = context.memory(comparison.uid)
    found = await _runs(comparison, memory, context)
    own = [run for run in found.values() if run.ours]
    trials, refused = None, memory.denials
    if not own and not is_status(comparison.status, ConditionType.ACCEPTED, "True"):
        trials, denial = await _trials(comparison, memory, context)
        refused = refused if denial is None else (denial,)
    idle = all(run.tidy for run in own)
    return Snapshot(
        context.now(),
        runs=found,
        measured=await _measured(comparison, own, memory, context),
        trials=trials,
        pods=await _pods(comparison, context) if idle else 0,
        leases=tuple(await leases.held(comparison.uid, context)),
        stored=("ConfigMap", comparison.names.result) in memory.uids,
        taken=("ConfigMap", comparison.names.result) in memory.foreign,
        denials=refused,
    )


async def _pods(comparison: Comparison, context: Context) -> int:
    selector = f"{names.COMPARISON_LABEL}={comparison.uid},{names.UID_LABEL}"
    return len(await context.kube.list_all("Pod", comparison.namespace, selector=selector, metadata_only=True))


async def _runs(comparison: Comparison, memory: Memory, context: Context) -> dict[str, RunFacts]:
    """The comparison's own runs, and foreign ones that a create has met."""
    selector = f"{names.COMPARISON_LABEL}={comparison.uid}"
    out: dict[str, RunFacts] = {}
    for body in await context.kube.list_all(kinds.RUN, comparison.namespace, selector=selector):
        metadata = body["metadata"]
        if names.is_owned(metadata, comparison.uid):
            out[metadata["name"]] = facts(body)
            memory.uids[kinds.RUN, metadata["name"]] = metadata["uid"]
    for kind, name in sorted(memory.foreign):
        if kind != kinds.RUN or name in out:
            continue
        try:
            await context.kube.get(kind, comparison.namespace, name)
        except errors.NotFound:
            memory.foreign.discard((kind, name))
        else:
            out[name] = RunFacts(name, ours=False)
    return out


def facts(body: Mapping[str, Any]) -> RunFacts:
    """A run of the comparison, as its conditions tell it."""
    metadata, given = body["metadata"], body.get("status") or {}
    conditions = {c.get("type"): c for c in given.get("conditions") or ()}

    def of(kind: ConditionType, field: str = "status") -> Any:
        return (conditions.get(kind.value) or {}).get(field)

    complete = of(ConditionType.COMPLETE) == "True"
    return RunFacts(
        name=metadata["name"],
        ours=True,
        deleting=metadata.get("deletionTimestamp") is not None,
        complete=complete,
        tidy=complete and given.get("step") == "Done",
        accepted=of(ConditionType.ACCEPTED),
        valid=of(ConditionType.VALID),
        passed=of(ConditionType.PASSED),
        succeeded=of(ConditionType.SUCCEEDED),
        reason=of(ConditionType.SUCCEEDED, "reason") or "",
        message=of(ConditionType.SUCCEEDED, "message") or "",
        step=str(given.get("step") or "Pending"),
        node=(given.get("environment") or {}).get("node"),
        node_acquired_at=given.get("nodeAcquiredAt"),
        started_at=given.get("startedAt"),
    )


async def _trials(
    comparison: Comparison, memory: Memory, context: Context
) -> tuple[Mapping[str, str | None] | None, Denial | None]:
    """What the API server has against each variant's run: it is asked to create it, without storing it."""
    for slot in comparison.slots[: len(comparison.variants)]:
        if slot.variant in memory.trials:
            continue
        try:
            await context.kube.create(plan.run(comparison, slot), dry_run=True)
            against = None
        except errors.AlreadyExists:
            against = None  # whose it is is found out when it is made
        except errors.Invalid as error:
            against = error.message
        except (errors.Forbidden, errors.NotFound) as error:
            return None, denials.of(error)
        memory.trials[slot.variant] = against
    return dict(memory.trials), None


async def _measured(
    comparison: Comparison, own: list[RunFacts], memory: Memory, context: Context
) -> dict[str, Measured | None]:
    """What the valid runs measured, as far as it was read."""
    uids = {run.name: memory.uids[kinds.RUN, run.name] for run in own if run.complete and run.valid == "True"}
    unread = [(name, uid) for name, uid in uids.items() if uid not in memory.measured][:_READ_PER_TICK]
    wanted = [*comparison.metrics, *(objective.metric for objective in comparison.spec.objectives or ())]
    for name, uid in unread:  # one after the other: each takes many times its size in memory
        result = await artifacts.read_document(comparison.namespace, names.of(name, uid).result, context)
        memory.measured[uid] = None if result is None else measured(result, wanted)
    return {name: memory.measured[uid] for name, uid in uids.items() if uid in memory.measured}


def measured(result: Result, wanted: list[str]) -> Measured | None:
    """One value of each metric, and the environment. None where it has no metric at all."""
    rows = sides.side("", [result], wanted).repeats
    values = {}
    for name in dict.fromkeys(wanted):
        seen = [row[name] for row in rows if name in row and math.isfinite(row[name])]
        if seen:
            values[name] = statistics.median(seen)
    where = {path: str(value) for path, value in sides.leaves(result.environment, sides.SAME_IN_OTHER_WORDS)}
    return Measured(values, where) if values else None


async def patch_status(comparison: Comparison, wanted: BenchmarkComparisonStatus, context: Context) -> status.Patched:
    """Makes the comparison's status say what `wanted` says."""
    diff = status.difference(status.dump(comparison.status), bounded(status.dump(wanted)))
    if not diff:
        return status.Patched.UNCHANGED
    return await status.send(
        comparison.namespace, comparison.name, comparison.resource_version, diff, context, kinds.COMPARISON
    )


def bounded(given: dict[str, Any], limit: int = status.LIMIT) -> dict[str, Any]:
    """The status in at most `limit` bytes of JSON: what is in the result too goes first."""
    given = dict(given)
    for shorten in (_last_runs, _bare_rows, _few_rows):
        if status.size(given) > limit:
            shorten(given)
    cut = status.bounded(given, limit)
    if status.size(cut) > limit:
        cut.pop("runs", None)
        _few_rows(cut, _FEWEST_ROWS)
    return cut


def _last_runs(given: dict[str, Any]) -> None:
    if "runs" in given:
        given["runs"] = given["runs"][-_LAST_RUNS:]


def _bare_rows(given: dict[str, Any]) -> None:
    """Rows without their reasons."""
    if "table" in given:
        given["table"] = [{key: v for key, v in row.items() if key != "display"} for row in given["table"]]


def _few_rows(given: dict[str, Any], keep: int = _ROWS) -> None:
    """Those that say most stay, in their order."""
    table = given.get("table") or []
    if len(table) <= keep:
        return
    ranked = sorted(range(len(table)), key=lambda i: (_VERDICTS.index(table[i]["verdict"]), i))
    given["table"] = [table[i] for i in sorted(ranked[:keep])]
    note = "only the rows of the table that say most are here; all of them are in the result"
    if note not in (given.get("warnings") or []):
        given["warnings"] = [*(given.get("warnings") or [])[:15], note]
