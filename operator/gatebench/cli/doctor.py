"""`gatebench doctor`: looks at the cluster, as the user, and prints each finding with its remedy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gatebench import __version__
from gatebench.api import GROUP, PLURAL, VERSION
from gatebench.cli import checks, pinning, view
from gatebench.cli.checks import Check, Level
from gatebench.cli.cluster import Cluster
from gatebench.cli.errors import ApiError
from gatebench.cli.view import Exit

_SELECTOR, _MARK = "app.kubernetes.io/component=operator", "GATEBENCH_SETTINGS"
_QUERY = 'count(container_cpu_usage_seconds_total{container!=""})'
_NODES_TRIED = 3


def examine(cluster: Cluster, namespace: str, *, cpus: int, with_pod: bool) -> int:
    """Prints every check as it is made; 0, or 3 if one failed."""
    worst = Level.OK
    for check in _checks(cluster, namespace, cpus=cpus, with_pod=with_pod):
        print(f"{check.level:<4}  {check.subject}: {check.message}", flush=True)
        if check.remedy:
            print(f"      remedy: {check.remedy}", flush=True)
        worst = Level.FAIL if check.level is Level.FAIL else worst
    return int(Exit.ERROR if worst is Level.FAIL else Exit.PASSED)


def _checks(cluster: Cluster, namespace: str, *, cpus: int, with_pod: bool) -> Iterator[Check]:
    try:
        version = cluster.json("GET", "/version", about="API server")
    except ApiError as error:
        yield Check(Level.FAIL, "API server", str(error), "check --kubeconfig and --context, and log in")
        return
    yield Check(Level.OK, "API server", f"{cluster.address} answers, {version.get('gitVersion')}")
    yield _definition(cluster)
    yield checks.rights(_rights(cluster, namespace), namespace)
    deployments = _operators(cluster)
    yield checks.operator(deployments, __version__)
    settings = _settings(cluster, deployments or [])
    rooms = _rooms(cluster)
    if rooms is None:
        yield Check(Level.WARN, "node", "no right to list nodes", "kubectl describe a run that is Unschedulable")
    else:
        yield checks.room(rooms, cpus)
        yield from _pinning(cluster, namespace, rooms, settings, with_pod)
    yield _prometheus(cluster, settings)


def _definition(cluster: Cluster) -> Check:
    from gatebench.api import crd

    own = crd.benchmark_run()
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{PLURAL}.{GROUP}"
    try:
        return checks.definition(cluster.json("GET", path, about="CRD"), own, None)
    except ApiError as error:
        if error.code not in (403, 404):
            raise
    try:
        listed = cluster.json("GET", f"/apis/{GROUP}/{VERSION}", about="CRD").get("resources") or []
    except ApiError:
        listed = []
    return checks.definition(None, own, any(r.get("name") == PLURAL for r in listed))


def _rights(cluster: Cluster, namespace: str) -> list[tuple[str, str, bool]]:
    wanted = [(verb, f"{PLURAL}.{GROUP}", PLURAL, GROUP) for verb in ("create", "get", "list", "patch", "delete")]
    wanted.append(("get", "configmaps", "configmaps", ""))
    return [(verb, shown, cluster.may(verb, resource, namespace, group)) for verb, shown, resource, group in wanted]


def _items(cluster: Cluster, path: str, **query: str) -> list[dict[str, Any]] | None:
    """A list, or None where the user may not see it."""
    try:
        return list(cluster.json("GET", path, about=path, query=query or None).get("items") or [])
    except ApiError as error:
        if error.code in (401, 403):
            return None
        raise


def _operators(cluster: Cluster) -> list[dict[str, Any]] | None:
    """Deployments of gatebench, whatever the chart's names; others have a component operator too."""
    found = _items(cluster, "/apis/apps/v1/deployments", labelSelector=_SELECTOR)
    return None if found is None else [one for one in found if _MARK in str(one["spec"]["template"])]


def operator_version(cluster: Cluster) -> str | None:
    """Version of the operator in the cluster; None where none can be seen."""
    found = _operators(cluster)
    return checks.version_of(found[0]) if found else None


def _settings(cluster: Cluster, deployments: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The operator's settings, from the ConfigMap that its pod mounts; None where they cannot be seen."""
    import yaml

    for deployment in deployments:
        namespace = deployment["metadata"]["namespace"]
        for volume in deployment["spec"]["template"]["spec"].get("volumes") or []:
            name = (volume.get("configMap") or {}).get("name")
            try:
                found = cluster.find("ConfigMap", name, namespace) if name else None
            except ApiError:
                continue
            text = ((found or {}).get("data") or {}).get("settings.yaml")
            if text:
                return dict(yaml.safe_load(text) or {})
    return None


def _rooms(cluster: Cluster) -> list[checks.Room] | None:
    nodes = _items(cluster, "/api/v1/nodes")
    return None if nodes is None else checks.rooms(nodes, _items(cluster, "/api/v1/pods"))


def _pinning(
    cluster: Cluster,
    namespace: str,
    rooms: list[checks.Room],
    settings: dict[str, Any] | None,
    with_pod: bool,
) -> Iterator[Check]:
    later = "a run's condition Isolated proves it too"
    if not with_pod:
        yield Check(Level.WARN, pinning.SUBJECT, "not tried (--no-pod)", later)
        return
    images = (settings or {}).get("images") or {}
    if not (images.get("mock") and images.get("probe")):
        yield Check(Level.WARN, pinning.SUBJECT, "not tried: the operator's settings cannot be read", later)
        return
    runs = _items(cluster, f"/apis/{GROUP}/{VERSION}/{PLURAL}") or []
    busy = [v for v in map(view.of, runs) if v.status.get("nodeAcquiredAt") and v.step not in ("Done", "CleaningUp")]
    if busy:
        yield Check(
            Level.WARN,
            pinning.SUBJECT,
            f"not tried: run {busy[0].namespace}/{busy[0].name} is under way, and would be disturbed",
            f"gatebench wait {busy[0].name}, then ask again",
        )
        return
    fitting = [room for room in rooms if room.fits_now(1)]
    if not fitting:
        yield Check(Level.WARN, pinning.SUBJECT, "not tried: no node has a core free now", later)
    tried = [
        (room.node, pinning.prove(cluster, namespace, room.node, images["mock"], images["probe"]))
        for room in fitting[:_NODES_TRIED]
    ]
    yield from checks.pinned(tried)


def _prometheus(cluster: Cluster, settings: dict[str, Any] | None) -> Check:
    if settings is None:
        return Check(
            Level.WARN,
            "Prometheus",
            "not tried: the operator's settings cannot be read",
            "ask its administrator",
        )
    url = str((settings.get("prometheus") or {}).get("url") or "")
    path = checks.service_path(url) if url else None
    if not url:
        return checks.prometheus(url, None, None)
    if path is None:
        return checks.prometheus(url, None, "it is outside the cluster, where only the operator can reach it")
    try:
        answer = cluster.json("GET", f"{path}/api/v1/query", about="Prometheus", query={"query": _QUERY})
    except ApiError as error:
        return checks.prometheus(url, None, str(error))
    seen = checks.containers_seen(answer)
    return checks.prometheus(url, seen, "it did not answer a query" if seen is None else None)
