"""What the chart renders. UPDATE_GOLDEN=1 pytest tests/unit/chart writes the golden files; read the diff."""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import subprocess
from typing import Any

import pytest

import yamlfile
from gatebench import settings
from gatebench.measure import table

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).parents[3]
CHART = ROOT / "charts" / "gatebench"
GOLDEN = pathlib.Path(__file__).parent / "golden"
# The version of the API server that is told to helm, which has none to ask.
KUBERNETES = "1.34.2"

TOKEN_AND_CA = (
    "prometheus.url=https://prometheus.monitoring.svc:9090",
    "prometheus.tokenSecretRef.name=prometheus-token",
    "prometheus.caSecretRef.name=prometheus-ca",
    "prometheus.caSecretRef.key=tls.crt",
    "prometheus.userQueries=false",
)
NAMESPACED = ("watchNamespaces={team-a,team-b}",)
EMBEDDED = ("prometheus.embedded=true", "prometheus.scrapeInterval=5s", "networkPolicy.enabled=true")
VARIANTS = {
    "default": (),
    "namespaced": (*NAMESPACED, "crds.install=false", "rbac.aggregate=false"),
    "external": TOKEN_AND_CA,
    "embedded": EMBEDDED,
    "embedded-namespaced": (
        "prometheus.embedded=true",
        "prometheus.server.storage.persistent=true",
        *NAMESPACED,
    ),
}


def helm_binary() -> str:
    own = ROOT / ".cluster" / "bin" / "helm"
    found = str(own) if own.is_file() else shutil.which("helm")
    if found is None:
        pytest.skip("no helm: the embedded cluster brings one (make cluster-up)")
    return found


def helm(*arguments: str, chart: pathlib.Path = CHART) -> subprocess.CompletedProcess[str]:
    verb, *rest = arguments
    release = ["gatebench", str(chart), "--kube-version", KUBERNETES] if verb == "template" else [str(chart)]
    command = [helm_binary(), verb, *release, "--namespace", "gatebench-system", *rest]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def render(*values: str, chart: pathlib.Path = CHART) -> str:
    done = helm("template", *(part for value in values for part in ("--set", value)), chart=chart)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def objects(*values: str) -> list[dict[str, Any]]:
    return yamlfile.load_all(render(*values))


def of_kind(kind: str, found: list[dict[str, Any]], name: str = "") -> dict[str, Any]:
    matching = [o for o in found if o["kind"] == kind and o["metadata"]["name"].endswith(name)]
    assert len(matching) == 1, [o["metadata"]["name"] for o in matching]
    return matching[0]


def refusal(*values: str) -> str:
    done = helm("template", *(part for value in values for part in ("--set", value)))
    assert done.returncode != 0
    return done.stderr


@pytest.mark.parametrize("variant", VARIANTS)
def test_golden(variant: str) -> None:
    # The definition has its own golden: crds/. The key is random.
    text = render(*VARIANTS[variant], "crds.install=false")
    text = re.sub(r"^  key: [A-Za-z0-9+/=]{80,}$", "  key: RANDOM", text, flags=re.MULTILINE)
    path = GOLDEN / f"{variant}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert path.read_text() == text


@pytest.mark.parametrize("variant", VARIANTS)
def test_lint(variant: str) -> None:
    done = helm("lint", "--strict", *(part for value in VARIANTS[variant] for part in ("--set", value)))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_operator_understands_its_settings(variant: str, tmp_path: pathlib.Path) -> None:
    made = of_kind("ConfigMap", objects(*VARIANTS[variant]), "-settings")["data"]["settings.yaml"]
    (tmp_path / "settings.yaml").write_text(made)
    read = settings.read(tmp_path / "settings.yaml")
    given = yamlfile.load((CHART / "values.yaml").read_text())
    assert read.images.probe == given["images"]["probe"]
    assert read.resources.worker.memory == given["childResources"]["worker"]["memory"]
    # every setting stands in the chart, so that an administrator finds it in the values
    written, known = yamlfile.load(made), read.model_dump(by_alias=True)
    assert keys(written) == keys(known)


def keys(document: Any, path: str = "") -> set[str]:
    if not isinstance(document, dict):
        return {path}
    return {key for name, value in document.items() for key in keys(value, f"{path}.{name}")}


