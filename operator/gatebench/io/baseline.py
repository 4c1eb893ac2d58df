"""The result that a run's spec.baseline names, and which runs need the result of one that is to be deleted."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping
from typing import Any

from gatebench.api import RESULT_KEY
from gatebench.decide.snapshot import Baseline
from gatebench.io import errors, kinds
from gatebench.io.context import Context
from gatebench.plan.run import Run
from gatebench_analysis import document

# How long a list of the runs that need a result is good for.
_SECONDS = 10.0


async def read(run: Run, context: Context) -> Baseline | None:
    """What is known of the baseline; None where the spec names none. Raises errors.ApiError."""
    given = run.spec.baseline
    if given is None:
        return None
    if given.config_map is not None:
        return await _stored(run.namespace, given.config_map.name, given.config_map.key, context)
    return await _of_run(run.namespace, str(given.run), context)


async def remembered(run: Run, context: Context) -> Baseline | None:
    """The same, read once: a result of a megabyte is not taken apart at each tick."""
    memory = context.memory(run.uid)
    if memory.baseline is None or memory.baseline.result is None:
        memory.baseline = await read(run, context)
    return memory.baseline


async def _of_run(namespace: str, name: str, context: Context) -> Baseline:
    try:
        found = await context.kube.get(kinds.RUN, namespace, name)
    except errors.NotFound:
        return Baseline(absent=f"run {name} does not exist in namespace {namespace}")
    status = found.get("status") or {}
    if not _is_complete(found):
        step = status.get("step") or "Pending"
        return Baseline(absent=f"run {name} is not complete yet, its step is {step}", under_way=True)
    kept = (status.get("artifacts") or {}).get("result")
    if not kept:
        return Baseline(unreadable=f"run {name} ended without a result")
    return await _stored(namespace, str(kept), RESULT_KEY, context)


def _is_complete(run: Mapping[str, Any]) -> bool:
    conditions = (run.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Complete" and c.get("status") == "True" for c in conditions)


async def _stored(namespace: str, name: str, key: str, context: Context) -> Baseline:
    try:
        found = await context.kube.get("ConfigMap", namespace, name)
    except errors.NotFound:
        return Baseline(absent=f"ConfigMap {name} does not exist in namespace {namespace}")
    encoded = (found.get("binaryData") or {}).get(key)
    if encoded is None:
        return Baseline(absent=f"ConfigMap {name} has no key {key} in its binaryData")
    try:
        result = await asyncio.to_thread(document.read, base64.b64decode(encoded))
    except (ValueError, binascii.Error, OSError, EOFError) as error:
        return Baseline(unreadable=f"ConfigMap {name}, key {key} is no result document: {error}")
    return Baseline(result=result)


async def needed_by(run: Run, context: Context) -> tuple[str, ...]:
    """Runs of the namespace that are not complete and name this one's result. Raises errors.ApiError."""
    memory, now = context.memory(run.uid), context.now()
    if memory.needed_by is None or now - memory.needed_by_at >= _SECONDS:
        listed = await context.kube.list_all(kinds.RUN, run.namespace)
        memory.needed_by = tuple(one["metadata"]["name"] for one in listed if _needs(one, run))
        memory.needed_by_at = now
    return memory.needed_by


def _needs(other: Mapping[str, Any], run: Run) -> bool:
    named = (other.get("spec") or {}).get("baseline")
    if not isinstance(named, Mapping) or _is_complete(other) or other["metadata"].get("deletionTimestamp"):
        return False
    stored = named.get("configMap")
    by_config_map = isinstance(stored, Mapping) and stored.get("name") == run.names.result
    return by_config_map or named.get("run") == run.name
