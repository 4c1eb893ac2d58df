"""The Leases of nodes and targets: who holds them, whether the holder is still there, taking and freeing.

A Lease has no end in time. It is abandoned when its holder is gone, was made again (another UID), or is
complete; and when none of the holder's pods is left. The holder is a run, or the comparison that it is part of, which
keeps the node from its first run to its last.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
from typing import Any

from gatebench.api import COMPARISON_KIND, KIND
from gatebench.decide.actions import TakeLease
from gatebench.decide.snapshot import Lease
from gatebench.io import errors, nodes
from gatebench.io.context import Context
from gatebench.plan.names import COMPARISON_LABEL, UID_LABEL
from gatebench.plan.run import Run

_SELECTOR = "app.kubernetes.io/managed-by=gatebench"


async def read(run: Run, context: Context, *, waiting: bool) -> list[Lease]:
    """All Leases. Whether others' are abandoned is found out only for a run that is `waiting` and has none.

    Raises errors.ApiError.
    """
    parsed = await _all(context)
    if not waiting or any(lease.holder == run.holder for lease in parsed):
        return parsed
    gone = await asyncio.gather(*(_abandoned(lease, context) for lease in parsed))
    return [dataclasses.replace(lease, abandoned=is_gone) for lease, is_gone in zip(parsed, gone, strict=True)]


async def held(uid: str, context: Context) -> list[Lease]:
    """The Leases that the run or comparison with that UID holds. Raises errors.ApiError."""
    return [lease for lease in await _all(context) if lease.holder == uid]


async def _all(context: Context) -> list[Lease]:
    found = await context.kube.list_all("Lease", context.namespace, selector=_SELECTOR)
    return [nodes.parse_lease(lease) for lease in found]


async def _abandoned(lease: Lease, context: Context) -> bool:
    """Whether nobody needs the Lease any more. What cannot be found out is not abandoned."""
    namespace, _, name = (lease.holder_name or "").partition("/")
    if not name or lease.holder is None or lease.holder_kind not in (KIND, COMPARISON_KIND):
        return False
    label = UID_LABEL if lease.holder_kind == KIND else COMPARISON_LABEL
    try:
        if await _active(lease.holder_kind, namespace, name, lease.holder, context):
            return False
        pods = await context.kube.list_all("Pod", namespace, selector=f"{label}={lease.holder}", metadata_only=True)
    except errors.ApiError:
        return False
    return not pods


async def _active(kind: str, namespace: str, name: str, uid: str, context: Context) -> bool:
    try:
        holder = await context.kube.get(kind, namespace, name)
    except errors.NotFound:
        return False
    if holder["metadata"].get("uid") != uid:
        return False
    conditions = (holder.get("status") or {}).get("conditions") or ()
    return not any(c.get("type") == "Complete" and c.get("status") == "True" for c in conditions)


async def take(run: Run, action: TakeLease, context: Context) -> None:
    """Makes the run the holder, unless the Lease has changed since it was seen. Raises errors.ApiError."""
    manifest = _manifest(run, action.name, context)
    if action.seen is None:
        await context.kube.create(manifest)
        return
    manifest["metadata"]["resourceVersion"] = action.seen.resource_version
    await context.kube.replace(manifest)


async def release(holder: str, name: str, context: Context) -> None:
    """Deletes the Lease if the run or comparison with that UID still holds it. Raises errors.ApiError."""
    found = await context.kube.get("Lease", context.namespace, name)
    metadata = found["metadata"]
    if (found.get("spec") or {}).get("holderIdentity") != holder:
        return
    await context.kube.delete(
        "Lease", context.namespace, name, uid=metadata["uid"], resource_version=metadata["resourceVersion"]
    )


def _manifest(run: Run, name: str, context: Context) -> dict[str, Any]:
    held_by = {nodes.HOLDER_NAME: run.name}
    if run.comparison is not None and run.holder == run.comparison.uid:
        held_by = {nodes.HOLDER_NAME: run.comparison.name, nodes.HOLDER_KIND: COMPARISON_KIND}
    taken = datetime.datetime.fromtimestamp(context.now(), datetime.UTC)
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": name,
            "namespace": context.namespace,
            "labels": {"app.kubernetes.io/name": "gatebench", "app.kubernetes.io/managed-by": "gatebench"},
            "annotations": {nodes.HOLDER_NAMESPACE: run.namespace, **held_by},
        },
        "spec": {"holderIdentity": run.holder, "acquireTime": taken.strftime("%Y-%m-%dT%H:%M:%S.%fZ")},
    }
