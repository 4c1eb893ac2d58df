"""CPU, memory and foreign time of a window, from the probe's samples.

Its counters are cumulative, so a gap in the samples costs resolution, not time; only a window that the samples do
not cover cannot be accounted for.
"""

from __future__ import annotations

import bisect
import dataclasses
import itertools
import math
import statistics
from collections.abc import Callable, Mapping, Sequence

from gatebench_analysis import document, thinning
from gatebench_analysis.load import Series

MAX_OVER_SECONDS = 5.0
"""The highest CPU is that over 5 s: /proc counts in ticks of 10 ms."""
_SLACK_SECONDS = 3.0
_MOST_ROWS = 1200
Point = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Samples:
    """Columns over time, each as (unix seconds, value), in order of time."""

    columns: Mapping[str, tuple[Point, ...]]

    @classmethod
    def of(cls, names: Sequence[str], rows: Sequence[Sequence[float | None]]) -> Samples:
        """From a table whose first column is the time; cells that are missing are left out."""
        columns: dict[str, tuple[Point, ...]] = {}
        for index, name in enumerate(names):
            points = {
                at: value
                for row in rows
                if index < len(row) and (at := row[0]) is not None and (value := row[index]) is not None
            }
            columns[name] = tuple(sorted(points.items()))
        return cls(columns)

    def times(self) -> list[float]:
        """When it was sampled."""
        return sorted({at for points in self.columns.values() for at, _ in points})

    def increase(self, column: str, start: float, end: float) -> float | None:
        """How much a cumulative counter grew; between samples it is taken to grow evenly. None: not known."""
        points = self.columns.get(column, ())
        first, last = _at(points, start), _at(points, end)
        if first is None or last is None:
            return None
        low, high = bisect.bisect_right(points, (start, math.inf)), bisect.bisect_left(points, (end, -math.inf))
        inside = [value for _, value in points[low:high]]
        # A process that ends takes its time with it: that is no growth.
        return sum(max(0.0, after - before) for before, after in itertools.pairwise([first, *inside, last]))

    def inside(self, column: str, start: float, end: float) -> list[float]:
        """The values within a window, and the last one before it: what holds at its start."""
        points = self.columns.get(column, ())
        begin = max(0, bisect.bisect_right(points, (start, math.inf)) - 1)
        return [value for at, value in points[begin:] if at <= end]


def _at(points: Sequence[Point], when: float) -> float | None:
    """A counter at a time, between its samples."""
    after = bisect.bisect_left(points, (when, -math.inf))
    if after < len(points) and points[after][0] == when:
        return points[after][1]
    if after == 0 or after == len(points):
        return None
    (t0, v0), (t1, v1) = points[after - 1], points[after]
    return v0 + (v1 - v0) * (when - t0) / (t1 - t0) if v1 >= v0 else v0


def _covered(all_times: Sequence[list[float]], start: float, end: float) -> tuple[float, float] | None:
    """The part of the window that every source covers; None where that is less than the window, or too little."""
    begin, finish = start, end
    for times in all_times:
        gaps = [b - a for a, b in itertools.pairwise(times)]
        slack = max(_SLACK_SECONDS, 1.5 * statistics.median(gaps)) if gaps else _SLACK_SECONDS
        if len(times) < 2 or times[0] - start > slack or end - times[-1] > slack:
            return None
        begin, finish = max(begin, times[0]), min(finish, times[-1])
    return (begin, finish) if finish > begin else None


def account(
    gateway: Samples, cpus: Mapping[int, Samples], window: tuple[float, float], interval: float | None
) -> document.Cores:
    """The window's account. Without `cpus` (the gateway's own CPUs) nothing is said of foreign time."""
    start, end = window
    times = gateway.times()
    covered = _covered([times], start, end)
    if covered is None:
        return document.Cores(started_at=start, ended_at=end, missing="the probe's samples do not cover the window")
    begin, finish = covered
    seconds = finish - begin
    cpu = gateway.increase("cpuSeconds", begin, finish)
    wait = gateway.increase("waitSeconds", begin, finish)
    rss, swap = gateway.inside("rssBytes", begin, finish), gateway.inside("swapBytes", begin, finish)
    busy = None if wait is None or cpu is None else wait + cpu
    edges = [begin, *(at for at in times if begin < at < finish), finish]
    return document.Cores(
        started_at=begin,
        ended_at=finish,
        seconds=seconds,
        cpu_seconds=cpu,
        wait_seconds=wait,
        wait_ratio=wait / busy if busy and wait is not None else (0.0 if busy == 0 else None),
        cpu_cores_mean=None if cpu is None else cpu / seconds,
        cpu_cores_max=_highest_rate(gateway, edges),
        rss_bytes_max=max(rss, default=None),
        rss_bytes_end=rss[-1] if rss else None,
        peak_bytes=max(gateway.inside("peakBytes", begin, finish), default=None),
        swap_bytes_max=max(swap, default=None),
        longest_gap_seconds=max((b - a for a, b in itertools.pairwise(edges)), default=None),
        **_others(cpus, window, gateway),
    )


