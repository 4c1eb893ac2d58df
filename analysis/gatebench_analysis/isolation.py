"""What a probe's report proves about the gateway's cores: that they are its own, stayed so, and were left alone.

The probe sits beside the gateway in the shared pool. Exclusive means: the gateway's processes may use exactly as
many CPUs as they were promised, none of which the probe may use too, and that did not change. Size alone proves
nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic import Field

from gatebench_analysis import cores, document
from gatebench_analysis.models import Count, Document, Objects, Rows

# The kubelet moves the shared pool every 10 s: a set that just changed may change again.
STABLE_SECONDS = 10.0


class Self(Document):
    """The probe's own container, which lies in the shared pool."""

    container_id: str | None = None
    cpus_allowed: str | None = None
    cpus: list[int] | None = None


class Container(Document):
    """The processes of one container of the pod."""

    id: str = ""
    processes: Count | None = None
    cpus_allowed: str | None = None
    cpus: list[int] | None = None
    changes: Objects[document.Change] = []
    columns: list[str] = []
    samples: Rows = []


class Cpus(Document):
    """Cumulative counters of the CPUs that lie in another container's set and not in the probe's own."""

    columns: list[str] = []
    samples: dict[str, Rows] = {}


class Report(Document):
    """The probe's report. Times are unix seconds by the node's clock."""

    now: float | None = None
    started_at: float | None = None
    interval_seconds: float | None = None
    self_: Self = Field(default=Self(), alias="self")
    online: list[int] | None = None
    siblings: dict[str, list[int]] = {}
    containers: Objects[Container] = []
    cpus: Cpus = Cpus()


@dataclasses.dataclass(frozen=True)
class Proof:
    """Whether the gateway's cores are its own, and how that is known."""

    proven: bool
    message: str


def parse(report: Mapping[str, Any] | Report | None) -> Report | None:
    """The report as types; None where there is none."""
    if report is None or isinstance(report, Report):
        return report
    return Report.model_validate(dict(report))


def container_of(report: Report, container_id: str | None) -> Container | None:
    """The container of that ID, with or without the runtime's prefix."""
    wanted = (container_id or "").rpartition("//")[2]
    return next((one for one in report.containers if wanted and one.id == wanted), None)


def cpuset(report: Mapping[str, Any] | Report, container_id: str | None) -> str | None:
    """The CPUs that the container's processes may use, as Linux writes them ("1-3,5"); None: not known."""
    parsed = parse(report)
    found = container_of(parsed, container_id) if parsed is not None else None
    if found is None:
        return None
    return found.cpus_allowed or (words(found.cpus) if found.cpus else None)


def words(cpus: Iterable[int]) -> str:
    """CPUs as Linux writes a set: 1-3,5."""
    runs: list[list[int]] = []
    for cpu in sorted(set(cpus)):
        if runs and cpu == runs[-1][1] + 1:
            runs[-1][1] = cpu
        else:
            runs.append([cpu, cpu])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def prove(
    report: Mapping[str, Any] | Report,
    container_id: str | None,
    cpus: int | None,
    since: float | None = None,
) -> Proof:
    """Whether the container has `cpus` exclusive CPUs, unchanged since that time (by default for 10 s)."""
    parsed = parse(report)
    found = container_of(parsed, container_id) if parsed is not None else None
    if parsed is None or found is None or found.processes == 0:
        return Proof(False, "the probe sees no process of the gateway's container")
    if not found.cpus:
        return Proof(False, "the probe could not read which CPUs the gateway's processes may use")
    mine = words(found.cpus)
    if cpus is not None and len(set(found.cpus)) != cpus:
        count = len(set(found.cpus))
        return Proof(False, f"the gateway's processes may use CPU {mine}: {count} where {cpus} were asked for")
    if not parsed.self_.cpus:
        return Proof(False, "the probe could not read its own CPUs, so the shared pool is not known")
    shared = words(parsed.self_.cpus)
    common = set(found.cpus) & set(parsed.self_.cpus)
    if common:
        return Proof(False, f"CPU {words(common)} of the gateway's {mine} is in the shared pool too, which is {shared}")
    if cpus is None:
        return Proof(False, "it is not known how many CPUs the gateway was promised")
    changes = changes_between(found, _stable_since(parsed, since), None)
    if changes:
        last = changes[-1]
        return Proof(False, f"the gateway's CPUs changed from {last.before or '?'} to {last.after or '?'}")
    one = len(set(found.cpus)) == 1
    return Proof(
        True,
        f"{f'CPU {mine} is' if one else f'CPUs {mine} are'} exclusive: the gateway's processes may use exactly"
        f" {'this one' if one else f'these {cpus}'}, the shared pool ({shared}, where the probe runs) has none of"
        f" {'it' if one else 'them'}, and nothing changed",
    )


