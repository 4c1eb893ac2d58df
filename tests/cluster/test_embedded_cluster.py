"""The embedded cluster itself: exclusive cores, DNS, two nodes, no way out; and that it comes back and goes away.

What starts, kills or removes a cluster does so with a second one beside the first (CLUSTER_INSTANCE=1, with names,
addresses and a folder of its own), so that the cluster that the other tests use is left alone.
"""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.lab import ROOT, Lab

IMAGE = "localhost/gatebench/operator:0.1.0"  # any image with a Python
SECOND = ROOT / "build" / "cluster-1"
INSTANCE = os.environ.get("CLUSTER_INSTANCE", "0")
NAME = "gatebench" if INSTANCE == "0" else f"gatebench-{INSTANCE}"  # of the cluster that is up
RUNTIME = pathlib.Path("/run/gatebench-1")

pytestmark = pytest.mark.skipif(
    os.environ.get("CLUSTER") == "current", reason="is about the embedded cluster, and CLUSTER is current"
)


def container(name: str, program: str, cpu: str | None = None) -> dict[str, Any]:
    """A container that runs a line of Python; Guaranteed with `cpu`."""
    resources = {"cpu": cpu, "memory": "64Mi"} if cpu else {}
    return {
        "name": name,
        "image": IMAGE,
        "command": ["python", "-uc", program],
        "resources": {"requests": resources, "limits": resources} if cpu else {},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def pod(name: str, node: str, *containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """A pod on a node, fit for the level `restricted`."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "restartPolicy": "Never",
            "nodeSelector": {"kubernetes.io/hostname": node},
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "runAsGroup": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": list(containers),
            **spec,
        },
    }


ALLOWED = (
    "import time; time.sleep(1)\n"
    "print([l.split()[1] for l in open('/proc/self/status') if l.startswith('Cpus_allowed_list')][0])\n"
    "time.sleep(600)"
)


def cpus(text: str) -> set[int]:
    """A list as the kernel writes it, such as 0,2-3."""
    found: set[int] = set()
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def said(lab: Lab, name: str, of: str) -> str:
    """The first words of a container."""

    def words() -> str:
        text = lab.kubectl("logs", name, "-c", of, check=False)
        return "" if text.startswith("Error from server") else text  # it is not there yet

    return str(lab.until(f"words of {name}/{of}", words, 60))


def test_a_guaranteed_pod_owns_its_core_and_the_others_keep_off(lab: Lab) -> None:
    lab.kubectl("label", "namespace", lab.namespace, "pod-security.kubernetes.io/enforce=restricted")
    lab.apply(
        pod("owner", "node0", container("exclusive", ALLOWED, "1"), container("sidecar", ALLOWED, "50m")),
        pod("other-node", "node1", container("shared", ALLOWED)),
    )
    lab.kubectl("wait", "--for=condition=Ready", "pod/owner", "pod/other-node", "--timeout=60s")
    assert lab.kubectl("get", "pod", "owner", "-o", "jsonpath={.status.qosClass}") == "Guaranteed"
    exclusive = cpus(said(lab, "owner", "exclusive"))
    assert len(exclusive) == 1
    assert 0 not in exclusive
    lab.apply(pod("same-node", "node0", container("shared", ALLOWED)))
    lab.kubectl("wait", "--for=condition=Ready", "pod/same-node", "--timeout=60s")
    for name, of in (("owner", "sidecar"), ("same-node", "shared"), ("other-node", "shared")):
        assert not cpus(said(lab, name, of)) & exclusive, f"{name} may run on the core of another"


def test_names_and_services_reach_across_the_nodes(lab: Lab) -> None:
    serve = "import http.server as h; h.ThreadingHTTPServer(('', 8000), h.SimpleHTTPRequestHandler).serve_forever()"
    ask = (
        "import socket, time, urllib.request as u\n"
        "while True:\n"
        "    try:\n"
        "        socket.getaddrinfo('kubernetes.default.svc.cluster.local', 443)\n"
        f"        print(u.urlopen('http://web.{lab.namespace}:80/', timeout=5).status)\n"
        "        break\n"
        "    except OSError:\n"
        "        time.sleep(0.5)\n"
    )
    lab.apply(
        pod("web", "node0", container("web", serve)),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8000}]},
        },
        pod("near", "node0", container("ask", ask)),
        pod("far", "node1", container("ask", ask)),
    )
    for name in ("near", "far"):
        assert said(lab, name, "ask").strip() == "200"


def test_the_nodes_differ_in_their_cpu_manager(lab: Lab) -> None:
    found = json.loads(lab.kubectl("get", "nodes", "-o", "json"))["items"]
    nodes = {node["metadata"]["name"]: node for node in found}
    labels = {name: node["metadata"]["labels"]["gatebench.dev/cpu-manager"] for name, node in nodes.items()}
    assert labels == {"node0": "static", "node1": "none"}
    allocatable = nodes["node0"]["status"]["allocatable"]["cpu"]
    assert allocatable == f"{(os.cpu_count() or 1) * 1000 - 100}m"


def test_there_is_no_way_out() -> None:
    for node in ("node0", "node1"):
        routes = shell("ip", "-n", f"{NAME}-{node}", "route")
        assert routes
        assert "default" not in routes
    # And none in, but to the API: the machine knows of a network of four addresses.
    assert shell("ip", "-o", "route", "show", "dev", f"{NAME}-api").split()[0].endswith(".0/30")


def test_the_kubelet_has_figures_for_each_container(lab: Lab) -> None:
    lab.apply(pod("seen", "node0", container("seen", "import time; time.sleep(600)")))
    series = 'container_memory_working_set_bytes{container="seen"'

    def scraped() -> bool:
        return series in lab.kubectl("get", "--raw", "/api/v1/nodes/node0/proxy/metrics/cadvisor")

    lab.until("series of the container", scraped, 60)


V1 = ("cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids")


def cgroup_tree(root: pathlib.Path, version: int, missing: str, cpus: str) -> None:
    """The files of a machine's cgroups that say whether a kubelet can run."""
    if version == 2:
        there = [c for c in ("cpuset", "cpu", "io", "memory", "pids") if c != missing]
        (root / "cgroup.controllers").write_text(" ".join(there))
        (root / "cpuset.cpus.effective").write_text(cpus)
        return
    for controller in V1:
        if controller != missing:
            (root / controller).mkdir()
            (root / controller / "tasks").touch()
    (root / "cpuset" / "cpuset.cpus").write_text(cpus)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    ("missing", "cpus", "words"),
    [
        ("", "", ""),
        ("memory", "", "cgroup v{version} without the controller memory"),
        ("", "7777", "may use CPUs 7777 of"),
    ],
)
def test_unfit_cgroups_are_refused_by_name(
    tmp_path: pathlib.Path, version: int, missing: str, cpus: str, words: str
) -> None:
    online = pathlib.Path("/sys/devices/system/cpu/online").read_text()
    cgroup_tree(tmp_path, version, missing, cpus or online)
    done = subprocess.run(
        ["bash", "-c", ". hack/cluster/env.sh; . hack/cluster/cgroups.sh; check_cgroups"],
        cwd=ROOT,
        env={**os.environ, "CGROUP_ROOT": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode != 0) == bool(words)
    assert words.format(version=version) in done.stderr


# From here on: a second cluster, started, killed and removed.


def shell(*command: str) -> str:
    """Standard output of a command; its words fail the test."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "CLUSTER_INSTANCE": "1", "CLUSTER_STATE": str(SECOND), "NODES": "2", "TAKE_OVER": "1"},
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
    return done.stdout


def up() -> None:
    shell(str(ROOT / "hack" / "cluster" / "up.sh"))


def down() -> None:
    shell(str(ROOT / "hack" / "cluster" / "down.sh"))


def ours() -> dict[str, int]:
    """The processes of the second cluster that its scripts started, by name."""
    return {f.name: int(f.read_text().split()[0]) for f in sorted((RUNTIME / "pids").iterdir())}


def traces() -> dict[str, list[str]]:
    """Whatever of the second cluster is on this machine."""
    processes = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            groups = (path / "cgroup").read_text()
        except OSError:
            continue
        if str(RUNTIME) in command or str(SECOND) in command or "/gatebench-1/" in groups:
            processes.append(f"{path.name} {command[:120]}")
    mounts = [
        line
        for line in pathlib.Path("/proc/mounts").read_text().splitlines()
        if "gatebench-1" in line or str(SECOND) in line
    ]
    everywhere = pathlib.Path("/sys/fs/cgroup")
    return {
        "processes": processes,
        "mounts": mounts,
        "namespaces": [p.name for p in pathlib.Path("/run/netns").glob("gatebench-1-*")],
        "links": [p.name for p in pathlib.Path("/sys/class/net").glob("gatebench-1-*")],
        "cgroups": [str(p) for p in (*everywhere.glob("gatebench-1"), *everywhere.glob("*/gatebench-1"))],
        "folders": [str(p) for p in (RUNTIME, SECOND) if p.exists()],
    }


def dns_pod() -> dict[str, Any]:
    """What the second cluster's API says of its CoreDNS pod."""
    command = [str(SECOND / "bin" / "kubectl"), "--kubeconfig", str(SECOND / "kubeconfig"), "-n", "kube-system"]
    pods: list[dict[str, Any]] = json.loads(shell(*command, "get", "pods", "-o", "json"))["items"]
    assert len(pods) == 1
    return pods[0]


@pytest.fixture
def second() -> Iterator[None]:
    """A second cluster, removed at the end whatever happens."""
    down()
    up()
    yield
    down()


def test_it_comes_up_twice_survives_the_death_of_everything_and_leaves_nothing(second: None) -> None:
    processes = ours()
    status = dns_pod()["status"]["containerStatuses"][0]
    assert status["ready"]

    up()
    assert ours() == processes, "a second cluster-up started something anew"

    for pid in processes.values():
        os.kill(pid, signal.SIGKILL)
    up()
    assert set(ours()) == set(processes)
    assert not set(ours().values()) & set(processes.values())
    after = dns_pod()["status"]["containerStatuses"][0]
    assert (after["containerID"], after["restartCount"]) == (status["containerID"], 0), "a container did not survive"
    confined = pathlib.Path("/sys/fs/cgroup/cpuset/gatebench-1/node1/kubepods/cpuset.cpus")
    if not confined.exists():  # cgroup v2
        confined = pathlib.Path("/sys/fs/cgroup/gatebench-1/node1/cpuset.cpus.effective")
    assert confined.read_text().strip() == "0", "the second node's pods may run on exclusive cores"

    assert all(traces().values()), f"this test would not see what is left: {traces()}"
    down()
    assert not any(traces().values()), f"left behind: {traces()}"
