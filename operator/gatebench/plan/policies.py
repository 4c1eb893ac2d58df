"""Network policies: who may talk to a run's pods. Locust's own port has no authentication, so this is its fence.

The master serves /v1 and /metrics on one port, and a policy knows no paths: who may scrape reaches both, and /v1 asks
for the run's token.
"""

from __future__ import annotations

from typing import Any

from gatebench.plan import fleet, gateway, names, pods, upstream
from gatebench.plan.run import Run
from gatebench.settings import NetworkPolicy, Peer


def all_of(run: Run, settings: NetworkPolicy, operator_namespace: str) -> list[dict[str, Any]]:
    """The run's policies."""
    operator = _of_namespace(Peer(pod_selector={"matchLabels": settings.operator_labels}), operator_namespace)
    scrapers = [_of_namespace(peer, operator_namespace) for peer in settings.metrics_from]
    master, workers = _component(run, fleet.MASTER), _component(run, fleet.WORKER)
    out = [
        _policy(
            run,
            run.fleet.master,
            fleet.MASTER,
            [_allow([workers], fleet.LOCUST_PORT), _allow([operator, *scrapers], fleet.API_PORT)],
        ),
        _policy(run, run.fleet.workers, fleet.WORKER, []),
    ]
    if run.spec.gateway.image is not None:
        given = run.spec.gateway
        fleet_and_more = [workers, master, *(scrapers if given.metrics_path else ())]
        out.append(
            _policy(
                run,
                run.names.gateway,
                "gateway",
                [_allow(fleet_and_more, given.port), _allow([operator], gateway.PROBE_PORT)],
            )
        )
    if run.spec.upstream is not None and run.spec.upstream.mock is not None:
        own = _component(run, "gateway")
        # The operator asks the mock what it did.
        peers = [own, workers, operator, *scrapers]
        out.append(_policy(run, run.names.upstream, "upstream", [_allow(peers, upstream.PORT)]))
    return out


def _of_namespace(peer: Peer, namespace: str) -> dict[str, Any]:
    """The peer; a podSelector alone would be of the run's namespace, and is of this one."""
    given = peer.model_dump(by_alias=True, exclude_none=True)
    if peer.namespace_selector is not None or peer.ip_block is not None:
        return given
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}, **given}


def _component(run: Run, component: str) -> dict[str, Any]:
    return {"podSelector": {"matchLabels": names.selector(run.owner_of(component), component)}}


def _allow(peers: list[dict[str, Any]], port: int) -> dict[str, Any]:
    return {"from": peers, "ports": [{"port": port, "protocol": "TCP"}]}


def _policy(run: Run, name: str, component: str, ingress: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": pods.metadata(run, name, component),
        "spec": {**_component(run, component), "policyTypes": ["Ingress"], "ingress": ingress},
    }
