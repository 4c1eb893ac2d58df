"""A person's hands on the embedded cluster: kubectl, the processes of the nodes, and patience with a limit."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import functools
import gzip
import json
import os
import pathlib
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import requests
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLUSTER = ROOT / ".cluster"
OPERATOR_NAMESPACE = "gatebench-system"
MOCK = "localhost/gatebench/mock:0.1.0"


_GROUPS = {
    "brun": "apis/gatebench.dev/v1alpha1",
    "bcmp": "apis/gatebench.dev/v1alpha1",
    "networkpolicies": "apis/networking.k8s.io/v1",
    "leases": "apis/coordination.k8s.io/v1",
}
_PLURALS = {
    "brun": "benchmarkruns",
    "bcmp": "benchmarkcomparisons",
    "pod": "pods",
    "service": "services",
    "configmap": "configmaps",
}


@functools.cache
def _session() -> requests.Session:
    """Polling by kubectl would cost more CPU than the runs that are watched."""
    session = requests.Session()
    session.trust_env = False
    session.verify = str(CLUSTER / "pki" / "ca.crt")
    session.cert = (str(CLUSTER / "pki" / "admin.crt"), str(CLUSTER / "pki" / "admin.key"))
    return session


@functools.cache
def _server() -> str:
    config = yaml.safe_load((CLUSTER / "kubeconfig").read_text())
    return str(config["clusters"][0]["cluster"]["server"])


def _path(kind: str, namespace: str) -> str:
    return f"/{_GROUPS.get(kind, 'api/v1')}/namespaces/{namespace}/{_PLURALS.get(kind, kind)}"


class TimedOut(AssertionError):
    """What was waited for did not come."""


@dataclasses.dataclass(frozen=True)
class Lab:
    """kubectl in one namespace."""

    namespace: str

    def kubectl(self, *args: str, stdin: str | None = None, check: bool = True) -> str:
        """Standard output of kubectl; its errors fail the test with their text."""
        command = [
            str(CLUSTER / "bin" / "kubectl"),
            "--kubeconfig",
            str(CLUSTER / "kubeconfig"),
            "-n",
            self.namespace,
        ]
        done = subprocess.run([*command, *args], input=stdin, capture_output=True, text=True, timeout=120, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(args)}: {done.stderr.strip()}")
        return done.stdout if done.returncode == 0 else done.stderr

    def apply(self, *objects: dict[str, Any]) -> None:
        """Creates or changes objects."""
        self.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))

    def refused(self, *objects: dict[str, Any]) -> str:
        """The API server's words when it refuses the objects; fails where it takes them."""
        command = [
            str(CLUSTER / "bin" / "kubectl"),
            "--kubeconfig",
            str(CLUSTER / "kubeconfig"),
            "-n",
            self.namespace,
        ]
        done = subprocess.run(
            [*command, "apply", "--dry-run=server", "-f", "-"],
            input=yaml.safe_dump_all(objects), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode != 0, "the API server took what it had to refuse"
        return done.stderr

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """The object, or None."""
        answer = _session().get(f"{_server()}{_path(kind, self.namespace)}/{name}", timeout=30)
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        return dict(answer.json())

    def list(self, kind: str, selector: str = "") -> list[dict[str, Any]]:
        """The objects of a kind."""
        answer = _session().get(
            f"{_server()}{_path(kind, self.namespace)}", params={"labelSelector": selector}, timeout=30
        )
        answer.raise_for_status()
        return list(answer.json()["items"])

    def run(self, name: str) -> dict[str, Any]:
        """A BenchmarkRun."""
        found = self.get("brun", name)
        assert found is not None, f"run {name} does not exist"
        return found

    def status(self, name: str) -> dict[str, Any]:
        """A run's status."""
        return self.run(name).get("status") or {}

    def condition(self, name: str, kind: str) -> tuple[str, str, str]:
        """Status, reason and message of a condition; ('', '', '') where it is not there yet."""
        for condition in self.status(name).get("conditions") or ():
            if condition["type"] == kind:
                return condition["status"], condition["reason"], condition["message"]
        return "", "", ""

    def until(self, what: str, check: Callable[[], Any], seconds: float = 120.0) -> Any:
        """What `check` gives once it is true. Fails with the words of `what` after that time."""
        end = time.monotonic() + seconds
        while True:
            found = check()
            if found:
                return found
            if time.monotonic() > end:
                raise TimedOut(f"{what} did not come within {seconds:g} s\n{self._story()}")
            time.sleep(0.5)

    def _story(self) -> str:
        return self.kubectl("get", "brun,pods", "-o", "wide") + self.kubectl(
            "get",
            "brun",
            "-o",
            "jsonpath={range .items[*]}{.metadata.name}{': '}{.status.conditions}{'\\n'}{end}",
        )

    def until_condition(self, name: str, kind: str, status: str, reason: str = "", seconds: float = 150.0) -> str:
        """The condition's message once it has that status (and reason)."""

        def check() -> str | None:
            got, why, message = self.condition(name, kind)
            return (message or " ") if got == status and (not reason or why == reason) else None

        return str(self.until(f"{kind}={status}/{reason} of {name}", check, seconds))

    def until_complete(self, name: str, seconds: float = 180.0) -> dict[str, Any]:
        """The run's status once it is complete."""
        self.until_condition(name, "Complete", "True", seconds=seconds)
        return self.status(name)

    def until_step(self, name: str, *steps: str, seconds: float = 150.0) -> None:
        """Waits until the run is at one of the steps."""
        self.until(f"step {steps} of {name}", lambda: self.status(name).get("step") in steps, seconds)

    def children(self, name: str, kind: str = "pod") -> list[dict[str, Any]]:
        """Objects that carry the run's UID."""
        return self.list(kind, f"gatebench.dev/run-uid={self.run(name)['metadata']['uid']}")

    def pod(self, name: str, component: str) -> dict[str, Any]:
        """A pod of the run."""
        for pod in sorted(self.children(name), key=lambda pod: pod["metadata"]["name"]):
            if pod["metadata"]["labels"]["app.kubernetes.io/component"] == component:
                return pod
        raise AssertionError(f"run {name} has no pod {component}")

    def evict(self, pod: dict[str, Any]) -> None:
        """Evicts a pod, as a drain of its node does."""
        name = pod["metadata"]["name"]
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": self.namespace},
        }
        path = f"/api/v1/namespaces/{self.namespace}/pods/{name}/eviction"
        self.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))

    def result(self, name: str) -> dict[str, Any]:
        """The stored result document."""
        config_map = self.get("configmap", self.status(name)["artifacts"]["result"])
        assert config_map is not None
        return json.loads(gzip.decompress(base64.b64decode(config_map["binaryData"]["result.json.gz"])))

    def events(self, name: str) -> list[dict[str, Any]]:
        """Events about a run."""
        return [e for e in self.list("events") if e["involvedObject"]["name"] == name]

    def gone(self, uid: str) -> bool:
        """Whether nothing of a run is left."""
        selector = f"gatebench.dev/run-uid={uid}"
        return not any(self.list(kind, selector) for kind in ("pods", "services", "configmaps", "networkpolicies"))


