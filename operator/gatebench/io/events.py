"""Events about runs and comparisons, in their namespace. The same words again raise a count, not the list."""

from __future__ import annotations

import datetime
import hashlib
from typing import Any

from gatebench.api import API_VERSION, COMPARISON_KIND, KIND
from gatebench.decide.actions import Announce
from gatebench.io import errors
from gatebench.io.context import Context
from gatebench.plan.comparison import Comparison
from gatebench.plan.run import Run

Subject = Run | Comparison
COMPONENT = "gatebench"
MESSAGE_LIMIT = 1024


def name_of(run: Subject, announced: Announce) -> str:
    """One name for the same words about the same run."""
    told = "\0".join((run.uid, announced.reason, announced.message))
    return f"{run.name[:200].rstrip('.-')}.{hashlib.sha256(told.encode()).hexdigest()[:16]}"


def manifest(run: Subject, announced: Announce, now: float) -> dict[str, Any]:
    """The event."""
    at = _timestamp(now)
    message = announced.message
    if len(message) > MESSAGE_LIMIT:
        message = message[: MESSAGE_LIMIT - 2] + " …"
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name_of(run, announced), "namespace": run.namespace},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": COMPARISON_KIND if isinstance(run, Comparison) else KIND,
            "namespace": run.namespace,
            "name": run.name,
            "uid": run.uid,
            "resourceVersion": run.resource_version,
        },
        "reason": announced.reason,
        "message": message,
        "type": "Warning" if announced.warning else "Normal",
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }


async def post(run: Subject, announced: Announce, context: Context) -> None:
    """Posts the event, or counts it where it was posted before. Raises errors.ApiError."""
    event = manifest(run, announced, context.now())
    name, counts = event["metadata"]["name"], context.memory(run.uid).events
    if name not in counts and not await _existed(run, event, context):
        return
    body = {"count": counts[name] + 1, "lastTimestamp": event["lastTimestamp"]}
    try:
        await context.kube.patch("Event", run.namespace, name, body)
        counts[name] += 1
    except errors.NotFound:  # events are kept for an hour
        del counts[name]
        await _existed(run, event, context)


async def _existed(run: Subject, event: dict[str, Any], context: Context) -> bool:
    """Creates the event. Returns whether it was there before, and so has to be counted."""
    name, counts = event["metadata"]["name"], context.memory(run.uid).events
    try:
        await context.kube.create(event)
    except errors.AlreadyExists:
        # There is no right to read events, but a patch answers with the object.
        found = await context.kube.patch("Event", run.namespace, name, {"lastTimestamp": event["lastTimestamp"]})
        counts[name] = int(found.get("count") or 1)
        return True
    counts[name] = 1
    return False


def _timestamp(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
