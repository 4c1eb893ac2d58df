"""What `gatebench doctor` concludes from what it saw. Pure: objects of the cluster in, checks out."""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gatebench.api.quantities import quantity_value

PROBE_CPUS = 0.05
_SERVICE = re.compile(r"^(https?)://([a-z0-9-]+)\.([a-z0-9-]+)(?:\.svc[a-z0-9.-]*)?(?::(\d+))?(/.*)?$")
Object = Mapping[str, Any]


class Level(enum.StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclasses.dataclass(frozen=True)
class Check:
    """One finding; the remedy is there unless all is well."""

    level: Level
    subject: str
    message: str
    remedy: str = ""


def field_paths(schema: Object, prefix: str = "") -> set[str]:
    """Paths of all fields of a structural schema."""
    out: set[str] = set()
    for name, part in (schema.get("properties") or {}).items():
        path = f"{prefix}.{name}" if prefix else str(name)
        out |= {path} | field_paths(part, path)
    items = schema.get("items")
    return out | field_paths(items, f"{prefix}[]") if isinstance(items, Mapping) else out


def definition(installed: Object | None, own: Object, served: bool | None) -> Check:
    """The CRD: served, and with the fields that this program knows. `installed` is None where unreadable."""
    subject, install = (
        "CRD",
        "install the operator's chart: helm install gatebench charts/gatebench (docs/install.md)",
    )
    if installed is None:
        if served:
            return Check(Level.OK, subject, "BenchmarkRun is served")
        return Check(Level.FAIL, subject, "the cluster does not serve BenchmarkRun", install)
    versions = {v["name"]: v for v in installed["spec"]["versions"]}
    mine = own["spec"]["versions"][0]
    if mine["name"] not in versions:
        return Check(Level.FAIL, subject, f"it has {', '.join(versions)}, not {mine['name']}", "upgrade the chart")
    there = field_paths(versions[mine["name"]]["schema"]["openAPIV3Schema"])
    here = field_paths(mine["schema"]["openAPIV3Schema"])
    if here - there:
        lacking = ", ".join(sorted(here - there)[:3])
        return Check(Level.WARN, subject, f"the installed one is older: it lacks {lacking}", "helm upgrade gatebench")
    if there - here:
        return Check(Level.WARN, subject, "the installed one is newer than this program", "upgrade this program")
    return Check(Level.OK, subject, f"{mine['name']} is served, with the fields that this program knows")


def operator(deployments: Sequence[Object] | None, own_version: str) -> Check:
    """The operator's Deployment. None: there was no right to look."""
    subject = "operator"
    if deployments is None:
        return Check(Level.WARN, subject, "no right to list deployments", "ask its administrator whether it runs")
    if not deployments:
        return Check(Level.FAIL, subject, "no operator found", "helm install gatebench charts/gatebench")
    if len(deployments) > 1:
        where = ", ".join(d["metadata"]["namespace"] for d in deployments)
        watching = "see that they watch different namespaces (watchNamespaces)"
        return Check(Level.WARN, subject, f"{len(deployments)} of them, in {where}", watching)
    one = deployments[0]
    name = f"{one['metadata']['namespace']}/{one['metadata']['name']}"
    if not (one.get("status") or {}).get("readyReplicas"):
        look = f"kubectl -n {one['metadata']['namespace']} describe deployment {one['metadata']['name']}"
        return Check(Level.FAIL, subject, f"{name} has no ready replica", look)
    version = version_of(one)
    if version and version != own_version:
        return Check(
            Level.WARN,
            subject,
            f"{name} is ready, version {version}; this is {own_version}",
            "use one version",
        )
    return Check(Level.OK, subject, f"{name} is ready" + (f", version {version}" if version else ""))


def version_of(deployment: Object) -> str | None:
    """The operator's version, from the recommended label."""
    version = (deployment["metadata"].get("labels") or {}).get("app.kubernetes.io/version")
    return str(version) if version else None


@dataclasses.dataclass(frozen=True)
class Room:
    """What a node could give to a gateway, in CPUs; `free` is None where its pods could not be listed."""

    node: str
    allocatable: float
    free: float | None

    def fits(self, cpus: int) -> bool:
        """Whether it could hold a gateway with so many cores if nothing else ran there."""
        return self.allocatable >= cpus + PROBE_CPUS

    def fits_now(self, cpus: int) -> bool:
        """Whether it can hold it beside what runs there."""
        return self.fits(cpus) and (self.free is None or self.free >= cpus + PROBE_CPUS)


def rooms(nodes: Iterable[Object], pods: Iterable[Object] | None) -> list[Room]:
    """The nodes that take pods, those with the most room first."""
    requested: dict[str, float] = {}
    for pod in pods or ():
        if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed"):
            node = (pod.get("spec") or {}).get("nodeName")
            requested[str(node)] = requested.get(str(node), 0.0) + _pod_cpus(pod)
    out = []
    for one in nodes:
        spec, status, name = one.get("spec") or {}, one.get("status") or {}, one["metadata"]["name"]
        ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions") or [])
        closed = any(t.get("effect") in ("NoSchedule", "NoExecute") for t in spec.get("taints") or [])
        if ready and not closed and not spec.get("unschedulable"):
            allocatable = quantity_value(str((status.get("allocatable") or {}).get("cpu", "0")))
            free = None if pods is None else allocatable - requested.get(name, 0.0)
            out.append(Room(name, allocatable, free))
    return sorted(out, key=lambda room: -(room.free if room.free is not None else room.allocatable))


def _pod_cpus(pod: Object) -> float:
    containers = (pod.get("spec") or {}).get("containers") or []
    requests = [((c.get("resources") or {}).get("requests") or {}).get("cpu", "0") for c in containers]
    return sum(quantity_value(str(request)) for request in requests)


def room(found: Sequence[Room], cpus: int) -> Check:
    """Whether some node can hold a gateway with `cpus` exclusive cores and its probe."""
    subject, need = "node", f"{cpus} + {PROBE_CPUS:g} CPUs"
    if not found:
        return Check(Level.FAIL, subject, "no node is ready and takes pods", "kubectl get nodes; remove taints")
    shown = ", ".join(
        f"{r.node} {r.allocatable:g} allocatable" + ("" if r.free is None else f", {max(r.free, 0):.2f} free")
        for r in found[:3]
    )
    if not any(r.fits(cpus) for r in found):
        smaller = max(int(found[0].allocatable - PROBE_CPUS), 0)
        remedy = "add a larger node" + (f", or set gateway.cpus to {smaller}" if smaller else "")
        return Check(Level.FAIL, subject, f"none can give {need}: {shown}", remedy)
    if not any(r.fits_now(cpus) for r in found):
        return Check(Level.WARN, subject, f"{need} are not free now: {shown}", "free CPU, or wait for what runs there")
    return Check(Level.OK, subject, f"{need} are there: {shown}")


def pinned(tried: Sequence[tuple[str, Check]]) -> list[Check]:
    """What the nodes gave. One that gives exclusive cores is enough, if the operator can tell which."""
    good = [node for node, check in tried if check.level is Level.OK]
    if not good:
        return [check for _, check in tried]
    remedy = f"kubectl label node {' '.join(good)} gatebench.dev/cpu-manager=static: the operator then prefers it"
    return [
        dataclasses.replace(check, level=Level.WARN, remedy=remedy) if check.level is Level.FAIL else check
        for _, check in tried
    ]


def rights(wanted: Iterable[tuple[str, str, bool]], namespace: str) -> Check:
    """The user's own rights: (verb, resource, whether allowed)."""
    denied = [f"{verb} {resource}" for verb, resource, allowed in wanted if not allowed]
    if denied:
        remedy = "ask for the role edit in that namespace (docs/security.md)"
        return Check(Level.FAIL, "rights", f"you may not, in {namespace}: {', '.join(denied)}", remedy)
    return Check(Level.OK, "rights", f"you may create, follow and cancel runs in {namespace}")


def service_path(url: str) -> str | None:
    """Path of the API server's proxy to a service's URL; None for an address outside the cluster."""
    match = _SERVICE.match(url.rstrip("/"))
    if not match:
        return None
    scheme, name, namespace, port, path = match.groups()
    port = port or ("443" if scheme == "https" else "80")
    prefix = "https:" if scheme == "https" else ""
    return f"/api/v1/namespaces/{namespace}/services/{prefix}{name}:{port}/proxy{path or ''}"


def containers_seen(answer: Object) -> int | None:
    """Number of containers whose CPU Prometheus knows, from its answer; None where that is an error."""
    if answer.get("status") != "success":
        return None
    result = (answer.get("data") or {}).get("result") or []
    return int(float(result[0]["value"][1])) if result else 0


def prometheus(url: str, seen: int | None, error: str | None) -> Check:
    """Prometheus: answering, and with the kubelet's container figures."""
    subject = "Prometheus"
    if not url:
        remedy = "set prometheus.embedded or prometheus.url in the chart; short runs do without"
        return Check(Level.WARN, subject, "the operator has none: CPU and memory come from the probe alone", remedy)
    if error is not None:
        return Check(Level.WARN, subject, f"{url}: {error}", "check prometheus.url, and that it answers the operator")
    if not seen:
        remedy = "scrape the kubelet's /metrics/cadvisor (docs/install.md)"
        return Check(Level.FAIL, subject, f"{url} answers, without container_cpu_usage_seconds_total", remedy)
    return Check(Level.OK, subject, f"{url} answers and knows the CPU of {seen} containers")
