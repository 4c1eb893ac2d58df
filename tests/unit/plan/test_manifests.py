"""Every child of a few runs, as a golden: a reviewer sees a changed pod as a diff."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from typing import Any

import pytest
import yaml

import yamlfile
from gatebench.api.run import BenchmarkRunSpec, active_deadline, schedule
from gatebench.api.status import BenchmarkRunStatus
from gatebench.plan import children, document, gateway, names
from gatebench.plan.run import Run
from gatebench.settings import Settings
from gatebench_locust import plan as fleet_plan
from gatebench_locust.phases import phases_of, total_seconds

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "golden" / "plan"
SETTINGS = Settings.model_validate(
    {
        "images": {"locust": "locust:1", "engine": "engine:1", "mock": "mock:1", "probe": "probe:1"},
        "networkPolicy": {"metricsFrom": [{"podSelector": {"matchLabels": {"app": "prometheus"}}}]},
    }
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
    "go-open-by-url": """
gateway: {url: "https://gateway.example"}
workload:
  requests:
    - name: ask
      body: '{"user": "{{env TENANT}}", "prompt": "{{dataset}}"}'
      check: {jsonPath: "choices[0].message.content"}
  dataset: {configMap: {name: prompts, key: prompts.jsonl}, order: Shuffled}
  ca: {configMap: {name: trust, key: ca.pem}}
  http2: true
load:
  engine: Go
  model: Open
  workers: 1
  arrivals: Constant
  maxInFlight: 500
  seed: 7
  env: [{name: TENANT, valueFrom: {secretKeyRef: {name: s, key: k}}}]
  stages: [{duration: 30s, rate: 200}, {name: burst, duration: 5s, rate: 0.5, spike: true}]
""",
    "go-capacity": """
gateway: {image: "g:1", cpus: 1}
workload:
  requests: [{name: ask, body: "{{dataset}}"}]
  dataset: {persistentVolumeClaim: {name: prompts, path: sets/a.jsonl}}
load:
  engine: Go
  model: Capacity
  workers: 2
  workerResources: {cpu: "1"}
  capacity: {startRate: 20, step: 60s, tolerance: 10%, budget: 10m}
objectives:
  - {metric: latency.p99, failAbove: 50ms}
  - {metric: requests.ask.latency.p99, failAbove: 1s}
  - {metric: errorRatio, failAbove: 2%}
  - {metric: gateway.cpu.mean, failAbove: "0.9"}
  - {metric: capacity.requestsPerSecond, failBelow: 100}
