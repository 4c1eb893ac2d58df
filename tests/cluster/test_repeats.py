"""Repeats within a run: each measured by itself, all in the result, and nothing between them."""

from __future__ import annotations

import statistics

import pytest

from cluster.conftest import make_run
from cluster.lab import Lab
from cluster.test_runs import counted_by_the_gateway

pytestmark = pytest.mark.measures


def test_the_summary_is_the_median_over_the_repeats(lab: Lab) -> None:
    load = {"engine": "Go", "stages": [{"duration": "5s", "users": 20}]}
    lab.apply(make_run(load=load, repeats={"count": 3, "pause": "2s"}, cleanup="Never"))
    status = lab.until_complete("run")
    assert lab.condition("run", "Succeeded")[0] == "True", status["conditions"]
    result = lab.result("run")
    assert [repeat["index"] for repeat in result["repeats"]] == [0, 1, 2]
    values = [repeat["metrics"]["latency.p50"]["value"] for repeat in result["repeats"]]
    assert result["metrics"]["latency.p50"]["value"] == pytest.approx(statistics.median(values))
    assert sum(counted_by_the_gateway(lab, "run").values()) == result["counts"]["all"]["requests"]
    ends = [repeat["endedAt"] for repeat in result["repeats"]]
    starts = [repeat["startedAt"] for repeat in result["repeats"]]
    assert all(start >= end + 2 for end, start in zip(ends, starts[1:], strict=False))
