"""What a probe's report proves, and what it says about who ran on the cores."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from gatebench_analysis import isolation
from gatebench_analysis.document import Cores, Probe
from unit.analysis import builders
from unit.analysis.builders import GATEWAY, START

LOAD = (START, START + 91)
WINDOW = (START + 10, START + 90)


def evidence(report: dict[str, Any], cpus: int = 1) -> Probe:
    found = isolation.evidence(report, GATEWAY, cpus, LOAD, WINDOW)
    assert found is not None
    return found


def window(report: dict[str, Any], cpus: int = 1) -> Cores:
    return evidence(report, cpus).window


def with_container(**given: Any) -> dict[str, Any]:
    report = builders.probe()
    report["containers"][0] |= given
    return report


def test_exclusive_cores_are_proven() -> None:
    proof = isolation.prove(builders.probe(), GATEWAY, 1)
    assert proof.proven
    assert "CPU 1 is exclusive" in proof.message
    assert isolation.prove(builders.probe(cpus=(2, 3, 5)), f"containerd://{GATEWAY}", 3).message.startswith(
        "CPUs 2-3,5"
    )
    assert isolation.cpuset(builders.probe(), GATEWAY) == "1"


@pytest.mark.parametrize(
    ("report", "cpus", "why"),
    [
        (with_container(cpus=[0, 1], cpusAllowed="0-1"), 1, "may use CPU 0-1: 2 where 1"),
        (builders.probe(), 2, "1 where 2"),
        (
            builders.probe(self={"cpus": [0, 1], "cpusAllowed": "0-1"}),
            1,
            "CPU 1 of the gateway's 1 is in the shared pool",
        ),
        (builders.probe(self={}), 1, "shared pool is not known"),
        (with_container(cpus=None), 1, "could not read"),
        (with_container(processes=0), 1, "no process"),
        (with_container(id="c" * 64), 1, "no process"),
        (builders.probe(containers=[]), 1, "no process"),
        (builders.probe(containers="none"), 1, "no process"),
        ({}, 1, "no process"),
        (with_container(changes=[{"at": START + 90, "from": "0-1", "to": "1"}]), 1, "changed from 0-1 to 1"),
    ],
)
def test_whatever_else_is_no_proof(report: dict[str, Any], cpus: int, why: str) -> None:
    proof = isolation.prove(report, GATEWAY, cpus)
    assert not proof.proven
    assert why in proof.message


def test_a_change_long_ago_does_not_matter_before_the_load_and_does_under_it() -> None:
    report = with_container(changes=[{"at": START + 40, "from": "0-1", "to": "1"}])
    assert isolation.prove(report, GATEWAY, 1).proven
    assert not isolation.prove(report, GATEWAY, 1, since=START).proven
    kept = evidence(report)
    assert not kept.proven
    assert [(change.before, change.after) for change in kept.changes] == [("0-1", "1")]
    assert kept.window.foreign_ratio is None
    assert not evidence(with_container(changes=[{"at": START - 40, "from": "0-1", "to": "1"}])).changes


def test_the_account_of_a_window() -> None:
    seen = window(builders.probe())
    assert seen.seconds == 80
    assert seen.cpu_cores_mean == pytest.approx(0.6)
    assert seen.cpu_cores_max == pytest.approx(0.6)
    assert seen.foreign_seconds == pytest.approx(0.8)
    assert seen.foreign_ratio == pytest.approx(0.01)
    assert seen.steal_ratio == pytest.approx(0.001)
    assert seen.wait_ratio == pytest.approx(0.03 / 0.63)
    assert seen.rss_bytes_end == pytest.approx(4e8 + 92 * 1e5)
    assert seen.swap_bytes_max == 0


def test_foreign_time_is_a_share_of_all_its_cores() -> None:
    seen = window(builders.probe(cpus=(1, 2), busy=0.8), cpus=2)
    assert seen.foreign_seconds == pytest.approx(16)
    assert seen.foreign_ratio == pytest.approx(0.1)


def test_foreign_time_is_not_below_zero() -> None:
    assert window(builders.probe(busy=0.5)).foreign_seconds == 0


def test_without_own_cores_there_is_no_foreign_time() -> None:
    seen = window(builders.probe(cpus={"columns": ["at", "busySeconds"], "samples": {}}))
    assert seen.foreign_ratio is None
    assert seen.cpu_cores_mean == pytest.approx(0.6)


def test_gaps_in_cumulative_counters_cost_nothing() -> None:
    report = builders.probe()
    for rows in (report["containers"][0]["samples"], *report["cpus"]["samples"].values()):
        del rows[20:50]
    seen = window(report)
    assert seen.foreign_seconds == pytest.approx(0.8)
    assert seen.cpu_cores_mean == pytest.approx(0.6)
    assert seen.longest_gap_seconds == 31


def test_a_window_that_is_not_covered_is_missing() -> None:
    late = builders.probe()
    late["containers"][0]["samples"] = late["containers"][0]["samples"][30:]
    early = builders.probe(seconds=60)
    none = with_container(samples=[])
    for report in (late, early, none):
        seen = window(report)
        assert seen.missing == "the probe's samples do not cover the window"
        assert seen.cpu_cores_mean is None
        assert seen.foreign_ratio is None


def test_a_window_between_samples_is_interpolated() -> None:
    found = isolation.evidence(builders.probe(), GATEWAY, 1, LOAD, (START + 10.25, START + 20.75))
    assert found is not None
    assert found.window.seconds == 10.5
    assert found.window.cpu_seconds == pytest.approx(6.3)


def test_the_highest_cpu_is_over_five_seconds() -> None:
    report = builders.probe()
    cpu = 5.0
    for index, row in enumerate(report["containers"][0]["samples"]):
        row[1] = cpu
        cpu += 1.0 if 40 <= index < 44 else 0.1
    seen = window(report)
    assert seen.cpu_cores_max == pytest.approx((4 * 1.0 + 0.1) / 5)


def test_a_process_that_ends_is_no_growth() -> None:
    report = builders.probe()
    for row in report["containers"][0]["samples"][50:]:
        row[1] -= 20
    seen = window(report)
    assert seen.cpu_seconds == pytest.approx(79 * 0.6)


def test_hyper_threads_in_the_shared_pool_are_named() -> None:
    report = builders.probe(siblings={"1": [1, 0]})
    assert evidence(report).shared_siblings == [0]
    assert evidence(builders.probe()).shared_siblings == []


def test_cells_that_are_missing_are_left_out() -> None:
    report = copy.deepcopy(builders.probe())
    for row in report["containers"][0]["samples"][20:30]:
        row[1] = None
        row[3] = float("nan")
    report["containers"][0]["samples"].insert(3, "rubbish")
    seen = window(report)
    assert seen.cpu_cores_mean == pytest.approx(0.6)
    assert seen.rss_bytes_max == pytest.approx(4e8 + 92 * 1e5)


def test_the_series_is_for_charts() -> None:
    series = evidence(builders.probe()).series
    assert series.columns[:2] == ["at", "cpuCores"]
    assert 90 <= len(series.rows) <= 95
    assert series.rows[5][1:3] == [pytest.approx(0.6), pytest.approx(0.0476, abs=1e-4)]
