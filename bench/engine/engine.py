"""Runs the engine by itself, and reads the result document that it writes."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import subprocess
from collections.abc import Iterator
from typing import Any

from bench.engine.lab import CHAT, PATH, Lab, timed
from bench.engine.outputs import Report
from bench.engine.rivals import Sent

from gatebench_analysis import document, histograms
from gatebench_analysis.load import Histogram, Load, Requests

DRAIN = 10.0


@dataclasses.dataclass(frozen=True)
class Run:
    """What the engine measured, over all phases, or without the warm-up."""

    load: Load
    warm: bool = True

    @property
    def settled(self) -> Run:
        """Without the warm-up."""
        return Run(self.load, warm=False)

    @property
    def _requests(self) -> list[Requests]:
        return [row for row in self.load.requests if self.warm or row.settled]

    @property
    def count(self) -> int:
        """Requests, whatever came of them."""
        return sum(row.count or 0 for row in self._requests)

    @property
    def errors(self) -> int:
        """Those that failed."""
        return sum(row.count or 0 for row in self._requests if row.outcome != "success")

    @property
    def dropped(self) -> int:
        """Arrivals that were not sent."""
        return sum(row.count or 0 for row in self.load.dropped or [])

    @property
    def allocations(self) -> float | None:
        """Of memory, a request; None: not known."""
        told = [getattr(worker, "allocations", None) for worker in self.load.workers]
        known = [float(each) for each in told if each is not None]
        return sum(known) / self.count if self.count and len(known) == len(told) else None

    def latency(self, thousandths: int) -> float | None:
        """A quantile of the requests that succeeded, in seconds; None: too few."""
        return _quantile(self.successes("latency"), thousandths)

    def delay(self, thousandths: int) -> float | None:
        """A quantile of the dispatch delay, in seconds; None: too few."""
        return _quantile(_merged(row.histogram for row in self.load.dispatch_delay), thousandths)

    def successes(self, name: str) -> histograms.Samples:
        """The samples of one histogram: latency, ttft or inter_token."""
        return _merged(getattr(row, name) for row in self._requests if row.outcome == "success")


def _merged(parts: Any) -> histograms.Samples:
    found: list[Histogram] = [part for part in parts if part is not None]
    return histograms.merge(histograms.decode(part) for part in found)


def _quantile(samples: histograms.Samples, thousandths: int) -> float | None:
    found = samples.quantile(thousandths)
    return None if found is None else found[0]


def closed_load(connections: int, seconds: float) -> list[str]:
    """Users without think time, all at once."""
    return ["-c", str(connections), "-rps", "0", "-duration", f"{seconds:g}"]


def open_load(rate: float, seconds: float, poisson: bool) -> list[str]:
    """Arrivals at a rate; more in flight at once than any part of the benchmark has."""
    arrivals = "Poisson" if poisson else "Constant"
    return ["-rps", f"{rate:g}", "-arrivals", arrivals, "-c", "10000", "-duration", f"{seconds:g}"]


def command(lab: Lab, url: str, load: list[str], stream: bool = False) -> list[str]:
    """The engine's command for the chat completion that the others send too, or for a stream of its own."""
    result(lab).unlink(missing_ok=True)
    words = [str(lab.programs["engine"]), "run", "-url", url + PATH, *load, "-json", str(result(lab))]
    return words + (["-stream"] if stream else ["-body", f"@{CHAT}", "-H", "Content-Type: application/json"])


def result(lab: Lab) -> pathlib.Path:
    """Where the engine writes its result."""
    return lab.folder / "engine.json"


def read(lab: Lab) -> Run:
    """The result of the last run."""
    return Run(document.read(result(lab)).load)


def drive(lab: Lab, load: list[str], url: str, seconds: float, stream: bool = False) -> tuple[Run, float]:
    """Runs a load to its end; what was measured, and the CPU seconds of the process."""
    used = timed(lab.client_cpu, seconds + DRAIN, *command(lab, url, load, stream))
    return read(lab), used.cpu


def closed(lab: Lab, url: str, connections: int, seconds: float) -> tuple[Sent, Run]:
    """Closed load without think time."""
    run, cpu = drive(lab, closed_load(connections, seconds), url, seconds)
    report = Report(run.count, run.count / seconds, run.errors, run.latency(500), run.latency(990))
    return Sent(report, cpu), run


def opened(lab: Lab, url: str, rate: float, seconds: float, poisson: bool, warm_up: float = 0.0) -> Run:
    """Open load, after as many seconds of the same that are warm-up."""
    load = [*open_load(rate, seconds, poisson), "-warm-up", f"{warm_up:g}"]
    return drive(lab, load, url, warm_up + seconds)[0]


@dataclasses.dataclass(frozen=True)
class Running:
    """The engine under way."""

    lab: Lab
    process: subprocess.Popen[bytes]

    def finish(self) -> Run:
        """Its result. SystemExit where it failed."""
        if self.process.wait(60):
            raise SystemExit(f"the engine ended with {self.process.returncode}")
        return read(self.lab)


@contextlib.contextmanager
def running(lab: Lab, url: str, connections: int, seconds: float) -> Iterator[Running]:
    """Closed load without think time, while something else is done."""
    words = command(lab, url, closed_load(connections, seconds))
    pinned = ["taskset", "-c", str(lab.client_cpu), *words]
    process = subprocess.Popen(pinned, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=dict(os.environ))
    try:
        yield Running(lab, process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