def _others(cpus: Mapping[int, Samples], window: tuple[float, float], gateway: Samples) -> dict[str, float]:
    """Foreign time, steal and interrupts on the gateway's CPUs, over what both sources cover."""
    covered = _covered([gateway.times(), *(one.times() for one in cpus.values())], *window)
    if not cpus or covered is None:
        return {}
    share = (covered[1] - covered[0]) * len(cpus)
    own = gateway.increase("cpuSeconds", *covered)
    busy, steal, interrupts = (_sum(cpus, name, covered) for name in ("busySeconds", "stealSeconds", "irqSeconds"))
    out: dict[str, float] = {}
    if busy is not None and own is not None:
        # Both count in ticks, and an interrupt is charged to whom it hits: slightly below zero is zero.
        out["foreign_seconds"] = max(0.0, busy - own)
        out["foreign_ratio"] = out["foreign_seconds"] / share
    if steal is not None:
        out["steal_seconds"], out["steal_ratio"] = steal, steal / share
    if interrupts is not None:
        out["interrupt_ratio"] = interrupts / share
    return out


def _sum(cpus: Mapping[int, Samples], column: str, window: tuple[float, float]) -> float | None:
    parts = [one.increase(column, *window) for one in cpus.values()]
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) and parts else None


def _highest_rate(gateway: Samples, edges: Sequence[float]) -> float | None:
    """The highest CPU over at least 5 s, or over the window where that is shorter; in cores."""
    highest: float | None = None
    for index, start in enumerate(edges):
        after = bisect.bisect_left(edges, start + MAX_OVER_SECONDS - 0.05, index + 1)
        if after >= len(edges):
            if index > 0:
                break
            after = len(edges) - 1
        grown = gateway.increase("cpuSeconds", start, edges[after])
        if grown is not None and edges[after] > start:
            highest = max(highest or 0.0, grown / (edges[after] - start))
    return highest


def series(gateway: Samples, cpus: Mapping[int, Samples], load: tuple[float, float] | None) -> Series:
    """The gateway over time: cores, share of waiting, resident memory, what others and the hypervisor took."""
    columns = ["at", "cpuCores", "waitRatio", "rssBytes", "foreignCores", "stealCores", "threads"]
    times = [at for at in gateway.times() if load is None or load[0] - 1 <= at <= load[1] + 1]
    rss, threads = (dict(gateway.columns.get(name, ())) for name in ("rssBytes", "threads"))
    rows: list[list[float | None]] = []
    for before, at in itertools.pairwise(times):
        seconds = at - before
        cpu, wait = (gateway.increase(name, before, at) for name in ("cpuSeconds", "waitSeconds"))
        busy, steal = (_sum(cpus, name, (before, at)) for name in ("busySeconds", "stealSeconds"))
        waiting = None
        if cpu is not None and wait is not None:
            waiting = wait / (cpu + wait) if cpu + wait > 0 else 0.0
        rows.append(
            [
                round(at, 3),
                _rate(cpu, seconds),
                None if waiting is None else round(waiting, 4),
                rss.get(at),
                None if busy is None or cpu is None else _rate(max(0.0, busy - cpu), seconds),
                _rate(steal, seconds),
                threads.get(at),
            ]
        )
    return Series(columns=columns, rows=thinning.merge_rows(rows, columns, _MOST_ROWS))


def together(each: Sequence[document.Probe | None]) -> document.Probe | None:
    """What was seen of several gateways, one after the other: it holds only where it holds for each of them."""
    known = [one for one in each if one is not None]
    if not known or len(known) < len(each):
        return None
    unproven = next((one for one in known if not one.proven), None)
    last = known[-1]
    return last.model_copy(
        update={
            "proven": unproven is None,
            "proof": last.proof if unproven is None else unproven.proof,
            "changes": [change for one in known for change in one.changes],
            "shared_siblings": sorted({cpu for one in known for cpu in one.shared_siblings}),
            "window": _summed([one.window for one in known]),
            "series": Series(columns=last.series.columns, rows=[row for one in known for row in one.series.rows]),
        }
    )


_TIMES = ("seconds", "cpu_seconds", "foreign_seconds", "steal_seconds", "wait_seconds")
_SHARES = ("foreign_ratio", "steal_ratio", "interrupt_ratio", "cpu_cores_mean")
_PEAKS = ("cpu_cores_max", "rss_bytes_max", "peak_bytes", "swap_bytes_max", "longest_gap_seconds")


def _summed(each: Sequence[document.Cores]) -> document.Cores:
    """Windows one after the other: times add up, shares are weighted by them, and of extremes the largest stays."""
    begun, ended = each[0].started_at, each[-1].ended_at
    lost = next((number for number, one in enumerate(each, 1) if one.seconds is None), None)
    if lost is not None:
        why = each[lost - 1].missing or "the probe did not see all of it"
        return document.Cores(started_at=begun, ended_at=ended, missing=f"window {lost} of {len(each)}: {why}")
    lengths = [one.seconds or 0.0 for one in each]

    def of(name: str, join: Callable[[list[float]], float]) -> float | None:
        values = [getattr(one, name) for one in each]
        return None if None in values else join(values)

    def weighted(values: list[float]) -> float:
        return sum(value * length for value, length in zip(values, lengths, strict=True)) / sum(lengths)

    found = {name: of(name, math.fsum) for name in _TIMES}
    cpu, wait = found["cpu_seconds"], found["wait_seconds"]
    busy = None if cpu is None or wait is None else cpu + wait
    found |= {name: of(name, weighted) for name in _SHARES} | {name: of(name, max) for name in _PEAKS}
    found["wait_ratio"] = (wait or 0.0) / busy if busy else (0.0 if busy == 0 else None)
    return document.Cores(started_at=begun, ended_at=ended, rss_bytes_end=each[-1].rss_bytes_end, **found)


def _rate(grown: float | None, seconds: float) -> float | None:
    return None if grown is None else round(grown / seconds, 4)
