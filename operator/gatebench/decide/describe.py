"""The environment of a run in words: node, versions, images, cpuset, and how isolation was proven."""

from __future__ import annotations

from typing import Any

from gatebench.api.reasons import ConditionType
from gatebench.api.status import Environment, Images
from gatebench.decide.draft import condition_of
from gatebench.decide.snapshot import NodeFacts, Pod, Snapshot
from gatebench.decide.world import World
from gatebench.plan import fleet, gateway, upstream
from gatebench.plan.run import Run
from gatebench_analysis import isolation as analysis


def environment_of(run: Run, snap: Snapshot, world: World) -> Environment:
    """What is known of it now; what was known before and cannot be seen any more is kept."""
    before = run.status.environment or Environment()
    pod = snap.pod_of("gateway")
    fields: dict[str, Any] = {"spec_hash": run.spec_hash, "operator_version": world.operator_version}
    fields |= _node(snap, pod)
    fields |= _isolation(run, snap, pod)
    images = Images(
        gateway=_image(pod, gateway.CONTAINER),
        probe=_image(pod, gateway.PROBE),
        mock=_image(snap.pod_of("upstream"), upstream.CONTAINER),
        locust=_image(snap.pod_of(fleet.MASTER), fleet.MASTER),
        engine=_image(snap.pod_of(fleet.WORKER), fleet.WORKER) if run.spec.load.engine == "Go" else None,
    )
    if images != Images():
        fields["images"] = images
    known = {key: value for key, value in fields.items() if value is not None}
    return before.model_copy(update=known)


def _node(snap: Snapshot, pod: Pod | None) -> dict[str, Any]:
    if pod is None or pod.node is None:
        return {}
    node: NodeFacts | None = next((node for node in snap.nodes if node.name == pod.node), None)
    loaders = [p for p in snap.pods if p.component in (fleet.MASTER, fleet.WORKER) and p.node is not None]
    return {
        "node": pod.node,
        "kernel": node.kernel if node else None,
        "kubelet": node.kubelet if node else None,
        "os": node.os if node else None,
        "colocated": any(p.node == pod.node for p in loaders) if loaders else None,
    }


def _isolation(run: Run, snap: Snapshot, pod: Pod | None) -> dict[str, Any]:
    if not run.isolated:
        return {"isolation": "NotClaimed"}
    proven = condition_of(run.status, ConditionType.ISOLATED)
    out: dict[str, Any] = {}
    if proven is not None and proven.status != "Unknown":
        out["isolation"] = "Proven" if proven.status == "True" else "NotProven"
        out["isolation_proof"] = proven.message
    container = pod.container(gateway.CONTAINER) if pod is not None else None
    if snap.probe is not None and container is not None and container.container_id is not None:
        out["cpuset"] = analysis.cpuset(snap.probe, container.container_id)
        out["cpu_model"] = snap.probe.get("cpuModel")
    return out


def _image(pod: Pod | None, name: str) -> str | None:
    container = pod.container(name) if pod is not None else None
    return container.image_id if container is not None else None
