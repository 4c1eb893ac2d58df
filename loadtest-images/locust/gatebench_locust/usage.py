"""CPU of a worker process: what it used of what it may use, and how long its threads waited to run.

A Python worker can use one core at most (the interpreter's lock), less where its cgroup has a quota.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import time

_NANO = 1e-9


@dataclasses.dataclass(frozen=True)
class Usage:
    """Sums since the process began, in seconds; None where the kernel does not say."""

    wall: float
    cpu: float
    on_cpu: float | None
    waited: float | None


def read() -> Usage:
    """The sums now."""
    on_cpu, waited = _schedstat(pathlib.Path("/proc/self/task"))
    return Usage(time.monotonic(), time.process_time(), on_cpu, waited)


def _schedstat(tasks: pathlib.Path) -> tuple[float | None, float | None]:
    on_cpu = waited = 0
    found = False
    try:
        for task in tasks.iterdir():
            try:
                fields = (task / "schedstat").read_text().split()
            except OSError:  # a thread that has just ended, or a kernel without schedstat
                continue
            on_cpu += int(fields[0])
            waited += int(fields[1])
            found = True
    except (OSError, ValueError, IndexError):
        return None, None
    return (on_cpu * _NANO, waited * _NANO) if found else (None, None)


def allowed_cores(root: pathlib.Path = pathlib.Path("/sys/fs/cgroup")) -> float:
    """Cores that one Python process can use here: its CPU set, its quota, and at most 1."""
    try:
        cores = float(len(os.sched_getaffinity(0)))
    except OSError:
        cores = 1.0
    quota = _quota(root)
    return min(1.0, cores, quota if quota is not None else 1.0)


def _quota(root: pathlib.Path) -> float | None:
    """Quota of the own cgroup in cores, of either version; None where there is none."""
    try:
        quota, period = (root / "cpu.max").read_text().split()[:2]
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        pass
    for folder in ("cpu", "cpu,cpuacct"):
        try:
            limit = int((root / folder / "cpu.cfs_quota_us").read_text())
            length = int((root / folder / "cpu.cfs_period_us").read_text())
            return limit / length if limit > 0 and length > 0 else None
        except (OSError, ValueError):
            continue
    return None
