"""Whether a measurement can be trusted: an ordered chain of small checks, each with the figures that it rests on.

A check finds nothing, or says False (it cannot be trusted) or Unknown (what would tell is missing).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from gatebench_analysis import document, histograms, metrics, quantities
from gatebench_analysis.document import Figure, Finding, ObjectiveOutcome, Probe, Result
from gatebench_analysis.load import Load, Worker
from gatebench_analysis.measured import Account
from gatebench_analysis.observation import Measured

# The generator is saturated above these. Tried: its threads waited 0, 38 and 78 % with 0, 1 and 3 busy neighbours,
# while worker CPU stayed at 5 % and p99 rose by half.
MAX_WORKER_CPU = 0.9
MAX_RUN_QUEUE_WAIT = 0.25
MAX_WAIT_SHARE = 0.05
MIN_WAIT_SECONDS = 0.001
MAX_DISPATCH_SHARE = 0.1
MIN_DISPATCH_SECONDS = 0.001
# /proc counts in ticks: less than this over a window says nothing about who ran.
MIN_FOREIGN_SECONDS = 1.0
DEFAULT_MAX_FOREIGN_TIME = 0.05

REMEDIES = {
    "NoTraffic": "check that the locustfile sends requests, and that the stages are long enough",
    "WorkerLost": "give the workers more memory or a calmer node, and run again",
    "GatewayRestarted": "read the gateway's log: it ended and came back during the load",
    "CPUNotPinned": "give the node's kubelet cpuManagerPolicy: static, or set isolation: Preferred",
    "CPUSetChanged": "keep other tools from changing cpusets or resizing the gateway while it is measured",
    "CoresDisturbed": "keep other processes off the gateway's cores, or raise gateway.maxForeignTime",
    "Throttled": "use isolation: Required on a static CPU manager, where no quota applies",
    "Swapped": "switch swap off on the node, or raise gateway.memory",
    "GeneratorSaturated": "use more workers, on other nodes than the gateway's, or fewer users",
    "RunDisturbed": "leave the run's pods alone while it measures",
    "MetricsUnavailable": "check prometheus.url of the operator's settings, and that Prometheus answers",
    "MetricsIncomplete": "check the scrape of the kubelet's cAdvisor; shorten its interval for short runs",
}
"""What a person can do about each reason; the operator's conditions say the same."""


@dataclasses.dataclass(frozen=True)
class Facts:
    """What only the operator knows."""

    isolation: str = "None"
    """Required, Preferred or None; None also for a gateway that is not ours."""
    isolated: bool = False
    """Exclusive cores were proven before the load."""
    cpus: int | None = None
    gateway_container_id: str | None = None
    gateway_restarts: int | None = None
    """Since the pod's start."""
    max_foreign_time: float = DEFAULT_MAX_FOREIGN_TIME
    expected_workers: int | None = None
    disturbed: tuple[str, str] | None = None
    """(reason, message) of what the operator saw under load, such as GatewayRestarted or MasterLost."""


@dataclasses.dataclass(frozen=True)
class Evidence:
    """All that the checks look at."""

    load: Load
    account: Account
    probe: Probe | None = None
    gateway: Mapping[str, Figure] = dataclasses.field(default_factory=dict)
    objectives: tuple[ObjectiveOutcome, ...] = ()
    facts: Facts = dataclasses.field(default_factory=Facts)
    metrics_unavailable: str | None = None


Check = Callable[[Evidence], Finding | None]


def _finding(reason: str, message: str, status: Literal["False", "Unknown"] = "False") -> Finding:
    return Finding(status=status, reason=reason, message=message, remedy=REMEDIES.get(reason, ""))


def _disturbed(evidence: Evidence) -> Finding | None:
    if evidence.facts.disturbed is None:
        return None
    reason, message = evidence.facts.disturbed
    return Finding(status="False", reason=reason or "RunDisturbed", message=message)


def _worker_lost(evidence: Evidence) -> Finding | None:
    load = evidence.load
    expected = evidence.facts.expected_workers or load.expected_workers
    lost = [worker.id or "?" for worker in load.workers if worker.lost]
    known = len(load.workers)
    absent = expected - known if expected is not None and load.workers else 0
    if load.outcome != "WorkerLost" and not lost and absent <= 0:
        return None
    seen = known - len(lost)
    of_all = f"expected {expected if expected is not None else '?'}, seen {seen}"
    names = f": {', '.join(lost[:4])}" if lost else ""
    return _finding("WorkerLost", f"workers were lost under load{names} ({of_all})")


def _no_document(evidence: Evidence) -> Finding | None:
    load = evidence.load
    if load.outcome is None and not load.phases:
        return _finding("RunDisturbed", "the fleet left no account of its load")
    if load.outcome == "Failed":
        return _finding("RunDisturbed", f"the load failed: {load.message or 'the master gave no reason'}")
    if load.outcome == "Stopped":
        message = f"the load was stopped before its end{': ' + load.message if load.message else ''}"
        return _finding("NotMeasured", message, "Unknown")
    return None


