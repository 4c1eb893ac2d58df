"""Each reason why a measurement cannot be trusted is found, with its figures, and is absent in a clean run."""

from __future__ import annotations

from typing import Any

import pytest

from gatebench.api.reasons import REMEDIES, Reason
from gatebench_analysis import evidence, validity
from gatebench_analysis.document import Result
from gatebench_analysis.objectives import Objective
from unit.analysis import builders
from unit.analysis.builders import START, Resources


def found(result: Result) -> list[tuple[str, str]]:
    return [(one.status, one.reason) for one in result.validity]


def with_container(**given: Any) -> dict[str, Any]:
    report = builders.probe()
    report["containers"][0] |= given
    return report


def swapped() -> dict[str, Any]:
    report = builders.probe()
    report["containers"][0]["samples"][50][5] = 4096
    return report


def late(seconds: float) -> dict[str, Any]:
    return builders.load(
        dispatchDelay=[{"phase": 1, "histogram": builders.histogram([0.0001] * 900 + [seconds] * 100)}]
    )


def throttled() -> Resources:
    known = builders.resources()
    values = {**known.values, "gateway.throttledRatio": 0.001}
    return Resources(values=values, missing=known.missing)


FEW = [builders.row(1, builders.latencies(500))]


def account(excess: float, intended: float = 0.05, count: int = 5000, **used: float) -> dict[str, Any]:
    """The mock's account; `used` are cpuSeconds and runQueueWaitSeconds."""
    return {
        "schema": "gatebench.dev/mock-account/v1",
        "delay": {
            "count": count,
            "intendedSeconds": {"p50": intended, "p99": intended},
            "actualSeconds": {"p50": intended, "p99": intended + excess},
            "excessSeconds": {"p50": 0.0001, "p99": excess},
        },
        **used,
    }


def waiting(seconds: float, cpu: float = 20.0, count: int = 5000) -> dict[str, Any]:
    """The account of a mock that was in time and waited to run."""
    return account(0.0001, count=count, cpuSeconds=cpu, runQueueWaitSeconds=seconds)


BROKEN = {"locustRequests": 5000, "histogramRequests": 4900, "agree": False, "missingReports": 3}


def test_a_clean_run_is_valid() -> None:
    result = builders.result()
    assert result.validity == []
    assert validity.verdict(result) == ("True", "Measured", "The measurement can be trusted.")


CASES: list[tuple[dict[str, Any], str, str, str]] = [
    ({"facts": builders.facts(disturbed=("GatewayRestarted", "it came back"))}, "False", "GatewayRestarted", "it came"),
    ({"facts": builders.facts(disturbed=("MasterLost", "gone"))}, "False", "MasterLost", "gone"),
    (
        {"load": builders.load(outcome="WorkerLost", workers=[builders.worker(), builders.worker(id="w1", lost=True)])},
        "False",
        "WorkerLost",
        "w1 (expected 2, seen 1)",
    ),
    ({"load": builders.load(workers=[builders.worker()])}, "False", "WorkerLost", "expected 2, seen 1"),
    ({"load": {}}, "False", "RunDisturbed", "no account"),
    ({"load": builders.load(outcome="Failed", message="boom")}, "False", "RunDisturbed", "boom"),
    ({"load": builders.load(outcome="Stopped", message="Cancelled")}, "Unknown", "NotMeasured", "before its end"),
    ({"load": builders.load(requests=[])}, "False", "NoTraffic", "80 s"),
    (
        {"load": builders.load(phases=[builders.phase(0, "Stage", 0, 9, fullAt=None)])},
        "False",
        "NoTraffic",
        "no stage was measured",
    ),
    ({"load": builders.load(integrity=BROKEN)}, "False", "RunDisturbed", "5,000"),
    (
        {"load": builders.load(workers=[builders.worker(), builders.worker(missingReports=2)])},
        "False",
        "RunDisturbed",
        "2 reports",
    ),
    (
        {"load": builders.load(requests=[builders.row(1, [0.1] * 900), builders.row(1, [0.1]) | {"count": "?"}])},
        "False",
        "RunDisturbed",
        "damaged",
    ),
    (
        {"probe": with_container(changes=[{"at": START + 50, "from": "1", "to": "0-1"}])},
        "False",
        "CPUSetChanged",
        "from 1 to 0-1",
    ),
    ({"facts": builders.facts(isolated=False)}, "False", "CPUNotPinned", "not proven before"),
    ({"probe": builders.probe(self={"cpus": [0, 1], "cpusAllowed": "0-1"})}, "False", "CPUNotPinned", "shared pool"),
    ({"probe": None}, "Unknown", "CPUNotPinned", "no report"),
    ({"probe": builders.probe(seconds=40)}, "Unknown", "CPUNotPinned", "do not cover"),
    ({"probe": builders.probe(busy=0.7)}, "False", "CoresDisturbed", "8.0 s, 10 % of the window; 5 % are allowed"),
    ({"resources": throttled()}, "False", "Throttled", "0.1 %"),
    ({"probe": swapped()}, "False", "Swapped", "4 KiB"),
    (
        {"load": builders.load(workers=[builders.worker(cpuRatioMean=0.97), builders.worker()])},
        "False",
        "GeneratorSaturated",
        "1 of 2 workers used up to 97 %",
    ),
    (
        {"load": builders.load(workers=[builders.worker(runQueueWaitRatio=0.38), builders.worker()])},
        "False",
        "GeneratorSaturated",
        "waited for a CPU in up to 38 %",
    ),
    ({"load": late(0.02)}, "False", "GeneratorSaturated", "20 ms late or more"),
    (
        {"upstream": account(0.003)},
        "False",
        "UpstreamBound",
        "in a hundred was 3 ms later than intended or more, at a delay of 50 ms; 2.5 ms are allowed",
    ),
    ({"upstream": account(0.0011, intended=0.001)}, "False", "UpstreamBound", "1 ms are allowed"),
    (
        {"upstream": waiting(12.6)},  # 2.52 ms an answer, at a median of 49.8 ms
        "False",
        "UpstreamBound",
        "the mock waited for a CPU in 38.7 % of its time, 2.52 ms an answer; 25 % or 2.49 ms are allowed",
    ),
    (
        {"objectives": (Objective("latency.p99.9", fail_above=1.0),), "load": builders.load(requests=FEW)},
        "False",
        "TooFewSamples",
        "latency.p99.9: p99.9 needs 4,603 samples, there are 500",
    ),
    (
        {"objectives": (Objective("requests.chat.latency.p99.9.upper", "hold", fail_above=1.0),)}
        | {"load": builders.load(requests=FEW)},
        "False",
        "TooFewSamples",
        "requests.chat.latency.p99.9.upper (stage hold): p99.9 needs 4,603 samples, there are 500",
    ),
]