""",
}


def plan_of(text: str) -> dict[str, Any]:
    """plan.json of a run with this spec."""
    return document.document(run_of(text))


def run_of(text: str, name: str = "demo.run") -> Run:
    """A run with this spec."""
    raw = yamlfile.load(text)
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


def lent(text: str) -> Run:
    """A run to which its comparison lends its fleet."""
    return dataclasses.replace(
        run_of(text), comparison=names.Owner("impact", "c0ffee-uid", "BenchmarkComparison"), lent_seconds=9000
    )


def test_a_fleet_that_is_lent_is_its_comparisons_and_the_gateway_is_the_runs() -> None:
    run = lent(SPECS["litellm"])
    made = children.desired(run, SETTINGS, node="node0", operator_namespace="gatebench-system", key=b"0123456789abcdef")
    text = yaml.safe_dump_all(made, sort_keys=True, width=120)
    path = GOLDEN / "lent.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text(), "make generate rewrites the goldens; read the diff"
    for manifest in made:
        component = manifest["metadata"]["labels"][names.COMPONENT_LABEL]
        own = "c0ffee-uid" if component in names.FLEET else run.uid
        assert names.is_owned(manifest["metadata"], own)
        assert (names.UID_LABEL in manifest["metadata"]["labels"]) == (own == run.uid)
        assert manifest["metadata"]["labels"][names.COMPARISON_LABEL] == "c0ffee-uid"
    other = dataclasses.replace(run, uid="another-uid", name="another")
    again = children.desired(other, SETTINGS, node="node0", operator_namespace="gatebench-system", key=b"0" * 16)
    fleet = {
        m["metadata"]["name"]: m for m in made if m["kind"] == "Pod" and names.UID_LABEL not in m["metadata"]["labels"]
    }
    assert fleet == {m["metadata"]["name"]: m for m in again if m["metadata"]["name"] in fleet}, "one fleet for both"


def test_go_workers_run_the_engine_under_locusts_master() -> None:
    made = children.desired(run_of(SPECS["go-capacity"]), SETTINGS, node=None, operator_namespace="x", key=b"k")
    images = {
        m["metadata"]["labels"]["app.kubernetes.io/component"]: (container["image"], container["args"])
        for m in made
        if m["kind"] == "Pod"
        for container in m["spec"]["containers"]
        if container["name"] in ("master", "worker")
    }
    assert images == {"master": ("locust:1", ["master"]), "worker": ("engine:1", ["worker"])}


def test_datasets_and_authorities_are_where_the_plan_says_on_workers_alone() -> None:
    run = run_of(SPECS["go-open-by-url"])
    plan = document.document(run)
    made = children.desired(run, SETTINGS, node=None, operator_namespace="x", key=b"k")
    mounts = {
        container["name"]: {m["name"]: m for m in container["volumeMounts"]}
        for pod in made
        if pod["kind"] == "Pod"
        for container in pod["spec"]["containers"]
    }
    for name, path in (("dataset", plan["workload"]["dataset"]["path"]), ("ca", plan["caFile"])):
        mount = mounts["worker"][name]
        assert path.startswith(mount["mountPath"] + "/")
        assert mount["readOnly"] is True
        assert name not in mounts["master"]
    assert plan["maskedEnv"] == ["GATEBENCH_TOKEN", "TENANT"]


def test_the_plan_of_open_load_has_rates_and_no_users() -> None:
    plan = plan_of(SPECS["go-open-by-url"])
    assert [(stage.get("rate"), "users" in stage, stage["spike"]) for stage in plan["stages"]] == [
        (200.0, False, False),
        (0.5, False, True),
    ]
    given = {key: plan[key] for key in ("engine", "model", "arrivals", "maxInFlight", "seed", "http2")}
    assert given == {
        "engine": "Go",
        "model": "Open",
        "arrivals": "Constant",
        "maxInFlight": 500,
        "seed": 7,
        "http2": True,
    }


def test_the_plan_of_a_search_has_the_bounds_that_a_step_can_be_judged_by() -> None:
    plan = plan_of(SPECS["go-capacity"])
    assert (plan["stages"], plan["arrivals"], plan["maxInFlight"], plan["seed"]) == ([], "Poisson", 1000, 1)
    assert plan["capacity"] == {
        "startRate": 20.0,
        "maxRate": 100_000.0,
        "stepSeconds": 60.0,
        "settleSeconds": 5.0,
        "tolerance": 0.1,
        "maxSteps": 40,
        "budgetSeconds": 600.0,
        "objectives": [{"metric": "latency.p99", "below": 0.05}, {"metric": "errorRatio", "below": 0.02}],
    }


@pytest.mark.parametrize("case", sorted(SPECS))
def test_the_fleet_reads_its_plan(case: str) -> None:
    spec = run_of(SPECS[case]).spec.load
    read = fleet_plan.parse(plan_of(SPECS[case]))
    assert (read.engine, read.model, read.expected_workers) == (spec.engine, spec.model, spec.workers)
    assert [stage.spike for stage in read.stages] == [stage.spike for stage in spec.stages or ()]


def test_a_search_may_take_its_budget() -> None:
    spec = run_of(SPECS["go-capacity"]).spec
    assert schedule(spec).total == 30 + 600 + 60
    assert active_deadline(spec) == 690 + 1800


def test_repeats_are_in_the_plan_and_in_the_time_that_it_takes() -> None:
    plain = yamlfile.load(SPECS["go-open-by-url"])
    raw = yaml.safe_dump({**plain, "repeats": {"count": 3, "pause": "20s"}})
    assert fleet_plan.parse(plan_of(raw)).repeats == fleet_plan.Repeats(3, 20.0, False)
    once, thrice = schedule(run_of(SPECS["go-open-by-url"]).spec), schedule(run_of(raw).spec)
    assert thrice.load == 3 * once.load + 2 * 20
    assert thrice.total == thrice.load + 3 * once.drain
    assert active_deadline(run_of(raw).spec) == thrice.total + 1800


def test_the_direct_leg_goes_to_the_upstream() -> None:
    plain = yamlfile.load(SPECS["go-open-by-url"]) | {"upstream": {"mock": {}}}

    def of(**given: Any) -> str:
        return str(yaml.safe_dump(plain | given))

    raw = of(overhead={"enabled": True, "duration": "40s"}, repeats={"count": 3, "pause": "20s"})
    run = run_of(raw)
    assert plan_of(raw)["direct"] == {
        "target": f"http://{run.names.upstream}:8080",
        "durationSeconds": 40.0,
        "settleSeconds": 3.0,
        "maxInFlight": 500,
        "burst": {
            "users": 64,
            "durationSeconds": 5.0,
            "settleSeconds": 1.0,
            "headers": {"X-Gatebench-Burst": "true"},
        },
    }
    read = fleet_plan.parse(plan_of(raw))
    burst = fleet_plan.Burst(64, 5.0, 1.0)
    assert read.direct == fleet_plan.Direct(f"http://{run.names.upstream}:8080", 40.0, 3.0, burst)
    times, once = schedule(run.spec), schedule(run_of(of()).spec)
    assert times.load == 3 * once.load + 3 * 20 + 43 + 6
    assert times.load == total_seconds(phases_of(read), read.spawn_rate)
    assert times.total == times.load + 5 * once.drain
    assert active_deadline(run.spec) == times.total + 1800


def test_no_burst_goes_to_an_upstream_that_is_not_the_mock() -> None:
    plain = yamlfile.load(SPECS["go-open-by-url"])

    def of(**given: Any) -> str:
        return str(yaml.safe_dump(plain | given))

    url = of(upstream={"url": "http://upstream.example/"}, overhead={"enabled": True})
    assert plan_of(url)["direct"]["target"] == "http://upstream.example"
    assert "burst" not in plan_of(url)["direct"]
    assert schedule(run_of(url).spec).burst == 0
    for raw in (of(), of(overhead={}), of(upstream={"mock": {}}, overhead={}), of(overhead={"enabled": True})):
        assert "direct" not in plan_of(raw)
        assert schedule(run_of(raw).spec).direct == 0


def test_a_restart_takes_time_and_has_the_fleet_wait() -> None:
    plain = yamlfile.load(SPECS["litellm"])
    raw = yaml.safe_dump({**plain, "repeats": {"count": 3, "restartGateway": True}})
    run = run_of(raw)
    assert fleet_plan.parse(plan_of(raw)).repeats.hold
    kept = run_of(yaml.safe_dump({**plain, "repeats": {"count": 3}}))
    assert schedule(run.spec).total - schedule(kept.spec).total == 2 * (run.spec.gateway.readiness.timeout + 60)
    first, third = (gateway.pod(run, SETTINGS, "node0", repeat) for repeat in (0, 2))
    assert third["metadata"].pop("annotations") == {
        **first["metadata"].pop("annotations"),
        "gatebench.dev/repeat": "2",
    }
    assert first == third


@pytest.mark.parametrize(
    ("repeats", "baseline", "restarts"),
    [
        ({"count": 3}, False, False),
        ({"count": 3}, True, True),
        ({"count": 3, "restartGateway": False}, True, False),
        ({"count": 3, "restartGateway": True}, False, True),
        ({"count": 1}, True, False),
    ],
)
def test_a_baseline_has_the_gateway_restarted_unless_the_run_says_otherwise(
    repeats: dict[str, Any], baseline: bool, restarts: bool
) -> None:
    plain = yamlfile.load(SPECS["litellm"])
    compared = {"baseline": {"run": "old", "tolerance": "3%"}} if baseline else {}
    assert run_of(yaml.safe_dump({**plain, **compared, "repeats": repeats})).restarts_gateway is restarts


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