def _no_traffic(evidence: Evidence) -> Finding | None:
    window = evidence.account.window()
    if window.seconds is None:
        return _finding("NoTraffic", "no stage was measured: none had all its users before it ended")
    if window.total() == 0:
        return _finding("NoTraffic", f"no request was sent in the {window.seconds:.0f} s of the measured window")
    return None


def _integrity(evidence: Evidence) -> Finding | None:
    """Reports that did not come: every worker is there, and yet what they measured is not all here."""
    account = evidence.load.integrity
    missing = sum(worker.missing_reports or 0 for worker in evidence.load.workers)
    if account is not None:
        missing = max(missing, account.missing_reports or 0)
    if any(row.phase is None or row.count is None or row.outcome is None for row in evidence.load.requests):
        return _finding("RunDisturbed", "the load document is damaged: requests without phase, outcome or count")
    if account is not None and account.agree is False:
        message = (
            f"the account does not add up: Locust counted {_count(account.locust_requests)} requests and"
            f" {_count(account.locust_failures)} failures, the histograms {_count(account.histogram_requests)} and"
            f" {_count(account.histogram_failures)}; {missing} reports of workers are missing"
        )
        return _finding("RunDisturbed", message)
    if missing:
        return _finding("RunDisturbed", f"{missing} reports of workers did not reach the master: requests are missing")
    return None


def _count(value: int | None) -> str:
    return "an unknown number of" if value is None else f"{value:,}"


def _cpuset_changed(evidence: Evidence) -> Finding | None:
    if not evidence.facts.isolated or evidence.probe is None or not evidence.probe.changes:
        return None
    words = [f"from {c.before or '?'} to {c.after or '?'}" for c in evidence.probe.changes]
    return _finding("CPUSetChanged", f"the gateway's CPUs changed under load {', then '.join(words[:4])}")


def _not_pinned(evidence: Evidence) -> Finding | None:
    facts, probe = evidence.facts, evidence.probe
    if facts.isolation == "None" or (facts.isolation != "Required" and not facts.isolated):
        return None
    if not facts.isolated:
        why = (
            probe.proof if probe is not None and not probe.proven else "exclusive cores were not proven before the load"
        )
        return _finding("CPUNotPinned", why)
    if probe is None:
        why = "exclusive cores were proven before the load, but the probe gave no report about it"
        return _finding("CPUNotPinned", why, "Unknown")
    if not probe.proven and not probe.changes:
        return _finding("CPUNotPinned", f"after the load, {probe.proof}")
    if probe.proven and probe.window.missing is not None:
        why = f"whether the cores were left alone is not known: {probe.window.missing}"
        return _finding("CPUNotPinned", why, "Unknown")
    return None


def _cores_disturbed(evidence: Evidence) -> Finding | None:
    facts, window = evidence.facts, evidence.probe.window if evidence.probe is not None else None
    if not facts.isolated or window is None or window.foreign_ratio is None or window.foreign_seconds is None:
        return None
    if window.foreign_ratio <= facts.max_foreign_time or window.foreign_seconds <= MIN_FOREIGN_SECONDS:
        return None
    share, allowed = quantities.ratio(window.foreign_ratio), quantities.ratio(facts.max_foreign_time)
    message = f"others ran on the gateway's cores for {window.foreign_seconds:.1f} s, {share} of the window"
    return _finding("CoresDisturbed", f"{message}; {allowed} are allowed")


def _throttled(evidence: Evidence) -> Finding | None:
    figure = evidence.gateway.get("gateway.throttledRatio")
    if evidence.facts.isolation == "None" or figure is None or not figure.value:
        return None
    share = quantities.ratio(figure.value)
    return _finding("Throttled", f"the gateway was held back by a CPU quota in {share} of its periods")


def _swapped(evidence: Evidence) -> Finding | None:
    swapped = evidence.probe.window.swap_bytes_max if evidence.probe is not None else None
    if not swapped:
        return None
    return _finding("Swapped", f"{quantities.size(swapped)} of the gateway's memory were swapped out")


def _generator_busy(evidence: Evidence) -> Finding | None:
    busy = [w for w in evidence.load.workers if w.cpu_ratio_mean is not None and w.cpu_ratio_mean > MAX_WORKER_CPU]
    if not busy:
        return None
    worst = max(worker.cpu_ratio_mean or 0.0 for worker in busy)
    message = f"{_of_workers(len(busy), evidence)} used up to {quantities.ratio(worst)} of the CPU that they may use"
    return _finding("GeneratorSaturated", f"{message}; {quantities.ratio(MAX_WORKER_CPU)} are allowed")