def processes_of(container_id: str) -> list[int]:
    """Processes of a container on this machine, by the container's ID in their cgroup."""
    bare = container_id.rsplit("/", 1)[-1]
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cgroup"):
        try:
            if bare in path.read_text():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return sorted(found)


def kill(pod: dict[str, Any], container: str, sig: signal.Signals = signal.SIGKILL) -> None:
    """Kills a container's processes from the node."""
    for status in pod["status"]["containerStatuses"]:
        if status["name"] == container:
            pids = processes_of(status["containerID"])
            assert pids, f"no process of container {container}"
            for pid in pids:
                os.kill(pid, sig)
            return
    raise AssertionError(f"pod has no container {container}")


def operator_pods() -> list[dict[str, Any]]:
    """The operator's pods."""
    return Lab(OPERATOR_NAMESPACE).list("pods", "app.kubernetes.io/component=operator")


def kill_operator() -> None:
    """SIGKILL, as a node would; then a fresh pod, so that one test's back-off does not slow the next."""
    for pod in operator_pods():
        kill(pod, pod["spec"]["containers"][0]["name"])
        Lab(OPERATOR_NAMESPACE).kubectl("delete", "pod", pod["metadata"]["name"], "--grace-period=0", "--force")


@contextlib.contextmanager
def stopped_operator() -> Iterator[None]:
    """The operator does not run meanwhile, and then goes on; well within what its liveness allows."""
    [pod] = operator_pods()
    name = pod["spec"]["containers"][0]["name"]
    kill(pod, name, signal.SIGSTOP)
    try:
        yield
    finally:
        kill(pod, name, signal.SIGCONT)


def namespace_name() -> str:
    """A fresh name."""
    return f"t-{uuid.uuid4().hex[:8]}"


def examples(*patterns: str, kind: str = "") -> Iterator[pathlib.Path]:
    """Example files; with `kind` those that have such an object."""
    for pattern in patterns:
        for path in sorted((ROOT / "examples").glob(pattern)):
            if f"\nkind: {kind}" in path.read_text():
                yield path
