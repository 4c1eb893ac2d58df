"""Repeats: each keeps its own figures, and the run's are what they come to together."""

from __future__ import annotations

import statistics
from typing import Any

import pytest

from gatebench_analysis import document, metrics, repeats, text
from gatebench_analysis.document import Result
from gatebench_analysis.load import Load
from gatebench_analysis.objectives import Objective
from gatebench_analysis.observation import Measured, Missing, NotApplicable
from unit.analysis import builders

MEDIANS = (0.05, 0.07, 0.055)


def load(medians: tuple[float, ...] = MEDIANS, count: int = 1000, cut: bool = False, **given: Any) -> dict[str, Any]:
    """A repeat of 10 s of warm-up and 20 s of a stage for each median, 5 s of pause between."""
    phases, requests = [], []
    for repeat, median in enumerate(medians):
        begin, index = 35.0 * repeat, 3 * repeat
        phases += [
            builders.phase(index, "WarmUp", begin, begin + 10, repeat=repeat),
            builders.phase(index + 1, "Stage", begin + 10, begin + 30, name="hold", repeat=repeat),
            builders.phase(index + 2, "Pause", begin + 30, begin + 35, users=0, repeat=repeat),
        ]
        requests += [
            builders.row(index, builders.latencies(100, seed=repeat)),
            builders.row(index + 1, builders.latencies(count, seed=10 + repeat, median=median)),
            builders.row(index + 1, [0.01] * (5 + repeat), outcome="failure"),
        ]
    requests.append(builders.row(2, [0.1] * 3, settled=False))
    end = builders.phase(3 * len(medians) - 1, "Drain", 35.0 * len(medians) - 5, 35.0 * len(medians) - 4, users=None)
    ended = {"phases": [*phases[:-1], {**end, "repeat": len(medians) - 1}], "endedAt": end["endedAt"]}
    outcome = {"outcome": "Aborted" if cut else "Finished"}
    return builders.load(requests=requests, errors=[], **(ended | outcome | given))


def result(**given: Any) -> Result:
    probe = builders.probe(seconds=130)
    return builders.result(**{"load": load(), "probe": probe, **given})


def test_the_figures_of_a_run_are_the_medians_and_the_spread() -> None:
    found = result()
    each = [one.metrics["latency.p95"].value for one in found.repeats]
    assert len(set(each)) == 3
    figure = found.metrics["latency.p95"]
    assert (figure.value, figure.low, figure.high) == (statistics.median(each), min(each), max(each))  # type: ignore[type-var]
    assert found.metrics["throughput"].value == pytest.approx(50.0)
    assert found.metrics["errorRatio"].value == pytest.approx(6 / 1006)
    assert found.metrics["requests.chat.latency.p50"].low == found.metrics["latency.p50"].low
    assert [one.window_seconds for one in found.repeats] == [20.0] * 3
    assert [one.started_at for one in found.repeats] == [builders.START + 35 * k + 10 for k in range(3)]


def test_bounds_and_extremes_are_the_largest() -> None:
    found = result()
    for name in ("latency.p99.upper", "latency.max"):
        each = [one.metrics[name].value for one in found.repeats]
        assert found.metrics[name].value == max(each)  # type: ignore[type-var]


def test_counts_are_those_of_all_repeats() -> None:
    found = result()
    assert (found.counts.measured.requests, found.counts.measured.failures) == (3018, 18)
    assert (found.counts.warm_up.requests, found.counts.pauses.requests) == (300, 3)
    assert found.counts.all.requests == 3321
    assert found.window_seconds == 60.0
    assert found.summary is not None
    assert found.summary["requests"] == 3018


def test_an_objective_is_about_the_median_of_a_stage_too() -> None:
    low, median, high = sorted(one.metrics["latency.p95"].value or 0.0 for one in result().repeats)
    for stage in (None, "hold"):
        held = Objective("latency.p95", stage=stage, fail_above=(median + high) / 2)
        failed = Objective("latency.p95", stage=stage, fail_above=(low + median) / 2)
        outcomes = result(objectives=(held, failed)).objectives
        assert [one.outcome for one in outcomes[:2]] == ["Pass", "Fail"]
        assert outcomes[0].value == pytest.approx(median)


