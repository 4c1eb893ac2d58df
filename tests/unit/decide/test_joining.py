"""Whose workers count as the fleet's: those of the pods that are there now."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from gatebench.api.reasons import ConditionType
from gatebench.decide.draft import condition_of
from gatebench.decide.snapshot import Pod, Snapshot
from gatebench.decide.step import decide
from gatebench.plan import fleet
from unit.decide.test_total import WORLD, demo, ready_world


def with_workers(snap: Snapshot, told: list[int | str], **first: Any) -> Snapshot:
    """Workers with UIDs of their own, the first of them changed; `told` is whose the master has, by number or UID."""
    numbers = iter(range(len(snap.pods)))

    def named(pod: Pod) -> Pod:
        if pod.component != fleet.WORKER:
            return pod
        number = next(numbers)
        return dataclasses.replace(pod, uid=f"uid-{number}", **(first if number == 0 else {}))

    pods = tuple(named(pod) for pod in snap.pods)
    assert snap.fleet is not None
    uids = tuple(f"uid-{one}" if isinstance(one, int) else one for one in told)
    return dataclasses.replace(
        snap, pods=pods, fleet=dataclasses.replace(snap.fleet, pods=uids, seen=max(len(uids), snap.fleet.seen))
    )


@pytest.mark.fault(29)
@pytest.mark.parametrize(
    ("told", "first", "joined"),
    [
        ([0, 1], {}, True),
        ([], {}, True),  # of an image that does not say whose it is
        (["deleted", 1], {}, False),
        (["deleted", 0, 1], {}, True),  # the master itself refuses to start with one too many
        ([0, 1], {"deleting": True}, False),
        ([0, 1], {"phase": "Failed"}, False),
    ],
)
def test_a_worker_of_a_pod_that_is_gone_has_not_joined(
    told: list[int | str], first: dict[str, Any], joined: bool
) -> None:
    run = demo()
    assert run.spec.load.workers == 2
    status = decide(run, with_workers(ready_world(run), told, **first), WORLD).status
    ready = condition_of(status, ConditionType.FLEET_READY)
    assert (ready is not None and ready.status == "True") is joined
    assert (status.progress is not None and status.progress.attempt is not None) is joined
