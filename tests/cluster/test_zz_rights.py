"""The operator's rights, after all that the other tests made it do: nothing was denied, nothing granted stayed unused.

The API server's audit log has every request of the operator's account since the cluster came up, so this test
means something only after the others, which its name sees to. After it come those alone that take the operator's
rights away, or the operator.
"""

from __future__ import annotations

import json

import pytest

from cluster import audit
from cluster import lab as labs
from cluster.lab import Lab

# Asked for by name in the rules, and needed only where something went wrong that cannot be provoked at will.
RARE: set[tuple[str, str]] = set()


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
    assert audit.denied(audit.requests()) == set()


@pytest.mark.measures
def test_nothing_granted_stayed_unused() -> None:
    used = {(entry["verb"], audit.resource(entry["objectRef"])) for entry in audit.requests()}
    assert used, "the audit log has no request of the operator"
    assert granted() - used - RARE == set()


@pytest.mark.measures
def test_the_operator_may_read_no_secret_and_no_kubelet() -> None:
    names = granted()
    assert not any(verb in ("get", "list", "watch", "*") and name == "secrets" for verb, name in names)
    assert not any("proxy" in name for _, name in names)
    assert not any("*" in (verb, name) for verb, name in names)
