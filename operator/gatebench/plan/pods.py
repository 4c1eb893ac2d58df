"""What the pods of a run have in common: metadata, security, environment, resources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gatebench.api.pods import EnvFrom, EnvVar, File, KeyRef, NameRef, Toleration
from gatebench.plan import names
from gatebench.plan.run import Run

USER = 65532
# Sidecars injected by a mesh would make the gateway's pod Burstable and put a proxy into the path.
_NO_INJECTION_ANNOTATIONS = {"sidecar.istio.io/inject": "false", "linkerd.io/inject": "disabled"}
_NO_INJECTION_LABELS = {"sidecar.istio.io/inject": "false"}


def metadata(
    run: Run,
    name: str,
    component: str,
    annotations: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Metadata of a child: name, labels, owner."""
    owner = run.owner_of(component)
    out: dict[str, Any] = {
        "name": name,
        "namespace": run.namespace,
        "labels": {**names.labels(owner, component), **_of_comparison(run), **(labels or {})},
        "ownerReferences": [names.reference(owner)],
    }
    if annotations:
        out["annotations"] = annotations
    return out


def _of_comparison(run: Run) -> dict[str, str]:
    """By which the Lease of a comparison that is gone is known to be needed still."""
    return {} if run.comparison is None else run.comparison.label


def pod(
    run: Run,
    name: str,
    component: str,
    spec: dict[str, Any],
    annotations: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A bare pod with the defaults that every child has; `spec` adds to them."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata(
            run,
            name,
            component,
            {**_NO_INJECTION_ANNOTATIONS, **(annotations or {})},
            {**_NO_INJECTION_LABELS, **(labels or {})},
        ),
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 5,
            **spec,
        },
    }


def pod_security(user: int = USER) -> dict[str, Any]:
    """Security context of a pod: non-root (unless asked for root), default seccomp profile."""
    return {
        "runAsNonRoot": user != 0,
        "runAsUser": user,
        "runAsGroup": user,
        "fsGroup": user,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security(read_only: bool = True) -> dict[str, Any]:
    """Security context of a container: no capability, no escalation."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": read_only,
        "capabilities": {"drop": ["ALL"]},
    }


def scrape(port: int, path: str) -> dict[str, str]:
    """Annotations by which Prometheus finds a child's metrics."""
    return {
        "gatebench.dev/scrape": "true",
        "gatebench.dev/scrape-port": str(port),
        "gatebench.dev/scrape-path": path,
    }


def requested(cpu: str, memory: str) -> dict[str, Any]:
    """Resources with a CPU request but no CPU limit: a quota would throttle what is measured."""
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory}}


def guaranteed(cpu: str, memory: str) -> dict[str, Any]:
    """Resources whose requests equal the limits."""
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": cpu, "memory": memory}}


def secret_env(name: str, secret: str, key: str) -> dict[str, Any]:
    """An environment variable taken from a Secret by reference."""
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def uid_env() -> dict[str, Any]:
    """The UID of the pod itself."""
    return {"name": "GATEBENCH_POD_UID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}}


def token_env(run: Run) -> dict[str, Any]:
    """The token of the run's fleet, by reference."""
    return secret_env("GATEBENCH_TOKEN", run.fleet.token, "token")


def _key(reference: KeyRef) -> dict[str, str]:
    return {"name": reference.name, "key": reference.key}


def env(variables: Sequence[EnvVar] | None) -> list[dict[str, Any]]:
    """Environment variables of the spec as a pod has them."""
    out: list[dict[str, Any]] = []
    for variable in variables or ():
        entry: dict[str, Any] = {"name": variable.name}
        source = variable.value_from
        if source is not None and source.config_map_key_ref is not None:
            entry["valueFrom"] = {"configMapKeyRef": _key(source.config_map_key_ref)}
        elif source is not None and source.secret_key_ref is not None:
            entry["valueFrom"] = {"secretKeyRef": _key(source.secret_key_ref)}
        else:
            entry["value"] = variable.value or ""
        out.append(entry)
    return out


def env_from(sources: Sequence[EnvFrom] | None) -> list[dict[str, Any]]:
    """ConfigMaps and Secrets as environment variables."""
    out: list[dict[str, Any]] = []
    for source in sources or ():
        entry: dict[str, Any] = {"prefix": source.prefix} if source.prefix else {}
        if source.config_map_ref is not None:
            entry["configMapRef"] = {"name": source.config_map_ref.name}
        elif source.secret_ref is not None:
            entry["secretRef"] = {"name": source.secret_ref.name}
        out.append(entry)
    return out


def files(given: Sequence[File] | None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Volumes and mounts of files from ConfigMaps and Secrets."""
    volumes: list[dict[str, Any]] = []
    mounts: list[dict[str, Any]] = []
    for index, file in enumerate(given or ()):
        volume: dict[str, Any] = {"name": f"files-{index}"}
        if file.config_map is not None:
            volume["configMap"] = {"name": file.config_map.name}
        elif file.secret is not None:
            volume["secret"] = {"secretName": file.secret.name}
        volumes.append(volume)
        mounts.append({"name": volume["name"], "mountPath": file.mount_path, "readOnly": True})
    return volumes, mounts


def tolerations(given: Sequence[Toleration] | None) -> list[dict[str, Any]]:
    """Tolerations of the spec as a pod has them."""
    return [t.model_dump(by_alias=True, exclude_none=True) for t in given or ()]


def pull_secrets(given: Sequence[NameRef] | None) -> list[dict[str, str]]:
    """Pull secrets of the spec as a pod has them."""
    return [{"name": secret.name} for secret in given or ()]
