"""Writes a run's status: only where it has changed, only on top of what was read, never above its bound."""

from __future__ import annotations

import enum
import json
import logging
from collections.abc import Mapping
from typing import Any

import pydantic

from gatebench.api.status import BenchmarkRunStatus
from gatebench.io import errors, kinds
from gatebench.io.context import Context
from gatebench.plan.run import Run

log = logging.getLogger(__name__)

LIMIT = 8 * 1024
MARKER = " …(truncated)"
# Lengths to which texts are cut, one after the other, until the status fits.
_LENGTHS = (1024, 512, 256, 128)
_WORST_FIRST = ("Fail", "Unknown", "Warn", "Pass", "NotApplicable", "Good")


class Patched(enum.Enum):
    """What came of it."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    """The status said the same already."""
    CONFLICT = "conflict"
    """The run was changed meanwhile: the next tick reads it again."""
    GONE = "gone"
    """The run does not exist any more."""
    FAILED = "failed"
    """The API server refused, or did not answer; it is in the log."""


async def patch_status(run: Run, status: BenchmarkRunStatus, context: Context) -> Patched:
    """Makes the run's status say what `status` says."""
    diff = difference(dump(run.status), bounded(dump(status)))
    if not diff:
        return Patched.UNCHANGED
    return await send(run.namespace, run.name, run.resource_version, diff, context)


async def send(
    namespace: str,
    name: str,
    resource_version: str,
    diff: Mapping[str, Any],
    context: Context,
    kind: str = kinds.RUN,
) -> Patched:
    """Sends a merge patch of the status, on top of that version of the run or comparison."""
    body = {"metadata": {"resourceVersion": resource_version}, "status": diff}
    try:
        await context.kube.patch(kind, namespace, name, body, subresource="status")
    except errors.Conflict:
        return Patched.CONFLICT
    except errors.NotFound:
        return Patched.GONE
    except errors.ApiError as error:
        log.warning("%s %s/%s: %s", kind, namespace, name, error)
        return Patched.FAILED
    return Patched.CHANGED


def dump(status: pydantic.BaseModel) -> dict[str, Any]:
    """The status as the API has it; what is not known is absent."""
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The merge patch that leads from one to the other; lists are replaced whole."""
    patch: dict[str, Any] = dict.fromkeys(before.keys() - after.keys())
    for key, value in after.items():
        old = before.get(key)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            if inner := difference(old, value):
                patch[key] = inner
        elif key not in before or old != value:
            patch[key] = value
    return patch


def bounded(status: dict[str, Any], limit: int = LIMIT) -> dict[str, Any]:
    """The status in at most `limit` bytes of JSON: texts are cut, then lists, the least telling first.

    The same status is always cut in the same way, so that it is not patched again and again.
    """
    for length in _LENGTHS:
        if size(status) <= limit:
            return status
        status = _cut(status, length)
    status = dict(status)
    for shorten in (_without_requests, _few_missing, _few_compared, _few_objectives, _few_warnings):
        if size(status) > limit:
            shorten(status)
    return status


def size(status: Mapping[str, Any]) -> int:
    """Bytes of its JSON."""
    return len(json.dumps(status, ensure_ascii=False, separators=(",", ":")).encode())


def _cut(value: Any, length: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= length else value[: length - len(MARKER)] + MARKER
    if isinstance(value, list):
        return [_cut(item, length) for item in value]
    if isinstance(value, dict):
        return {key: _cut(item, length) for key, item in value.items()}
    return value


def _without_requests(status: dict[str, Any]) -> None:
    if "summary" in status:
        status["summary"] = {key: v for key, v in status["summary"].items() if key != "byRequest"}


def _few_missing(status: dict[str, Any], keep: int = 10) -> None:
    missing = status.get("missing") or []
    if len(missing) > keep:
        status["missing"] = [*missing[:keep], f"({len(missing) - keep} more are in the result)"]


def _few_compared(status: dict[str, Any], keep: int = 4) -> None:
    """The worst stand first."""
    compared = status.get("baseline") or {}
    if len(compared.get("metrics") or []) > keep:
        status["baseline"] = {**compared, "metrics": compared["metrics"][:keep]}


def _few_objectives(status: dict[str, Any], keep: int = 15) -> None:
    """Those that decide the verdict stay, in their order."""
    objectives = status.get("objectives") or []
    if len(objectives) <= keep:
        return
    ranked = sorted(range(len(objectives)), key=lambda i: (_WORST_FIRST.index(objectives[i]["outcome"]), i))
    status["objectives"] = [objectives[i] for i in sorted(ranked[:keep])]
    note = f"{len(objectives) - keep} of {len(objectives)} objectives are only in the result"
    status["warnings"] = [*(status.get("warnings") or [])[:14], note]


def _few_warnings(status: dict[str, Any], keep: int = 4) -> None:
    warnings = status.get("warnings") or []
    status["warnings"] = [*warnings[:keep], *warnings[keep:][-1:]]
