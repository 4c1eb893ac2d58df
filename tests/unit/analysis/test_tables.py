"""Results as DataFrames; and that nothing but this module needs pandas."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pandas as pd
import pytest

from gatebench_analysis import document, tables
from unit.analysis import builders, test_golden

ANALYSIS = pathlib.Path(__file__).parents[3] / "analysis"


def test_requests() -> None:
    frame = tables.load(test_golden.mixed()).requests
    whole = frame[frame["stage"].isna()].set_index("name")
    assert list(whole.index) == ["chat", "stream"]
    assert whole.loc["chat", "requests"] == 3440
    assert whole.loc["chat", "failures"] == 40
    assert whole.loc["chat", "throughput"] == pytest.approx(3400 / 69)
    assert whole.loc["stream", "ttft.p95"] == pytest.approx(0.257, rel=1e-2)
    assert pd.isna(whole.loc["chat", "ttft.p95"])
    low = frame[(frame["stage"] == "low") & (frame["name"] == "chat")].iloc[0]
    assert low["p95"] == pytest.approx(0.08, rel=0.2)
    assert pd.isna(low["p99.9"])


def test_frontier() -> None:
    frame = tables.load(test_golden.capacity()).frontier
    assert list(frame["rate"]) == [50, 75, 75, 75, 80, 100]
    assert list(frame["confirmation"]) == [False, False, True, True, False, False]
    assert frame["p50"].iloc[-1] == pytest.approx(0.1, rel=0.05)
    assert frame["gatewayCpuCores"].notna().all()
    nothing = tables.load(builders.result()).frontier
    assert len(nothing) == 0
    assert "errorRatio" in nothing.columns


def test_series() -> None:
    frame = tables.load(builders.result()).series
    assert set(frame["source"]) == {"load", "probe", "prometheus"}
    users = frame[(frame["source"] == "load") & (frame["name"] == "users")]
    assert len(users) == 90
    assert users["value"].max() == 50
    assert str(users["at"].iloc[0]) == "2023-11-14 22:13:20+00:00"
    assert set(frame[frame["source"] == "prometheus"]["name"]) == {"gateway.cpu"}


def test_repeats(tmp_path: pathlib.Path) -> None:
    def figures(rate: float) -> dict[str, document.Figure]:
        slow = document.Figure(value=600.0, unit="s", above=True, note="> 10 min")
        return {"throughput": document.Figure(value=rate, unit="1/s"), "latency.max": slow}

    rows = [
        document.Repeat(
            index=index,
            started_at=builders.START + 100 * index,
            ended_at=builders.START + 100 * index + 80,
            window_seconds=80,
            metrics=figures(60.0 + index),
            gateway={"gateway.cpu.mean": document.Figure(value=0.5, unit="cores")} if index else {},
        )
        for index in range(3)
    ]
    path = tmp_path / "result.json.gz"
    path.write_bytes(document.write(builders.result().model_copy(update={"repeats": rows})))
    frame = tables.load(path).repeats
    assert list(frame["repeat"]) == [0, 1, 2]
    assert list(frame["throughput"]) == [60, 61, 62]
    assert frame["latency.max"].isna().all(), "above 10 min is no figure"
    assert pd.isna(frame["gateway.cpu.mean"].iloc[0])
    assert frame["gateway.cpu.mean"].iloc[1] == 0.5
    assert str(frame["startedAt"].iloc[1]) == "2023-11-14 22:15:00+00:00"


def test_a_run_without_repeats_is_one() -> None:
    result = builders.result()
    frame = tables.load(result).repeats
    assert len(frame) == 1
    assert frame["latency.p95"].iloc[0] == result.metrics["latency.p95"].value
    assert frame["gateway.memory.peak"].iloc[0] == result.gateway["gateway.memory.peak"].value
    assert pd.isna(frame["startedAt"].iloc[0])


def test_nothing_gives_empty_tables() -> None:
    found = tables.load(builders.result(load={}, probe=None, resources=None))
    assert found.requests.empty
    assert found.series.empty
    assert len(found.repeats) == 1


def test_the_rest_does_without_pandas() -> None:
    """The operator imports all of it, and pandas would cost it 45 MiB."""
    paths = [path.relative_to(ANALYSIS).with_suffix("") for path in (ANALYSIS / "gatebench_analysis").rglob("*.py")]
    names = [".".join(path.parts).removeprefix("gatebench_analysis.") for path in paths if path.stem != "__init__"]
    program = "import sys, importlib\n"
    program += "".join(f"importlib.import_module('gatebench_analysis.{name}')\n" for name in names)
    program += "assert not {'pandas', 'numpy', 'gatebench', 'kubernetes'} & set(sys.modules), sorted(sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ANALYSIS)}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment, timeout=60)
