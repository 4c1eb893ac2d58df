"""What the generator itself did is shown beside what it measured: in the table, and in the report's environment."""

from __future__ import annotations

from typing import Any

import pytest

from gatebench_analysis import generator, text
from gatebench_analysis.document import Result
from gatebench_analysis.load import Load
from gatebench_analysis.measured import Account
from gatebench_analysis.report import tables
from unit.analysis import builders


def conduct(load: dict[str, Any]) -> dict[str, str]:
    return dict(generator.conduct(Account(Load.model_validate(load))))


def test_of_several_workers_the_worst_and_of_delays_the_measured_window() -> None:
    late = [0.0002] * 4500 + [0.003] * 490 + [0.02] * 10
    load = builders.open_load(
        workers=[
            builders.go_worker(),
            builders.go_worker(id="w1", cpuRatioMean=0.5, cpuRatioMax=0.7, gcPauseSeconds=0),
        ],
        dispatchDelay=[
            {"phase": 0, "histogram": builders.histogram([1.0] * 900)},
            {"phase": 1, "histogram": builders.histogram(late)},
        ],
    )
    assert conduct(load) == {
        "sent late": "p50 200 us  p99 3 ms  p99.9 20 ms",
        "busiest worker": "50 % of its CPU, up to 70 %",
        "requests in flight": "up to 18",
        "GC pauses": "up to 2 ms a worker",
    }


@pytest.mark.parametrize(
    "delays",
    [
        [],
        [{"phase": 1, "histogram": builders.histogram([0.0002] * 4700) | {"data": None}}],
        [{"phase": 0, "histogram": builders.histogram([0.0002] * 4700)}],
    ],
)
def test_what_is_not_known_is_a_dash(delays: list[dict[str, Any]]) -> None:
    workers = [builders.worker(cpuRatioMean=None, cpuRatioMax=None), builders.worker(cpuRatioMean=None, inFlightMax=3)]
    workers[1]["cpuRatioMax"] = None
    assert conduct(builders.load(workers=workers, dispatchDelay=delays)) == {
        "sent late": "p50 -  p99 -  p99.9 -",
        "busiest worker": "- of its CPU, up to -",
        "requests in flight": "-",
        "GC pauses": "-",
    }
    assert conduct(builders.load(workers=[])) == {}


def test_the_table_and_the_report_have_it() -> None:
    found = builders.result(load=builders.open_load())
    (line,) = [line for line in text.table(found).splitlines() if line.startswith("generator  ")]
    assert "sent late p50 200 us  p99 200 us  p99.9 200 us; busiest worker 30 % of its CPU, up to 40 %" in line
    assert "; requests in flight up to 18; GC pauses up to 2 ms a worker" in line
    shown = dict(tables.environment(found))
    assert shown["workers"] == "2"
    assert shown["generator, GC pauses"] == "up to 2 ms a worker"
    assert not [name for name, _ in tables.environment(Result()) if name.startswith("generator")]
