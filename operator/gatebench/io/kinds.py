"""Where each kind that this room touches lives in the API."""

from __future__ import annotations

import urllib.parse

from gatebench.api import COMPARISON_KIND, COMPARISON_PLURAL, GROUP, KIND, PLURAL, VERSION

RUN = KIND
COMPARISON = COMPARISON_KIND

_PLACES: dict[str, tuple[str, str]] = {
    KIND: (f"/apis/{GROUP}/{VERSION}", PLURAL),
    COMPARISON_KIND: (f"/apis/{GROUP}/{VERSION}", COMPARISON_PLURAL),
    "Pod": ("/api/v1", "pods"),
    "Service": ("/api/v1", "services"),
    "ConfigMap": ("/api/v1", "configmaps"),
    "Secret": ("/api/v1", "secrets"),
    "Node": ("/api/v1", "nodes"),
    "Event": ("/api/v1", "events"),
    "NetworkPolicy": ("/apis/networking.k8s.io/v1", "networkpolicies"),
    "Lease": ("/apis/coordination.k8s.io/v1", "leases"),
}


def plural(kind: str) -> str:
    """The resource's name, as rights name it."""
    return _PLACES[kind][1]


def path(kind: str, namespace: str | None, name: str | None = None) -> str:
    """URL path of an object, or of its collection; without a namespace, of the whole cluster."""
    root, resource = _PLACES[kind]
    out = root if namespace is None else f"{root}/namespaces/{urllib.parse.quote(namespace, safe='')}"
    out = f"{out}/{resource}"
    return out if name is None else f"{out}/{urllib.parse.quote(name, safe='')}"
