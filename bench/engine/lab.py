"""Builds and runs the programs of the benchmark: servers on one CPU, what sends load on another, and what each used."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import resource
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from bench.engine.figures import Values
from bench.mock.run import TICKS, Server, fetch, serving

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
CHAT = REPOSITORY / "bench" / "mock" / "chat.json"
PATH = "/v1/chat/completions"

SOURCES = {
    "engine": REPOSITORY / "loadtest-images" / "engine",
    "mock": REPOSITORY / "loadtest-images" / "mock",
    "server": HERE / "server",
}


@dataclasses.dataclass(frozen=True)
class Lab:
    """Where programs are, and which CPU is whose."""

    folder: pathlib.Path
    programs: Mapping[str, pathlib.Path]
    server_cpu: int
    client_cpu: int
    quick: bool
    own_cpu: bool  # whether the clients have theirs to themselves
    memory_seconds: float

    def seconds(self, full: float, quick: float) -> float:
        """A duration, in seconds."""
        return quick if self.quick else full

    @contextlib.contextmanager
    def server(self, *flags: str) -> Iterator[Server]:
        """The server of the benchmark."""
        with serving(self.server_cpu, str(self.programs["server"]), "--listen=ADDRESS", *flags) as server:
            yield server

    @contextlib.contextmanager
    def mock(self, *flags: str) -> Iterator[Server]:
        """The mock LLM."""
        with serving(self.server_cpu, str(self.programs["mock"]), "--listen=ADDRESS", *flags) as server:
            yield server


def build(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """Compiles the engine, the servers, hey and vegeta; wrk is the distribution's. SystemExit where it cannot."""
    environment = {**os.environ, "CGO_ENABLED": "0"}
    for source, output, package in [
        *((source, str(folder / name), ".") for name, source in SOURCES.items()),
        (HERE / "tools", f"{folder}/", "tool"),
    ]:
        command = ["go", "build", "-trimpath", "-o", output, package]
        if subprocess.run(command, cwd=source, check=False, env=environment).returncode:
            raise SystemExit(f"{source} cannot be built")
    return {name: folder / name for name in (*SOURCES, "hey", "vegeta")}


@dataclasses.dataclass(frozen=True)
class Used:
    """What a program printed and used; seconds."""

    out: str
    wall: float
    cpu: float


def timed(cpu: int, seconds: float, *command: str, **environment: str) -> Used:
    """Runs a program on one CPU that is to take so many seconds; SystemExit with its words where it fails."""
    limit = ["timeout", "-k", "5", f"{seconds + 60:.0f}", "taskset", "-c", str(cpu)]
    with tempfile.TemporaryFile("w+") as out:
        began = time.monotonic()
        process = subprocess.Popen(
            [*limit, *command], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)  # with that of its children
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{text[-2000:]}")
    return Used(text, wall, usage.ru_utime + usage.ru_stime)


def cpu_seconds(pid: int) -> float:
    """What a process has used until now."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_bytes(pid: int) -> int:
    """What a process holds in memory."""
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@dataclasses.dataclass(frozen=True)
class Record:
    """What the server wrote down of each request, in the order of their coming; seconds."""

    came: Values
    delay: Values


def reset(server: Server) -> None:
    """Has the server begin a new record."""
    fetch(f"{server.url}/bench/reset")


def record(server: Server) -> Record:
    """The server's record."""
    pairs = np.frombuffer(fetch(f"{server.url}/bench/record"), dtype="<i8").reshape(-1, 2)
    pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    first = pairs[0, 0] if len(pairs) else 0
    return Record((pairs[:, 0] - first) / 1e9, pairs[:, 1] / 1e9)


def calendar(server: Server) -> dict[str, float]:
    """When the server stalls: seconds."""
    found: dict[str, float] = json.loads(fetch(f"{server.url}/bench/calendar"))
    return found


class Others:
    """Measures the share of all CPUs that others than this benchmark took."""

    def __init__(self) -> None:
        self._began = (time.monotonic(), *self._now())

    @staticmethod
    def _now() -> tuple[float, float]:
        fields = [int(f) for f in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
        busy = (fields[0] + fields[1] + fields[2] + fields[7]) / TICKS  # user, nice, system, steal
        own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return busy, sum(one.ru_utime + one.ru_stime for one in own)

    def share(self) -> float:
        """Since it was made; processes of ours that have not ended count as others."""
        wall, busy, own = (after - before for after, before in zip(
            (time.monotonic(), *self._now()), self._began, strict=True
        ))  # fmt: skip
        return max(0.0, busy - own) / (wall * (os.cpu_count() or 1))


def machine() -> dict[str, Any]:
    """In general words."""
    model = "unknown"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {"cpus": os.cpu_count(), "model": model, "kernel": os.uname().release.split("-")[0]}
