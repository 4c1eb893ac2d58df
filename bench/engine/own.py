"""Keeps everybody else off a CPU while it is measured on, as `cset shield` does."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator

from bench.engine.tasks import processes, tasks_of


@contextlib.contextmanager
def cpu_of_ours(cpu: int, tasks: Callable[[], list[int]] | None = None) -> Iterator[int]:
    """Takes a CPU out of the affinity of every task that may be moved, and gives how many those were.

    This process and what it starts choose for themselves. What others start meanwhile is off the CPU too: at the end
    whoever is kept off it, and was not before, may use it again. Tasks of others need root; the rest stays where it is.
    """
    tasks = tasks or _tasks
    everyone = set(os.sched_getaffinity(0))
    without = everyone - {cpu}
    if not without:
        raise ValueError(f"CPU {cpu} is the only one")
    before = {task: found for task in tasks() if (found := _affinity(task)) is not None}
    moved = {task for task, cpus in before.items() if cpu in cpus and len(cpus) > 1 and _move(task, cpus - {cpu})}
    try:
        yield len(moved)
    finally:
        for task in moved:
            _move(task, before[task])
        for task in tasks():
            if task not in before and _affinity(task) == without:
                _move(task, everyone)


def _tasks() -> list[int]:
    return [int(task.name) for process in processes() for task in tasks_of(process)]


def _affinity(task: int) -> set[int] | None:
    try:
        return set(os.sched_getaffinity(task))
    except OSError:
        return None  # it has ended


def _move(task: int, cpus: set[int]) -> bool:
    try:
        os.sched_setaffinity(task, cpus)
    except OSError:
        return False  # it has ended, or is bound to its CPU
    return True