def test_few_samples_do_no_harm_where_no_objective_needs_them() -> None:
    known = {"load": builders.load(requests=FEW)}
    assert found(builders.result(**known)) == []
    tail = Objective("latency.p99.9", fail_above=1.0, optional=True)
    assert found(builders.result(objectives=(tail,), **known)) == []


@pytest.mark.parametrize(("changed", "status", "reason", "words"), CASES, ids=[f"{c[2]}-{c[3][:12]}" for c in CASES])
def test_what_spoils_a_run_is_found(changed: dict[str, Any], status: str, reason: str, words: str) -> None:
    result = builders.result(**changed)
    assert result.validity
    first = result.validity[0]
    assert (first.status, first.reason) == (status, reason)
    assert words in first.message
    assert validity.verdict(result) == (status, reason, first.message)
    assert (result.summary is None) == (status == "False" or reason == "NotMeasured")


@pytest.mark.parametrize(
    "changed",
    [
        {"probe": builders.probe(busy=0.649)},
        {"probe": builders.probe(busy=0.7), "facts": builders.facts(max_foreign_time=0.2)},
        {"probe": builders.probe(busy=0.7), "facts": builders.facts(isolation="Preferred", isolated=False)},
        {"probe": builders.probe(busy=0.7), "facts": builders.facts(isolation="None", isolated=False)},
        {"resources": throttled(), "facts": builders.facts(isolation="None", isolated=False)},
        {"probe": None, "facts": builders.facts(isolation="None", isolated=False)},
        {"load": late(0.004)},
        {"load": builders.load(workers=[builders.worker(cpuRatioMax=0.97), builders.worker(runQueueWaitRatio=0.24)])},
        {
            "load": builders.load(
                workers=[builders.worker(cpuRatioMean=None, runQueueWaitRatio=None), builders.worker()]
            )
        },
        {"facts": builders.facts(gateway_restarts=2)},
        {"upstream": account(0.0024)},
        {"upstream": account(0.0009, intended=0.0)},
        {"upstream": account(0.5, count=458)},
        {"upstream": {"delay": {"count": "?"}}},
        {"upstream": waiting(12.4)},  # 2.48 ms an answer
        {"upstream": waiting(20.0, cpu=61.0)},  # 4 ms an answer, and 24.7 % of its time
        {"upstream": waiting(12.0, count=458)},
        {"upstream": account(0.0001, runQueueWaitSeconds=500.0)},
        {"upstream": account(0.0001, cpuSeconds=0.0, runQueueWaitSeconds=0.0)},
        {"upstream": None, "facts": builders.facts(mocked=True)},
    ],
)
def test_what_does_not_spoil_a_run(changed: dict[str, Any]) -> None:
    assert found(builders.result(**changed)) == []