def test_what_a_repeat_lacks_is_missing() -> None:
    found = builders.result(load=load(count=500))
    assert found.repeats[0].metrics["latency.p99.9"].missing is not None
    assert found.metrics["latency.p99.9"].missing == "repeat 1: p99.9 needs 4,603 samples, there are 500"
    assert found.metrics["latency.p99"].value is not None


@pytest.mark.parametrize(
    ("name", "seen", "expected"),
    [
        ("dropped", [Measured(1), Measured(4)], Measured(5, low=1, high=4)),
        ("latency.p50", [Measured(1), Measured(4)], Measured(2.5, low=1, high=4)),
        ("latency.p50", [Measured(1), Missing("gone")], Missing("repeat 2: gone")),
        ("latency.p50", [NotApplicable("no"), NotApplicable("no")], NotApplicable("no")),
        ("latency.p50", [Measured(3, low=None)], Measured(3)),
        # Two of three are above what can be told, so their median is.
        (
            "latency.p99",
            [Measured(600, "> 10 min", True), Measured(1), Measured(600, "> 10 min", True)],
            Measured(600, "> 10 min", True, low=1, high=600),
        ),
        ("latency.p99", [Measured(1), Measured(600, "> 10 min", True), Measured(2)], Measured(2, low=1, high=600)),
    ],
)
def test_what_observations_come_to(name: str, seen: list[Any], expected: Any) -> None:
    assert repeats.combine(name, list(enumerate(seen))) == expected


def test_the_gateway_is_looked_at_without_the_pauses() -> None:
    found = result()
    assert [one.gateway["gateway.cpu.mean"].value for one in found.repeats] == pytest.approx([0.6] * 3)
    figure = found.gateway["gateway.cpu.mean"]
    assert figure.value == pytest.approx(0.6)
    assert figure.source == "probe: /proc/PID/stat"
    peaks = [one.gateway["gateway.memory.peak"].value for one in found.repeats]
    assert found.gateway["gateway.memory.peak"].value == max(peaks)  # type: ignore[type-var]
    assert result(probe=None).gateway["gateway.cpu.mean"].source == "container_cpu_usage_seconds_total"


def test_a_repeat_that_was_cut_short_is_kept_and_not_counted() -> None:
    found = builders.result(load=load(cut=True))
    assert [one.whole for one in found.repeats] == [True, True, False]
    each = [one.metrics["latency.p95"].value for one in found.repeats if one.whole]
    assert found.metrics["latency.p95"].value == pytest.approx(statistics.mean(each))  # type: ignore[type-var]
    alone = builders.result(load=load(medians=(0.05,), cut=True))
    assert alone.repeats == []
    assert alone.metrics["latency.p95"].value is not None


def test_one_measurement_has_no_repeats_and_no_spread() -> None:
    found = builders.result()
    assert found.repeats == []
    assert found.metrics["latency.p95"].low is None
    assert found.summary is not None
    assert "spread" not in found.summary
    assert "repeats" not in found.summary
    assert [part.load for part in repeats.parts(Load.model_validate(builders.load()))] == [found.load]


def test_summary_and_table_have_the_spread() -> None:
    found = result()
    assert found.summary is not None
    assert found.summary["repeats"] == 3
    assert found.summary["spread"]["throughput"] == {"low": 50.0, "high": 50.0}
    p95 = found.metrics["latency.p95"]
    assert found.summary["spread"]["p95Seconds"] == pytest.approx({"low": p95.low, "high": p95.high}, rel=1e-3)
    assert any(line.startswith("repeats     3: throughput 50 req/s to 50 req/s, p95 ") for line in _lines(found))
    assert [line.split()[:2] for line in _lines(found) if line.startswith("hold")] == [["hold", f"#{k}"] for k in "123"]