def _generator_waited(evidence: Evidence) -> Finding | None:
    """Workers that waited for a CPU, and so long that the latencies can show it.

    The ratio alone says little of workers that hardly run: at 3 to 5 % of a core it rises to a third beside
    neighbours that add a fraction of a millisecond to a request.
    """
    waited = [
        worker
        for worker in evidence.load.workers
        if worker.run_queue_wait_ratio is not None and worker.run_queue_wait_ratio > MAX_RUN_QUEUE_WAIT
    ]
    added = max((_wait_per_request(worker, evidence) for worker in waited), default=0.0)
    if not waited or added <= max(MAX_WAIT_SHARE * (median_latency(evidence.account) or 0.0), MIN_WAIT_SECONDS):
        return None
    worst = max(worker.run_queue_wait_ratio or 0.0 for worker in waited)
    message = f"{_of_workers(len(waited), evidence)} waited for a CPU in up to {quantities.ratio(worst)} of their time"
    return _finding("GeneratorSaturated", f"{message}; {quantities.ratio(MAX_RUN_QUEUE_WAIT)} are allowed")


def _wait_per_request(worker: Worker, evidence: Evidence) -> float:
    """Seconds that a worker waited for a CPU per request of its share; infinite where it cannot be told."""
    window = evidence.account.window()
    share = window.total() / max(1, len(evidence.load.workers))
    ratio, cpu = worker.run_queue_wait_ratio, worker.cpu_ratio_mean
    if ratio is None or cpu is None or window.seconds is None or share <= 0 or ratio >= 1:
        return float("inf")
    return cpu * ratio / (1 - ratio) * window.seconds / share


def _of_workers(count: int, evidence: Evidence) -> str:
    return f"{count} of {len(evidence.load.workers)} workers"


def _generator_late(evidence: Evidence) -> Finding | None:
    phases = {phase.index for phase in evidence.account.window().phases}
    try:
        delay = histograms.merge(
            histograms.decode(row.histogram)
            for row in evidence.load.dispatch_delay
            if row.phase in phases and row.histogram is not None
        )
    except histograms.Undecodable:
        return None
    p99, p50 = delay.quantile(990), median_latency(evidence.account)
    if p99 is None or p50 is None:
        return None
    late, _ = p99
    if late <= max(MAX_DISPATCH_SHARE * p50, MIN_DISPATCH_SECONDS):
        return None
    message = f"one request in a hundred was sent {quantities.seconds(late)} late or more, at a median latency of"
    return _finding("GeneratorSaturated", f"{message} {quantities.seconds(p50)}; a tenth of it is allowed")


def median_latency(account: Account) -> float | None:
    """The median latency of what does not stream; of each stream name's where all do, the smallest."""
    found = account.observe("latency.p50")
    if isinstance(found, Measured):
        return found.value
    names = (account.observe("latency.p50", request=name) for name in account.names())
    return min((one.value for one in names if isinstance(one, Measured)), default=None)


def _metrics_missing(evidence: Evidence) -> Finding | None:
    """Prometheus did not tell what an objective needs. A query that is wrong is the objective's problem alone."""
    needed: dict[str, list[str]] = {}
    for one in evidence.objectives:
        metric = metrics.find(one.metric)
        figure = evidence.gateway.get(one.metric)
        if metric is None or one.optional or one.outcome != "Unknown":
            continue
        if metric.origin not in (metrics.Origin.GATEWAY, metrics.Origin.QUERY):
            continue
        why = (figure.missing if figure is not None else None) or "MetricsUnavailable: it was not measured"
        word = why.partition(":")[0]
        if word in ("MetricsIncomplete", "MetricsUnavailable"):
            needed.setdefault(word, []).append(f"{one.metric} ({why.partition(': ')[2] or why})")
        elif metric.origin is metrics.Origin.GATEWAY and why != NOT_OURS:
            needed.setdefault("MetricsUnavailable", []).append(f"{one.metric} ({why})")
    for word in ("MetricsUnavailable", "MetricsIncomplete"):
        if word in needed:
            return _finding(
                word, f"objectives need what Prometheus did not tell: {'; '.join(needed[word][:4])}", "Unknown"
            )
    return None


NOT_OURS = "the gateway is not run by gatebench, so its resources cannot be seen"

CHAIN: tuple[Check, ...] = (
    _disturbed,
    _worker_lost,
    _no_document,
    _no_traffic,
    _integrity,
    _cpuset_changed,
    _not_pinned,
    _cores_disturbed,
    _throttled,
    _swapped,
    _generator_busy,
    _generator_waited,
    _generator_late,
    _metrics_missing,
)
"""In the order of cause before effect."""


def findings(evidence: Evidence) -> list[Finding]:
    """What speaks against the measurement: what makes it invalid first, then what cannot be told. Never raises."""
    found = [finding for check in CHAIN if (finding := check(evidence)) is not None]
    return [*_with(found, "False"), *_with(found, "Unknown")]


def _with(found: Iterable[Finding], status: str) -> list[Finding]:
    return [finding for finding in found if finding.status == status]


def verdict(result: Result) -> tuple[document.Status, str, str]:
    """(status, reason, message) of Valid."""
    if not result.validity:
        return "True", "Measured", "The measurement can be trusted."
    first = result.validity[0]
    return first.status, first.reason, first.message
