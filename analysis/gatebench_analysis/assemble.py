"""From what the fleet, the probe, Prometheus and the operator know to one result document."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gatebench_analysis import (
    abort,
    against,
    ceiling,
    cores,
    endurance,
    frontier,
    isolation,
    measured,
    metrics,
    objectives,
    overhead,
    remarks,
    repeats,
    resources,
    spikefigures,
    summary,
    validity,
)
from gatebench_analysis.document import Figure, ObjectiveOutcome, Probe, Repeat, Result, RunInfo, figure
from gatebench_analysis.evidence import Evidence, Facts
from gatebench_analysis.load import Load
from gatebench_analysis.loadfigures import Counts, Totals
from gatebench_analysis.measured import Account
from gatebench_analysis.objectives import Objective
from gatebench_analysis.observation import Measured
from gatebench_analysis.resources import Resources
from gatebench_analysis.upstream import Upstream

__all__ = ["Inputs", "RunInfo", "assemble"]

_PRESSURE = "gateway.pressure.cpu"
_PARTS = {"WarmUp": "warm_up", "Ramp": "ramps", "Search": "search", "Pause": "pauses", "Drain": "drain"}
_PARTS |= {"Direct": "direct", "Ceiling": "burst"}
# Metrics that only some loads have, and that no request name has.
_OF_THE_LOAD: dict[str, Callable[[Load], bool]] = {
    "dropped": lambda load: load.is_open,
    "capacity.requestsPerSecond": lambda load: load.capacity is not None,
}


@dataclasses.dataclass(frozen=True)
class Inputs:
    """All that a result is made from. Documents are as they were received."""

    run: RunInfo
    load: Mapping[str, Any]
    """The load document of the master."""
    probe: Mapping[str, Any] | None = None
    """The probe's report about the load."""
    reports: Mapping[int, tuple[Mapping[str, Any] | None, str | None]] = dataclasses.field(default_factory=dict)
    """Where each repeat had a gateway of its own: by repeat the probe's report, and the gateway's container."""
    upstream: Mapping[str, Any] | None = None
    """The mock's account."""
    resources: Resources | None = None
    """What Prometheus told."""
    metrics_unavailable: str | None = None
    """Why Prometheus told nothing."""
    environment: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    objectives: Sequence[Objective] = ()
    baseline: against.Reference | None = None
    """What the run is compared with."""
    facts: Facts = dataclasses.field(default_factory=Facts)


def assemble(inputs: Inputs) -> Result:
    """The result, judged. Never raises: what cannot be read is missing, and says so."""
    load = Load.model_validate(dict(inputs.load))
    account, parts = Account(load), repeats.parts(load)
    window = measured.span(load)
    whole = None if load.started_at is None or load.ended_at is None else (load.started_at, load.ended_at)
    facts = inputs.facts
    observed = window or measured.search_span(load)
    probe = isolation.evidence(inputs.probe, facts.gateway_container_id, facts.cpus, whole or observed, observed)
    own = [_probe(part, inputs) for part in parts if part.measured] if inputs.reports else []
    probe = cores.together(own) if own else probe
    gateway = resources.figures(
        inputs.resources,
        inputs.metrics_unavailable,
        probe,
        facts,
        inputs.run.spec,
        inputs.environment,
        window,
    )
    each = [_repeat(part, inputs) for part in parts if part.measured] if len(parts) > 1 else []
    gateway |= _over_repeats([one.gateway for one in each if one.whole])
    mock = None if inputs.upstream is None else Upstream.model_validate(dict(inputs.upstream))
    most = ceiling.ceiling(load, account.window(), inputs.run.spec)
    curves = {} if inputs.resources is None else inputs.resources.series
    course = endurance.course(load, probe, curves, resources.ours(inputs.run.spec), facts)
    surges = {name: figure(spikefigures.observe(load, name), unit) for name, unit in spikefigures.UNITS.items()}
    counting = repeats.counting(parts)
    figures = _metrics(account, counting)
    added = overhead.overhead(load, account, counting, figures, inputs.run.spec)
    result = Result(
        run=inputs.run,
        started_at=load.started_at,
        finished_at=load.ended_at,
        environment=dict(inputs.environment),
        load=load,
        probe=probe,
        upstream=mock,
        window_seconds=account.window().seconds,
        counts=_counts(load),
        metrics=figures | added.figures,
        overhead=added.leg,
        repeats=each,
        gateway=gateway,
        course={**course.figures, **surges},
        leak=course.leak,
        series=resources.curves(inputs.resources),
        stages=[
            stage.model_copy(update={"repeat": part.index})
            for part in parts
            for stage in frontier.stages(part.load, part.account)
        ],
        offered_rate=frontier.offered(load),
        capacity=None if load.capacity is None else load.capacity.model_copy(update={"steps": []}),
        frontier=frontier.points(load, account, isolation.cpu_of(inputs.probe, facts.gateway_container_id)),
        ceiling=most,
        warnings=[
            *remarks.remarks(load, probe, gateway, most, facts, mock),
            *abort.remarks(load),
            *_other_cpus(own),
        ],
    )
    outcomes = abort.outcomes(load, objectives.evaluate_result(inputs.objectives, result))
    findings = validity.findings(
        Evidence(load, account, probe, gateway, tuple(outcomes), facts, inputs.metrics_unavailable, mock, added.leg)
    )
    judged = result.model_copy(
        update={
            "objectives": outcomes,
            "verdict": abort.verdict(load, endurance.judged(objectives.judge(outcomes), course.leak, outcomes)),
            "validity": abort.findings(load, findings),
            "missing": _missing(result, outcomes),
        }
    )
    compared = against.compared(inputs.baseline, judged)
    return judged.model_copy(
        update={
            "baseline": compared,
            "verdict": against.judged(judged.verdict, compared),
            "warnings": [*judged.warnings, *against.remarks(compared)],
            "summary": summary.summary(judged),
        }
    )


