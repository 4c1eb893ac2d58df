"""The fleet: one Locust master, its workers, their plan and the master's service.

Nothing of it restarts by itself: a load is never restarted silently. Its pods end by themselves some time after
the run's deadline, so that a fleet whose operator never comes back does not stay for ever.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from gatebench.api.pods import KeyRef
from gatebench.api.run import active_deadline
from gatebench.plan import document, names, pods
from gatebench.plan.names import COMPONENT_LABEL, ISOLATED_LABEL
from gatebench.plan.run import Run
from gatebench.settings import Settings

MASTER, WORKER = names.MASTER, names.WORKER
LOST_MASTER = 5
"""Exit code of a worker whose master is gone."""
LOCUST_PORT, API_PORT = 5557, 8090
PLAN_PATH = "/etc/gatebench/plan"


def plan_config_map(run: Run) -> dict[str, Any]:
    """The ConfigMap with plan.json."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": pods.metadata(run, run.fleet.plan, MASTER),
        "data": {"plan.json": json.dumps(document.document(run), sort_keys=True)},
    }


def master(run: Run, settings: Settings) -> dict[str, Any]:
    """The master's pod."""
    resources = settings.resources.master
    container = _container(run, settings, MASTER)
    container["resources"] = pods.requested(resources.cpu, resources.memory)
    container["ports"] = [
        {"name": "locust", "containerPort": LOCUST_PORT},
        {"name": "api", "containerPort": API_PORT},
    ]
    container["readinessProbe"] = {
        "httpGet": {"path": "/healthz", "port": API_PORT},
        "periodSeconds": 2,
        "timeoutSeconds": 5,
        "failureThreshold": 30,
    }
    spec = {**_spec(run), "containers": [container]}
    return pods.pod(run, run.fleet.master, MASTER, spec, _annotations(run) | pods.scrape(API_PORT, "/metrics"))


def worker(run: Run, settings: Settings, index: int) -> dict[str, Any]:
    """The pod of worker `index`."""
    given, default = run.spec.load.worker_resources, settings.resources.worker
    container = _container(run, settings, WORKER)
    container["env"] += [{"name": "GATEBENCH_MASTER_HOST", "value": run.fleet.master}, pods.uid_env()]
    memory = (given.memory if given else None) or default.memory
    if given is not None and given.cpu is not None:
        container["resources"] = pods.guaranteed(given.cpu, memory)
    else:
        container["resources"] = pods.requested(default.cpu, memory)
    spec = {**_spec(run), "containers": [container]}
    for volume, path in _inputs(run):
        spec["volumes"].append(volume)
        container["volumeMounts"].append({"name": volume["name"], "mountPath": path, "readOnly": True})
    return pods.pod(run, run.fleet.worker(index), WORKER, spec, _annotations(run))


def _inputs(run: Run) -> Iterator[tuple[dict[str, Any], str]]:
    """Volumes that only workers need, and where they are mounted: the dataset, and whom to trust."""
    workload = run.spec.workload
    if workload.dataset is not None:
        claim, key = workload.dataset.persistent_volume_claim, workload.dataset.config_map
        volume: dict[str, Any] = {"name": "dataset"}
        if claim is not None:
            volume["persistentVolumeClaim"] = {"claimName": claim.name, "readOnly": True}
        elif key is not None:
            volume["configMap"] = _only(key)
        yield volume, document.DATASET_PATH
    if workload.ca is not None:
        yield {"name": "ca", "configMap": _only(workload.ca.config_map)}, document.CA_PATH


def _only(key: KeyRef) -> dict[str, Any]:
    """One key of a ConfigMap as a volume: the others need not be on every worker's node."""
    return {"name": key.name, "items": [{"key": key.key, "path": key.key}]}


def _image(run: Run, settings: Settings, role: str) -> str:
    load = run.spec.load
    if role == WORKER and load.engine == "Go":
        return settings.images.engine
    return load.image or settings.images.locust


def _annotations(run: Run) -> dict[str, str]:
    return dict(run.spec.load.annotations or {})


def _container(run: Run, settings: Settings, role: str) -> dict[str, Any]:
    load = run.spec.load
    headers = [
        pods.secret_env(variable, source.secret_key_ref.name, source.secret_key_ref.key)
        for _, variable, source in document.header_variables(run)
    ]
    container: dict[str, Any] = {
        "name": role,
        "image": _image(run, settings, role),
        "imagePullPolicy": settings.image_pull_policy,
        "args": [role],
        "env": [
            pods.token_env(run),
            {"name": "GATEBENCH_PLAN", "value": f"{PLAN_PATH}/plan.json"},
            *headers,
            *pods.env(load.env),
        ],
        "securityContext": pods.container_security(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the container's own
            {"name": "plan", "mountPath": PLAN_PATH, "readOnly": True},
        ],
    }
    if load.env_from:
        container["envFrom"] = pods.env_from(load.env_from)
    if run.spec.workload.locustfile is not None:
        container["volumeMounts"].append({"name": "script", "mountPath": document.SCRIPT_PATH, "readOnly": True})
    return container


def _spec(run: Run) -> dict[str, Any]:
    load = run.spec.load
    volumes: list[dict[str, Any]] = [
        {"name": "tmp", "emptyDir": {}},
        {"name": "plan", "configMap": {"name": run.fleet.plan}},
    ]
    if run.spec.workload.locustfile is not None:
        volumes.append({"name": "script", "configMap": {"name": run.spec.workload.locustfile.config_map.name}})
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": _lifetime(run),
        "securityContext": pods.pod_security(),
        "volumes": volumes,
        "affinity": {"podAntiAffinity": _away_from_gateways(run)},
    }
    if load.node_selector:
        spec["nodeSelector"] = dict(load.node_selector)
    if load.tolerations:
        spec["tolerations"] = pods.tolerations(load.tolerations)
    if load.image_pull_secrets:
        spec["imagePullSecrets"] = pods.pull_secrets(load.image_pull_secrets)
    return spec


def _lifetime(run: Run) -> int:
    """After so many seconds the kubelet ends a pod of the fleet, whatever becomes of the operator."""
    lent = run.lent_seconds
    return int(active_deadline(run.spec) + document.RESULT_HOLD_SECONDS + 300) if lent is None else lent


def _away_from_gateways(run: Run) -> dict[str, Any]:
    """Never beside an isolated gateway that it sends nothing to; beside its own only where no other node has room."""
    [(label, uid)] = run.fleet_owner.label.items()
    others = {
        "labelSelector": {
            "matchLabels": {COMPONENT_LABEL: "gateway", ISOLATED_LABEL: "true"},
            "matchExpressions": [{"key": label, "operator": "NotIn", "values": [uid]}],
        },
        "namespaceSelector": {},
        "topologyKey": "kubernetes.io/hostname",
    }
    own = {
        "labelSelector": {"matchLabels": {COMPONENT_LABEL: "gateway", label: uid}},
        "topologyKey": "kubernetes.io/hostname",
    }
    return {
        "requiredDuringSchedulingIgnoredDuringExecution": [others],
        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": own}],
    }


def service(run: Run) -> dict[str, Any]:
    """The master's service. It has an address of its own, so that its name resolves before the pod is there."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": pods.metadata(run, run.fleet.master, MASTER),
        "spec": {
            "publishNotReadyAddresses": True,
            "selector": names.selector(run.fleet_owner, MASTER),
            "ports": [
                {"name": "locust", "port": LOCUST_PORT, "targetPort": LOCUST_PORT},
                {"name": "api", "port": API_PORT, "targetPort": API_PORT},
            ],
        },
    }
