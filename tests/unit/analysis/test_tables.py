"""Results as DataFrames; and that nothing but this module needs pandas."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pandas as pd
import pytest

from gatebench_analysis import tables
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


def test_nothing_gives_empty_tables() -> None:
    found = tables.load(builders.result(load={}, probe=None, resources=None))
    assert found.requests.empty
    assert found.series.empty


def test_the_rest_does_without_pandas() -> None:
    """The operator imports all of it, and pandas would cost it 45 MiB."""
    names = [path.stem for path in (ANALYSIS / "gatebench_analysis").glob("*.py") if path.stem != "__init__"]
    program = "import sys, importlib\n"
    program += "".join(f"importlib.import_module('gatebench_analysis.{name}')\n" for name in names)
    program += "assert not {'pandas', 'numpy', 'gatebench', 'kubernetes'} & set(sys.modules), sorted(sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ANALYSIS)}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment, timeout=60)