@pytest.mark.parametrize(
    ("given", "why"),
    [(None, "the mock gave no account"), (account(0.5, count=458), "it needs 459 delays, and the mock has 458")],
)
def test_a_mock_that_does_not_say_enough_is_remarked(given: dict[str, Any] | None, why: str) -> None:
    result = builders.result(upstream=given, facts=builders.facts(mocked=True))
    assert any(f"whether the mock itself was late is not known: {why}" in one for one in result.warnings)
    assert builders.result(upstream=given).warnings == builders.result().warnings


def test_little_foreign_time_of_a_short_window_says_nothing() -> None:
    """Above 5 % of ten seconds, and below one second: ticks of /proc."""
    short = builders.load(phases=[builders.phase(1, "Stage", 10, 20, name="hold")])
    result = builders.result(load=short, probe=builders.probe(busy=0.69))
    assert result.probe is not None
    assert result.probe.window.foreign_ratio == pytest.approx(0.09)
    assert "CoresDisturbed" not in [one.reason for one in result.validity]


def test_a_fast_gateway_allows_a_dispatch_delay_of_a_millisecond() -> None:
    fast = [builders.row(1, [0.002] * 4000)]
    delay = [{"phase": 1, "histogram": builders.histogram([0.0009] * 1000)}]
    assert found(builders.result(load=builders.load(requests=fast, dispatchDelay=delay))) == []


NEEDS_CPU = (Objective("gateway.cpu.mean", warn_above=1.0),)
NEEDS_QUERY = (Objective("query.inflight", warn_above=1.0),)
GAP = Resources(
    missing={"gateway.cpu.mean": "MetricsIncomplete: no sample for 45 s", "query.inflight": "AmbiguousQuery: 2"}
)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"resources": None, "metrics_unavailable": "it answers 500"}, []),
        ({"resources": None, "metrics_unavailable": "it answers 500", "objectives": NEEDS_CPU}, ["MetricsUnavailable"]),
        ({"resources": None, "metrics_unavailable": "down", "objectives": NEEDS_QUERY}, ["MetricsUnavailable"]),
        ({"resources": Resources(), "objectives": NEEDS_CPU}, ["MetricsUnavailable"]),
        ({"resources": GAP, "objectives": NEEDS_CPU}, ["MetricsIncomplete"]),
        ({"resources": GAP, "objectives": NEEDS_QUERY}, []),
        ({"resources": GAP, "objectives": (Objective("gateway.cpu.mean", optional=True, warn_above=1.0),)}, []),
    ],
)
def test_missing_metrics_matter_where_an_objective_needs_them(changed: dict[str, Any], expected: list[str]) -> None:
    changed = {"objectives": (), **changed}
    result = builders.result(**changed)
    assert found(result) == [("Unknown", reason) for reason in expected]
    assert result.summary is not None
    if changed["objectives"]:
        assert result.verdict.status == ("Unknown" if not changed["objectives"][0].optional else "True")


def test_what_makes_a_run_invalid_comes_before_what_is_unknown() -> None:
    both = builders.result(
        resources=None, metrics_unavailable="down", objectives=NEEDS_CPU, load=late(0.5), probe=builders.probe(busy=0.9)
    )
    assert found(both) == [
        ("False", "CoresDisturbed"),
        ("False", "GeneratorSaturated"),
        ("Unknown", "MetricsUnavailable"),
    ]


def test_reasons_and_remedies_are_the_operators() -> None:
    for reason, remedy in evidence.REMEDIES.items():
        assert REMEDIES[Reason(reason)] == remedy
    for _, _, reason, _ in CASES:
        assert Reason(reason)


def test_waiting_that_the_latencies_cannot_show_does_not_spoil_a_run() -> None:
    """2 % of a core and a third of it waiting: 0.3 ms a request at 29 requests a second and worker."""
    workers = [builders.worker(cpuRatioMean=0.02, runQueueWaitRatio=0.34), builders.worker()]
    assert builders.result(load=builders.load(workers=workers)).validity == []
    unknown = [builders.worker(cpuRatioMean=None, runQueueWaitRatio=0.34), builders.worker()]
    assert builders.result(load=builders.load(workers=unknown)).validity[0].reason == "GeneratorSaturated"
