"""The name and the labels of every child. No other file makes a name.

A child's name is the run's name, shortened and made a DNS label, then eight hex digits of the run's UID, then
the child's role: two runs whose names look alike, or a run made again under its name, never share a child.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Mapping
from typing import Any

from gatebench.api import API_VERSION, GROUP, KIND

UID_LABEL = f"{GROUP}/run-uid"
ISOLATED_LABEL = f"{GROUP}/isolated"
COMPONENT_LABEL = "app.kubernetes.io/component"
NAME_LABEL = "app.kubernetes.io/name"
_NAME_LENGTH = 40


@dataclasses.dataclass(frozen=True)
class Names:
    """Names of one run's children. Each is a DNS-1035 label of at most 63 characters."""

    base: str

    @property
    def gateway(self) -> str:
        """The gateway's pod and service."""
        return f"{self.base}-gateway"

    @property
    def upstream(self) -> str:
        """The mock's pod and service."""
        return f"{self.base}-upstream"

    @property
    def master(self) -> str:
        """The Locust master's pod and service."""
        return f"{self.base}-master"

    def worker(self, index: int) -> str:
        """The pod of worker `index`, from 0."""
        return f"{self.base}-worker-{index}"

    @property
    def token(self) -> str:
        """The Secret with the run's token."""
        return f"{self.base}-token"

    @property
    def plan(self) -> str:
        """The ConfigMap with the fleet's plan."""
        return f"{self.base}-plan"

    @property
    def result(self) -> str:
        """The ConfigMap with the result document."""
        return f"{self.base}-result"

    @property
    def report(self) -> str:
        """The ConfigMap with Locust's own report and CSVs."""
        return f"{self.base}-locust"

    @property
    def logs(self) -> str:
        """The ConfigMap with the containers' logs."""
        return f"{self.base}-logs"


def of(name: str, uid: str) -> Names:
    """The children's names for the run `name` with `uid`."""
    label = re.sub(r"[^a-z0-9-]+", "-", name.lower())[:_NAME_LENGTH].strip("-") or "run"
    if not label[0].isalpha():
        label = f"r-{label}"[:_NAME_LENGTH].rstrip("-")
    return Names(f"{label}-{hashlib.sha256(uid.encode()).hexdigest()[:8]}")


def labels(run_name: str, uid: str, component: str) -> dict[str, str]:
    """The recommended labels, and the UID by which a run's children are listed."""
    return {
        NAME_LABEL: "gatebench",
        "app.kubernetes.io/managed-by": "gatebench",
        "app.kubernetes.io/instance": run_name[:63].strip("-."),
        COMPONENT_LABEL: component,
        UID_LABEL: uid,
    }


def owner(run_name: str, uid: str) -> dict[str, Any]:
    """The controller reference. blockOwnerDeletion would need a right on finalizers, and helps nobody here."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": run_name,
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }


def is_owned(metadata: Mapping[str, Any], uid: str) -> bool:
    """Whether the object's controller is the run with `uid`; only then is it ours."""
    references = metadata.get("ownerReferences") or []
    return any(reference.get("controller") and reference.get("uid") == uid for reference in references)


def node_lease(node: str) -> str:
    """Name of the Lease that says which run has the node."""
    return f"node-{node}"[:253]


def target_lease(target: str) -> str:
    """Name of the Lease that says which run measures a gateway that is not owned."""
    return f"target-{hashlib.sha256(target.encode()).hexdigest()[:16]}"