def test_the_settings_are_those_of_the_values(tmp_path: pathlib.Path) -> None:
    (tmp_path / "external.yaml").write_text(
        of_kind("ConfigMap", objects(*TOKEN_AND_CA, *NAMESPACED), "-settings")["data"]["settings.yaml"]
    )
    read = settings.read(tmp_path / "external.yaml")
    assert read.watch_namespaces == ["team-a", "team-b"]
    assert read.prometheus.url == "https://prometheus.monitoring.svc:9090"
    assert read.prometheus.token_file == "/etc/gatebench/prometheus-token/token"
    assert read.prometheus.ca_file == "/etc/gatebench/prometheus-ca/ca.crt"
    assert read.prometheus.user_queries is False
    (tmp_path / "embedded.yaml").write_text(
        of_kind("ConfigMap", objects(*EMBEDDED), "-settings")["data"]["settings.yaml"]
    )
    read = settings.read(tmp_path / "embedded.yaml")
    assert read.prometheus.url == "http://gatebench-prometheus.gatebench-system.svc:9090"
    assert read.prometheus.scrape_interval == 5.0


# Rights


def rules(found: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """(resource, verb, where) of the operator's and Prometheus' roles."""
    return [
        (resource, verb, role["metadata"].get("namespace", "cluster"))
        for role in found
        if role["kind"] in ("Role", "ClusterRole") and not is_aggregated(role)
        for rule in role["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]


def is_aggregated(role: dict[str, Any]) -> bool:
    return any(label.startswith("rbac.authorization.k8s.io/") for label in role["metadata"].get("labels", {}))


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_right_is_more_than_it_says(variant: str) -> None:
    granted = rules(objects(*VARIANTS[variant]))
    assert granted
    assert not [one for one in granted if "*" in one[0] + one[1]]
    assert {verb for resource, verb, _ in granted if resource == "secrets"} == {"create", "delete"}
    resources = {resource for resource, _, _ in granted}
    assert not resources & {
        "nodes/proxy",
        "pods/exec",
        "pods/portforward",
        "namespaces",
        "roles",
        "clusterroles",
    }
    assert not [verb for _, verb, _ in granted if verb in ("escalate", "bind", "impersonate", "deletecollection")]
    assert {where for resource, _, where in granted if resource == "leases"} == {"gatebench-system"}


def test_in_namespaced_mode_only_nodes_are_read_in_the_whole_cluster() -> None:
    granted = rules(objects(*VARIANTS["embedded-namespaced"]))
    assert {(resource, verb) for resource, verb, where in granted if where == "cluster"} == {
        ("nodes", "get"),
        ("nodes", "list"),
        ("nodes", "watch"),
        ("nodes/metrics", "get"),
    }
    everywhere = {(resource, verb) for resource, verb, where in granted if where == "team-a"}
    assert everywhere == {(resource, verb) for resource, verb, where in granted if where == "team-b"}
    assert ("benchmarkruns/status", "patch") in everywhere


def test_both_modes_grant_the_same_on_runs() -> None:
    wide = {(resource, verb) for resource, verb, where in rules(objects()) if where == "cluster"}
    narrow = {(resource, verb) for resource, verb, where in rules(objects(*NAMESPACED)) if where == "team-a"}
    assert wide == narrow | {("nodes", "get"), ("nodes", "list")}


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_binding_binds_a_role_and_an_account_that_exist(variant: str) -> None:
    found = objects(*VARIANTS[variant])
    there = {(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]) for o in found}
    for binding in found:
        if binding["kind"] not in ("RoleBinding", "ClusterRoleBinding"):
            continue
        role, namespace = binding["roleRef"], binding["metadata"].get("namespace")
        assert (role["kind"], namespace if role["kind"] == "Role" else None, role["name"]) in there
        (subject,) = binding["subjects"]
        assert (subject["kind"], subject["namespace"], subject["name"]) in there


# Pods


@pytest.mark.parametrize("variant", VARIANTS)
def test_pods_pass_the_restricted_level(variant: str) -> None:
    for deployment in (o for o in objects(*VARIANTS[variant]) if o["kind"] == "Deployment"):
        spec = deployment["spec"]["template"]["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == 65532
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in spec["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["readOnlyRootFilesystem"] is True
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])
            assert not container["image"].endswith(":latest")
            assert ":" in container["image"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_a_pod_mounts_is_there_and_what_it_selects_is_labelled(variant: str) -> None:
    found = objects(*VARIANTS[variant])
    there = {(o["kind"], o["metadata"]["name"]) for o in found}
    outside = {("Secret", "prometheus-token"), ("Secret", "prometheus-ca")}
    for deployment in (o for o in found if o["kind"] == "Deployment"):
        template = deployment["spec"]["template"]
        assert deployment["spec"]["strategy"] == {"type": "Recreate"}
        assert deployment["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
        volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
        for volume in volumes.values():
            if "secret" in volume:
                assert ("Secret", volume["secret"]["secretName"]) in there | outside
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in there
        for container in template["spec"]["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)


def test_a_change_of_settings_restarts_the_operator() -> None:
    def checksum(*values: str) -> str:
        template = of_kind("Deployment", objects(*values))["spec"]["template"]
        return str(template["metadata"]["annotations"]["checksum/settings"])

    assert checksum() == checksum()
    assert checksum() != checksum("tickInterval=3s")


def test_the_operator_s_metrics_are_found_as_those_of_its_pods_are() -> None:
    template = of_kind("Deployment", objects())["spec"]["template"]
    annotations = template["metadata"]["annotations"]
    assert annotations["gatebench.dev/scrape"] == "true"
    assert annotations["gatebench.dev/scrape-port"] == "8080"


# Network policies


def network_policy(*values: str) -> dict[str, Any]:
    """What the operator is told of whom it may let in."""
    made = of_kind("ConfigMap", objects(*values), "-settings")["data"]["settings.yaml"]
    found: dict[str, Any] = yamlfile.load(made)["networkPolicy"]
    return found


def pod_labels(found: list[dict[str, Any]], component: str) -> dict[str, str]:
    (labels,) = [
        template["metadata"]["labels"]
        for template in (o["spec"]["template"] for o in found if o["kind"] == "Deployment")
        if template["metadata"]["labels"]["app.kubernetes.io/component"] == component
    ]
    return dict(labels)


@pytest.mark.parametrize("values", [(), ("nameOverride=bench",), EMBEDDED])
def test_runs_let_in_the_operator_and_the_embedded_prometheus_by_their_labels(values: tuple[str, ...]) -> None:
    found = objects(*values)
    told = network_policy(*values)
    operator = pod_labels(found, "operator")
    assert told["operatorLabels"].items() <= operator.items()
    if values != EMBEDDED:
        assert told["metricsFrom"] == []
        return
    (peer,) = told["metricsFrom"]
    assert peer.keys() == {"podSelector"}
    assert peer["podSelector"]["matchLabels"].items() <= pod_labels(found, "prometheus").items()
    assert not told["operatorLabels"].items() <= pod_labels(found, "prometheus").items()


def test_peers_that_may_scrape_are_those_of_the_operator_and_of_the_runs() -> None:
    where = "networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.kubernetes\\.io/metadata\\.name=monitoring"
    monitoring = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    assert network_policy(where)["metricsFrom"] == [monitoring]
    assert network_policy(where, *EMBEDDED)["metricsFrom"][1:] == [monitoring]
    own = of_kind("NetworkPolicy", objects(where, "networkPolicy.enabled=true"))
    assert own["spec"]["ingress"][0]["from"] == [monitoring]


# Prometheus


@pytest.mark.parametrize("value", ["prometheus.embedded=true", "prometheus.embedded.enabled=true"])
def test_both_forms_bring_prometheus(value: str) -> None:
    done = helm("template", "--set", value)
    assert "--storage.tsdb.retention.time=10d" in done.stdout


def test_the_configuration_of_prometheus() -> None:
    text = of_kind("ConfigMap", objects(*EMBEDDED), "-prometheus")["data"]["prometheus.yml"]
    configuration = yamlfile.load(text)
    assert configuration["global"]["scrape_interval"] == "5s"
    jobs = {job["job_name"]: job for job in configuration["scrape_configs"]}
    assert jobs["kubelet-cadvisor"]["metrics_path"] == "/metrics/cadvisor"
    assert jobs["kubelet-cadvisor"]["tls_config"] == {"insecure_skip_verify": True}
    verified = of_kind(
        "ConfigMap", objects(*EMBEDDED, "prometheus.server.kubelet.insecureSkipVerify=false"), "-prometheus"
    )
    assert "insecure_skip_verify" not in verified["data"]["prometheus.yml"]
    assert "serviceaccount/ca.crt" in verified["data"]["prometheus.yml"]


def test_no_series_that_is_asked_for_is_dropped() -> None:
    text = of_kind("ConfigMap", objects(*EMBEDDED), "-prometheus")["data"]["prometheus.yml"]
    job = yamlfile.load(text)["scrape_configs"][0]
    (dropped,) = [relabel["regex"] for relabel in job["metric_relabel_configs"] if relabel["action"] == "drop"]
    assert re.fullmatch(dropped, "container_tasks_state")
    assert not [source.series for source in table.SOURCES if re.fullmatch(dropped, source.series)]


# Values


def test_unknown_values_are_refused() -> None:
    assert "additional properties 'replicas' not allowed" in refusal("replicas=2")
    assert "additional properties 'interval' not allowed" in refusal("prometheus.interval=1s")


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ("tickInterval=fast", "/tickInterval"),
        ("cpuManagerReconcilePeriod=seldom", "/cpuManagerReconcilePeriod"),
        ("deadlines.metrics=5", "/deadlines/metrics"),
        ("watchNamespaces={Team_A}", "/watchNamespaces/0"),
        ("prometheus.url=ftp://x", "/prometheus/url"),
        ("imagePullPolicy=Sometimes", "/imagePullPolicy"),
        ("allowedTargets={example.com}", "/allowedTargets/0"),
        ("childResources.worker.cpu=lots", "/childResources/worker/cpu"),
        ("prometheus.embedded=yes-please", "/prometheus/embedded"),
        ("networkPolicy.metricsFrom[0].namespace=monitoring", "/networkPolicy/metricsFrom/0"),
    ],
)
def test_wrong_values_are_refused_by_name(value: str, field: str) -> None:
    assert field in refusal(value)


def test_one_prometheus_not_two() -> None:
    told = refusal("prometheus.embedded=true", "prometheus.url=http://other:9090")
    assert "set prometheus.embedded or prometheus.url, not both" in told


def test_every_value_is_described_and_every_description_has_a_value() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yamlfile.load((CHART / "values.yaml").read_text())

    def check(node: dict[str, Any], value: Any, path: str) -> None:
        assert node.get("description"), path
        if "properties" not in node:
            return
        assert node["additionalProperties"] is False, path
        assert isinstance(value, dict), path
        for name, child in node["properties"].items():
            if f"{path}.{name}" != ".global" and name != "claims":
                check(child, value.get(name, {} if name in ("limits", "requests") else None), f"{path}.{name}")

    check(schema, values, "")


# The definition


def with_definition(folder: pathlib.Path, text: str) -> pathlib.Path:
    chart = folder / "gatebench"
    shutil.copytree(CHART, chart)
    definitions = chart / "files" / "crds"
    definitions.mkdir(parents=True, exist_ok=True)
    for old in definitions.glob("*.yaml"):
        old.unlink()
    (definitions / "one.yaml").write_text(text)
    return chart


DEFINITION = """apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:{annotations}
  name: benchmarkruns.gatebench.dev
spec:
  versions:
  - name: v1alpha1
    schema:
      openAPIV3Schema:
        properties:
          metadata:
            type: object
          count:
            description: "written {{{{ as is }}}} $x"
            maximum: 1000000000
"""


@pytest.mark.parametrize("annotations", ["", "\n  annotations:\n    other: kept"])
def test_the_definition_stays_when_the_chart_goes(annotations: str, tmp_path: pathlib.Path) -> None:
    chart = with_definition(tmp_path, DEFINITION.format(annotations=annotations))
    made = of_kind("CustomResourceDefinition", yamlfile.load_all(render(chart=chart)), "gatebench.dev")
    assert made["metadata"]["annotations"].pop("helm.sh/resource-policy") == "keep"
    expected = yamlfile.load(DEFINITION.format(annotations=annotations))
    expected["metadata"].setdefault("annotations", {})
    assert made == expected
    assert "kind: CustomResourceDefinition" not in render("crds.install=false", chart=chart)


def test_the_chart_s_copy_of_the_definitions_is_current() -> None:
    def texts(folder: pathlib.Path) -> dict[str, str]:
        return {path.name: path.read_text() for path in folder.glob("*.yaml")}

    assert texts(CHART / "files" / "crds") == texts(ROOT / "crds"), "run `make generate`"
