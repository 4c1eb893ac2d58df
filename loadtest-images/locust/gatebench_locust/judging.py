"""Judges one step of a capacity search from what the whole fleet measured in its window. Pure.

A step holds when every objective is met and the answers kept up with the arrivals. It says nothing of the gateway
when the generator itself could not keep up; that is looked at first, by the same bounds as a run's validity.
"""

from __future__ import annotations

import dataclasses
import math

from gatebench_locust.histogram import Histogram
from gatebench_locust.objectives import DROPPED, ERROR_RATIO, QUANTILES, TAIL_SAMPLES, THROUGHPUT, Objective
from gatebench_locust.search import FAILED, HELD, SATURATED

KEEP_UP = 0.98
MAX_WORKER_CPU = 0.9
MAX_RUN_QUEUE_WAIT, MAX_WAIT_SHARE, MIN_WAIT_SECONDS = 0.25, 0.05, 0.001
MAX_DISPATCH_SHARE, MIN_DISPATCH_SECONDS = 0.1, 0.001
_SIGMAS = 3.0


@dataclasses.dataclass(frozen=True)
class WorkerLoad:
    """A worker in the window; None where it is not known. `wait_seconds` is its waiting for a CPU a request."""

    cpu_ratio: float | None
    wait_ratio: float | None
    wait_seconds: float | None


@dataclasses.dataclass(frozen=True)
class Window:
    """What was measured of the requests that were due in a step's window; `answered` is a second, as they came.

    `latency` is of good answers that do not stream, `streams` of those that do. `quiet`: nothing is open any more.
    """

    rate: float
    seconds: float
    poisson: bool
    good: int
    failed: int
    dropped: int
    answered: float | None
    latency: Histogram
    streams: Histogram
    ttft: Histogram
    gaps: Histogram
    delay: Histogram
    workers: tuple[WorkerLoad, ...]
    quiet: bool

    @property
    def arrivals(self) -> int:
        """All that were due."""
        return self.good + self.failed + self.dropped


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Held, Failed or GeneratorSaturated; `unmeasured`: it failed for want of samples alone."""

    outcome: str
    why: tuple[str, ...] = ()
    unmeasured: bool = False


def judge(window: Window, objectives: tuple[Objective, ...]) -> Verdict:
    """The verdict on a step."""
    saturated = _saturated(window)
    if saturated:
        return Verdict(SATURATED, saturated)
    missed: list[str] = []
    unmeasured: list[str] = []
    for objective in objectives:
        value, missing = measure(window, objective.metric)
        if value is None:
            unmeasured.append(f"{objective.metric} is unmeasured: {missing}")
        elif not objective.met(value):
            missed.append(_missed(objective, value))
    missed += _behind(window)
    if not missed and not unmeasured:
        return Verdict(HELD)
    return Verdict(FAILED, (*missed, *unmeasured), unmeasured=not missed)


def measure(window: Window, metric: str) -> tuple[float | None, str]:
    """(value, why it is missing). Seconds, requests a second, a ratio or a count."""
    if metric == DROPPED:
        return float(window.dropped), ""
    if metric == THROUGHPUT:
        return window.good / window.seconds, ""
    if metric == ERROR_RATIO:
        total = window.good + window.failed
        return (window.failed / total, "") if total else (None, "no request has ended")
    which, _, statistic = metric.partition(".")
    histogram = {"latency": window.latency, "ttft": window.ttft, "interToken": window.gaps}[which]
    if histogram.count == 0:
        return None, "there is no sample"
    if statistic == "mean":
        return histogram.total / histogram.count, ""
    if statistic == "max":
        return histogram.maximum, ""
    quantile = QUANTILES[statistic]
    needed = math.ceil(TAIL_SAMPLES / (1 - quantile) - 1e-6)
    if histogram.count < needed:
        return None, f"{histogram.count} samples are too few, it needs {needed}"
    return histogram.quantile(quantile), ""


def _missed(objective: Objective, value: float) -> str:
    bound = objective.below if objective.below is not None else objective.above
    word = "above" if objective.below is not None else "below"
    duration = "." in objective.metric  # of which a histogram holds three digits
    for digits in range(3 if duration else 4, 17):
        told, limit = f"{value:.{digits}g}", f"{bound:.{digits}g}"
        if told != limit:  # or it would read "0.05 is above 0.05"
            break
    unit = " s" if duration else ""
    return f"{objective.metric} {told}{unit} is {word} {limit}{unit}"


def _behind(window: Window) -> list[str]:
    """Answers that did not keep up with the arrivals: a backlog grew, however good the latencies still were."""
    if not window.quiet:
        return ["requests were still open when the wait for them ended"]
    if window.answered is None:
        return ["the rate of the answers is unmeasured: the window is too short"]
    offered = window.arrivals / window.seconds
    if window.answered >= KEEP_UP * offered - _chance(window, offered):
        return []
    return [f"{window.answered:.4g} answers/s did not keep up with {offered:.4g} arrivals/s"]


def _chance(window: Window, rate: float) -> float:
    """How much a rate over the window may be off by chance, a second: random arrivals, and the ends of the window."""
    sigma = math.sqrt(max(rate, 0.0) * window.seconds) if window.poisson else 0.0
    return (_SIGMAS * sigma + max(1, len(window.workers))) / window.seconds


def _saturated(window: Window) -> tuple[str, ...]:
    checks = (_busy(window), _waited(window), _late(window), _short(window))
    return tuple(text for text in checks if text)


def _busy(window: Window) -> str | None:
    worst = max((worker.cpu_ratio or 0.0 for worker in window.workers), default=0.0)
    if worst <= MAX_WORKER_CPU:
        return None
    return f"a worker used {worst:.0%} of the CPU that it may use; {MAX_WORKER_CPU:.0%} are allowed"


def _waited(window: Window) -> str | None:
    allowed = max(MAX_WAIT_SHARE * (median(window) or 0.0), MIN_WAIT_SECONDS)
    for worker in window.workers:
        if worker.wait_ratio is None or worker.wait_ratio <= MAX_RUN_QUEUE_WAIT:
            continue
        if worker.wait_seconds is None or worker.wait_seconds > allowed:
            return f"a worker waited for a CPU in {worker.wait_ratio:.0%} of its time"
    return None


def _late(window: Window) -> str | None:
    late, usual = window.delay.quantile(0.99), median(window)
    if late is None or usual is None or late <= max(MAX_DISPATCH_SHARE * usual, MIN_DISPATCH_SECONDS):
        return None
    return f"one request in a hundred was sent {late:.3g} s late or more, at a median latency of {usual:.3g} s"


def _short(window: Window) -> str | None:
    if not window.quiet:  # what is still open has not been counted yet
        return None
    made = window.arrivals / window.seconds
    if made >= KEEP_UP * window.rate - _chance(window, window.rate):
        return None
    return f"the workers made {made:.4g} arrivals/s of the {window.rate:.4g} that were asked of them"


def median(window: Window) -> float | None:
    """The median latency in seconds: of answers that do not stream, where there are any."""
    return window.latency.quantile(0.5) if window.latency.count else window.streams.quantile(0.5)
