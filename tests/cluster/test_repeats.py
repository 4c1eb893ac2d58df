"""Repeats within a run: each measured by itself, all in the result, and nothing between them."""

from __future__ import annotations

import statistics
from typing import Any

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


def test_each_repeat_has_a_gateway_of_its_own_where_that_is_asked_for(lab: Lab) -> None:
    load = {"engine": "Go", "stages": [{"duration": "5s", "users": 20}]}
    lab.apply(make_run(load=load, repeats={"count": 2, "pause": "0s", "restartGateway": True}))
    lab.until_step("run", "Measuring")
    first = lab.pod("run", "gateway")["metadata"]["uid"]
    lab.until("another gateway", lambda: {p["metadata"]["uid"] for p in _gateways(lab)} - {first})
    status = lab.until_complete("run")
    assert lab.condition("run", "Succeeded")[0] == "True", status["conditions"]
    result = lab.result("run")
    assert [repeat["index"] for repeat in result["repeats"]] == [0, 1]
    assert all(repeat["gateway"]["gateway.cpu.mean"]["value"] > 0 for repeat in result["repeats"])


def _gateways(lab: Lab) -> list[dict[str, Any]]:
    pods = lab.children("run")
    return [pod for pod in pods if pod["metadata"]["labels"]["app.kubernetes.io/component"] == "gateway"]
