"""Locust's own page, by the port-forward that the documentation shows."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Iterator

import requests

from cluster import lab as labs
from cluster.conftest import make_run
from cluster.lab import Lab
from cluster.test_faults_load import LONG


@contextlib.contextmanager
def forwarded(lab: Lab, pod: str, port: int) -> Iterator[str]:
    """The address under which a pod's port is reached from here."""
    kubectl = [str(labs.CLUSTER / "bin" / "kubectl"), "--kubeconfig", str(labs.CLUSTER / "kubeconfig")]
    command = [*kubectl, "-n", lab.namespace, "port-forward", f"pod/{pod}", f":{port}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())
            assert found is not None
            yield f"http://127.0.0.1:{found[1]}"
        finally:
            process.terminate()


def test_locusts_page_shows_the_load_and_lets_nobody_change_it(lab: Lab) -> None:
    lab.apply(make_run(**LONG))
    lab.until_step("run", "Measuring")
    with forwarded(lab, lab.pod("run", "master")["metadata"]["name"], 8089) as page:
        assert "Locust" in requests.get(page, timeout=10).text
        seen = requests.get(f"{page}/stats/requests", timeout=10).json()
        assert [row["name"] for row in seen["stats"]] == ["chat", "Aggregated"]
        assert seen["stats"][0]["num_requests"] > 0
        assert len(seen["workers"]) == 2
        for path in ("/swarm", "/stop", "/stats/reset"):
            assert requests.post(f"{page}{path}", data={"user_count": 1}, timeout=10).status_code == 403
    lab.until_complete("run")
    assert lab.result("run")["load"]["outcome"] == "Finished"
