"""What a reader should know although it does not make the run invalid: each a sentence with its figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gatebench_analysis import quantities, upstream
from gatebench_analysis.document import Figure, Probe
from gatebench_analysis.evidence import Facts
from gatebench_analysis.generator import MAX_WORKER_CPU
from gatebench_analysis.load import Load
from gatebench_analysis.loadfigures import Ceiling
from gatebench_analysis.measured import seconds_of
from gatebench_analysis.upstream import Upstream

MOST = 16
_LONGEST = 512
_STEAL = 0.01
_GAP_SECONDS = 10.0


def remarks(
    load: Load,
    probe: Probe | None,
    gateway: Mapping[str, Figure],
    ceiling: Ceiling,
    facts: Facts,
    mock: Upstream | None = None,
) -> list[str]:
    """At most 16, of at most 512 characters."""
    found = [
        *_isolation(probe, facts),
        *_throttled(gateway, facts),
        *_load(load),
        *_upstream(mock, facts),
        *_ceiling(ceiling),
    ]
    return [text if len(text) <= _LONGEST else text[: _LONGEST - 2] + " …" for text in found[:MOST]]


def _isolation(probe: Probe | None, facts: Facts) -> Iterator[str]:
    if facts.isolation == "Preferred" and not facts.isolated:
        why = f": {probe.proof}" if probe is not None and not probe.proven and probe.proof else ""
        yield f"the gateway had no cores of its own{why}"
    if probe is None:
        return
    if probe.shared_siblings and facts.isolated:
        siblings = ", ".join(map(str, probe.shared_siblings[:8]))
        yield f"CPU {siblings} share cores with the gateway's CPUs as hyper-threads, and others may use them"
    window = probe.window
    if window.steal_ratio is not None and window.steal_ratio > _STEAL:
        yield f"the hypervisor took {quantities.ratio(window.steal_ratio)} of the gateway's cores"
    gap = window.longest_gap_seconds
    if gap is not None and gap > _GAP_SECONDS:
        yield f"the probe's samples have a gap of {gap:.0f} s: short peaks of CPU and memory may not show"


def _throttled(gateway: Mapping[str, Figure], facts: Facts) -> Iterator[str]:
    figure = gateway.get("gateway.throttledRatio")
    if facts.isolation == "None" and figure is not None and figure.value:
        yield f"the gateway's CPU limit held it back in {quantities.ratio(figure.value)} of the quota's periods"


def _load(load: Load) -> Iterator[str]:
    for phase in load.phases:
        if phase.kind == "Stage" and seconds_of(phase) is None:
            yield f"stage {phase.name} is not measured: it ended before its users were all there"
    peaks = [w.cpu_ratio_max for w in load.workers if w.cpu_ratio_max is not None]
    mean = max((w.cpu_ratio_mean for w in load.workers if w.cpu_ratio_mean is not None), default=0.0)
    if peaks and max(peaks) > MAX_WORKER_CPU >= mean:
        yield f"a worker used {quantities.ratio(max(peaks))} of its CPU at times: more workers would be safer"
    if any(row.name == "(other)" for row in load.requests):
        yield "there are more request names than are kept apart: the others are together in (other)"
    if load.integrity is None:
        return
    if load.integrity.garbage_messages:
        yield f"the master was sent {load.integrity.garbage_messages} messages that are none, and ignored them"
    for join in load.integrity.foreign_joins[:4]:
        yield f"{join.id[:80] or '?'} tried to join the fleet and is not of this run; it was ignored"


def _upstream(mock: Upstream | None, facts: Facts) -> Iterator[str]:
    why = upstream.missing(mock) if facts.mocked else None
    if why is not None:
        yield f"whether the mock itself was late is not known: {why}"


def _ceiling(ceiling: Ceiling) -> Iterator[str]:
    if ceiling.think_time_bound and ceiling.requests_per_second is not None:
        most = quantities.text(ceiling.requests_per_second, "1/s")
        yield (
            f"ThinkTimeBound: think time sets the throughput, not the gateway: these users can ask for at most {most};"
            " more users or a shorter think time would ask for more"
        )
