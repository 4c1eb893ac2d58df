"""What the doctor concludes, and what it asks of the cluster."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from gatebench.api import crd
from gatebench.cli import checks, pinning
from gatebench.cli.checks import Level
from gatebench.cli.main import app
from unit.cli import fakeapi, statuses
from unit.cli.fakeapi import RUNS, FakeApi

CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/benchmarkruns.gatebench.dev"
PROMETHEUS = "/api/v1/namespaces/gb/services/prometheus:9090/proxy/api/v1/query"


def node(name: str, cpu: str, **changed: Any) -> dict[str, Any]:
    ready = {"conditions": [{"type": "Ready", "status": "True"}], "allocatable": {"cpu": cpu}}
    return {"metadata": {"name": name}, "spec": {}, "status": ready, **changed}


def pod(on: str, *cpus: str, phase: str = "Running") -> dict[str, Any]:
    containers = [{"resources": {"requests": {"cpu": cpu}}} for cpu in cpus]
    return {"spec": {"nodeName": on, "containers": containers}, "status": {"phase": phase}}


def test_rooms_count_what_runs_there() -> None:
    nodes = [
        node("small", "1"),
        node("big", "8"),
        node("tainted", "64", spec={"taints": [{"effect": "NoSchedule"}]}),
        node("cordoned", "64", spec={"unschedulable": True}),
        node("sick", "64", status={"allocatable": {"cpu": "64"}}),
    ]
    pods = [pod("big", "500m", "1"), pod("big", "4", phase="Succeeded"), pod("small", "100m")]
    found = checks.rooms(nodes, pods)
    assert [(r.node, r.allocatable, r.free) for r in found] == [("big", 8.0, 6.5), ("small", 1.0, 0.9)]


@pytest.mark.parametrize(
    ("found", "cpus", "level", "says"),
    [
        ([], 1, Level.FAIL, "no node is ready"),
        ([checks.Room("a", 1.9, 1.5)], 1, Level.OK, "a 1.9 allocatable, 1.50 free"),
        (
            [checks.Room("a", 1.0, 1.0)],
            1,
            Level.FAIL,
            "none can give 1 + 0.05 CPUs",
        ),  # the probe needs its share
        ([checks.Room("a", 4.0, 2.0)], 4, Level.FAIL, "none can give"),
        ([checks.Room("a", 4.5, 2.0)], 4, Level.WARN, "not free now"),
        ([checks.Room("a", 4.5, None)], 4, Level.OK, "a 4.5 allocatable"),
    ],
)
def test_room_for_a_gateway(found: list[checks.Room], cpus: int, level: Level, says: str) -> None:
    check = checks.room(found, cpus)
    assert check.level is level
    assert says in check.message
    assert bool(check.remedy) == (level is not Level.OK)


def test_definition_of_another_age() -> None:
    own = crd.benchmark_run()
    assert checks.definition(own, own, None).level is Level.OK
    older = crd.benchmark_run()
    del older["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["suspend"]
    check = checks.definition(older, own, None)
    assert (check.level, check.message) == (Level.WARN, "the installed one is older: it lacks spec.suspend")
    assert "newer" in checks.definition(own, older, None).message
    other = crd.benchmark_run()
    other["spec"]["versions"][0]["name"] = "v2"
    assert checks.definition(other, own, None).level is Level.FAIL
    assert checks.definition(None, own, True).level is Level.OK
    assert checks.definition(None, own, False).level is Level.FAIL


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://prometheus.gb.svc:9090", "/api/v1/namespaces/gb/services/prometheus:9090/proxy"),
        (
            "http://prometheus.gb.svc.cluster.local:9090/",
            "/api/v1/namespaces/gb/services/prometheus:9090/proxy",
        ),
        ("http://prometheus.gb", "/api/v1/namespaces/gb/services/prometheus:80/proxy"),
        ("https://p.gb.svc/select/0", "/api/v1/namespaces/gb/services/https:p:443/proxy/select/0"),
        ("https://prometheus.example.com", None),
        ("http://10.0.0.1:9090", None),
    ],
)
def test_service_path(url: str, path: str | None) -> None:
    assert checks.service_path(url) == path


def test_pinning_pod_is_guaranteed_and_restricted() -> None:
    made = pinning.manifest("doctor", "gb0", "mock:1", "probe:1", "secret")
    for container in made["spec"]["containers"]:
        assert container["resources"]["requests"] == container["resources"]["limits"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert [c["resources"]["requests"]["cpu"] for c in made["spec"]["containers"]] == ["1", "50m"]
    assert made["spec"]["shareProcessNamespace"] is True
    assert made["spec"]["activeDeadlineSeconds"] > 60, "it ends by itself if this program is killed"


def test_state_of_the_pinning_pod() -> None:
    def status(**state: Any) -> dict[str, Any]:
        both = [
            {"name": n, "image": "i", "state": state, "containerID": f"containerd://{n}1"} for n in ("subject", "probe")
        ]
        return {"status": {"containerStatuses": both}}

    assert pinning.state({}) == (None, None)
    assert pinning.state(status(running={})) == ("subject1", None)
    assert pinning.state(status(waiting={"reason": "ContainerCreating"})) == (None, None)
    assert "cannot be pulled" in str(pinning.state(status(waiting={"reason": "ErrImagePull"}))[1])
    rejected = {"status": {"phase": "Failed", "reason": "UnexpectedAdmissionError", "message": "no"}}
    assert "UnexpectedAdmissionError" in str(pinning.state(rejected)[1])


@pytest.fixture
def api(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    """A cluster that is fit."""
    settings = {
        "images": {"mock": "mock:1", "probe": "probe:1"},
        "prometheus": {"url": "http://prometheus.gb.svc:9090"},
    }
    volumes = [{"name": "settings", "configMap": {"name": "gatebench-settings"}}]
    settings_env = {"env": [{"name": "GATEBENCH_SETTINGS", "value": "/etc/settings.yaml"}]}
    other = {"metadata": {"name": "other", "namespace": "x"}, "spec": {"template": {"spec": {}}}}
    with fakeapi.serve() as api:
        monkeypatch.setenv("KUBECONFIG", str(fakeapi.kubeconfig(tmp_path, api.url)))
        api.put("/apis/apps/v1/deployments/other", other)
        api.put("/version", {"gitVersion": "v1.35.0"})
        api.put(CRD, crd.benchmark_run())
        api.put(
            "/apis/apps/v1/deployments/gatebench",
            {
                "metadata": {
                    "name": "gatebench",
                    "namespace": "gb",
                    "labels": {"app.kubernetes.io/version": "0.1.0"},
                },
                "spec": {"template": {"spec": {"volumes": volumes, "containers": [settings_env]}}},
                "status": {"readyReplicas": 1},
            },
        )
        api.put(
            "/api/v1/namespaces/gb/configmaps/gatebench-settings",
            {"data": {"settings.yaml": yaml.safe_dump(settings)}},
        )
        api.put("/api/v1/nodes/gb0", node("gb0", "1900m"))
        api.put("/api/v1/pods/x", pod("gb0", "400m"))
        api.put(PROMETHEUS, {"status": "success", "data": {"result": [{"value": [0, "12"]}]}})
        yield api


def doctor(*args: str) -> Result:
    return CliRunner().invoke(app, ["doctor", *args])


def levels(result: Result) -> dict[str, str]:
    """Level by subject."""
    found = [line.split(maxsplit=1) for line in result.output.splitlines() if not line.startswith(" ")]
    return {rest.partition(":")[0]: level for level, rest in found}


def test_doctor_of_a_fit_cluster(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    proven = checks.Check(Level.OK, pinning.SUBJECT, "gb0: CPU 1 is exclusive")
    tried = []
    monkeypatch.setattr(pinning, "prove", lambda *args: tried.append(args[1:]) or proven)
    result = doctor()
    assert result.exit_code == 0, result.output
    assert set(levels(result).values()) == {"ok"}, result.output
    assert "remedy" not in result.output
    assert tried == [("default", "gb0", "mock:1", "probe:1")]
    assert "knows the CPU of 12 containers" in result.output


def test_doctor_does_not_disturb_a_run(api: FakeApi) -> None:
    api.put(f"{RUNS}/benchmarkruns/demo", {
        "metadata": {"name": "demo", "namespace": "default"},
        "status": {**statuses.measuring(), "nodeAcquiredAt": "2026-11-24T12:00:00Z"},
    })  # fmt: skip
    result = doctor()
    assert levels(result)[pinning.SUBJECT] == "warn"
    assert "run default/demo is under way" in result.output
    assert not [path for method, path, *_ in api.requests if method == "POST" and path.endswith("/pods")]


def test_doctor_of_an_empty_cluster(api: FakeApi) -> None:
    api.objects = {"/version": {"gitVersion": "v1.35.0"}, "/api/v1/nodes/gb0": node("gb0", "900m")}
    api.objects |= {"/apis/apps/v1/deployments": {"items": []}, "/api/v1/pods": {"items": []}}
    api.denied.add(("create", "benchmarkruns"))
    result = doctor()
    assert result.exit_code == 3
    assert levels(result) == {
        "API server": "ok", "CRD": "fail", "rights": "fail", "operator": "fail", "node": "fail",
        pinning.SUBJECT: "warn", "Prometheus": "warn",
    }  # fmt: skip
    assert result.output.count("remedy: ") == 6


def test_doctor_without_rights_beyond_a_namespace(api: FakeApi) -> None:
    denied = (403, fakeapi.status_object(403, "forbidden"))
    for path in ("/apis/apps/v1/deployments", "/api/v1/nodes", CRD):
        api.refuse["GET", path] = denied
    api.put(RUNS, {"resources": [{"name": "benchmarkruns"}]})
    result = doctor("--no-pod")
    assert result.exit_code == 0, result.output
    assert levels(result) == {
        "API server": "ok", "CRD": "ok", "rights": "ok", "operator": "warn", "node": "warn",
        "Prometheus": "warn",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "level", "says"),
    [
        (
            (200, {"status": "success", "data": {"result": []}}),
            "fail",
            "without container_cpu_usage_seconds_total",
        ),
        ((503, fakeapi.status_object(503, "no endpoints")), "warn", "no endpoints"),
        ((200, {"status": "error"}), "warn", "did not answer a query"),
    ],
)
def test_doctor_asks_prometheus(api: FakeApi, answer: tuple[int, Any], level: str, says: str) -> None:
    api.refuse["GET", PROMETHEUS] = answer
    result = doctor("--no-pod")
    assert levels(result)["Prometheus"] == level
    assert says in result.output


def test_doctor_without_a_cluster(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(fakeapi.kubeconfig(tmp_path, "http://127.0.0.1:9")))
    result = doctor()
    assert result.exit_code == 3
    assert levels(result) == {"API server": "fail"}


@pytest.mark.parametrize(
    ("own", "shared", "age", "expected"),
    [
        ([1], [0], 20.0, (True, False)),
        ([1], [0], 5.0, (False, False)),  # the kubelet's next round may still change it
        ([1], [0, 1], 20.0, (False, False)),
        ([0, 1], [0, 1], 40.0, (False, True)),
    ],
)
def test_cores_are_exclusive_once_the_kubelet_has_settled(
    own: list[int], shared: list[int], age: float, expected: tuple[bool, bool]
) -> None:
    report = {
        "now": 1000.0 + age,
        "startedAt": 1000.0,
        "self": {"cpus": shared},
        "containers": [{"id": "abc", "processes": 1, "cpus": own, "changes": []}],
    }
    proven, said, settled = pinning.judge(report, "abc")
    assert (proven, settled) == expected
    assert said


def test_one_node_with_exclusive_cores_is_enough() -> None:
    bad = checks.Check(Level.FAIL, pinning.SUBJECT, "node1: not exclusive", "static")
    good = checks.Check(Level.OK, pinning.SUBJECT, "node0: exclusive")
    assert checks.pinned([("node1", bad)]) == [bad]
    mixed = checks.pinned([("node1", bad), ("node0", good)])
    assert [check.level for check in mixed] == [Level.WARN, Level.OK]
    assert "kubectl label node node0 gatebench.dev/cpu-manager=static" in mixed[0].remedy
