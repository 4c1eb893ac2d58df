"""All children of a run, in the order in which they are made."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from gatebench.plan import fleet, gateway, names, pods, policies, upstream
from gatebench.plan.run import Run
from gatebench.settings import Settings


def token(uid: str, key: bytes) -> str:
    """The token of a fleet: an HMAC of its owner's UID, so that the operator never needs to read a Secret."""
    return hmac.new(key, uid.encode(), hashlib.sha256).hexdigest()


def token_secret(run: Run, key: bytes) -> dict[str, Any]:
    """The Secret from which the run's pods take their token."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": pods.metadata(run, run.fleet.token, names.TOKEN),
        "stringData": {"token": token(run.fleet_owner.uid, key)},
    }


def desired(
    run: Run, settings: Settings, *, node: str | None, operator_namespace: str, key: bytes
) -> list[dict[str, Any]]:
    """What the run needs before its load can start: what others refer to comes first."""
    out = [
        token_secret(run, key),
        fleet.plan_config_map(run),
        *policies.all_of(run, settings.network_policy, operator_namespace),
    ]
    if run.spec.gateway.image is not None:
        out += [gateway.service(run), gateway.pod(run, settings, node)]
    if (mock := upstream.pod(run, settings)) is not None:
        out += [gateway.headless(run, run.names.upstream, "upstream", upstream.PORT), mock]
    out += [fleet.service(run), fleet.master(run, settings)]
    out += [fleet.worker(run, settings, index) for index in range(run.spec.load.workers)]
    return out
