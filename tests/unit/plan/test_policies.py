"""Who reaches which port of a run's pods, as a network that enforces the policies would have it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from gatebench.plan import names, policies
from gatebench.plan.run import Run
from gatebench.settings import NetworkPolicy, Settings
from unit.plan.test_manifests import SPECS, run_of

OPERATOR = {
    "app.kubernetes.io/name": "gatebench",
    "app.kubernetes.io/instance": "release",
    "app.kubernetes.io/component": "operator",
}
PROMETHEUS = {**OPERATOR, "app.kubernetes.io/component": "prometheus"}
EMBEDDED = {"podSelector": {"matchLabels": PROMETHEUS}}
MONITORING = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
BLOCK = {"ipBlock": {"cidr": "10.1.0.0/16"}}
LOCUST, MASTER, PROBE, GATEWAY, MOCK = 5557, 8090, 9180, 4000, 8080


@dataclasses.dataclass(frozen=True)
class Pod:
    """Somebody who asks."""

    namespace: str
    labels: Mapping[str, str]


def settings(*scrapers: Mapping[str, Any]) -> NetworkPolicy:
    return NetworkPolicy.model_validate({"operatorLabels": OPERATOR, "metricsFrom": scrapers})


def reached(run: Run, given: NetworkPolicy, who: Pod) -> set[int]:
    """The ports of the run's pods that the pod is let in to."""
    return {
        port["port"]
        for policy in policies.all_of(run, given, "gatebench-system")
        for rule in policy["spec"]["ingress"]
        for port in rule["ports"]
        if any(fits(peer, who, run.namespace) for peer in rule["from"])
    }


def fits(peer: Mapping[str, Any], who: Pod, own_namespace: str) -> bool:
    """As the API says it: both selectors at once, without one of namespaces the policy's own."""
    if "ipBlock" in peer:
        return False
    spaces = peer.get("namespaceSelector")
    if spaces is None:
        in_space = who.namespace == own_namespace
    else:
        in_space = spaces.get("matchLabels", {}).items() <= {"kubernetes.io/metadata.name": who.namespace}.items()
    return in_space and peer.get("podSelector", {}).get("matchLabels", {}).items() <= who.labels.items()


def child(run: Run, component: str) -> Pod:
    return Pod(run.namespace, names.labels(run.owner_of(component), component))


@pytest.fixture
def run() -> Run:
    """One with a mock, and with metricsPath."""
    return run_of(SPECS["litellm"])


def test_the_operator_reaches_what_it_asks_and_not_the_gateway(run: Run) -> None:
    assert reached(run, settings(EMBEDDED), Pod("gatebench-system", OPERATOR)) == {MASTER, PROBE, MOCK}


@pytest.mark.parametrize(
    ("scraper", "who"), [(EMBEDDED, Pod("gatebench-system", PROMETHEUS)), (MONITORING, Pod("monitoring", {}))]
)
def test_prometheus_reaches_what_it_scrapes(run: Run, scraper: Mapping[str, Any], who: Pod) -> None:
    assert reached(run, settings(scraper), who) == {MASTER, MOCK, GATEWAY}
    assert reached(run, settings(), who) == set()
    without = dataclasses.replace(run, spec=run.spec.model_copy(update={"gateway": _without_metrics(run)}))
    assert reached(without, settings(scraper), who) == {MASTER, MOCK}


def _without_metrics(run: Run) -> Any:
    return run.spec.gateway.model_copy(update={"metrics_path": None})


@pytest.mark.parametrize(
    "who",
    [
        Pod("gatebench-system", {"app": "anything"}),
        Pod("elsewhere", OPERATOR),
        Pod("team", OPERATOR),
        Pod("team", PROMETHEUS),
        Pod("team", {}),
    ],
)
def test_nobody_else_is_let_in(run: Run, who: Pod) -> None:
    assert reached(run, settings(EMBEDDED, MONITORING, BLOCK), who) == set()


def test_the_runs_own_pods_reach_what_they_need(run: Run) -> None:
    given = settings(EMBEDDED)
    assert reached(run, given, child(run, "worker")) == {LOCUST, GATEWAY, MOCK}
    assert reached(run, given, child(run, "master")) == {GATEWAY}
    assert reached(run, given, child(run, "gateway")) == {MOCK}
    assert reached(run, given, child(run, "upstream")) == set()


def test_a_range_of_addresses_stays_one(run: Run) -> None:
    master, *_ = policies.all_of(run, settings(BLOCK), "gatebench-system")
    assert BLOCK in master["spec"]["ingress"][1]["from"]


def test_without_a_chart_the_operator_is_known_by_its_labels(run: Run) -> None:
    given = Settings.model_validate({"images": {"locust": "l", "engine": "e", "mock": "m", "probe": "p"}})
    assert reached(run, given.network_policy, Pod("gatebench-system", OPERATOR)) == {MASTER, PROBE, MOCK}
    assert reached(run, given.network_policy, Pod("gatebench-system", PROMETHEUS)) == set()


def test_a_misspelt_peer_is_refused() -> None:
    with pytest.raises(ValueError, match="namespace"):
        settings({"namespace": "monitoring"})