def _lines(found: Result) -> list[str]:
    return text.table(found).splitlines()


def test_a_document_keeps_its_repeats_however_small_it_is_made() -> None:
    found = result()
    kept = document.read(document.fit(found, 7 * len(document.write(found)) // 10))
    assert any(words.startswith("histograms of the stages") for words in kept.dropped)
    assert [one.metrics["latency.p95"].value for one in kept.repeats] == [
        one.metrics["latency.p95"].value for one in found.repeats
    ]
    seen = metrics.observe(kept, "latency.p95")
    assert isinstance(seen, Measured)
    assert (seen.low, seen.high) == (found.metrics["latency.p95"].low, found.metrics["latency.p95"].high)


# A gateway of its own for each repeat


def gateways(*, foreign: float = 0.01, cpus: tuple[str, ...] = ("1", "1", "1")) -> dict[int, Any]:
    """A report of 35 s by repeat, each of another container whose counters begin anew."""
    out: dict[int, Any] = {}
    for repeat, cpu in enumerate(cpus):
        report = builders.probe(seconds=36, cpus=(int(cpu),), busy=0.6 + (foreign if repeat == 1 else 0.0))
        own = f"{repeat}" * 64
        (container,) = report["containers"]
        shift = 35.0 * repeat
        moved = [[row[0] + shift, *row[1:]] for row in container["samples"]]
        rows = {key: [[row[0] + shift, *row[1:]] for row in rows] for key, rows in report["cpus"]["samples"].items()}
        found = {"containers": [{**container, "id": own, "samples": moved}]}
        out[repeat] = ({**report, **found, "cpus": {**report["cpus"], "samples": rows}}, own)
    return out


def test_each_repeat_is_looked_at_through_its_own_probe() -> None:
    found = result(reports=gateways(foreign=0.3), probe=None)
    assert [one.gateway["gateway.cpu.mean"].value for one in found.repeats] == pytest.approx([0.6] * 3)
    assert found.probe is not None
    window = found.probe.window
    assert window.seconds == pytest.approx(60.0)
    assert window.cpu_seconds == pytest.approx(36.0)
    assert window.foreign_seconds == pytest.approx(0.3 * 20)
    assert window.foreign_ratio == pytest.approx(0.1)
    assert [one.reason for one in found.validity] == ["CoresDisturbed"]
    assert result(reports=gateways(), probe=None).validity == []
    assert len({row[0] for row in found.probe.series.rows}) == len(found.probe.series.rows) > 60


def test_what_one_probe_has_not_told_is_missing_of_the_whole() -> None:
    reports = gateways()
    reports[1] = (None, "1" * 64)
    found = result(reports=reports, probe=None)
    assert found.probe is None
    assert [one.reason for one in found.validity] == ["CPUNotPinned"]
    assert found.validity[0].status == "Unknown"
    assert found.repeats[1].gateway == {}
    late = gateways()
    late[2][0]["containers"][0]["samples"] = late[2][0]["containers"][0]["samples"][:20]
    cut = result(reports=late, probe=None)
    assert cut.probe is not None
    assert cut.probe.window.missing == "window 3 of 3: the probe's samples do not cover the window"


def test_one_repeat_without_its_own_cores_is_enough() -> None:
    reports = gateways()
    reports[1][0]["self"] = {"containerId": builders.PROBE, "cpusAllowed": "0-1", "cpus": [0, 1]}
    found = result(reports=reports, probe=None)
    assert found.probe is not None
    assert not found.probe.proven
    assert found.validity[0].reason == "CPUNotPinned"


def test_other_cpus_in_another_repeat_are_remarked_on() -> None:
    found = result(reports=gateways(cpus=("1", "2", "1")), probe=None)
    assert "the gateway's CPUs were not the same in all repeats: 1, then 2" in found.warnings
    assert not any("CPUs were not" in one for one in result(reports=gateways(), probe=None).warnings)
