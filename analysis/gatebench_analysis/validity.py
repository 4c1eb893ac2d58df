"""Whether a measurement can be trusted: an ordered chain of small checks, each with the figures that it rests on.

A check finds nothing, or says False (it cannot be trusted) or Unknown (what would tell is missing).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gatebench_analysis import document, generator, metrics, quantities, repeats, steady
from gatebench_analysis.document import Finding, Result
from gatebench_analysis.evidence import NOT_OURS, Evidence, finding

# /proc counts in ticks: less than this over a window says nothing about who ran.
MIN_FOREIGN_SECONDS = 1.0
# Of the throughput that mock and fleet reach by themselves: from there on it may be theirs, and not the gateway's.
NEAR_CEILING = 0.9

Check = Callable[[Evidence], Finding | None]


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
    return finding("WorkerLost", f"workers were lost under load{names} ({of_all})")


def _no_document(evidence: Evidence) -> Finding | None:
    load = evidence.load
    if load.outcome is None and not load.phases:
        return finding("RunDisturbed", "the fleet left no account of its load")
    if load.outcome == "Failed":
        return finding("RunDisturbed", f"the load failed: {load.message or 'the master gave no reason'}")
    if load.outcome == "Stopped":
        message = f"the load was stopped before its end{': ' + load.message if load.message else ''}"
        return finding("NotMeasured", message, "Unknown")
    return None


def _no_traffic(evidence: Evidence) -> Finding | None:
    window = evidence.account.window()
    if window.seconds is None and _searched(evidence):
        return None  # it holds, and has found no rate to measure
    if window.seconds is None:
        return finding("NoTraffic", "no stage was measured: none had all its users before it ended")
    if window.total() == 0:
        return finding("NoTraffic", f"no request was sent in the {window.seconds:.0f} s of the measured window")
    return None


def _searched(evidence: Evidence) -> bool:
    """Whether a search for a capacity has sent anything, so that what it says of the gateway means something."""
    steps = evidence.load.capacity.steps if evidence.load.capacity is not None else []
    return any(evidence.account.window(step.phase).total() for step in steps if step.phase is not None)


def _integrity(evidence: Evidence) -> Finding | None:
    """Reports that did not come: every worker is there, and yet what they measured is not all here."""
    account = evidence.load.integrity
    missing = sum(worker.missing_reports or 0 for worker in evidence.load.workers)
    if account is not None:
        missing = max(missing, account.missing_reports or 0)
    if any(row.phase is None or row.count is None or row.outcome is None for row in evidence.load.requests):
        return finding("RunDisturbed", "the load document is damaged: requests without phase, outcome or count")
    if account is not None and account.agree is False:
        message = (
            f"the account does not add up: Locust counted {_count(account.locust_requests)} requests and"
            f" {_count(account.locust_failures)} failures, the histograms {_count(account.histogram_requests)} and"
            f" {_count(account.histogram_failures)}; {missing} reports of workers are missing"
        )
        return finding("RunDisturbed", message)
    if missing:
        return finding("RunDisturbed", f"{missing} reports of workers did not reach the master: requests are missing")
    return None


def _count(value: int | None) -> str:
    return "an unknown number of" if value is None else f"{value:,}"


def _cpuset_changed(evidence: Evidence) -> Finding | None:
    if not evidence.facts.isolated or evidence.probe is None or not evidence.probe.changes:
        return None
    words = [f"from {c.before or '?'} to {c.after or '?'}" for c in evidence.probe.changes]
    return finding("CPUSetChanged", f"the gateway's CPUs changed under load {', then '.join(words[:4])}")


def _not_pinned(evidence: Evidence) -> Finding | None:
    facts, probe = evidence.facts, evidence.probe
    if facts.isolation == "None" or (facts.isolation != "Required" and not facts.isolated):
        return None
    if not facts.isolated:
        why = (
            probe.proof if probe is not None and not probe.proven else "exclusive cores were not proven before the load"
        )
        return finding("CPUNotPinned", why)
    if probe is None:
        why = "exclusive cores were proven before the load, but the probe gave no report about it"
        return finding("CPUNotPinned", why, "Unknown")
    if not probe.proven and not probe.changes:
        return finding("CPUNotPinned", f"after the load, {probe.proof}")
    if probe.proven and probe.window.missing is not None:
        why = f"whether the cores were left alone is not known: {probe.window.missing}"
        return finding("CPUNotPinned", why, "Unknown")
    return None


def _cores_disturbed(evidence: Evidence) -> Finding | None:
    facts, window = evidence.facts, evidence.probe.window if evidence.probe is not None else None
    if not facts.isolated or window is None or window.foreign_ratio is None or window.foreign_seconds is None:
        return None
    if window.foreign_ratio <= facts.max_foreign_time or window.foreign_seconds <= MIN_FOREIGN_SECONDS:
        return None
    share, allowed = quantities.ratio(window.foreign_ratio), quantities.ratio(facts.max_foreign_time)
    message = f"others ran on the gateway's cores for {window.foreign_seconds:.1f} s, {share} of the window"
    return finding("CoresDisturbed", f"{message}; {allowed} are allowed")


def _throttled(evidence: Evidence) -> Finding | None:
    figure = evidence.gateway.get("gateway.throttledRatio")
    if evidence.facts.isolation == "None" or figure is None or not figure.value:
        return None
    share = quantities.ratio(figure.value)
    return finding("Throttled", f"the gateway was held back by a CPU quota in {share} of its periods")


def _swapped(evidence: Evidence) -> Finding | None:
    swapped = evidence.probe.window.swap_bytes_max if evidence.probe is not None else None
    if not swapped:
        return None
    return finding("Swapped", f"{quantities.size(swapped)} of the gateway's memory were swapped out")


def _upstream_bound(evidence: Evidence) -> Finding | None:
    account = evidence.upstream
    late, allowed = (None, None) if account is None else (account.excess(), account.allowed())
    if account is None or late is None or allowed is None or late <= allowed:
        return None
    intended = quantities.seconds(account.delay.intended_seconds.p50)
    message = f"one of the mock's answers in a hundred was {quantities.seconds(late)} later than intended or more, at a"
    return finding("UpstreamBound", f"{message} delay of {intended}; {quantities.seconds(allowed)} are allowed")


def _mock_waited(evidence: Evidence) -> Finding | None:
    """The mock waited for a CPU by the measure of workers: often, and so long that the latencies can show it.

    Its account is of its whole life. A burst saturates it on purpose, so after one this cannot be told.
    """
    account = evidence.upstream
    share, added = (None, None) if account is None else (account.wait_ratio(), account.wait_per_answer())
    if share is None or added is None or any(phase.kind == "Ceiling" for phase in evidence.load.phases):
        return None
    median = generator.median_latency(evidence.account) or 0.0
    allowed = max(generator.MAX_WAIT_SHARE * median, generator.MIN_WAIT_SECONDS)
    if share <= generator.MAX_RUN_QUEUE_WAIT or added <= allowed:
        return None
    found = f"{quantities.ratio(share)} of its time, {quantities.seconds(added)} an answer"
    limits = f"{quantities.ratio(generator.MAX_RUN_QUEUE_WAIT)} or {quantities.seconds(allowed)} are allowed"
    return finding("UpstreamBound", f"the mock waited for a CPU in {found}; {limits}")


def _near_the_ceiling(evidence: Evidence) -> Finding | None:
    """Through the gateway came about as much as mock and fleet can do without it; of several stages the fastest."""
    ceiling = evidence.direct.ceiling if evidence.direct is not None else None
    stages = [evidence.account.window(phase.index) for phase in evidence.account.window().phases]
    through = max((stage.total("success") / stage.seconds for stage in stages if stage.seconds), default=0.0)
    if ceiling is None or through < NEAR_CEILING * ceiling:
        return None
    rates = [quantities.text(rate, "1/s") for rate in (through, ceiling)]
    share, allowed = quantities.ratio(through / ceiling), quantities.ratio(NEAR_CEILING)
    message = f"{rates[0]} came through the gateway, {share} of the {rates[1]} that mock and fleet reach without it"
    return finding("UpstreamBound", f"{message}; less than {allowed} are allowed")


def _too_few_samples(evidence: Evidence) -> Finding | None:
    """An objective asks for a percentile of which the window has not enough requests."""
    found: list[str] = []
    for one in evidence.objectives:
        metric = metrics.find(one.metric)
        if metric is None or metric.origin is not metrics.Origin.FLEET or one.optional or one.outcome != "Unknown":
            continue
        local = one.metric.removeprefix(f"requests.{metric.request}.")
        seen = repeats.observe(evidence.load, local, request=metric.request, stage=one.stage)
        if isinstance(seen, metrics.Missing) and seen.too_few:
            found.append(f"{one.metric}{f' (stage {one.stage})' if one.stage else ''}: {seen.why}")
    return finding("TooFewSamples", f"there are too few requests for {'; '.join(found[:4])}") if found else None


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
            return finding(
                word, f"objectives need what Prometheus did not tell: {'; '.join(needed[word][:4])}", "Unknown"
            )
    return None


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
    generator.searched,
    generator.dropped,
    generator.busy,
    generator.waited_to_run,
    generator.sent_late,
    _upstream_bound,
    _mock_waited,
    _near_the_ceiling,
    steady.unsteady,
    _too_few_samples,
    _metrics_missing,
)
"""In the order of cause before effect."""


def findings(evidence: Evidence) -> list[Finding]:
    """What speaks against the measurement: what makes it invalid first, then what cannot be told. Never raises."""
    found = [one for check in CHAIN if (one := check(evidence)) is not None]
    return [*_with(found, "False"), *_with(found, "Unknown")]


def _with(found: Iterable[Finding], status: str) -> list[Finding]:
    return [one for one in found if one.status == status]


def verdict(result: Result) -> tuple[document.Status, str, str]:
    """(status, reason, message) of Valid."""
    if not result.validity:
        return "True", "Measured", "The measurement can be trusted."
    first = result.validity[0]
    return first.status, first.reason, first.message
