"""The embedded Prometheus' configuration, as the chart renders it, read by a real Prometheus.

What it finds needs a cluster and is tested there; here no line of it may be refused.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import socket
import subprocess
import time
import urllib.request

import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[2]


def binary(name: str) -> str:
    own = ROOT / ".cluster" / "bin" / name
    found = str(own) if own.is_file() else shutil.which(name, path=os.environ.get("GATEBENCH_BIN_PATH"))
    if found is None:
        pytest.skip(f"no {name}: the embedded cluster brings one (make cluster-up)")
    return found


def rendered(*values: str) -> tuple[str, list[str]]:
    """Configuration and arguments."""
    settings = [part for value in values for part in ("--set", value)]
    command = [
        binary("helm"),
        "template",
        "gatebench",
        ROOT / "charts" / "gatebench",
        "--kube-version",
        "1.34.2",
    ]
    text = subprocess.run([*command, *settings], capture_output=True, text=True, check=True).stdout
    found = [o for o in yaml.safe_load_all(text) if o and o["metadata"]["name"] == "gatebench-prometheus"]
    (configuration,) = [o["data"]["prometheus.yml"] for o in found if o["kind"] == "ConfigMap"]
    (deployment,) = [o for o in found if o["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return configuration, container["args"]


def metric(url: str, name: str) -> str | None:
    try:
        with urllib.request.urlopen(f"{url}/metrics", timeout=2) as response:
            text = response.read().decode()
    except OSError:
        return None
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    return found[1] if found else None


@pytest.mark.parametrize(
    "values",
    [
        ("prometheus.embedded=true",),
        (
            "prometheus.embedded=true",
            "watchNamespaces={a,b}",
            "prometheus.server.kubelet.insecureSkipVerify=false",
        ),
    ],
)
def test_prometheus_takes_its_configuration_and_arguments(values: tuple[str, ...], tmp_path: pathlib.Path) -> None:
    configuration, arguments = rendered(*values)
    (tmp_path / "prometheus.yml").write_text(configuration)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {
        "--config.file": str(tmp_path / "prometheus.yml"),
        "--storage.tsdb.path": str(tmp_path / "data"),
        "--web.listen-address": f"127.0.0.1:{port}",
    }
    names = [argument.partition("=")[0] for argument in arguments]
    assert set(places) <= set(names)
    own = [f"{name}={places[name]}" if name in places else a for a, name in zip(arguments, names, strict=True)]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([binary("prometheus"), *own], stdout=log, stderr=log)
    try:
        end = time.monotonic() + 60
        while metric(f"http://127.0.0.1:{port}", "prometheus_config_last_reload_successful") != "1":
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < end, (tmp_path / "log").read_text()
            time.sleep(0.1)
    finally:
        process.kill()
        process.wait()
