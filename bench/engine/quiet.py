"""Rounds in which nobody else had the client's CPU: what a program cannot help is not counted as its own."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from bench.engine.lab import Lab
from bench.engine.tasks import processes, tasks_of
from bench.mock.run import TICKS

T = TypeVar("T")
# Of a round: a tenth of what a p99.9 is made of.
MOST_TAKEN = 1e-4
WANTED, MOST_ROUNDS = 5, 15
LOOK_EVERY = 0.1
# A task that used less than that of a CPU in the second before is not looked at while a round lasts.
IDLE = 1e-5


@dataclasses.dataclass(frozen=True)
class Round(Generic[T]):
    """What was measured, for how long, and the seconds for which others had the client's CPU meanwhile."""

    value: T
    seconds: float
    taken: float

    @property
    def quiet(self) -> bool:
        """Whether that is too little to be seen."""
        return self.taken <= MOST_TAKEN * self.seconds


@dataclasses.dataclass(frozen=True)
class Rounds(Generic[T]):
    """Those that count, and how many there were in all."""

    kept: Sequence[Round[T]]
    all: int

    @property
    def values(self) -> list[T]:
        """What was measured."""
        return [one.value for one in self.kept]

    def words(self, what: str) -> str:
        """What to know of them."""
        taken = statistics.fmean(one.taken / one.seconds for one in self.kept)
        loud = sum(not one.quiet for one in self.kept)
        count = f"{len(self.kept)} of {self.all} rounds count" + (f", {loud} of them disturbed" if loud else "")
        return f"{what}: {count}; others had the client's CPU for {taken:.3%} of them"

    def plain(self) -> dict[str, object]:
        """For the JSON."""
        return {"rounds": len(self.kept), "roundsInAll": self.all, "takenSeconds": [one.taken for one in self.kept]}


def rounds(lab: Lab, measure: Callable[[], T]) -> Rounds[T]:
    """Measures until WANTED rounds are quiet, at most MOST_ROUNDS times; then the least disturbed ones count.

    Which ones do is decided by the kernel's account of who had the client's CPU alone, not by what was measured.
    """
    wanted, most = (1, 1) if lab.quick else (WANTED, MOST_ROUNDS)
    done: list[Round[T]] = []
    with watching(lab.client_cpu) as watch:
        while len(done) < most and sum(one.quiet for one in done) < wanted:
            began, before = time.monotonic(), watch.taken()
            value = measure()
            done.append(Round(value, time.monotonic() - began, watch.taken() - before))
    return Rounds(sorted(done, key=lambda one: one.taken / one.seconds)[:wanted], len(done))


def middle(values: Sequence[float | None]) -> float | None:
    """The median; None where one is missing."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known and len(known) == len(values) else None


@contextlib.contextmanager
def watching(cpu: int) -> Iterator[Watch]:
    """A watch that is under way, after a second in which it learns whom to watch."""
    watch = Watch(cpu)
    watch.start()
    try:
        yield watch
    finally:
        watch.end.set()
        watch.join()


class Watch(threading.Thread):
    """Adds up for how long tasks that are none of ours run on a CPU, and how long the hypervisor has it.

    What a task ran between two looks is put down to the CPU that it was on at the later one. A task that comes and goes
    is not seen.
    """

    def __init__(self, cpu: int) -> None:
        super().__init__(daemon=True)
        self.end = threading.Event()
        self._cpu = cpu
        self._lock = threading.Lock()
        self._ran, self._others = _tasks(), 0.0
        time.sleep(1)
        now = _tasks()
        self._known = {task: ran for task, ran in now.items() if ran - self._ran.get(task, 0.0) > IDLE}
        self._ran = now

    def run(self) -> None:
        """Looks at those who were busy, time and again."""
        while not self.end.wait(LOOK_EVERY):
            self._look()

    def taken(self) -> float:
        """Seconds since the beginning, also of those who were not busy then."""
        everyone = _tasks()
        with self._lock:
            for task, ran in everyone.items():
                if task not in self._known:
                    self._add(task, ran - self._ran.get(task, 0.0))
            self._ran = everyone
        self._look()
        return self._others + stolen(self._cpu)

    def _look(self) -> None:
        with self._lock:
            for task, before in self._known.items():
                self._known[task] = now = _ran(task) or before
                self._add(task, now - before)

    def _add(self, task: pathlib.Path, seconds: float) -> None:
        if seconds > 0 and _cpu(task) == self._cpu:
            self._others += seconds


def _tasks() -> Mapping[pathlib.Path, float]:
    """What the tasks of the machine have run, in seconds, but for this process and those that it started."""
    everyone = processes()
    parents = {int(process.name): _parent(process) for process in everyone}
    return {
        task: ran
        for process in everyone
        if not _ours(int(process.name), parents)
        for task in tasks_of(process)
        if (ran := _ran(task)) is not None
    }


def _ours(pid: int, parents: Mapping[int, int]) -> bool:
    while pid and pid != os.getpid():
        pid = parents.get(pid, 0)
    return bool(pid)


def _fields(path: pathlib.Path) -> list[str]:
    """Those of a stat file after the name; empty: there is no such task any more."""
    try:
        return (path / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _parent(process: pathlib.Path) -> int:
    fields = _fields(process)
    return int(fields[1]) if fields else 0


def _cpu(task: pathlib.Path) -> int | None:
    fields = _fields(task)
    return int(fields[36]) if fields else None


def _ran(task: pathlib.Path) -> float | None:
    """Seconds on a CPU; None: it has ended."""
    try:
        return int((task / "schedstat").read_text().split()[0]) / 1e9
    except (OSError, IndexError):
        return None


def stolen(cpu: int) -> float:
    """Seconds for which a hypervisor has had a CPU, since the machine started."""
    lines = [line.split() for line in pathlib.Path("/proc/stat").read_text().splitlines()]
    return sum(int(fields[8]) for fields in lines if fields and fields[0] == f"cpu{cpu}") / TICKS
