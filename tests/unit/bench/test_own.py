"""Keeping others off a CPU for a while: who is moved, and that all of it is undone."""

from __future__ import annotations

import os
import pathlib
import subprocess
from collections.abc import Iterator

import pytest
from bench.engine.own import cpu_of_ours

CPUS = sorted(os.sched_getaffinity(0))
pytestmark = pytest.mark.skipif(len(CPUS) < 2, reason="needs a second CPU")


@pytest.fixture
def sleepers() -> Iterator[list[int]]:
    """Processes that may run everywhere, on the first CPU only, and on all but the first."""
    started = [
        subprocess.Popen(["taskset", "-c", ",".join(map(str, cpus)), "sleep", "60"])
        for cpus in (CPUS, CPUS[:1], CPUS[1:])
    ]
    for process in started:  # taskset has become sleep
        while "sleep" not in pathlib.Path(f"/proc/{process.pid}/comm").read_text():
            pass
    yield [process.pid for process in started]
    for process in started:
        process.kill()
        process.wait()


def allowed(pids: list[int]) -> list[list[int]]:
    return [sorted(os.sched_getaffinity(pid)) for pid in pids]


def test_who_may_run_elsewhere_does_and_comes_back(sleepers: list[int]) -> None:
    before = allowed(sleepers)
    with cpu_of_ours(CPUS[0], lambda: sleepers) as moved:
        assert moved == 1
        assert allowed(sleepers) == [CPUS[1:], CPUS[:1], CPUS[1:]]
    assert allowed(sleepers) == before == [CPUS, CPUS[:1], CPUS[1:]]


def test_what_is_started_meanwhile_comes_back_too(sleepers: list[int]) -> None:
    seen = sleepers[:1]
    with cpu_of_ours(CPUS[0], lambda: seen):
        seen = sleepers  # the third is one that a task which was moved has started
    assert allowed(sleepers) == [CPUS, CPUS[:1], CPUS]


def test_it_is_undone_after_a_failure(sleepers: list[int]) -> None:
    with pytest.raises(RuntimeError), cpu_of_ours(CPUS[0], lambda: sleepers):
        raise RuntimeError
    assert allowed(sleepers) == [CPUS, CPUS[:1], CPUS[1:]]


def test_tasks_that_have_ended_do_no_harm() -> None:
    with cpu_of_ours(CPUS[0], lambda: [2**22 + 1]) as moved:
        assert moved == 0
