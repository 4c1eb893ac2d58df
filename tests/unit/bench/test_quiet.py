"""Which rounds of a benchmark count, and who is seen to disturb them."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
from bench.engine import quiet
from bench.engine.lab import Lab

SPIN = "while :; do :; done"


def lab(*, quick: bool = False) -> Lab:
    return Lab(pathlib.Path("/nowhere"), {}, 0, 0, quick, False, 600.0)


class Taken:
    """A watch that says after each round what others took in it."""

    def __init__(self, *each: float) -> None:
        self._sums, total = [], 0.0
        for one in each:
            self._sums += [total, total + one]
            total += one

    def taken(self) -> float:
        return self._sums.pop(0)


def counted(monkeypatch: pytest.MonkeyPatch, *each: float, quick: bool = False) -> quiet.Rounds[int]:
    """The rounds of which others took so much, each of a second by the clock."""

    @contextlib.contextmanager
    def watching(_: int) -> Iterator[Any]:
        yield Taken(*each)

    clock, numbers = iter(range(10_000)), iter(range(100))
    monkeypatch.setattr(quiet, "watching", watching)
    monkeypatch.setattr(quiet.time, "monotonic", lambda: float(next(clock)))
    return quiet.rounds(lab(quick=quick), lambda: next(numbers))


def test_quiet_rounds_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    found = counted(monkeypatch, 0.5, 0, 0, 0.5, 0, 0, 0)
    assert (sorted(found.values), found.all) == ([1, 2, 4, 5, 6], 7)
    assert found.words("x") == "x: 5 of 7 rounds count; others had the client's CPU for 0.000% of them"


def test_without_them_the_least_disturbed_ones_count(monkeypatch: pytest.MonkeyPatch) -> None:
    found = counted(monkeypatch, *(0.5 - number / 100 for number in range(quiet.MOST_ROUNDS)))
    assert sorted(found.values) == [10, 11, 12, 13, 14]
    assert "5 of 15 rounds count, 5 of them disturbed; others had the client's CPU for 38.000%" in found.words("x")


def test_a_try_is_one_round(monkeypatch: pytest.MonkeyPatch) -> None:
    found = counted(monkeypatch, 0.5, quick=True)
    assert (found.values, found.all) == ([0], 1)


def test_the_middle_of_what_is_missing_is_missing() -> None:
    assert quiet.middle([3.0, 1.0, 2.0]) == 2.0
    assert quiet.middle([3.0, None, 2.0]) is None
    assert quiet.middle([]) is None


@contextlib.contextmanager
def spinning(cpu: int, *, orphan: bool) -> Iterator[int]:
    """A process that keeps a CPU busy: one that is a child of this one, or one that is not."""
    end = "& echo $!" if orphan else "& echo $!; wait"
    command = ["taskset", "-c", str(cpu), "sh", "-c", f"sh -c '{SPIN}' >/dev/null 2>&1 {end}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        try:
            if orphan:
                process.wait()
            yield pid
        finally:
            os.kill(pid, signal.SIGKILL)


def ran(pid: int) -> float:
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def test_what_another_process_runs_is_taken() -> None:
    cpu = max(os.sched_getaffinity(0))
    with spinning(cpu, orphan=True) as pid, quiet.watching(cpu) as watch:
        before, ran_before = watch.taken(), ran(pid)
        time.sleep(0.5)
        spun = ran(pid) - ran_before
        assert spun > 0
        assert watch.taken() - before >= spun


def test_processes_of_ours_are_not_watched() -> None:
    cpu = max(os.sched_getaffinity(0))
    for orphan in (True, False):
        with spinning(cpu, orphan=orphan) as pid:
            assert any(task.name == str(pid) for task in quiet._tasks()) is orphan
    assert not any(task.name == str(os.getpid()) for task in quiet._tasks())
