"""A pod as the API server has it -> the facts that a decision needs. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from gatebench.api import quantities
from gatebench.decide.snapshot import Container, Pod
from gatebench.plan.names import COMPONENT_LABEL, REPEAT_ANNOTATION

_RESOURCES = ("cpu", "memory")
_MESSAGE_LIMIT = 4096


def unix(text: Any) -> float | None:
    """Unix seconds of an RFC 3339 timestamp; None of what is none."""
    if not isinstance(text, str):
        return None
    try:
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None


def parse(pod: Mapping[str, Any]) -> Pod:
    """The facts of a pod."""
    metadata, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
    conditions = {c.get("type"): c for c in status.get("conditions") or ()}
    labels = metadata.get("labels") or {}
    scheduled = conditions.get("PodScheduled") or {}
    waits_for_node = scheduled.get("status") == "False"
    return Pod(
        name=metadata["name"],
        component=labels.get(COMPONENT_LABEL, ""),
        uid=metadata.get("uid", ""),
        created_at=unix(metadata.get("creationTimestamp")) or 0.0,
        scheduled_at=unix(scheduled.get("lastTransitionTime")) if scheduled.get("status") == "True" else None,
        phase=status.get("phase") or "Pending",
        reason=status.get("reason"),
        message=_bounded(status.get("message")),
        node=spec.get("nodeName"),
        ip=status.get("podIP"),
        qos=status.get("qosClass"),
        ready=(conditions.get("Ready") or {}).get("status") == "True",
        deleting=metadata.get("deletionTimestamp") is not None,
        disrupted=(conditions.get("DisruptionTarget") or {}).get("status") == "True",
        repeat=_repeat(metadata),
        unschedulable=_bounded(scheduled.get("message") or scheduled.get("reason")) if waits_for_node else None,
        containers=tuple(_containers(spec, status)),
    )


def _repeat(metadata: Mapping[str, Any]) -> int:
    text = (metadata.get("annotations") or {}).get(REPEAT_ANNOTATION, "0")
    return int(text) if isinstance(text, str) and text.isdecimal() else 0


def _containers(spec: Mapping[str, Any], status: Mapping[str, Any]) -> Sequence[Container]:
    """The containers in the order of the spec, init containers (which count for the QoS class, too) last."""
    reported = {
        s.get("name"): s for field in ("containerStatuses", "initContainerStatuses") for s in status.get(field) or ()
    }
    named = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    return [_container(given, reported.get(given.get("name")) or {}) for given in named]


def _container(given: Mapping[str, Any], status: Mapping[str, Any]) -> Container:
    state, last = status.get("state") or {}, status.get("lastState") or {}
    waiting, running = state.get("waiting") or {}, state.get("running") or {}
    ended = state.get("terminated") or last.get("terminated") or {}
    return Container(
        name=given.get("name", ""),
        ready=bool(status.get("ready")),
        restarts=int(status.get("restartCount") or 0),
        container_id=_id(status.get("containerID")),
        image_id=status.get("imageID") or None,
        running_since=unix(running.get("startedAt")),
        waiting_reason=waiting.get("reason"),
        waiting_message=_bounded(waiting.get("message")),
        terminated_reason=ended.get("reason"),
        exit_code=ended.get("exitCode"),
        termination_message=_bounded(ended.get("message")),
        limits=_limits(given.get("resources") or {}),
        guaranteed=_guaranteed(given.get("resources") or {}),
    )


def _limits(resources: Mapping[str, Any]) -> dict[str, float]:
    given = {name: _number((resources.get("limits") or {}).get(name)) for name in _RESOURCES}
    return {name: value for name, value in given.items() if value is not None}


def _id(text: Any) -> str | None:
    """containerd://<64 hex> without the runtime's name."""
    return str(text).rpartition("://")[2] or None if text else None


def _guaranteed(resources: Mapping[str, Any]) -> bool:
    """Whether requests equal limits, for CPU and memory, and are given (as the QoS class counts it)."""
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for name in _RESOURCES:
        limit = _number(limits.get(name))
        # The API server fills an absent request in from the limit.
        request = _number(requests[name]) if name in requests else limit
        if not limit or request != limit:
            return False
    return True


def _number(text: Any) -> float | None:
    try:
        return None if text is None else quantities.quantity_value(str(text))
    except ValueError:
        return None


def _bounded(text: Any) -> str | None:
    """Messages come from kubelets and images: of any length. The end says most."""
    return str(text)[-_MESSAGE_LIMIT:] if text else None


def address(pods: Sequence[Pod], component: str, container_name: str) -> str | None:
    """Address of the component's pod, where its container runs."""
    for pod in pods:
        container = pod.container(container_name)
        if pod.component == component and container is not None and container.running_since is not None:
            return pod.ip
    return None
