"""Every child of a few runs, as a golden: a reviewer sees a changed pod as a diff."""

from __future__ import annotations

import os
import pathlib

import pytest
import yaml

from gatebench.api.run import BenchmarkRunSpec
from gatebench.api.status import BenchmarkRunStatus
from gatebench.plan import children, names
from gatebench.plan.run import Run
from gatebench.settings import Settings

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "golden" / "plan"
SETTINGS = Settings.model_validate(
    {"images": {"locust": "locust:1", "engine": "engine:1", "mock": "mock:1", "probe": "probe:1"}}
)

SPECS = {
    "litellm": """
gateway:
  image: litellm:1
  port: 4000
  cpus: 1
  memory: 2Gi
  args: [--config, /etc/litellm/config.yaml]
  env: [{name: KEY, valueFrom: {secretKeyRef: {name: s, key: k}}}]
  files: [{mountPath: /etc/litellm, configMap: {name: c}}]
  metricsPath: /metrics
upstream: {mock: {latency: 50ms, latencyP99: 200ms, errorRatio: 1%}}
workload:
  requests:
    - name: chat
      headersFrom: {Authorization: {secretKeyRef: {name: s, key: k}, prefix: "Bearer "}}
load:
  workers: 2
  thinkTime: {min: 500ms, max: 1s}
  stages: [{duration: 30s, users: 50}, {name: more, duration: 10s, users: 100, ramp: true}]
""",
    "script-by-url": """
gateway: {url: "http://gateway.example:8080"}
workload: {locustfile: {configMap: {name: script}}}
load: {workers: 1, workerResources: {cpu: 500m}, stages: [{duration: 30s, users: 50}]}
""",
    "not-isolated": """
gateway: {image: "g:1", isolation: None, serviceAccountName: own, runAsUser: 0, readOnlyRootFilesystem: false}
workload: {scenario: gateway-mix}
load: {workers: 1, envFrom: [{secretRef: {name: s}}], stages: [{duration: 30s, users: 50}]}
""",
}


def run_of(text: str, name: str = "demo.run") -> Run:
    """A run with this spec."""
    raw = yaml.safe_load(text)
    spec = BenchmarkRunSpec.model_validate(raw)
    return Run("team", name, "8d7c3f0e-uid", 1, "1", 0.0, False, raw, spec, BenchmarkRunStatus())


@pytest.mark.parametrize("case", sorted(SPECS))
def test_the_children_are_as_reviewed(case: str) -> None:
    made = children.desired(
        run_of(SPECS[case]), SETTINGS, node="node0", operator_namespace="gatebench-system", key=b"0123456789abcdef"
    )
    text = yaml.safe_dump_all(made, sort_keys=True, width=120)
    path = GOLDEN / f"{case}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert text == path.read_text(), "make generate rewrites the goldens; read the diff"


def test_the_gateways_pod_is_guaranteed_and_only_its_cpus_are_whole() -> None:
    made = children.desired(
        run_of(SPECS["litellm"]), SETTINGS, node="node0", operator_namespace="x", key=b"0123456789abcdef"
    )
    pod = next(m for m in made if m["kind"] == "Pod" and m["metadata"]["name"].endswith("-gateway"))
    for container in pod["spec"]["containers"]:
        assert container["resources"]["requests"] == container["resources"]["limits"]
    cpus = {c["name"]: c["resources"]["requests"]["cpu"] for c in pod["spec"]["containers"]}
    assert cpus == {"gateway": "1", "probe": "50m"}


@pytest.mark.parametrize("name", ["a", "with.dots", "9digits", "x" * 253, "a." * 100 + "a", "ends-" + "y" * 35 + "-z"])
def test_names_are_labels_and_differ_by_uid(name: str) -> None:
    one, other = names.of(name, "uid-1"), names.of(name, "uid-2")
    for made in (one.gateway, one.upstream, one.master, one.worker(63), one.result, one.report, one.logs, one.token):
        assert len(made) <= 63
        assert made[0].isalpha()
        assert made.replace("-", "").isalnum()
        assert "--" not in made.split(one.base)[0]
    assert one.base != other.base
    assert names.of("with.dots", "uid") == names.of("with-dots", "uid")  # the UID, not the name, tells them apart
