"""From the load document, the probe and Prometheus to the result; from the result to the verdict.

The result document is written first and is what the status is made from: an operator that was killed in between
finds it and comes to the same words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatebench.api import quantities
from gatebench.api.load import MAX_IN_FLIGHT
from gatebench.api.reasons import ConditionType, Reason
from gatebench.api.status import ConditionStatus, ObjectiveResult
from gatebench.api.summary import Summary
from gatebench.decide import baseline, objectives, restart
from gatebench.decide.actions import StoreReport, StoreResult
from gatebench.decide.describe import environment_of
from gatebench.decide.draft import Draft, Outcome, Stop, Wait, unix
from gatebench.decide.snapshot import Container, Pod, Snapshot
from gatebench.decide.world import World
from gatebench.plan import gateway
from gatebench.plan.run import Run
from gatebench_analysis import assemble, evidence
from gatebench_analysis.document import Result, RunInfo

_MISSING, _WARNINGS = 64, 16
_STORE_SECONDS = 120.0


def collect(run: Run, snap: Snapshot, world: World, draft: Draft) -> Outcome:
    """The result document is stored. Waits for Prometheus up to its deadline."""
    if snap.result is not None:
        return None
    if snap.load is None:
        return Wait("Collecting")
    ended = float(snap.load.get("endedAt") or snap.now)
    if (stuck := _cannot_store(run, snap, world, draft, ended)) is not None:
        return stuck
    waiting = snap.now - ended < world.settings.deadlines.metrics
    asked = snap.metrics is not None and snap.metrics.unavailable is None
    if world.settings.prometheus.url and waiting and not asked:
        if snap.metrics is not None and draft.status_of(ConditionType.VALID) == "Unknown":
            message = f"Prometheus does not answer: {snap.metrics.unavailable}"
            draft.condition(ConditionType.VALID, "Unknown", Reason.METRICS_UNAVAILABLE, message)
        return Wait("Collecting")
    draft.act(StoreResult(_assemble(run, snap, world, draft)), StoreReport())
    return Wait("Judging")


def _cannot_store(run: Run, snap: Snapshot, world: World, draft: Draft, ended: float) -> Outcome:
    """A result whose name is taken, or that the API server does not take for minutes, ends the run without one."""
    taken = snap.child("ConfigMap", run.names.result)
    if taken is not None and not taken.ours:
        message = f"ConfigMap {taken.name} exists and is not this run's; it was left alone"
        draft.condition(ConditionType.VALID, "Unknown", Reason.NOT_MEASURED, message)
        return Stop(Reason.FAILED, Reason.NAME_CONFLICT, message)
    if snap.denials and snap.now - ended >= world.settings.deadlines.metrics + _STORE_SECONDS:
        message = f"the result could not be stored: {snap.denials[0].message}"
        draft.condition(ConditionType.VALID, "Unknown", Reason.NOT_MEASURED, message)
        return Stop(Reason.FAILED, Reason.FORBIDDEN, message)
    return None


def _assemble(run: Run, snap: Snapshot, world: World, draft: Draft) -> Result:
    pod = snap.pod_of("gateway")
    container = pod.container(gateway.CONTAINER) if pod is not None else None
    disturbed = None
    if draft.status_of(ConditionType.VALID) == "False":
        disturbed = (draft.reason_of(ConditionType.VALID) or "", draft.message_of(ConditionType.VALID))
    return assemble.assemble(
        assemble.Inputs(
            run=RunInfo(name=run.name, namespace=run.namespace, uid=run.uid, spec_hash=run.spec_hash, spec=_spec(run)),
            load=dict(snap.load or {}),
            probe=None if snap.probe is None else dict(snap.probe),
            reports=_reports(run, snap, pod, container),
            upstream=snap.upstream,
            resources=None if snap.metrics is None else snap.metrics.resources,
            metrics_unavailable=_unavailable(snap, world),
            environment=environment_of(run, snap, world).model_dump(by_alias=True, exclude_none=True),
            objectives=objectives.parse(run),
            baseline=baseline.reference(run, snap),
            facts=evidence.Facts(
                isolation=run.spec.gateway.isolation if run.isolated else "None",
                isolated=draft.status_of(ConditionType.ISOLATED) == "True",
                cpus=run.spec.gateway.cpus,
                gateway_container_id=container.container_id if container else None,
                gateway_restarts=_restarts(container, restart.since(run, snap, unix(draft.get("started_at")) or 0.0)),
                max_foreign_time=quantities.bound_value(run.spec.gateway.max_foreign_time, "ratio"),
                expected_workers=run.spec.load.workers,
                leak_window_seconds=world.settings.leak.minimum_window,
                memory_limit_bytes=quantities.quantity_value(run.spec.gateway.memory),
                max_in_flight=(run.spec.load.max_in_flight or MAX_IN_FLIGHT) if run.spec.load.is_open else None,
                mocked=run.spec.upstream is not None and run.spec.upstream.mock is not None,
                disturbed=disturbed,
            ),
        )
    )


def _spec(run: Run) -> dict[str, Any]:
    """The spec; whether the gateway was restarted is on record there also where that was the default."""
    spec = dict(run.raw_spec)
    if run.restarts_gateway:
        spec["repeats"] = {**spec["repeats"], "restartGateway": True}
    return spec


def _reports(
    run: Run, snap: Snapshot, pod: Pod | None, container: Container | None
) -> dict[int, tuple[Mapping[str, Any] | None, str | None]]:
    """The probe's report and the gateway's container by repeat, where each repeat has a gateway of its own."""
    if not run.restarts_gateway:
        return {}
    live = {} if pod is None else {pod.repeat: (snap.probe, container.container_id if container else None)}
    return live | {kept.repeat: (kept.report, kept.container_id) for kept in snap.reports}


def _restarts(container: Container | None, begun: float) -> int | None:
    """Restarts since the load, or the repeat, began; those before it are over and done."""
    if container is None or container.running_since is None:
        return None
    return container.restarts if container.running_since > begun else 0


def _unavailable(snap: Snapshot, world: World) -> str | None:
    """Why there are no figures of Prometheus; None where there are."""
    if not world.settings.prometheus.url:
        return "the operator has no Prometheus (prometheus.url of its settings)"
    if snap.metrics is None:
        return "Prometheus was not asked in time"
    return snap.metrics.unavailable


def judge(run: Run, snap: Snapshot, world: World, draft: Draft) -> Outcome:
    """The verdict, from the stored result."""
    result = snap.result
    if result is None:
        return Wait("Judging")
    early = _ended_early(run, result, draft)
    _valid(result, early, draft)
    _passed(result, early, draft)
    _figures(run, result, draft)
    if early is not None:
        return early
    return _verdict(draft)


def _ended_early(run: Run, result: Result, draft: Draft) -> Stop | None:
    """A load that was stopped by the user or the deadline; what spoiled a run before counts as that."""
    if result.load_outcome() != "Stopped" or draft.status_of(ConditionType.VALID) == "False":
        return None
    if run.spec.cancel:
        return Stop(Reason.CANCELLED, Reason.CANCELLED, "cancelled under load; what was measured is in the result")
    message = "the deadline passed under load; what was measured until then is in the result"
    return Stop(Reason.DEADLINE_EXCEEDED, Reason.DEADLINE_EXCEEDED, message)


def _valid(result: Result, early: Stop | None, draft: Draft) -> None:
    """The first cause stands: a condition that is False already is not changed."""
    if draft.status_of(ConditionType.VALID) == "False":
        return
    if early is not None:
        draft.condition(ConditionType.VALID, "Unknown", Reason.NOT_MEASURED, early.message)
    elif result.validity:
        first = result.validity[0]
        draft.condition(ConditionType.VALID, first.status, Reason(first.reason), first.message)
    else:
        draft.condition(ConditionType.VALID, "True", Reason.MEASURED, "The measurement can be trusted.")


def _passed(result: Result, early: Stop | None, draft: Draft) -> None:
    if early is not None:
        draft.condition(ConditionType.PASSED, "Unknown", Reason.NOT_MEASURED, early.message)
        return
    if draft.status_of(ConditionType.VALID) == "False":
        message = "The measurement is not valid, so nothing is judged; what was seen is in the result."
        draft.condition(ConditionType.PASSED, "Unknown", Reason.NOT_MEASURED, message)
        return
    status: ConditionStatus = result.verdict.status
    draft.condition(ConditionType.PASSED, status, Reason(result.verdict.reason), result.verdict.message)


def _figures(run: Run, result: Result, draft: Draft) -> None:
    """The figures of the status; none where they would look right and are not."""
    holds = draft.status_of(ConditionType.VALID) == "True" or (
        draft.status_of(ConditionType.VALID) == "Unknown"
        and draft.reason_of(ConditionType.VALID) != Reason.NOT_MEASURED
    )
    draft.set(
        summary=Summary.model_validate(result.summary) if holds and result.summary is not None else None,
        objectives=[
            ObjectiveResult(
                metric=outcome.metric,
                stage=outcome.stage,
                outcome=outcome.outcome,
                observed=outcome.observed,
                value=outcome.value,
                unit=outcome.unit,
                bound=outcome.bound,
                message=outcome.message or None,
            )
            for outcome in (result.objectives if holds else ())
        ]
        or None,
        baseline=baseline.result_of(result) if holds else None,
        missing=result.missing[:_MISSING] or None,
        warnings=[*(run.status.warnings or []), *(w for w in result.warnings if w not in (run.status.warnings or []))][
            :_WARNINGS
        ]
        or None,
    )


def _verdict(draft: Draft) -> Stop:
    """Succeeded is Valid and Passed; its reason is that of the one that is not."""
    for kind in (ConditionType.VALID, ConditionType.PASSED):
        if draft.status_of(kind) != "True":
            reason = Reason(draft.reason_of(kind) or Reason.NOT_SUCCEEDED)
            complete = Reason.FINISHED if kind == ConditionType.PASSED else _complete(reason)
            return Stop(complete, reason, draft.message_of(kind))
    return Stop(Reason.FINISHED, Reason.SUCCEEDED, "The measurement is valid and the objectives are met.")


def _complete(reason: Reason) -> Reason:
    """A run that was disturbed has failed; one that was measured and found wanting has finished."""
    failed = (
        Reason.WORKER_LOST,
        Reason.RUN_DISTURBED,
        Reason.GATEWAY_FAILED,
        Reason.GATEWAY_RESTARTED,
        Reason.NODE_LOST,
        Reason.MASTER_LOST,
    )
    return Reason.FAILED if reason in failed else Reason.FINISHED
