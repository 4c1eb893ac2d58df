"""The result document: the same after writing and reading, tolerant of other versions, and made to fit."""

from __future__ import annotations

import gzip
import json
import pathlib
import random

import pytest

from gatebench_analysis import document, metrics, text
from gatebench_analysis.metrics import Measured
from unit.analysis import builders


def test_written_and_read_it_is_the_same(tmp_path: pathlib.Path) -> None:
    result = builders.result()
    content = document.write(result)
    assert document.write(result) == content
    assert document.read(content) == result
    assert document.read(gzip.decompress(content)) == result
    path = tmp_path / "result.json.gz"
    path.write_bytes(content)
    assert document.read(path) == document.read(str(path)) == result


def test_fields_of_a_newer_writer_are_kept_and_absent_ones_missing() -> None:
    data = document.dump(builders.result())
    data["news"] = {"a": 1}
    data["load"]["phases"][0]["colour"] = "red"
    del data["counts"], data["probe"], data["load"]["series"]
    read = document.read(json.dumps(data).encode())
    assert document.dump(read)["news"] == {"a": 1}
    assert document.dump(read)["load"]["phases"][0]["colour"] == "red"
    assert read.probe is None
    assert read.load.series.rows == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\x1f\x8bnonsense",
        b'{"schema": "gatebench.dev/load/v1"}',
        b'{"schema": 5}',
        b"[" * 99999,
        document.write(document.Result())[:-9],
    ],
)
def test_what_is_no_result_is_refused(content: bytes) -> None:
    with pytest.raises(document.Unreadable):
        document.read(content)


def test_fields_of_another_type_are_missing() -> None:
    data = document.dump(builders.result())
    data["load"]["startedAt"] = "yesterday"
    data["load"]["workers"] = [7, data["load"]["workers"][0], None]
    data["windowSeconds"] = -1
    data["stages"] = "none"
    data["metrics"]["throughput"]["value"] = "fast"
    read = document.read(json.dumps(data).encode())
    assert read.load.started_at is None
    assert len(read.load.workers) == 1
    assert read.window_seconds is None
    assert read.stages == []
    assert isinstance(metrics.observe(read, "throughput"), metrics.Missing)


def test_not_a_number_is_missing() -> None:
    data = json.dumps(document.dump(builders.result())).replace('"cpuRatioMean": 0.3', '"cpuRatioMean": NaN')
    assert document.read(data.encode()).load.workers[0].cpu_ratio_mean is None


def _large() -> document.Result:
    """12 stages, 6 names, 3,600 rows of series: buckets that gzip cannot fold."""
    source = random.Random(5)
    phases = [builders.phase(i, "Stage", i * 10, i * 10 + 10, name=f"stage-{i}") for i in range(12)]
    rows = [
        builders.row(phase, [source.lognormvariate(-3, 1) for _ in range(400)], name=f"request-{name}")
        for phase in range(12)
        for name in range(6)
    ]
    series = builders.load()["series"] | {"rows": [[i, 50, 58, 0, source.random(), 0.08, 0.1] for i in range(3600)]}
    return builders.result(load=builders.load(phases=phases, requests=rows, series=series), objectives=())


def test_it_is_made_to_fit() -> None:
    result = _large()
    whole = document.write(result)
    limit = 20_000
    assert len(whole) > limit
    content = document.fit(result, limit)
    assert len(content) <= limit
    small = document.read(content)
    assert small.dropped
    assert small.dropped[0].startswith("series were thinned")
    assert any("histograms of the stages" in words for words in small.dropped)
    assert text.table(small).count("left out to fit") == len(small.dropped)
    # Figures survive what they were made from.
    assert metrics.observe(small, "latency.p99") == metrics.observe(result, "latency.p99")
    assert metrics.observe(small, "requests.request-3.latency.p95") == metrics.observe(
        result, "requests.request-3.latency.p95"
    )
    gone = metrics.observe(small, "latency.p95", "stage-3")
    assert isinstance(gone, metrics.Missing)
    assert "left out" in gone.why
    assert document.fit(small, limit) == content


def test_what_fits_is_left_alone() -> None:
    result = builders.result()
    assert document.fit(result, 1_000_000) == document.write(result)


def test_thinning_keeps_sums_and_maxima() -> None:
    result = builders.result()
    content = document.fit(result, len(document.write(result)) - 1)
    small = document.read(content)
    assert small.dropped
    assert sum(row[2] or 0 for row in small.load.series.rows) == sum(row[2] or 0 for row in result.load.series.rows)


def test_a_spec_that_is_too_large_is_refused() -> None:
    with pytest.raises(ValueError, match="bytes where 100 are allowed"):
        document.fit(builders.result(), 100)


def test_figures_become_observations() -> None:
    assert document.Figure(value=1.0, unit="s").observation() == Measured(1.0)
    assert document.Figure(unit="s", missing="gap").observation() == metrics.Missing("gap")
    assert document.Figure(unit="s").observation() == metrics.Missing("it was not measured")
    for seen in (Measured(2.0, "note", True, "probe"), metrics.Missing("gap"), metrics.NotApplicable("none")):
        assert document.figure(seen, "s").observation() == seen
