"""From the load document, the probe and Prometheus to the result; from the result to the verdict.

The result document is written first and is what the status is made from: an operator that was killed in between
finds it and comes to the same words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatebench_analysis import assemble, validity
from gatebench_analysis.document import Result

from gatebench.api import quantities
from gatebench.api.reasons import ConditionType, Reason
from gatebench.api.status import Environment, ObjectiveResult, Summary
from gatebench.decide import objectives
from gatebench.decide.actions import StoreReport, StoreResult
from gatebench.decide.describe import environment_of
from gatebench.decide.draft import Draft, Outcome, Stop, Wait
from gatebench.decide.snapshot import Snapshot
from gatebench.decide.world import World
from gatebench.plan import fleet, gateway
from gatebench.plan.run import Run


def collect(run: Run, snap: Snapshot, world: World, draft: Draft) -> Outcome:
    """The result document is stored. Waits for Prometheus up to its deadline."""
    if snap.result is not None:
        return None
    assert snap.load is not None  # run_load saw to it
    ended = float(snap.load.get("endedAt") or snap.now)
    waiting = snap.now - ended < world.settings.deadlines.metrics
    if world.settings.prometheus.url and waiting and (snap.metrics is None or snap.metrics.unavailable):
        why = snap.metrics.unavailable if snap.metrics is not None else None
        if why:
            draft.condition(ConditionType.VALID, _kept(draft), Reason.METRICS_UNAVAILABLE, why)
        return Wait("Collecting")
    draft.act(StoreResult(_assemble(run, snap, world, draft)), StoreReport())
    return Wait("Judging")


def _kept(draft: Draft) -> Any:
    return "Unknown"


def _assemble(run: Run, snap: Snapshot, world: World, draft: Draft) -> Result:
    pod = snap.pod_of("gateway")
    container = pod.container(gateway.CONTAINER) if pod is not None else None
    disturbed = None
    if draft.status_of(ConditionType.VALID) == "False":
        disturbed = (draft.reason_of(ConditionType.VALID) or "", draft.message_of(ConditionType.VALID))
    return assemble.assemble(
        assemble.Inputs(
            run=assemble.RunInfo(
                name=run.name,
                namespace=run.namespace,
                uid=run.uid,
                spec_hash=run.spec_hash,
                spec=dict(run.raw_spec),
            ),
            load=dict(snap.load or {}),
            probe=None if snap.probe is None else dict(snap.probe),
            resources=None if snap.metrics is None else snap.metrics.resources,
            metrics_unavailable=_unavailable(snap, world),
            environment=environment_of(run, snap, world).model_dump(by_alias=True, exclude_none=True),
            objectives=objectives.parse(run),
            facts=validity.Facts(
                isolation=run.spec.gateway.isolation if run.isolated else "None",
                cpus=run.spec.gateway.cpus,
                gateway_container_id=container.container_id if container else None,
                gateway_restarts=None if container is None else container.restarts,
                max_foreign_time=quantities.bound_value(run.spec.gateway.max_foreign_time, "ratio"),
                expected_workers=run.spec.load.workers,
                disturbed=disturbed,
                isolated=draft.status_of(ConditionType.ISOLATED) == "True",
            ),
        )
    )


def _unavailable(snap: Snapshot, world: World) -> str | None:
    if not world.settings.prometheus.url:
        return "the operator has no Prometheus (prometheus.url of its settings)"
    if snap.metrics is None:
        return "Prometheus was not asked in time"
    return snap.metrics.unavailable


def judge(run: Run, snap: Snapshot, world: World, draft: Draft) -> Outcome:
    """The verdict, from the stored result."""
    result = snap.result
    assert result is not None  # collect saw to it
    valid, reason, message = validity.verdict(result)
    if draft.status_of(ConditionType.VALID) != "False":
        draft.condition(ConditionType.VALID, valid, Reason(reason), message)
    cancelled = run.spec.cancel and result.load_outcome() != "Finished"
    _judge_objectives(result, draft, bool(cancelled))
    _figures(run, result, draft)
    if cancelled:
        if draft.status_of(ConditionType.VALID) != "False":
            draft.condition(
                ConditionType.VALID, "Unknown", Reason.NOT_MEASURED, "The run was cancelled under load."
            )
            draft.set(summary=None)
        return Stop(Reason.CANCELLED, Reason.CANCELLED, "cancelled under load; what was measured is in the result")
    return _verdict(draft)
