"""The fleet: one Locust master, its workers, their plan and the master's service.

Nothing of it restarts by itself: a load is never restarted silently. Its pods end by themselves some time after
the run's deadline, so that a fleet whose operator never comes back does not stay for ever.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from gatebench.api.run import active_deadline
from gatebench.plan import pods
from gatebench.plan.gateway import target
from gatebench.plan.names import COMPONENT_LABEL, ISOLATED_LABEL, UID_LABEL
from gatebench.plan.run import Run
from gatebench.settings import Settings

MASTER, WORKER = "master", "worker"
LOCUST_PORT, API_PORT = 5557, 8090
RESULT_HOLD_SECONDS = 3600.0
SCRIPT_PATH = "/etc/gatebench/script"
PLAN_PATH = "/etc/gatebench/plan"


def document(run: Run) -> dict[str, Any]:
    """plan.json: all that the fleet has to know."""
    load, workload = run.spec.load, run.spec.workload
    think = load.think_time
    return {
        "schema": "gatebench.dev/plan/v1",
        "run": {"namespace": run.namespace, "name": run.name, "uid": run.uid},
        "expectedWorkers": load.workers,
        "target": target(run),
        "timeoutSeconds": workload.timeout,
        "warmUpSeconds": load.warm_up,
        "spawnRatePerSecond": float(load.spawn_rate),
        "thinkTimeSeconds": None if think is None else {"min": think.min, "max": think.max},
        "stages": [
            {
                "name": stage_name(run, index),
                "durationSeconds": stage.duration,
                "users": stage.users,
                "ramp": stage.ramp,
            }
            for index, stage in enumerate(load.stages)
        ],
        "workload": _workload(run),
        "maskedEnv": sorted(set(_secret_variables(run))),
        "drainSeconds": workload.timeout,
        "resultHoldSeconds": active_deadline(run.spec) + RESULT_HOLD_SECONDS,
    }


def stage_name(run: Run, index: int) -> str:
    """Name of a stage: its own, or stage-1, stage-2, …"""
    return run.spec.load.stages[index].name or f"stage-{index + 1}"


def _workload(run: Run) -> dict[str, Any]:
    workload = run.spec.workload
    if workload.scenario is not None:
        return {
            "scenario": workload.scenario,
            "healthPath": run.spec.gateway.readiness.path,
            "model": workload.model,
        }
    if workload.locustfile is not None:
        return {"locustfile": f"{SCRIPT_PATH}/{workload.locustfile.config_map.key}"}
    requests = []
    for request in workload.requests or ():
        out = request.model_dump(by_alias=True, exclude={"headers_from"})
        out["headers"] = dict(request.headers or {})
        out["body"] = _body(request.body)
        out["headersFromEnv"] = {
            header: {"env": variable, "prefix": source.prefix}
            for header, variable, source in _header_variables(run, request.name)
        }
        requests.append(out)
    return {"requests": requests}


def _body(text: str | None) -> Any:
    """JSON as an object, so that the fleet sends it as JSON; other text as it is."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def _header_variables(run: Run, request_name: str | None = None) -> Iterator[tuple[str, str, Any]]:
    """(header, environment variable, source) of every header that comes from a Secret, numbered over the run."""
    number = 0
    for request in run.spec.workload.requests or ():
        for header, source in sorted((request.headers_from or {}).items()):
            if request_name is None or request.name == request_name:
                yield header, f"GATEBENCH_HEADER_{number}", source
            number += 1


def _secret_variables(run: Run) -> Iterator[str]:
    yield "GATEBENCH_TOKEN"
    for _, name, _ in _header_variables(run):
        yield name
    for variable in run.spec.load.env or ():
        if variable.value_from is not None and variable.value_from.secret_key_ref is not None:
            yield variable.name


def plan_config_map(run: Run) -> dict[str, Any]:
    """The ConfigMap with plan.json."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": pods.metadata(run, run.names.plan, MASTER),
        "data": {"plan.json": json.dumps(document(run), sort_keys=True)},
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
    return pods.pod(run, run.names.master, MASTER, spec, _annotations(run) | pods.scrape(API_PORT, "/metrics"))


def worker(run: Run, settings: Settings, index: int) -> dict[str, Any]:
    """The pod of worker `index`."""
    given, default = run.spec.load.worker_resources, settings.resources.worker
    container = _container(run, settings, WORKER)
    container["env"].append({"name": "GATEBENCH_MASTER_HOST", "value": run.names.master})
    memory = (given.memory if given else None) or default.memory
    if given is not None and given.cpu is not None:
        container["resources"] = pods.guaranteed(given.cpu, memory)
    else:
        container["resources"] = pods.requested(default.cpu, memory)
    spec = {**_spec(run), "containers": [container]}
    return pods.pod(run, run.names.worker(index), WORKER, spec, _annotations(run))


def _annotations(run: Run) -> dict[str, str]:
    return dict(run.spec.load.annotations or {})


def _container(run: Run, settings: Settings, role: str) -> dict[str, Any]:
    load = run.spec.load
    headers = [
        pods.secret_env(variable, source.secret_key_ref.name, source.secret_key_ref.key)
        for _, variable, source in _header_variables(run)
    ]
    container: dict[str, Any] = {
        "name": role,
        "image": load.image or settings.images.locust,
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
        container["volumeMounts"].append({"name": "script", "mountPath": SCRIPT_PATH, "readOnly": True})
    return container


def _spec(run: Run) -> dict[str, Any]:
    load = run.spec.load
    volumes: list[dict[str, Any]] = [
        {"name": "tmp", "emptyDir": {}},
        {"name": "plan", "configMap": {"name": run.names.plan}},
    ]
    if run.spec.workload.locustfile is not None:
        volumes.append({"name": "script", "configMap": {"name": run.spec.workload.locustfile.config_map.name}})
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": int(active_deadline(run.spec) + RESULT_HOLD_SECONDS + 300),
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


def _away_from_gateways(run: Run) -> dict[str, Any]:
    """Never beside another run's isolated gateway; beside this run's own only where no other node has room."""
    others = {
        "labelSelector": {
            "matchLabels": {COMPONENT_LABEL: "gateway", ISOLATED_LABEL: "true"},
            "matchExpressions": [{"key": UID_LABEL, "operator": "NotIn", "values": [run.uid]}],
        },
        "namespaceSelector": {},
        "topologyKey": "kubernetes.io/hostname",
    }
    own = {
        "labelSelector": {"matchLabels": {COMPONENT_LABEL: "gateway", UID_LABEL: run.uid}},
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
        "metadata": pods.metadata(run, run.names.master, MASTER),
        "spec": {
            "publishNotReadyAddresses": True,
            "selector": {UID_LABEL: run.uid, COMPONENT_LABEL: MASTER},
            "ports": [
                {"name": "locust", "port": LOCUST_PORT, "targetPort": LOCUST_PORT},
                {"name": "api", "port": API_PORT, "targetPort": API_PORT},
            ],
        },
    }
