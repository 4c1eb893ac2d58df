"""Whether the generator kept up with the load that it was asked for: else the latencies are its own."""

from __future__ import annotations

from collections.abc import Iterable

from gatebench_analysis import histograms, quantities
from gatebench_analysis.document import Finding
from gatebench_analysis.evidence import Evidence, finding
from gatebench_analysis.histograms import Samples
from gatebench_analysis.load import Worker
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
SATURATED = "GeneratorSaturated"
_SENT_LATE = {"p50": 500, "p99": 990, "p99.9": 999}


def searched(evidence: Evidence) -> Finding | None:
    """A search that ended where the generator did has found the generator's capacity, not the gateway's."""
    capacity = evidence.load.capacity
    if capacity is None or capacity.requests_per_second is not None or not capacity.steps:
        return None
    high = capacity.high
    reached = [one for one in capacity.steps if one.outcome == SATURATED and high in (None, one.rate)]
    if not reached:
        return None
    step = reached[-1]
    held = "no rate" if capacity.low is None else quantities.text(capacity.low, "1/s")
    why = f": {step.why}" if step.why else ""
    at = quantities.text(step.rate, "1/s")
    message = f"the search ended at the generator's own limit: {held} held, and at {at} it did not keep up{why}"
    return finding(SATURATED, message)


def dropped(evidence: Evidence) -> Finding | None:
    """Arrivals that were not sent. In a search for a capacity they end a step instead."""
    load, window = evidence.load, evidence.account.window()
    missed = evidence.account.dropped(window)
    if load.capacity is not None or not missed:
        return None
    share = quantities.ratio(missed / (missed + window.total()))
    allowed, seen = evidence.facts.max_in_flight, [worker.in_flight_max for worker in load.workers]
    if allowed is not None:
        # Each worker has its share of them, and drops what is above it, however few the others have.
        why = f"a worker had its share of the {allowed:,} requests that may be (load.maxInFlight) in flight"
    elif seen and None not in seen:
        why = f"{sum(one or 0 for one in seen):,} requests were in flight"
    else:
        why = "as many requests as may be were in flight"
    return finding(SATURATED, f"{missed:,} arrivals ({share}) were due and not sent: {why}")


def busy(evidence: Evidence) -> Finding | None:
    busy = [w for w in evidence.load.workers if w.cpu_ratio_mean is not None and w.cpu_ratio_mean > MAX_WORKER_CPU]
    if not busy:
        return None
    worst = max(worker.cpu_ratio_mean or 0.0 for worker in busy)
    message = f"{_of_workers(len(busy), evidence)} used up to {quantities.ratio(worst)} of the CPU that they may use"
    return finding("GeneratorSaturated", f"{message}; {quantities.ratio(MAX_WORKER_CPU)} are allowed")


def waited_to_run(evidence: Evidence) -> Finding | None:
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
    return finding("GeneratorSaturated", f"{message}; {quantities.ratio(MAX_RUN_QUEUE_WAIT)} are allowed")


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


def sent_late(evidence: Evidence) -> Finding | None:
    try:
        delay = _delays(evidence.account)
    except histograms.Undecodable:
        return None
    p99, p50 = delay.quantile(990), median_latency(evidence.account)
    if p99 is None or p50 is None:
        return None
    late, _ = p99
    if late <= max(MAX_DISPATCH_SHARE * p50, MIN_DISPATCH_SECONDS):
        return None
    message = f"one request in a hundred was sent {quantities.seconds(late)} late or more, at a median latency of"
    return finding("GeneratorSaturated", f"{message} {quantities.seconds(p50)}; a tenth of it is allowed")


def _delays(account: Account) -> Samples:
    """How late the requests of the measured window were sent. Raises Undecodable."""
    phases = {phase.index for phase in account.window().phases}
    return histograms.merge(
        histograms.decode(row.histogram)
        for row in account.load.dispatch_delay
        if row.phase in phases and row.histogram is not None
    )


def conduct(account: Account) -> list[tuple[str, str]]:
    """What the generator itself did, each by a name in words; a dash is not known. Empty where nothing is.

    Delays are those of the measured window, the rest is of the stages. Of several workers the worst is told.
    """
    workers = account.load.workers
    if not workers:
        return []
    mean, peak = (_most(w.cpu_ratio_mean for w in workers), _most(w.cpu_ratio_max for w in workers))
    in_flight = [worker.in_flight_max for worker in workers if worker.in_flight_max is not None]
    together = f"up to {sum(in_flight):,}" if len(in_flight) == len(workers) else quantities.MISSING
    paused = _most(worker.gc_pause_seconds for worker in workers)
    return [
        ("sent late", _quantiles(account)),
        ("busiest worker", f"{quantities.ratio(mean)} of its CPU, up to {quantities.ratio(peak)}"),
        ("requests in flight", together),
        ("GC pauses", quantities.MISSING if paused is None else f"up to {quantities.seconds(paused)} a worker"),
    ]


def _quantiles(account: Account) -> str:
    try:
        delays = _delays(account)
    except histograms.Undecodable:
        delays = Samples()
    found = [(name, delays.quantile(thousandths)) for name, thousandths in _SENT_LATE.items()]
    return "  ".join(f"{name} {quantities.seconds(None if seen is None else seen[0])}" for name, seen in found)


def _most(known: Iterable[float | None]) -> float | None:
    return max((one for one in known if one is not None), default=None)


def median_latency(account: Account) -> float | None:
    """The median latency of what does not stream; of each stream name's where all do, the smallest."""
    found = account.observe("latency.p50")
    if isinstance(found, Measured):
        return found.value
    names = (account.observe("latency.p50", request=name) for name in account.names())
    return min((one.value for one in names if isinstance(one, Measured)), default=None)
