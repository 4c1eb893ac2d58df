"""What the operator asked of the API server, by its audit log, which counts since the cluster came up."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from cluster import lab as labs

ACCOUNT = f"system:serviceaccount:{labs.OPERATOR_NAMESPACE}:gatebench"
_POD = "authentication.kubernetes.io/pod-name"


def requests() -> Iterator[dict[str, Any]]:
    """The operator's requests."""
    with (labs.CLUSTER / "audit.log").open() as lines:
        for line in lines:
            entry = json.loads(line)
            if entry.get("user", {}).get("username") == ACCOUNT and "objectRef" in entry:
                yield entry


def of_pod(name: str) -> list[dict[str, Any]]:
    """Those of one pod of the operator."""
    return [entry for entry in requests() if name in (entry["user"].get("extra") or {}).get(_POD, ())]


def resource(reference: dict[str, Any]) -> str:
    """pods, pods/log, benchmarkruns/status, …"""
    name = str(reference.get("resource", ""))
    return f"{name}/{reference['subresource']}" if reference.get("subresource") else name


def denied(entries: Iterable[dict[str, Any]]) -> set[tuple[str, str, str]]:
    """(verb, resource, message) of those that were refused for want of a right."""
    return {
        (entry["verb"], resource(entry["objectRef"]), entry["responseStatus"].get("message", ""))
        for entry in entries
        if entry.get("annotations", {}).get("authorization.k8s.io/decision") == "forbid"
    }
