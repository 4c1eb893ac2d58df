"""What ends a load: the first cause is named, not what followed from it."""

from __future__ import annotations

import dataclasses

import pytest

from gatebench.api.reasons import ConditionType, Reason
from gatebench.decide.draft import condition_of
from gatebench.decide.snapshot import Snapshot
from gatebench.decide.step import decide
from gatebench.plan import fleet
from gatebench.plan.run import Run
from unit.decide.test_total import WORLD, demo, ready_world


def under_load() -> tuple[Run, Snapshot]:
    """A run whose load has begun."""
    run = demo()
    snap = ready_world(run)
    run = run.with_status(decide(run, snap, WORLD).status)
    assert snap.fleet is not None
    state = dataclasses.replace(snap.fleet, attempt=run.attempt, step="Stage")
    return run, dataclasses.replace(snap, fleet=state)


def with_ended_worker(snap: Snapshot, code: int) -> Snapshot:
    """The same, where a worker has ended with an exit code."""
    worker = next(pod for pod in snap.pods if pod.component == fleet.WORKER)
    ended = dataclasses.replace(worker.containers[0], exit_code=code, running_since=None)
    changed = dataclasses.replace(worker, phase="Failed", ready=False, containers=(ended,))
    return dataclasses.replace(snap, pods=tuple(changed if pod is worker else pod for pod in snap.pods))


@pytest.mark.parametrize(
    ("code", "reason"), [(fleet.LOST_MASTER, Reason.MASTER_LOST), (137, Reason.WORKER_LOST), (1, Reason.WORKER_LOST)]
)
def test_a_worker_that_lost_its_master_is_not_the_cause(code: int, reason: Reason) -> None:
    run, snap = under_load()
    valid = condition_of(decide(run, with_ended_worker(snap, code), WORLD).status, ConditionType.VALID)
    assert valid is not None
    assert (valid.status, valid.reason) == ("False", reason)