def _stable_since(report: Report, since: float | None) -> float | None:
    if since is not None:
        return since
    return None if report.now is None else report.now - STABLE_SECONDS


def changes_between(container: Container, start: float | None, end: float | None) -> list[document.Change]:
    """The changes of its cpuset in that time; one without a time counts."""
    return [
        change
        for change in container.changes
        if change.at is None or ((start is None or change.at >= start) and (end is None or change.at <= end))
    ]


def shared_siblings(report: Report, container: Container) -> list[int]:
    """Hyper-threads of the container's cores that are in the shared pool: they slow it, and are not its own."""
    mine, shared = set(container.cpus or ()), set(report.self_.cpus or ())
    near = {sibling for cpu in mine for sibling in report.siblings.get(str(cpu), [])}
    return sorted((near - mine) & shared)


def evidence(
    report: Mapping[str, Any] | Report | None,
    container_id: str | None,
    cpus: int | None,
    load: tuple[float, float] | None,
    window: tuple[float, float] | None,
) -> document.Probe | None:
    """What is kept of a report: of the cpuset over the whole load, of the cores over the measured window."""
    parsed = parse(report)
    if parsed is None:
        return None
    start, end = load if load is not None else (None, None)
    proof = prove(parsed, container_id, cpus, since=start)
    found = container_of(parsed, container_id)
    known = {
        "container_id": (container_id or "").rpartition("//")[2] or None,
        "shared_cpuset": parsed.self_.cpus_allowed or words(parsed.self_.cpus or ()) or None,
        "expected_cpus": cpus,
        "proven": proof.proven,
        "proof": proof.message,
        "interval_seconds": parsed.interval_seconds,
    }
    if found is None:
        return document.Probe(**known, window=document.Cores(missing="the probe saw no process of the gateway"))
    return document.Probe(
        **known,
        cpuset=cpuset(parsed, container_id),
        changes=changes_between(found, start, end),
        shared_siblings=shared_siblings(parsed, found),
        window=_account(parsed, found, window),
        series=cores.series(_samples(found), _cpu_samples(parsed, found), load),
    )


def cpu_of(
    report: Mapping[str, Any] | Report | None, container_id: str | None
) -> Callable[[float, float], float | None]:
    """Mean CPU of the container, in cores, between two moments (unix seconds); None where it is not known."""
    parsed = parse(report)
    found = container_of(parsed, container_id) if parsed is not None else None
    samples = None if found is None else _samples(found)

    def mean(start: float, end: float) -> float | None:
        grown = samples.increase("cpuSeconds", start, end) if samples is not None else None
        return None if grown is None or end <= start else grown / (end - start)

    return mean


def _account(report: Report, container: Container, window: tuple[float, float] | None) -> document.Cores:
    if window is None:
        return document.Cores(missing="nothing was measured")
    changed = bool(changes_between(container, *window))
    per_cpu = {} if changed else _cpu_samples(report, container)
    return cores.account(_samples(container), per_cpu, window, report.interval_seconds)


def _samples(container: Container) -> cores.Samples:
    return cores.Samples.of(container.columns, container.samples)


def _cpu_samples(report: Report, container: Container) -> dict[int, cores.Samples]:
    """Of its CPUs; empty unless all of them are accounted for: they are only where they are exclusive."""
    wanted: Sequence[int] = sorted(set(container.cpus or ()))
    if not wanted or any(not report.cpus.samples.get(str(cpu)) for cpu in wanted):
        return {}
    return {cpu: cores.Samples.of(report.cpus.columns, report.cpus.samples[str(cpu)]) for cpu in wanted}
