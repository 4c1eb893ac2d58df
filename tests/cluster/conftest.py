"""The embedded cluster's tests: a namespace a test, and the small run from which most of them start.

`make test` brings the cluster up with two nodes, installs the chart with short deadlines, and runs these.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cluster import lab as labs
from cluster.lab import Lab

BASE: dict[str, Any] = {
    "gateway": {
        "image": labs.MOCK,
        "args": ["--listen=:8080", "--latency=100ms"],
        "cpus": 1,
        "memory": "256Mi",
        "isolation": "None",
    },
    "workload": {"requests": [{"name": "chat", "promptTokens": 20}], "timeout": "5s"},
    "load": {
        "workers": 2,
        "spawnRate": 50,
        "thinkTime": {"min": "100ms", "max": "200ms"},
        "warmUp": "2s",
        "stages": [{"duration": "8s", "users": 20}],
    },
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder need the cluster."""
    for item in items:
        if "tests/cluster" in str(item.path):
            item.add_marker(pytest.mark.cluster)


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A namespace of the test's own, deleted behind it."""
    found = Lab(labs.namespace_name())
    found.kubectl("create", "namespace", found.namespace)
    yield found
    found.kubectl("delete", "namespace", found.namespace, "--ignore-not-found", "--wait=false")
    # The next test needs the CPU that this one's pods hold; the namespace itself takes some seconds more.
    found.until("its pods are gone", lambda: not found.list("pods"), 90)


def merge(into: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`changes` laid over `into`; None removes a field."""
    for key, value in changes.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value
    return into


def make_run(name: str = "run", **changes: Any) -> dict[str, Any]:
    """A small BenchmarkRun with changes to its spec."""
    return {
        "apiVersion": "gatebench.dev/v1alpha1",
        "kind": "BenchmarkRun",
        "metadata": {"name": name},
        "spec": merge(copy.deepcopy(BASE), changes),
    }


@pytest.fixture
def benchmark_run() -> Callable[..., dict[str, Any]]:
    """Makes a small BenchmarkRun; keyword arguments are laid over its spec."""
    return make_run
