"""The operator's rights, after all that the other tests made it do: nothing was denied, nothing granted stayed unused.

The API server's audit log has every request of the operator's account since the cluster came up, so this test
means something only after the others; it is the last by its name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cluster import lab as labs
from cluster.lab import Lab

ACCOUNT = "system:serviceaccount:gatebench-system:gatebench"
# Asked for by name in the rules, and needed only where something went wrong that cannot be provoked at will.
RARE: set[tuple[str, str]] = set()


def requests() -> Iterator[dict[str, Any]]:
    """The operator's requests."""
    with (labs.CLUSTER / "audit.log").open() as lines:
        for line in lines:
            entry = json.loads(line)
            if entry.get("user", {}).get("username") == ACCOUNT and "objectRef" in entry:
                yield entry


def resource(reference: dict[str, Any]) -> str:
    """pods, pods/log, benchmarkruns/status, …"""
    name = str(reference.get("resource", ""))
    return f"{name}/{reference['subresource']}" if reference.get("subresource") else name


def granted() -> set[tuple[str, str]]:
    """(verb, resource) that the operator's roles give."""
    system = Lab(labs.OPERATOR_NAMESPACE)
    found: set[tuple[str, str]] = set()
    for kind in ("clusterrolebindings", "rolebindings"):
        bindings = json.loads(system.kubectl("get", kind, "-o", "json"))["items"]
        for binding in bindings:
            subjects = binding.get("subjects") or ()
            if not any(f"{s.get('namespace')}:{s.get('name')}" == "gatebench-system:gatebench" for s in subjects):
                continue
            role = json.loads(
                system.kubectl("get", binding["roleRef"]["kind"], binding["roleRef"]["name"], "-o", "json")
            )
            for rule in role["rules"]:
                found |= {(verb, name) for verb in rule["verbs"] for name in rule.get("resources", ())}
    return found


@pytest.mark.measures
def test_nothing_was_denied() -> None:
    denied = {
        (entry["verb"], resource(entry["objectRef"]), entry["responseStatus"].get("message", ""))
        for entry in requests()
        if entry.get("annotations", {}).get("authorization.k8s.io/decision") == "forbid"
    }
    assert denied == set()


@pytest.mark.measures
def test_nothing_granted_stayed_unused() -> None:
    used = {(entry["verb"], resource(entry["objectRef"])) for entry in requests()}
    assert used, "the audit log has no request of the operator"
    assert granted() - used - RARE == set()


@pytest.mark.measures
def test_the_operator_may_read_no_secret_and_no_kubelet() -> None:
    names = granted()
    assert not any(verb in ("get", "list", "watch", "*") and name == "secrets" for verb, name in names)
    assert not any("proxy" in name for _, name in names)
    assert not any("*" in (verb, name) for verb, name in names)
