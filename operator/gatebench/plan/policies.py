"""Network policies: who may talk to a run's pods. Locust's own port has no authentication, so this is its fence."""

from __future__ import annotations

from typing import Any

from gatebench.plan import fleet, gateway, names, pods, upstream
from gatebench.plan.run import Run


def all_of(run: Run, operator_namespace: str) -> list[dict[str, Any]]:
    """The run's policies."""
    operator = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": operator_namespace}}}
    master, workers = _component(run, fleet.MASTER), _component(run, fleet.WORKER)
    out = [
        _policy(
            run,
            run.fleet.master,
            fleet.MASTER,
            [_allow([workers], fleet.LOCUST_PORT), _allow([operator], fleet.API_PORT)],
        ),
        _policy(run, run.fleet.workers, fleet.WORKER, []),
    ]
    if run.spec.gateway.image is not None:
        port = run.spec.gateway.port
        out.append(
            _policy(
                run,
                run.names.gateway,
                "gateway",
                # The operator's namespace has the Prometheus that scrapes gateway.metricsPath.
                [_allow([workers, master, operator], port), _allow([operator], gateway.PROBE_PORT)],
            )
        )
    if run.spec.upstream is not None and run.spec.upstream.mock is not None:
        own = _component(run, "gateway")
        out.append(_policy(run, run.names.upstream, "upstream", [_allow([own, workers, operator], upstream.PORT)]))
    return out


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
