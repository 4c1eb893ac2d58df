"""The account of the mock upstream: by how much its answers were later than they were meant to be.

It covers the mock's whole life, warm-up included; what it serves is known beforehand, so its own lateness is what the
gateway's latency must not be charged with.
"""

from __future__ import annotations

from gatebench_analysis import histograms
from gatebench_analysis.models import Count, Document, Seconds

MIN_EXCESS_SECONDS = 0.001
MAX_EXCESS_SHARE = 0.05
"""Of the intended delay: more than both is not the gateway's latency any more."""
NOT_READ = "the mock gave no account of its delays"


class Quantiles(Document):
    """Quantiles of a delay, in seconds."""

    p50: Seconds | None = None
    p99: Seconds | None = None


class Delay(Document):
    """From the whole request to the first byte of its answer."""

    count: Count = 0
    intended_seconds: Quantiles = Quantiles()
    actual_seconds: Quantiles = Quantiles()
    excess_seconds: Quantiles = Quantiles()
    """What it was longer than intended."""


class Upstream(Document):
    """What is kept of the mock's account."""

    delay: Delay = Delay()
    cpu_seconds: Seconds | None = None
    run_queue_wait_seconds: Seconds | None = None
    """How long its threads waited to run."""

    def excess(self) -> float | None:
        """The 99th percentile of the excess, in seconds; None below its sample floor."""
        return self.delay.excess_seconds.p99 if self.delay.count >= histograms.floor(0.99) else None

    def wait_ratio(self) -> float | None:
        """How long its threads waited to run, of waiting and running; None where it did neither, or is not known."""
        if self.run_queue_wait_seconds is None or self.cpu_seconds is None:
            return None
        whole = self.run_queue_wait_seconds + self.cpu_seconds
        return self.run_queue_wait_seconds / whole if whole > 0 else None

    def wait_per_answer(self) -> float | None:
        """The same in seconds an answer; None below the sample floor, where its start alone could make it large."""
        if self.run_queue_wait_seconds is None or self.delay.count < histograms.floor(0.99):
            return None
        return self.run_queue_wait_seconds / self.delay.count

    def allowed(self) -> float | None:
        """How much of it is allowed, in seconds: the larger of 1 ms and 5 % of the intended delay's median."""
        intended = self.delay.intended_seconds.p50
        return None if intended is None else max(MIN_EXCESS_SECONDS, MAX_EXCESS_SHARE * intended)


def missing(account: Upstream | None) -> str | None:
    """Why it cannot be told whether the mock was late; None where it can."""
    if account is None:
        return NOT_READ
    if account.excess() is not None and account.allowed() is not None:
        return None
    return f"it needs {histograms.floor(0.99)} delays, and the mock has {account.delay.count:,}"
