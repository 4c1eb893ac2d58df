"""The doctor's experiment: a pod like a gateway's, with one core of its own, that lives for half a minute.

Whether a node's kubelet gives exclusive cores is written nowhere that a user may read; only a pod shows it.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from gatebench.cli.checks import Check, Level
from gatebench.cli.cluster import Cluster, path_of
from gatebench.cli.errors import ApiError, CliError

SUBJECT = "exclusive cores"
PROBE_PORT = 9180
# The kubelet takes the shared pool off exclusive cores within 10 s; pulling two small images comes before.
_DEADLINE = 90.0
_STATIC = "give the kubelet cpuManagerPolicy: static (docs/install.md), or set isolation: Preferred"


def manifest(name: str, node: str, subject_image: str, probe_image: str, token: str) -> dict[str, Any]:
    """The pod: Guaranteed, one whole CPU for the subject, a fraction for the probe that looks at it."""

    def container(name: str, image: str, cpu: str, memory: str) -> dict[str, Any]:
        resources = {"cpu": cpu, "memory": memory}
        return {
            "name": name,
            "image": image,
            "imagePullPolicy": "IfNotPresent",
            "resources": {"requests": resources, "limits": resources},
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
        }

    probe = container("probe", probe_image, "50m", "64Mi")
    probe["env"] = [{"name": "GATEBENCH_TOKEN", "value": token}]
    node_is = {"key": "metadata.name", "operator": "In", "values": [node]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": {"app.kubernetes.io/name": "gatebench", "app.kubernetes.io/component": "doctor"},
            "annotations": {"sidecar.istio.io/inject": "false", "linkerd.io/inject": "disabled"},
        },
        "spec": {
            "restartPolicy": "Never",
            "activeDeadlineSeconds": int(_DEADLINE) + 30,
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "shareProcessNamespace": True,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "runAsGroup": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "affinity": {
                "nodeAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": {
                        "nodeSelectorTerms": [{"matchFields": [node_is]}]
                    }
                }
            },
            "containers": [container("subject", subject_image, "1", "64Mi"), probe],
        },
    }


def prove(cluster: Cluster, namespace: str, node: str, subject_image: str, probe_image: str) -> Check:
    """Runs the experiment on a node and removes the pod again."""
    name, token = f"gatebench-doctor-{secrets.token_hex(4)}", secrets.token_hex(16)
    try:
        cluster.call(
            "POST",
            path_of("Pod", namespace),
            about=f"pod {name}",
            body=manifest(name, node, subject_image, probe_image, token),
        )
    except ApiError as error:
        return Check(Level.WARN, SUBJECT, f"not tried on {node}: {error}", "a run's condition Isolated proves it too")
    try:
        return _watch(cluster, namespace, name, node, token)
    except CliError as error:
        return Check(Level.WARN, SUBJECT, f"not proven on {node}: {error}", "a run's condition Isolated proves it too")
    finally:
        cluster.delete("Pod", name, namespace)


def _watch(cluster: Cluster, namespace: str, name: str, node: str, token: str) -> Check:
    deadline, said = time.monotonic() + _DEADLINE, "its pod did not start"
    while time.monotonic() < deadline:
        pod = cluster.get("Pod", name, namespace)
        container, problem = state(pod)
        if problem:
            return Check(Level.FAIL, SUBJECT, f"{node}: {problem}", f"kubectl describe node {node}")
        if container is not None:
            proven, said, settled = judge(report(cluster, namespace, name, token), container)
            if proven:
                return Check(Level.OK, SUBJECT, f"{node}: {said}")
            if settled:
                break
        time.sleep(2.0)
    return Check(Level.FAIL, SUBJECT, f"{node}: {said}", _STATIC)


def state(pod: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """(ID of the subject's container once all run, what keeps the pod from running for good)."""
    status = pod.get("status") or {}
    if status.get("phase") == "Failed":
        return None, f"the pod was refused: {status.get('reason')}: {status.get('message')}"
    containers = status.get("containerStatuses") or []
    for one in containers:
        waiting = (one.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in (
            "ErrImagePull",
            "ImagePullBackOff",
            "ErrImageNeverPull",
            "InvalidImageName",
        ):
            return None, f"image {one.get('image')} cannot be pulled: {waiting.get('reason')}"
    running = [one for one in containers if "running" in (one.get("state") or {})]
    if len(running) < 2:
        return None, None
    subject = next(one for one in running if one["name"] == "subject")
    return str(subject.get("containerID", "")).rpartition("//")[2], None


def judge(seen: Mapping[str, Any], container: str) -> tuple[bool, str, bool]:
    """(proven, in words, whether the kubelet has had the time to settle its shared pool)."""
    from gatebench_analysis import isolation

    proof = isolation.prove(seen, container, 1)
    age = float(seen.get("now") or 0.0) - float(seen.get("startedAt") or 0.0)
    # Before the kubelet's next round another container may still share the core: it must have passed.
    settled = age >= 35.0
    return bool(proof.proven) and age >= 11.0, str(proof.message), settled


def report(cluster: Cluster, namespace: str, pod: str, token: str) -> dict[str, Any]:
    """The probe's report, through a port-forward: the API server's proxy would swallow the token."""
    request = f"GET /v1/report HTTP/1.0\r\nHost: probe\r\nAuthorization: Bearer {token}\r\n\r\n"
    answer = cluster.forward(namespace, pod, PROBE_PORT, request.encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n", 1)[0]:
        raise CliError(f"the probe answered {head[:80].decode(errors='replace')!r}")
    try:
        document = json.loads(body)
    except ValueError as error:
        raise CliError("the probe's report is not JSON") from error
    return dict(document)
