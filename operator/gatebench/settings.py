"""What the administrator sets for the operator: read once at start from the file that the chart mounts."""

from __future__ import annotations

import pathlib
from typing import Annotated, Any

import yaml
from pydantic import Field

from gatebench.api.fields import Model, Quantity, duration


class Images(Model):
    """Images that the operator starts beside the gateway."""

    locust: str
    """Locust master and workers."""
    engine: str
    """Workers of load.engine: Go."""
    mock: str
    """The mock upstream."""
    probe: str
    """The isolation probe."""


class Deadlines(Model):
    """How long each wait of a run may take; past it the run ends with the wait's reason."""

    schedule: duration("1s", "24h") = 300.0  # type: ignore[valid-type]
    """Until the scheduler has placed every pod."""
    pull: duration("1s", "24h") = 300.0  # type: ignore[valid-type]
    """Until an image that cannot be pulled ends the run."""
    ready: duration("1s", "24h") = 300.0  # type: ignore[valid-type]
    """Until the upstream is ready, and until isolation is proven."""
    script: duration("1s", "24h") = 120.0  # type: ignore[valid-type]
    """Until a ConfigMap that the run names exists."""
    workers: duration("1s", "24h") = 120.0  # type: ignore[valid-type]
    """Until all workers have joined, from the moment the gateway is ready."""
    metrics: duration("1s", "24h") = 120.0  # type: ignore[valid-type]
    """Until Prometheus has answered, from the end of the load."""
    admission_retries: Annotated[int, Field(ge=0, le=20)] = 3
    """How often a pod that its node refused is made again."""


class Prometheus(Model):
    """Where the gateway's figures come from."""

    url: str = ""
    """Base URL; empty: none, and metrics from Prometheus are missing."""
    token_file: str = ""
    """File with a bearer token."""
    ca_file: str = ""
    """File with the CA's certificate."""
    user_queries: bool = True
    """Whether runs may bring queries of their own."""
    scrape_interval: duration("1s", "10m") = 15.0  # type: ignore[valid-type]
    """Interval at which the kubelet's cAdvisor is scraped."""


class Leak(Model):
    """When a slope over time is told."""

    minimum_window: duration("1s", "24h") = 1800.0  # type: ignore[valid-type]
    """The shortest stage of which it is; less than 30 min is a compressed clock, for tests."""


class Peer(Model):
    """A NetworkPolicyPeer; one with a podSelector alone is of the operator's namespace."""

    namespace_selector: dict[str, Any] | None = None
    """A label selector of namespaces."""
    pod_selector: dict[str, Any] | None = None
    """A label selector of pods."""
    ip_block: dict[str, Any] | None = None
    """A range of addresses."""


class NetworkPolicy(Model):
    """Whom the policies of a run's pods let in besides the run's own."""

    operator_labels: dict[str, str] = {
        "app.kubernetes.io/name": "gatebench",
        "app.kubernetes.io/component": "operator",
    }
    """Labels of the operator's pods, in its namespace."""
    metrics_from: list[Peer] = []
    """Who may scrape master, mock and gateway."""


class ChildResources(Model):
    """CPU (request) and memory (request and limit) of a child."""

    cpu: Quantity
    """CPU request; for the probe also its limit."""
    memory: Quantity
    """Memory request and limit."""


class Resources(Model):
    """Resources of the children that are not the gateway."""

    master: ChildResources = ChildResources(cpu="100m", memory="512Mi")
    """Locust's master."""
    worker: ChildResources = ChildResources(cpu="50m", memory="512Mi")
    """A worker, unless load.workerResources says otherwise."""
    mock: ChildResources = ChildResources(cpu="150m", memory="256Mi")
    """The mock; its CPU comes from upstream.mock.cpu."""
    probe: ChildResources = ChildResources(cpu="50m", memory="64Mi")
    """The probe: request equals limit, else the pod is not Guaranteed."""


class Settings(Model):
    """The operator's settings."""

    images: Images
    """Images of the children."""
    watch_namespaces: list[str] = []
    """Namespaces whose runs are carried out; empty: all."""
    deadlines: Deadlines = Deadlines()
    """Limits of the waits."""
    tick_interval: duration("100ms", "1m") = 2.0  # type: ignore[valid-type]
    """How often a run is looked at."""
    cpu_manager_reconcile_period: duration("100ms", "5m") = 10.0  # type: ignore[valid-type]
    """What the nodes' kubelets have under that name: how often they move the shared pool off exclusive cores. Isolation
    is proven no sooner than one such period and a second after the gateway's start."""
    prometheus: Prometheus = Prometheus()
    """Where the gateway's figures come from."""
    leak: Leak = Leak()
    """When a slope over time is told."""
    network_policy: NetworkPolicy = NetworkPolicy()
    """Whom the policies of a run's pods let in besides the run's own."""
    allowed_targets: list[str] = []
    """scheme://host:port of gateways and upstreams that runs may name by URL."""
    resources: Resources = Resources()
    """Resources of the children."""
    image_pull_policy: str = "IfNotPresent"
    """Pull policy of the children's images."""
    key_file: str = "/etc/gatebench/key/key"
    """File with the key from which the runs' tokens are derived."""


def read(path: str | pathlib.Path) -> Settings:
    """The settings in a YAML file. Raises ValueError that names the field (pydantic) or the file (OSError)."""
    document: Any = yaml.safe_load(pathlib.Path(path).read_text())
    return Settings.model_validate(document or {})