def _counts(load: Load) -> Counts:
    """Where each request belongs; the parts add up to all."""
    kinds = {phase.index: phase for phase in load.phases if phase.index is not None}
    requests = dict.fromkeys(Counts.model_fields, 0)
    failures = dict.fromkeys(Counts.model_fields, 0)
    for row in load.requests:
        phase = kinds.get(row.phase) if row.phase is not None else None
        kind = phase.kind if phase is not None else None
        if phase is None or kind is None:
            part = "other"
        elif phase.spike:
            part = "spikes"
        elif kind == "Stage":
            part = "measured" if row.settled and measured.seconds_of(phase) is not None else "settling"
        else:
            part = _PARTS[kind]
        for name in (part, "all"):
            requests[name] += row.count or 0
            failures[name] += (row.count or 0) if row.outcome == "failure" else 0
    return Counts(**{name: Totals(requests=requests[name], failures=failures[name]) for name in requests})


def _repeat(part: repeats.Part, inputs: Inputs) -> Repeat:
    """One measurement of several; of the gateway what the probe saw of it."""
    window = repeats.span(part)
    return Repeat(
        index=part.index,
        whole=part.whole,
        started_at=None if window is None else window[0],
        ended_at=None if window is None else window[1],
        window_seconds=part.account.window().seconds,
        metrics=_metrics(part.account, [part]),
        gateway=resources.of_probe(_probe(part, inputs)),
    )


def _probe(part: repeats.Part, inputs: Inputs) -> Probe | None:
    """What the probe saw of a repeat."""
    report, container = inputs.probe, inputs.facts.gateway_container_id
    if inputs.reports:
        report, container = inputs.reports.get(part.index, (None, None))
    window = repeats.span(part)
    return isolation.evidence(report, container, inputs.facts.cpus, window, window)


def _other_cpus(each: Sequence[Probe | None]) -> list[str]:
    """A gateway that was restarted may get other CPUs: of equal kind, but not the same."""
    sets = list(dict.fromkeys(one.cpuset for one in each if one is not None and one.cpuset is not None))
    return [f"the gateway's CPUs were not the same in all repeats: {', then '.join(sets[:8])}"] if sets[1:] else []


def _over_repeats(each: Sequence[Mapping[str, Figure]]) -> dict[str, Figure]:
    """The gateway's figures over whole repeats, where the probe saw each of them: pauses are no part of these."""
    known = [name for name in each[0] if all(name in one for one in each)] if len(each) > 1 else []
    found = {name: [(index, one[name].observation()) for index, one in enumerate(each)] for name in known}
    return {name: figure(repeats.combine(name, seen), each[0][name].unit) for name, seen in found.items()}


def _metrics(account: Account, parts: Sequence[repeats.Part]) -> dict[str, Figure]:
    """All metrics of the fleet over the measured stages; those of streams only where something streams.

    They are put together from the repeats; where none was measured, the account says why.
    """
    out: dict[str, Figure] = {}
    streams = account.streams()
    for request in (None, *account.names()):
        for metric in metrics.CATALOGUE:
            if metric.origin is not metrics.Origin.FLEET or metric.name.startswith(("requests.", "overhead.")):
                continue
            if not streams and metric.name.startswith(("ttft.", "interToken.", "tokensPerSecond")):
                continue
            if metric.name in _OF_THE_LOAD and (request is not None or not _OF_THE_LOAD[metric.name](account.load)):
                continue
            each = [(part.index, part.account.observe(metric.name, request=request)) for part in parts]
            seen = repeats.combine(metric.name, each) if each else account.observe(metric.name, request=request)
            if request is not None and not isinstance(seen, Measured) and not metric.name.startswith("latency."):
                continue  # a name that does not stream has no ttft, which is no loss
            name = metric.name if request is None else f"requests.{request}.{metric.name}"
            out[name] = figure(seen, metric.unit)
    return out


def _missing(result: Result, outcomes: Sequence[ObjectiveOutcome]) -> list[str]:
    """Metrics that should be known and are not: of the whole run, and those that objectives name."""
    wanted = [name for name in result.metrics if not name.startswith("requests.") and not name.endswith(".upper")]
    wanted += [name for name in result.gateway if name != _PRESSURE]
    found = [name for name in wanted if isinstance(metrics.observe(result, name), metrics.Missing)]
    for one in outcomes:
        if one.outcome == "Unknown" and one.value is None:
            found.append(one.metric if one.stage is None else f"{one.metric} (stage {one.stage})")
    return list(dict.fromkeys(found))
