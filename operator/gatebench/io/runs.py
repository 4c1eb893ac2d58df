"""BenchmarkRun objects -> runs. Parsed once, here; what cannot be parsed is a result, not an exception."""

from __future__ import annotations

import copy
import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import pydantic

from gatebench.api import API_VERSION, COMPARISON_KIND
from gatebench.api.reasons import ConditionType, Reason
from gatebench.api.run import BenchmarkRunSpec
from gatebench.api.status import BenchmarkRunStatus, Condition
from gatebench.decide.draft import timestamp, with_remedy
from gatebench.io import errors, kinds, pods, status
from gatebench.io.context import Context
from gatebench.plan.names import LENT_ANNOTATION, MAX_LENT_SECONDS, Owner
from gatebench.plan.run import Run

_PROBLEMS = 5
M = TypeVar("M", bound=pydantic.BaseModel)
T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class InvalidRun:
    """A run or comparison whose spec is not understood: of another version, or past the API server's checks."""

    namespace: str
    name: str
    uid: str
    generation: int
    resource_version: str
    reason: str
    """'spec.load.stages[0].users: …', the first few of them."""
    status: Mapping[str, Any]
    deleting: bool = False
    kind: str = kinds.RUN


@dataclasses.dataclass(frozen=True)
class Unreadable:
    """The API server did not give the run, or its status cannot be understood; the next tick tries again."""

    reason: str


async def get(context: Context, namespace: str, name: str) -> Run | InvalidRun | Unreadable | None:
    """The run as it is now; None where it does not exist."""
    return await read(context, kinds.RUN, namespace, name, parse)


async def read(
    context: Context, kind: str, namespace: str, name: str, parsed: Callable[[Mapping[str, Any]], T]
) -> T | Unreadable | None:
    """An object as it is now, parsed; None where it does not exist."""
    try:
        return parsed(await context.kube.get(kind, namespace, name))
    except errors.NotFound:
        return None
    except errors.ApiError as error:
        return Unreadable(str(error))


async def list_objects(context: Context, kind: str = kinds.RUN) -> list[dict[str, Any]] | Unreadable:
    """All runs (or comparisons) that are this operator's, as the API server has them."""
    found: list[dict[str, Any]] = []
    try:
        for namespace in context.settings.watch_namespaces or (None,):
            found += await context.kube.list_all(kind, namespace)
    except errors.ApiError as error:
        return Unreadable(str(error))
    return found


def parse(body: Mapping[str, Any]) -> Run | InvalidRun | Unreadable:
    """The run."""
    found = understood(body, BenchmarkRunSpec, BenchmarkRunStatus, kinds.RUN)
    if not isinstance(found, dict):
        return found
    metadata = body["metadata"]
    comparison = _comparison(metadata)
    lent = None if comparison is None else _lent_seconds(metadata)
    return Run(**found, comparison=comparison, lent_seconds=lent)


def understood(
    body: Mapping[str, Any], spec_model: type[pydantic.BaseModel], status_model: type[pydantic.BaseModel], kind: str
) -> dict[str, Any] | InvalidRun | Unreadable:
    """What a run and a comparison have in common, by the names of their fields."""
    metadata, raw_spec = body["metadata"], body.get("spec") or {}
    raw_status = body.get("status") or {}
    known = {
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "generation": int(metadata.get("generation") or 0),
        "resource_version": metadata["resourceVersion"],
        "deleting": metadata.get("deletionTimestamp") is not None,
    }
    try:
        spec = spec_model.model_validate(raw_spec)
    except pydantic.ValidationError as error:
        return InvalidRun(**known, reason=words(error, "spec"), status=raw_status, kind=kind)
    try:
        parsed = lenient(status_model, raw_status)
    except pydantic.ValidationError as error:
        # Going on without it would start a run a second time, or lose why it ended.
        return Unreadable(f"its status cannot be understood: {words(error, 'status')}")
    created = pods.unix(metadata.get("creationTimestamp")) or 0.0
    return {**known, "created_at": created, "raw_spec": raw_spec, "spec": spec, "status": parsed}


