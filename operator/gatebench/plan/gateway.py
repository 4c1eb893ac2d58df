"""The gateway's pod, with the probe beside it, and its service.

The pod is Guaranteed: every container's requests equal its limits, and only the gateway's CPU count is whole,
so the static CPU manager gives the gateway cores of its own and leaves the probe in the shared pool.
"""

from __future__ import annotations

from typing import Any

from gatebench.api.gateway import Gateway
from gatebench.plan import pods
from gatebench.plan.names import ISOLATED_LABEL, REPEAT_ANNOTATION, UID_LABEL
from gatebench.plan.run import Run
from gatebench.plan.upstream import upstream_url
from gatebench.settings import Settings

CONTAINER = "gateway"
PROBE = "probe"
PROBE_PORT = 9180


def target(run: Run) -> str:
    """Base URL of the gateway as the fleet sees it."""
    gateway = run.spec.gateway
    if gateway.url is not None:
        return gateway.url.rstrip("/")
    return f"http://{run.names.gateway}:{gateway.port}"


def pod(run: Run, settings: Settings, node: str | None, repeat: int = 0) -> dict[str, Any]:
    """The gateway's pod, bound to `node` where one is given; a later one says for which repeat it was made."""
    gateway = run.spec.gateway
    volumes, mounts = pods.files(gateway.files)
    spec: dict[str, Any] = {
        "restartPolicy": "Always",
        "shareProcessNamespace": True,
        "terminationGracePeriodSeconds": 10,
        "securityContext": pods.pod_security(gateway.run_as_user),
        "volumes": [{"name": "tmp", "emptyDir": {}}, *volumes],
        "containers": [_gateway(run, gateway, settings, mounts), _probe(run, settings)],
    }
    if gateway.service_account_name:
        spec["serviceAccountName"] = gateway.service_account_name
        spec["automountServiceAccountToken"] = True
    if gateway.runtime_class_name:
        spec["runtimeClassName"] = gateway.runtime_class_name
    if gateway.node_selector:
        spec["nodeSelector"] = dict(gateway.node_selector)
    if gateway.tolerations:
        spec["tolerations"] = pods.tolerations(gateway.tolerations)
    if gateway.image_pull_secrets:
        spec["imagePullSecrets"] = pods.pull_secrets(gateway.image_pull_secrets)
    if node is not None:
        spec["affinity"] = _on_node(node)
    annotations = dict(gateway.annotations or {})
    if gateway.metrics_path:
        annotations |= pods.scrape(gateway.port, gateway.metrics_path)
    if repeat:
        annotations[REPEAT_ANNOTATION] = str(repeat)
    labels = {ISOLATED_LABEL: "true"} if run.isolated else {}
    return pods.pod(run, run.names.gateway, "gateway", spec, annotations, labels)


def _gateway(run: Run, gateway: Gateway, settings: Settings, mounts: list[dict[str, Any]]) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": gateway.image,
        "imagePullPolicy": settings.image_pull_policy,
        "ports": [{"name": "http", "containerPort": gateway.port}],
        "resources": pods.guaranteed(str(gateway.cpus), gateway.memory),
        "readinessProbe": {
            "httpGet": {"path": gateway.readiness.path, "port": gateway.port},
            "periodSeconds": 2,
            "timeoutSeconds": 5,
            # A gateway under full load may answer late; taking it out of its service would break the run.
            "failureThreshold": 30,
        },
        "securityContext": {
            **pods.container_security(gateway.read_only_root_filesystem),
            "runAsNonRoot": gateway.run_as_user != 0,
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}, *mounts],  # noqa: S108 - the container's own
    }
    variables = pods.env(gateway.env)
    if url := upstream_url(run):
        # First, so that later variables and the arguments can refer to it.
        variables.insert(0, {"name": "GATEBENCH_UPSTREAM_URL", "value": url})
    if variables:
        container["env"] = variables
    if gateway.env_from:
        container["envFrom"] = pods.env_from(gateway.env_from)
    if gateway.command:
        container["command"] = list(gateway.command)
    if gateway.args:
        container["args"] = list(gateway.args)
    return container


def _probe(run: Run, settings: Settings) -> dict[str, Any]:
    resources = settings.resources.probe
    return {
        "name": PROBE,
        "image": settings.images.probe,
        "imagePullPolicy": settings.image_pull_policy,
        "env": [pods.token_env(run)],
        "ports": [{"name": "probe", "containerPort": PROBE_PORT}],
        "resources": pods.guaranteed(resources.cpu, resources.memory),
        "securityContext": {**pods.container_security(), "runAsUser": pods.USER, "runAsNonRoot": True},
    }


def _on_node(node: str) -> dict[str, Any]:
    field = {"key": "metadata.name", "operator": "In", "values": [node]}
    return {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchFields": [field]}]}
        }
    }


def service(run: Run) -> dict[str, Any]:
    """A headless service: its name leads straight to the pod, without a rewritten address in between.

    It also names a pod that is not ready, for a gateway that misses a readiness check under load must go on
    receiving that load.
    """
    return headless(run, run.names.gateway, "gateway", run.spec.gateway.port)


def headless(run: Run, name: str, component: str, port: int) -> dict[str, Any]:
    """A headless service over the one pod of `component`."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": pods.metadata(run, name, component),
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": {UID_LABEL: run.uid, "app.kubernetes.io/component": component},
            "ports": [{"name": "http", "port": port, "targetPort": port}],
        },
    }
