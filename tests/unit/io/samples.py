"""Runs and pods as the API server has them."""

from __future__ import annotations

from typing import Any

from gatebench.io import runs
from gatebench.plan import names
from gatebench.plan.run import Run

UID = "6f1c2a34-0000-4000-8000-000000000001"
NAMESPACE = "bench"
CONTAINER_ID = "ab" * 32


def body(status: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    """A BenchmarkRun of one core and one worker."""
    return {
        "apiVersion": "gatebench.dev/v1alpha1",
        "kind": "BenchmarkRun",
        "metadata": {
            "name": "demo",
            "namespace": NAMESPACE,
            "uid": UID,
            "generation": 3,
            "resourceVersion": "7",
            "creationTimestamp": "2027-01-15T08:00:00Z",
        },
        "spec": {
            "gateway": {"image": "gw:1", "cpus": 1, "memory": "64Mi"},
            "workload": {"scenario": "gateway-mix"},
            "load": {"workers": 1, "stages": [{"duration": "10s", "users": 1}]},
            **spec,
        },
        "status": status or {},
    }


def run(status: dict[str, Any] | None = None, **spec: Any) -> Run:
    """The same, parsed."""
    parsed = runs.parse(body(status, **spec))
    assert isinstance(parsed, Run), parsed
    return parsed


STARTED = {"progress": {"attempt": f"{UID}-1"}, "nodeAcquiredAt": "2027-01-15T08:00:00Z"}
COMPLETE = {
    **STARTED,
    "conditions": [
        {
            "type": "Complete",
            "status": "True",
            "reason": "Finished",
            "lastTransitionTime": "2027-01-15T08:00:00Z",
        }
    ],
}


def child(kind: str, name: str, *, owner: str = UID, **fields: Any) -> dict[str, Any]:
    """An object that the run with UID `owner` controls."""
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "labels": names.labels(names.Owner("demo", UID), fields.pop("component", "x")),
            "ownerReferences": [names.reference(names.Owner("demo", owner))],
        },
        **fields,
    }


def foreign(kind: str, name: str) -> dict[str, Any]:
    """An object of somebody else's."""
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}}


def running_pod(name: str, component: str, *containers: str, ip: str = "127.0.0.1") -> dict[str, Any]:
    """A pod whose containers run."""
    return child(
        "Pod",
        name,
        component=component,
        spec={"nodeName": "node0", "containers": [{"name": c} for c in containers]},
        status={
            "phase": "Running",
            "podIP": ip,
            "containerStatuses": [
                {
                    "name": c,
                    "ready": True,
                    "containerID": f"containerd://{CONTAINER_ID}",
                    "state": {"running": {"startedAt": "2027-01-15T08:00:00Z"}},
                }
                for c in containers
            ],
        },
    )
