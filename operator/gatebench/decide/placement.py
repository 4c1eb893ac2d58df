"""Where the gateway runs: a node that fits, taken for this run alone by a Lease.

Two runs that want the same node run one after the other. The Lease has no end in time: it is free when its
holder is gone, or is complete and has no pods left.
"""

from __future__ import annotations

from collections.abc import Mapping

from gatebench.api import quantities
from gatebench.api.reasons import ConditionType, Reason
from gatebench.decide.actions import TakeLease
from gatebench.decide.admission import target_of
from gatebench.decide.draft import Draft, Outcome, Wait, timestamp
from gatebench.decide.snapshot import Lease, NodeFacts, Snapshot
from gatebench.decide.world import World
from gatebench.plan import names
from gatebench.plan.run import Run

STATIC_LABEL = "gatebench.dev/cpu-manager"


def held_node(run: Run, snap: Snapshot) -> str | None:
    """The node whose Lease this run, or the comparison that it is part of, holds."""
    prefix = names.node_lease("")
    for lease in snap.leases:
        if lease.holder == run.holder and lease.name.startswith(prefix):
            return lease.name.removeprefix(prefix)
    return None


def place(run: Run, snap: Snapshot, world: World, draft: Draft) -> Outcome:
    """A node (or, for a URL, its target) of this run's own; with isolation None there is nothing to take."""
    if run.spec.gateway.url is not None:
        name = names.target_lease(target_of(run.spec.gateway.url))
        lease = next((lease for lease in snap.leases if lease.name == name), None)
        if lease is not None and lease.holder == run.holder:
            _acquired(draft)
            return None
        return _take(draft, name, lease, f"gateway {target_of(run.spec.gateway.url)}")
    if not run.isolated or held_node(run, snap) is not None:
        _acquired(draft)
        return None
    fitting, why_not = _fitting(run, snap, world)
    if not fitting:
        return _none_fits(run, snap, world, draft, why_not)
    if run.spec.gateway.isolation == "Required":
        # Elsewhere it would not be isolated: better to wait for one of these than to fail on a free one.
        fitting = [node for node in fitting if _is_static(node)] or fitting
    free = [node for node in fitting if _is_free(node.lease)]
    chosen = (free or fitting)[0]
    return _take(draft, names.node_lease(chosen.name), chosen.lease, f"node {chosen.name}")


def _acquired(draft: Draft) -> None:
    if draft.get("node_acquired_at") is None:
        draft.set(node_acquired_at=timestamp(draft.now))
    draft.condition(ConditionType.ACCEPTED, "True", Reason.ACCEPTED, "The run is accepted.")


def _is_free(lease: Lease | None) -> bool:
    return lease is None or lease.holder is None or lease.abandoned


def _take(draft: Draft, name: str, lease: Lease | None, what: str) -> Wait:
    if draft.get("queued_at") is None:
        draft.set(queued_at=timestamp(draft.now))
    if _is_free(lease):
        draft.act(TakeLease(name, lease))
        return Wait("Pending")
    holder = (lease.holder_name if lease else None) or "another run"
    draft.condition(ConditionType.ACCEPTED, "True", Reason.QUEUED, f"Waits for {what}, which {holder} has.")
    return Wait("Queued")


def _fitting(run: Run, snap: Snapshot, world: World) -> tuple[list[NodeFacts], list[str]]:
    """Nodes that can hold the gateway's pod, best first, and for the others why not."""
    fitting: list[NodeFacts] = []
    why_not: list[str] = []
    for node in snap.nodes:
        problem = _unfit(run, node, world)
        if problem is None:
            fitting.append(node)
        else:
            why_not.append(f"{node.name} {problem}")
    fitting.sort(key=lambda node: (not _is_static(node), node.name))
    return fitting, why_not


def _is_static(node: NodeFacts) -> bool:
    return node.labels.get(STATIC_LABEL) == "static"


def _unfit(run: Run, node: NodeFacts, world: World) -> str | None:
    gateway, probe = run.spec.gateway, world.settings.resources.probe
    cores = gateway.cpus + quantities.quantity_value(probe.cpu)
    memory = quantities.quantity_value(gateway.memory) + quantities.quantity_value(probe.memory)
    wanted = gateway.node_selector or {}
    if not node.ready:
        return "is not ready"
    if not node.schedulable:
        return "is cordoned"
    if any(node.labels.get(key) != value for key, value in wanted.items()):
        return "does not have the labels of gateway.nodeSelector"
    if (taint := _untolerated(run, node)) is not None:
        return f"has the taint {taint.get('key')}"
    if node.allocatable_cores + 1e-9 < cores:
        return f"has {node.allocatable_cores:g} CPUs, {cores:g} are needed ({gateway.cpus} and the probe's {probe.cpu})"
    if node.allocatable_bytes < memory:
        return f"has {node.allocatable_bytes / 2**30:.1f} GiB, {memory / 2**30:.1f} are needed"
    return None


def _untolerated(run: Run, node: NodeFacts) -> Mapping[str, str] | None:
    for taint in node.taints:
        if taint.get("effect") == "PreferNoSchedule":
            continue
        if not any(_tolerates(t, taint) for t in run.spec.gateway.tolerations or ()):
            return taint
    return None


def _tolerates(toleration: object, taint: Mapping[str, str]) -> bool:
    key, operator = getattr(toleration, "key", None), getattr(toleration, "operator", None) or "Equal"
    effect, value = getattr(toleration, "effect", None), getattr(toleration, "value", None)
    if effect is not None and effect != taint.get("effect"):
        return False
    if key is None:
        return operator == "Exists"
    return key == taint.get("key") and (operator == "Exists" or (value or "") == taint.get("value", ""))


def _none_fits(run: Run, snap: Snapshot, world: World, draft: Draft, why_not: list[str]) -> Outcome:
    """No node could ever hold the pod as they are now: wait for one, up to the deadline."""
    message = "No node fits: " + ("; ".join(why_not[:8]) or "the cluster has none")
    limit = world.settings.deadlines.schedule
    waited = snap.now - draft.since(ConditionType.GATEWAY_READY)
    if draft.status_of(ConditionType.GATEWAY_READY) is not None and waited >= limit:
        message = f"{message}; waited {limit:g} s"
        return draft.fail(ConditionType.GATEWAY_READY, Reason.SCHEDULE_TIMEOUT, message)
    draft.condition(ConditionType.GATEWAY_READY, "Unknown", Reason.UNSCHEDULABLE, message)
    return Wait("Pending")
