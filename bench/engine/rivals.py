"""Runs wrk, hey, vegeta and Locust with the same request: the chat completion of bench/mock."""

from __future__ import annotations

import dataclasses
import sys

from bench.engine import outputs
from bench.engine.lab import CHAT, HERE, PATH, REPOSITORY, Lab, timed
from bench.engine.outputs import Report

NAMES = ("wrk", "hey", "vegeta", "locust")


@dataclasses.dataclass(frozen=True)
class Sent:
    """What came of a load: as its generator reports it, and the CPU seconds that the generator used for it."""

    report: Report
    cpu: float

    @property
    def per_cpu_second(self) -> float:
        """Requests for each second of the generator's CPU."""
        return self.report.requests / self.cpu


def send(lab: Lab, name: str, url: str, connections: int, seconds: float, rate: float = 0.0) -> Sent:
    """One run of a load generator; `rate` is of all connections, for those that know one (wrk does not); 0: none."""
    return {"wrk": _wrk, "hey": _hey, "vegeta": _vegeta, "locust": _locust}[name](lab, url, connections, seconds, rate)


def _wrk(lab: Lab, url: str, connections: int, seconds: float, _: float) -> Sent:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--latency", "--timeout=60s"]
    script = str(REPOSITORY / "bench" / "mock" / "chat.lua")
    used = timed(lab.client_cpu, seconds, *command, "-s", script, url + PATH, CHAT_BODY=str(CHAT))
    return Sent(outputs.wrk(used.out), used.cpu)


def _hey(lab: Lab, url: str, connections: int, seconds: float, rate: float) -> Sent:
    command = [str(lab.programs["hey"]), "-z", f"{seconds:g}s", "-c", str(connections), "-t", "60"]
    command += ["-m", "POST", "-T", "application/json", "-D", str(CHAT)]
    if rate:
        command += ["-q", f"{rate / connections:g}"]
    used = timed(lab.client_cpu, seconds, *command, url + PATH)
    return Sent(outputs.hey(used.out), used.cpu)


def targets(lab: Lab, url: str) -> str:
    """A file that names the request in vegeta's own form."""
    path = lab.folder / "targets"
    path.write_text(f"POST {url}{PATH}\nContent-Type: application/json\n@{CHAT}\n")
    return str(path)


def _vegeta(lab: Lab, url: str, connections: int, seconds: float, rate: float) -> Sent:
    attack, taken = str(lab.programs["vegeta"]), str(lab.folder / "vegeta.bin")
    command = [attack, "attack", f"-targets={targets(lab, url)}", f"-duration={seconds:g}s", f"-output={taken}"]
    # Without a rate it is as many workers as connections; with one it adds workers as it needs them.
    command += ["-timeout=60s", f"-rate={rate:g}"] + ([] if rate else [f"-max-workers={connections}"])
    used = timed(lab.client_cpu, seconds, *command)
    told = timed(lab.client_cpu, seconds, attack, "report", "-type=json", taken)
    return Sent(outputs.vegeta(told.out), used.cpu)


def _locust(lab: Lab, url: str, connections: int, seconds: float, rate: float) -> Sent:
    result = lab.folder / "locust.json"
    result.unlink(missing_ok=True)
    command = [sys.executable, "-m", "locust", "-f", str(HERE / "locustfile.py"), "--headless", "--host", url]
    command += ["--users", str(connections), "--spawn-rate", str(connections), "--run-time", f"{seconds + 1:.0f}s"]
    timed(
        lab.client_cpu,
        seconds,
        *command,
        CHAT_BODY=str(CHAT),
        LOCUST_RESULT=str(result),
        RATE_PER_USER=f"{rate / connections:g}",
    )
    report, cpu = outputs.locust(result.read_text())
    return Sent(report, cpu)
