"""An operator for some namespaces only: it has rights in these alone, and leaves the runs of others alone.

While Helm replaces the operator, the old one loses its rights in the whole cluster before it ends, and is denied what
it still asks for. So this comes after the test of the rights, and looks at the new operator's pod alone.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest

from cluster import audit
from cluster import lab as labs
from cluster.conftest import make_run
from cluster.lab import Lab

pytestmark = pytest.mark.measures  # it changes the operator that all tests use


def helm(*args: str) -> str:
    """Standard output of helm, about the operator's release."""
    command = [str(labs.CLUSTER / "bin" / "helm"), "--kubeconfig", str(labs.CLUSTER / "kubeconfig")]
    done = subprocess.run(
        [*command, "-n", labs.OPERATOR_NAMESPACE, *args], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def watched(lab: Lab) -> Iterator[Lab]:
    """A namespace that is the only one the operator serves."""
    revision = json.loads(helm("history", "gatebench", "-o", "json"))[-1]["revision"]
    chart = str(labs.ROOT / "charts" / "gatebench")
    watching = ("--set", f"watchNamespaces={{{lab.namespace}}}")
    helm("upgrade", "gatebench", chart, "--reuse-values", *watching, "--wait", "--timeout", "3m")
    yield lab
    helm("rollback", "gatebench", str(revision), "--wait", "--timeout", "3m")


def test_a_namespaced_operator_carries_out_the_runs_of_its_namespaces_alone(watched: Lab) -> None:
    other = Lab(labs.namespace_name())
    other.kubectl("create", "namespace", other.namespace)
    try:
        other.apply(make_run("elsewhere"))
        watched.apply(make_run())
        watched.until_condition("run", "Succeeded", "True", seconds=240)
        assert "status" not in other.run("elsewhere")
        [pod] = Lab(labs.OPERATOR_NAMESPACE).list("pods", "app.kubernetes.io/component=operator")
        asked = audit.of_pod(pod["metadata"]["name"])
        assert {"create", "patch"} <= {entry["verb"] for entry in asked}
        assert audit.denied(asked) == set()
        account = f"--as={audit.ACCOUNT}"
        assert watched.kubectl("auth", "can-i", "create", "pods", account).strip() == "yes"
        assert other.kubectl("auth", "can-i", "create", "pods", account, check=False).strip() != "yes"
    finally:
        other.kubectl("delete", "namespace", other.namespace, "--ignore-not-found", "--timeout=90s")
