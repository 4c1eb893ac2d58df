"""A result as pandas DataFrames, for notebooks. Needs pandas, which is imported only when it is used."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import TYPE_CHECKING

from gatebench_analysis import document, metrics, summary
from gatebench_analysis.document import Figure, Repeat, Result
from gatebench_analysis.measured import Account
from gatebench_analysis.observation import Measured

if TYPE_CHECKING:
    import pandas as pd

_STATISTICS = ("mean", "p50", "p90", "p95", "p99", "p99.9", "max")


@dataclasses.dataclass(frozen=True)
class Tables:
    """`requests`: one row a phase and request name. `series`: one row a moment and curve. `repeats`: one row a
    measurement of the run. `frontier`: one row a step of a capacity search."""

    requests: pd.DataFrame
    series: pd.DataFrame
    repeats: pd.DataFrame
    frontier: pd.DataFrame


def load(source: Result | str | pathlib.Path) -> Tables:
    """The tables of a result, or of the file of one (.json, .json.gz).

    Raises ImportError where pandas is not installed, document.Unreadable and OSError where the file cannot be read.
    """
    result = source if isinstance(source, Result) else document.read(pathlib.Path(source))
    return Tables(requests(result), series(result), repeats(result), frontier(result))


def requests(result: Result) -> pd.DataFrame:
    """One row a stage and request name; stage None: all measured stages together.

    Columns: stage, name; requests, failures (counts); throughput (1/s); errorRatio (ratio); mean, p50, p90, p95,
    p99, p99.9, max (latency in seconds, NaN below the sample floor); ttft.p95 (s); tokensPerSecond (1/s).
    """
    import pandas as pd

    account = Account(result.load)
    stages: list[str | None] = [None, *dict.fromkeys(stage.name for stage in result.stages)]
    rows = []
    for stage in stages:
        window = account.window(stage)
        for name in summary.request_names(result):
            mine = [row for row in window.rows if row.name == name]
            row: dict[str, object] = {
                "stage": stage,
                "name": name,
                "requests": sum(one.count or 0 for one in mine),
                "failures": sum(one.count or 0 for one in mine if one.outcome == "failure"),
            }
            wanted = {"throughput": "throughput", "errorRatio": "errorRatio"}
            wanted |= {statistic: f"latency.{statistic}" for statistic in _STATISTICS}
            wanted |= {"ttft.p95": "ttft.p95", "tokensPerSecond": "tokensPerSecond"}
            for column, metric in wanted.items():
                seen = metrics.observe(result, f"requests.{name}.{metric}", stage)
                row[column] = seen.value if isinstance(seen, Measured) else float("nan")
            rows.append(row)
    names = ["stage", "name", "requests", "failures", "throughput", "errorRatio", *_STATISTICS, "ttft.p95"]
    return pd.DataFrame(rows, columns=[*names, "tokensPerSecond"])


def series(result: Result) -> pd.DataFrame:
    """All curves in the long form, for groupby and plots.

    Columns: at (UTC time), source (load, probe or prometheus), name, value (NaN where it is missing). Units by
    name: users (count); requests, failures (count a step); p50Seconds, p95Seconds, p99Seconds (s); cpuCores,
    foreignCores, stealCores and gateway.cpu (cores); waitRatio and gateway.pressure.cpu (ratio); rssBytes and
    gateway.memory* (bytes); gateway.network.* (bytes/s).
    """
    import pandas as pd

    rows: list[tuple[float, str, str, float | None]] = []
    given = [("load", "", result.load.series)]
    if result.probe is not None:
        given.append(("probe", "", result.probe.series))
    given += [("prometheus", name, one) for name, one in result.series.items()]
    for source, curve, one in given:
        for row in one.rows:
            if not row or row[0] is None:
                continue
            cells = zip(one.columns[1:], row[1:], strict=False)
            rows += [(row[0], source, curve or column, cell) for column, cell in cells]
    frame = pd.DataFrame(rows, columns=["at", "source", "name", "value"])
    frame["at"] = pd.to_datetime(frame["at"], unit="s", utc=True)
    frame["value"] = frame["value"].astype("float64")
    return frame


def repeats(result: Result) -> pd.DataFrame:
    """One row a repeat, in the order in which they were measured; one row where nothing was repeated.

    Columns: repeat (from 0), whole (it was gone through to its end), startedAt and endedAt (UTC times, NaT where
    there was one), windowSeconds (s), and each metric by its name in its own unit: throughput (1/s), errorRatio
    (ratio), latency.* (s), gateway.cpu.* (cores), gateway.memory.* (bytes) and so on, as docs/metrics.md has them. NaN
    where it is missing.
    """
    import pandas as pd

    own = result.repeats or [
        Repeat(window_seconds=result.window_seconds, metrics=result.metrics, gateway=result.gateway)
    ]
    rows = [
        {
            "repeat": one.index,
            "whole": one.whole,
            "startedAt": one.started_at,
            "endedAt": one.ended_at,
            "windowSeconds": one.window_seconds,
            **{name: _value(figure) for name, figure in (one.metrics | one.gateway).items()},
        }
        for one in own
    ]
    frame = pd.DataFrame(rows)
    for column in frame.columns[2:]:
        frame[column] = frame[column].astype("float64")
    for column in ("startedAt", "endedAt"):
        frame[column] = pd.to_datetime(frame[column], unit="s", utc=True)
    return frame


def _value(figure: Figure) -> float:
    """NaN where it is missing, or only known to be above something."""
    return float("nan") if figure.value is None or figure.above else figure.value


def frontier(result: Result) -> pd.DataFrame:
    """The steps of a capacity search by rate; no rows where nothing was searched for.

    Columns: rate (1/s, asked for), outcome, confirmation; requests, failures, dropped (counts); throughput (1/s);
    errorRatio (ratio); p50, p95, p99 (latency in seconds); gatewayCpuCores. NaN where it is missing.
    """
    import pandas as pd

    names = ["rate", "outcome", "confirmation", "requests", "failures", "dropped", "throughput", "errorRatio"]
    rows = [
        (
            one.rate, one.outcome, one.confirmation, one.requests, one.failures, one.dropped, one.throughput,
            one.error_ratio, one.p50_seconds, one.p95_seconds, one.p99_seconds, one.gateway_cpu_cores,
        )
        for one in result.frontier
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=[*names, "p50", "p95", "p99", "gatewayCpuCores"])
    figures = [name for name in frame.columns if name not in ("outcome", "confirmation", "requests", "failures")]
    frame[figures] = frame[figures].astype("float64")
    return frame