def _comparison(metadata: Mapping[str, Any]) -> Owner | None:
    """The comparison that controls the run."""
    for reference in metadata.get("ownerReferences") or ():
        ours = reference.get("kind") == COMPARISON_KIND and reference.get("apiVersion") == API_VERSION
        if ours and reference.get("controller"):
            return Owner(reference["name"], reference["uid"], COMPARISON_KIND)
    return None


def _lent_seconds(metadata: Mapping[str, Any]) -> int | None:
    """What its comparison has written on it; anything else than a number of seconds is no fleet that is lent."""
    text = str((metadata.get("annotations") or {}).get(LENT_ANNOTATION) or "")
    return min(int(text), MAX_LENT_SECONDS) if re.fullmatch("[1-9][0-9]{0,8}", text) else None


def lenient(model: type[M], raw: Mapping[str, Any]) -> M:
    """A status, without fields that only a newer version knows. Raises pydantic.ValidationError."""
    try:
        return model.model_validate(raw)
    except pydantic.ValidationError as error:
        unknown = [e["loc"] for e in error.errors() if e["type"] == "extra_forbidden"]
        if not unknown:
            raise
    pruned = copy.deepcopy(dict(raw))
    for *parents, last in unknown:
        holder: Any = pruned
        for step in parents:
            holder = holder[step]
        del holder[last]
    return model.model_validate(pruned)


def words(error: pydantic.ValidationError, root: str) -> str:
    """'spec.load.stages[0].users: Input should be …' of the first few problems."""
    found = error.errors(include_url=False)
    said = [f"{_path(root, e['loc'])}: {e['msg'].removeprefix('Value error, ')}" for e in found[:_PROBLEMS]]
    more = len(found) - len(said)
    return "; ".join(said) + (f"; and {more} more" if more else "")


def _path(root: str, location: tuple[int | str, ...]) -> str:
    return root + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)


async def report_invalid(context: Context, run: InvalidRun, now: float) -> status.Patched:
    """Ends a run that cannot be carried out: Accepted=False, and Complete with what follows from it."""
    conditions = {c.get("type"): c for c in run.status.get("conditions") or ()}
    complete = conditions.get(ConditionType.COMPLETE.value) or {}
    if run.deleting or complete.get("status") == "True":
        return status.Patched.UNCHANGED
    message = with_remedy(Reason.INVALID_SPEC, run.reason)[:1024]
    ended: dict[ConditionType, tuple[str, Reason, str]] = {
        ConditionType.ACCEPTED: ("False", Reason.INVALID_SPEC, message),
        ConditionType.VALID: ("Unknown", Reason.NOT_MEASURED, "Nothing was measured."),
        ConditionType.PASSED: ("Unknown", Reason.NOT_MEASURED, "Nothing was measured."),
        ConditionType.SUCCEEDED: ("False", Reason.INVALID_SPEC, message),
        ConditionType.STALLED: ("True", Reason.INVALID_SPEC, message),
        ConditionType.RECONCILING: ("False", Reason.FAILED, "The run is complete."),
        ConditionType.COMPLETE: ("True", Reason.FAILED, message),
    }
    told = [
        Condition.model_validate(
            {
                "type": kind.value,
                "status": value,
                "reason": reason.value,
                "message": said,
                "lastTransitionTime": timestamp(now),
                "observedGeneration": run.generation,
            }
        )
        for kind, (value, reason, said) in ended.items()
    ]
    given = BenchmarkRunStatus(
        observed_generation=run.generation, step="Done", conditions=told, finished_at=timestamp(now)
    )
    diff = status.dump(given)
    return await status.send(run.namespace, run.name, run.resource_version, diff, context, run.kind)
