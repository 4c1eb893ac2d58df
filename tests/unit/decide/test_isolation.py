"""When isolation is proven: not before the kubelet has moved the shared pool."""

from __future__ import annotations

import dataclasses

import pytest

from gatebench.api.reasons import ConditionType, Reason
from gatebench.decide.draft import condition_of
from gatebench.decide.step import decide
from unit.decide.test_total import NOW, WORLD, demo, ready_world


@pytest.mark.parametrize(
    ("period", "age", "proven"), [(10.0, 10.9, False), (10.0, 11.1, True), (2.0, 2.9, False), (2.0, 3.1, True)]
)
def test_a_proof_waits_for_the_kubelets_round(period: float, age: float, proven: bool) -> None:
    run = demo()
    snap = ready_world(run)
    gateway = snap.pod_of("gateway")
    assert gateway is not None
    started = tuple(dataclasses.replace(one, running_since=NOW - age) for one in gateway.containers)
    young = dataclasses.replace(gateway, containers=started)
    pods = tuple(young if pod is gateway else pod for pod in snap.pods)
    world = dataclasses.replace(
        WORLD, settings=WORLD.settings.model_copy(update={"cpu_manager_reconcile_period": period})
    )
    status = decide(run, dataclasses.replace(snap, now=NOW, pods=pods), world).status
    isolated = condition_of(status, ConditionType.ISOLATED)
    assert isolated is not None
    expected = ("True", Reason.EXCLUSIVE) if proven else ("Unknown", Reason.PROVING)
    assert (isolated.status, isolated.reason) == expected
    begun = status.progress is not None and status.progress.attempt is not None
    assert begun is proven, "no load before the proof"
