"""Nodes and the Leases that say which run has one -> the facts that placing needs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatebench.api import GROUP, KIND, quantities
from gatebench.decide.snapshot import Lease, NodeFacts

HOLDER_NAMESPACE = f"{GROUP}/holder-namespace"
HOLDER_NAME = f"{GROUP}/holder-name"
HOLDER_KIND = f"{GROUP}/holder-kind"


def parse_node(node: Mapping[str, Any], lease: Lease | None) -> NodeFacts:
    """The facts of a node."""
    metadata, spec, status = node["metadata"], node.get("spec") or {}, node.get("status") or {}
    conditions = {c.get("type"): c.get("status") for c in status.get("conditions") or ()}
    allocatable, info = status.get("allocatable") or {}, status.get("nodeInfo") or {}
    return NodeFacts(
        name=metadata["name"],
        ready=conditions.get("Ready") == "True",
        schedulable=not spec.get("unschedulable"),
        labels=dict(metadata.get("labels") or {}),
        taints=tuple({k: str(v) for k, v in t.items()} for t in spec.get("taints") or ()),
        allocatable_cores=_quantity(allocatable.get("cpu")),
        allocatable_bytes=_quantity(allocatable.get("memory")),
        kernel=info.get("kernelVersion"),
        kubelet=info.get("kubeletVersion"),
        os=info.get("osImage"),
        lease=lease,
    )


def _quantity(text: Any) -> float:
    """A node that does not say what it has can hold nothing."""
    try:
        return quantities.quantity_value(str(text))
    except ValueError:
        return 0.0


def parse_lease(lease: Mapping[str, Any]) -> Lease:
    """The facts of a Lease; whether it is abandoned is not in it."""
    metadata = lease["metadata"]
    annotations = metadata.get("annotations") or {}
    namespace, name = annotations.get(HOLDER_NAMESPACE), annotations.get(HOLDER_NAME)
    return Lease(
        name=metadata["name"],
        holder=(lease.get("spec") or {}).get("holderIdentity") or None,
        holder_name=f"{namespace}/{name}" if namespace and name else None,
        holder_kind=annotations.get(HOLDER_KIND) or KIND,
        resource_version=metadata.get("resourceVersion"),
    )
