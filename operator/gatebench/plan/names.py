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
COMPARISON_LABEL = f"{GROUP}/comparison-uid"
ISOLATED_LABEL = f"{GROUP}/isolated"
LENT_ANNOTATION = f"{GROUP}/lent-fleet"
"""Of a run whose comparison lends it a fleet; the value is for how many seconds the fleet's pods may be there."""
MAX_LENT_SECONDS = 30 * 86400
REPEAT_ANNOTATION = f"{GROUP}/repeat"
COMPONENT_LABEL = "app.kubernetes.io/component"
NAME_LABEL = "app.kubernetes.io/name"
MASTER, WORKER, TOKEN = "master", "worker", "token"
FLEET = (MASTER, WORKER, TOKEN)
"""The components of a fleet, which a comparison may lend."""
_NAME_LENGTH = 40
_COMPARISON_LENGTH = 24


@dataclasses.dataclass(frozen=True)
class Owner:
    """Whose a child is: a run's, or a comparison's."""

    name: str
    uid: str
    kind: str = KIND

    @property
    def label(self) -> dict[str, str]:
        """By which its children are known."""
        return {UID_LABEL if self.kind == KIND else COMPARISON_LABEL: self.uid}


@dataclasses.dataclass(frozen=True)
class FleetNames:
    """Names of a fleet's parts. Each is a DNS-1035 label of at most 63 characters."""

    base: str

    @property
    def master(self) -> str:
        """The Locust master's pod and service."""
        return f"{self.base}-master"

    @property
    def workers(self) -> str:
        """The network policy of all workers."""
        return f"{self.base}-worker"

    def worker(self, index: int) -> str:
        """The pod of worker `index`, from 0."""
        return f"{self.base}-worker-{index}"

    @property
    def token(self) -> str:
        """The Secret with the fleet's token."""
        return f"{self.base}-token"

    @property
    def plan(self) -> str:
        """The ConfigMap with the fleet's plan."""
        return f"{self.base}-plan"


class Names(FleetNames):
    """Names of one run's children."""

    @property
    def gateway(self) -> str:
        """The gateway's pod and service."""
        return f"{self.base}-gateway"

    @property
    def upstream(self) -> str:
        """The mock's pod and service."""
        return f"{self.base}-upstream"

    def probe(self, repeat: int) -> str:
        """The ConfigMap with the probe's report about a repeat, from 0, after which the gateway was restarted."""
        return f"{self.base}-probe-{repeat}"

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


class ComparisonNames(FleetNames):
    """Names of what one comparison makes: its runs, its result, and the fleet that it lends them."""

    def run(self, round_: int, variant: str) -> str:
        """The run of a variant in a round, from 1. At most 63 characters, so that it is a label's value too."""
        return f"{self.base}-{round_:02d}-{variant}"

    @property
    def result(self) -> str:
        """The ConfigMap with all values and verdicts."""
        return f"{self.base}-comparison"


def of(name: str, uid: str) -> Names:
    """The children's names for the run `name` with `uid`."""
    return Names(_base(name, uid, _NAME_LENGTH))


def of_comparison(name: str, uid: str) -> ComparisonNames:
    """The names for the comparison `name` with `uid`."""
    return ComparisonNames(_base(name, uid, _COMPARISON_LENGTH))


def _base(name: str, uid: str, length: int) -> str:
    label = re.sub(r"[^a-z0-9-]+", "-", name.lower())[:length].strip("-") or "run"
    if not label[0].isalpha():
        label = f"r-{label}"[:length].rstrip("-")
    return f"{label}-{hashlib.sha256(uid.encode()).hexdigest()[:8]}"


def labels(owner: Owner, component: str) -> dict[str, str]:
    """The recommended labels, and the UID by which the owner's children are listed."""
    return {
        NAME_LABEL: "gatebench",
        "app.kubernetes.io/managed-by": "gatebench",
        "app.kubernetes.io/instance": owner.name[:63].strip("-."),
        COMPONENT_LABEL: component,
        **owner.label,
    }


def selector(owner: Owner, component: str) -> dict[str, str]:
    """The labels of the owner's pods of a component."""
    return {**owner.label, COMPONENT_LABEL: component}


def lent(comparison_uid: str) -> str:
    """A label selector of a comparison's fleet, and not of its runs' own children."""
    return f"{COMPARISON_LABEL}={comparison_uid},!{UID_LABEL},{COMPONENT_LABEL} in ({','.join(FLEET)})"


def reference(owner: Owner) -> dict[str, Any]:
    """The controller reference. blockOwnerDeletion would need a right on finalizers, and helps nobody here."""
    return {
        "apiVersion": API_VERSION,
        "kind": owner.kind,
        "name": owner.name,
        "uid": owner.uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }


def is_owned(metadata: Mapping[str, Any], *uids: str) -> bool:
    """Whether the object's controller has one of these UIDs; only then is it ours."""
    references = metadata.get("ownerReferences") or []
    return any(reference.get("controller") and reference.get("uid") in uids for reference in references)


def node_lease(node: str) -> str:
    """Name of the Lease that says which run has the node."""
    return f"node-{node}"[:253]


def target_lease(target: str) -> str:
    """Name of the Lease that says which run measures a gateway that is not owned."""
    return f"target-{hashlib.sha256(target.encode()).hexdigest()[:16]}"
