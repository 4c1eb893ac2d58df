"""Whether a run's world is still that in which its load began: node, kernel, images, and the CPUs after a restart."""

from __future__ import annotations

from gatebench.api.reasons import Reason
from gatebench.api.status import Environment, Images
from gatebench.decide.describe import environment_of
from gatebench.decide.snapshot import Snapshot
from gatebench.decide.world import World
from gatebench.plan import gateway
from gatebench.plan.run import Run

_FIELDS = {"node": "node", "kernel": "kernel", "kubelet": "kubelet", "cpu_model": "CPU model"}
_IMAGES = {field: f"image of the {field}" for field in Images.model_fields}


def changed(run: Run, snap: Snapshot, world: World, begun: float) -> tuple[Reason, str] | None:
    """EnvironmentChanged, where something differs from what the status has; what is not known now has not changed."""
    before, now = run.status.environment or Environment(), environment_of(run, snap, world)
    pairs = [(words, getattr(before, field), getattr(now, field)) for field, words in _FIELDS.items()]
    old, new = before.images or Images(), now.images or Images()
    pairs += [(words, getattr(old, field), getattr(new, field)) for field, words in _IMAGES.items()]
    if _restarted(snap, begun):
        # A change while it runs is CPUSetChanged: the probe saw it.
        pairs.append(("gateway's CPU set", before.cpuset, now.cpuset))
    found = [f"the {words} was {one} and is {other}" for words, one, other in pairs if one and other and one != other]
    return (Reason.ENVIRONMENT_CHANGED, f"under load, {'; '.join(found[:4])}") if found else None


def _restarted(snap: Snapshot, begun: float) -> bool:
    pod = snap.pod_of("gateway")
    container = pod.container(gateway.CONTAINER) if pod is not None else None
    return container is not None and container.running_since is not None and container.running_since > begun
