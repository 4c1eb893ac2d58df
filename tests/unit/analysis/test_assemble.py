"""A result from what is received: nothing raises, nothing missing becomes a zero, every request is somewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatebench.api.status import ObjectiveResult
from gatebench.api.summary import Summary
from gatebench_analysis import document, metrics, quantities, text
from gatebench_analysis.document import Result
from gatebench_analysis.objectives import Objective
from gatebench_analysis.observation import Measured
from unit.analysis import builders
from unit.analysis.builders import START, Resources

pytestmark = pytest.mark.slow


def test_every_request_is_somewhere() -> None:
    load = builders.load(
        phases=[
            builders.phase(0, "WarmUp", 0, 10),
            builders.phase(1, "Ramp", 10, 20, name="up"),
            builders.phase(2, "Stage", 20, 60, name="hold", fullAt=START + 30),
            builders.phase(3, "Stage", 60, 62, name="cut", fullAt=None),
            builders.phase(4, "Drain", 62, 63),
        ],
        requests=[
            builders.row(0, [0.1] * 3),
            builders.row(0, [0.1] * 2, outcome="failure"),
            builders.row(1, [0.1] * 5, settled=False),
            builders.row(2, [0.1] * 7, settled=False),
            builders.row(2, [0.1] * 500),
            builders.row(3, [0.1] * 11),
            builders.row(4, [0.1] * 13),
            builders.row(9, [0.1] * 17),
        ],
    )
    counts = builders.result(load=load).counts
    assert (counts.warm_up.requests, counts.warm_up.failures) == (5, 2)
    assert counts.ramps.requests == 5
    assert counts.settling.requests == 7 + 11
    assert counts.measured.requests == 500
    assert (counts.drain.requests, counts.other.requests) == (13, 17)
    assert counts.all.requests == 5 + 5 + 18 + 500 + 13 + 17
    assert counts.all.failures == 2


def test_the_summary_fits_the_status() -> None:
    result = builders.result()
    assert result.summary is not None
    summary = Summary.model_validate(result.summary)
    assert summary.throughput == pytest.approx(4690 / 80, rel=1e-3)
    assert summary.latency_seconds is not None
    assert summary.latency_seconds.p999 == pytest.approx(0.134, rel=1e-2)
    assert summary.warm_up is not None
    assert summary.warm_up.requests == 200
    assert summary.display is not None
    assert (summary.display.throughput, summary.display.p95) == ("58.6", "81.2 ms")
    assert summary.gateway is not None
    assert summary.gateway.throttled_ratio is None
    assert summary.gateway.restarts == 0
    for outcome in result.objectives:
        ObjectiveResult(metric=outcome.metric, outcome=outcome.outcome, observed=outcome.observed, bound=outcome.bound)


def test_the_summary_is_bounded() -> None:
    rows = [builders.row(1, [0.1] * 500, name="/" + "x" * 200 + str(name)) for name in range(50)]
    result = builders.result(load=builders.load(requests=rows))
    assert result.summary is not None
    assert len(result.summary["byRequest"]) == 10
    assert len(json.dumps(result.summary)) < 6000
    assert len(result.warnings) <= 16


def test_missing_is_named_and_absent() -> None:
    result = builders.result(
        load=builders.load(requests=[builders.row(1, [0.1] * 100)]),
        resources=Resources(missing={"gateway.cpu.mean": "NoSeries: none"}),
        objectives=(Objective("latency.p95", stage="nowhere", warn_above=1.0), Objective("query.mine", warn_above=1.0)),
    )
    assert result.missing[:2] == ["latency.p99", "latency.p99.9"]
    assert "gateway.cpu.mean" in result.missing
    assert "latency.p95 (stage nowhere)" in result.missing
    assert "query.mine" in result.missing
    assert "throughput" not in result.missing
    assert "gateway.restarts" not in result.missing
    assert result.summary is not None
    assert "p99" not in result.summary["latencySeconds"]
    assert "cpuCoresMean" not in result.summary["gateway"]


def test_a_clean_run_misses_nothing() -> None:
    assert builders.result().missing == []


# Windows, sources and units


def short(**given_inputs: Any) -> Result:
    load = builders.load(phases=[builders.phase(1, "Stage", 10, 69, name="hold")])
    return builders.result(load=load, **given_inputs)


def test_below_a_minute_cpu_and_memory_are_the_probes() -> None:
    result = short()
    assert result.gateway["gateway.cpu.mean"].value == pytest.approx(0.6)
    assert result.gateway["gateway.cpu.mean"].source == "probe: /proc/PID/stat"
    assert "477 MiB since its start" in result.gateway["gateway.memory.peak"].note
    assert result.gateway["gateway.network.receive"].source == "Prometheus"
    without = short(probe=None)
    assert without.gateway["gateway.cpu.mean"].value == 0.58


def test_from_a_minute_on_they_are_those_of_prometheus() -> None:
    result = builders.result()
    assert result.gateway["gateway.cpu.mean"].value == 0.58
    assert result.gateway["gateway.cpu.mean"].source == "container_cpu_usage_seconds_total"
    down = builders.result(resources=None, metrics_unavailable="it answers 500")
    assert down.gateway["gateway.cpu.mean"].value is None
    assert down.gateway["gateway.cpu.mean"].missing == "MetricsUnavailable: it answers 500"


def test_exclusive_cores_of_a_newer_kubelet_cannot_be_throttled() -> None:
    gone = Resources(missing={"gateway.throttledRatio": "MetricsIncomplete: gap"})
    throttled = (Objective("gateway.throttledRatio", warn_above=0.0),)
    new = builders.result(resources=gone, objectives=throttled)
    assert new.objectives[0].outcome == "NotApplicable"
    old = builders.result(resources=gone, objectives=throttled, environment={"kubelet": "v1.32.9"})
    assert old.objectives[0].outcome == "Unknown"
    shared = builders.facts(isolation="None", isolated=False)
    assert builders.result(resources=gone, objectives=throttled, facts=shared).objectives[0].outcome == "Unknown"


def test_a_gateway_that_is_not_ours_has_no_figures() -> None:
    spec = {**builders.SPEC, "gateway": {"url": "https://gateway"}}
    run = document.RunInfo(name="demo", spec=spec)
    shared = builders.facts(isolation="None", isolated=False, gateway_container_id=None)
    wanted = (Objective("gateway.cpu.mean", warn_above=1.0),)
    result = builders.result(run=run, probe=None, resources=None, facts=shared, objectives=wanted)
    assert "not run by gatebench" in (result.gateway["gateway.cpu.mean"].missing or "")
    assert result.validity == []
    assert result.verdict.status == "Unknown"


def test_restarts_before_the_load_do_not_count() -> None:
    before = builders.result(facts=builders.facts(gateway_restarts=2))
    assert (before.gateway["gateway.restarts"].value, before.gateway["gateway.restarts"].note) == (
        0,
        "2 before the load",
    )
    unseen = builders.result(facts=builders.facts(gateway_restarts=2), probe=None)
    assert unseen.gateway["gateway.restarts"].value == 2
    assert builders.result(facts=builders.facts(gateway_restarts=None)).gateway["gateway.restarts"].value is None


def test_a_quantile_in_the_last_bucket_is_above_its_bound() -> None:
    known = Resources(missing={"query.p99": "AboveBound: > 10"}, above={"query.p99": 10.0})
    result = builders.result(resources=known, objectives=(Objective("query.p99", fail_above=5.0),))
    assert result.objectives[0].outcome == "Fail"
    assert result.objectives[0].observed == "> 10"


# The ceiling of closed load


def test_the_ceiling_of_closed_load() -> None:
    result = builders.result()
    mean = sum(builders.latencies(4690) + builders.latencies(10, seed=3, median=0.01)) / 4700
    assert result.ceiling.requests_per_second == pytest.approx(50 / (0.75 + mean))
    assert result.ceiling.think_time_bound is True
    assert any("ThinkTimeBound: think time sets the throughput" in warning for warning in result.warnings)


def test_a_slow_gateway_is_not_think_time_bound() -> None:
    slow = builders.result(load=builders.load(requests=[builders.row(1, [1.0] * 2285)]))
    assert slow.ceiling.requests_per_second == pytest.approx(50 / 1.75)
    assert slow.ceiling.think_time_bound is False


@pytest.mark.parametrize(
    ("spec", "thinks"),
    [
        ({"workload": {"scenario": "gateway-mix"}}, 0.75),
        ({"workload": {"locustfile": {}}}, None),
        ({"workload": {"locustfile": {}}, "load": {"thinkTime": {"min": "0s", "max": "2s"}}}, 1.0),
        ({"workload": {"requests": [{}]}, "load": {"thinkTime": {"min": "1m", "max": "rubbish"}}}, None),
        ({"load": "rubbish", "workload": 7}, None),
    ],
)
def test_the_think_time_is_the_specs(spec: dict[str, Any], thinks: float | None) -> None:
    result = builders.result(run=document.RunInfo(name="demo", spec=spec))
    assert result.ceiling.think_time_seconds == thinks
    has_ceiling = thinks is not None and "locustfile" not in spec["workload"]
    assert (result.ceiling.requests_per_second is not None) == has_ceiling


def test_a_throughput_above_the_ceiling_refutes_it() -> None:
    result = builders.result(load=builders.load(requests=[builders.row(1, [0.1] * 9000)]))
    assert result.ceiling.requests_per_second is None
    assert "112 requests/s were reached" in (result.ceiling.missing or "")


# Whatever comes in

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All places of a document, of long lists the first two."""
    found = [path]
    if isinstance(value, dict):
        for key, item in value.items():
            found += _paths(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value[:2]):
            found += _paths(item, (*path, index))
    return found


def _changed(value: Any, path: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    if not path:
        return change(value)
    key, *rest = path
    if isinstance(value, dict):
        if key not in value:
            return value
        return {**value, key: _changed(value[key], tuple(rest), change)}
    if not isinstance(value, list) or not isinstance(key, int) or key >= len(value):
        return value
    return [*value[:key], _changed(value[key], tuple(rest), change), *value[key + 1 :]]


LOAD, PROBE = builders.load(), builders.probe()
LOAD_PATHS, PROBE_PATHS = _paths(LOAD), _paths(PROBE)
OBJECTIVES = (*builders.OBJECTIVES, Objective("requests.chat.ttft.p99", stage="hold", fail_above=1.0))


def check(result: Result) -> None:
    """Whatever was received, the result can be kept, read, shown and judged, and has no invented zero."""
    read = document.read(document.write(result))
    text.table(read)
    assert document.fit(read, 10**6)
    for figure in (*read.metrics.values(), *read.gateway.values()):
        assert (figure.value is not None) + (figure.missing is not None) + (figure.not_applicable is not None) == 1
    if not read.counts.measured.requests:
        assert not any(isinstance(metrics.observe(read, name), Measured) for name in ("throughput", "latency.p99"))
    for outcome in read.objectives:
        assert (outcome.value is None) == (outcome.outcome in ("Unknown", "NotApplicable")) or outcome.observed
    if read.summary is not None:
        Summary.model_validate(read.summary)


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.tuples(st.sampled_from(LOAD_PATHS[1:]), JSON), max_size=3))
def test_any_damage_to_the_load_document_is_survived(damage: list[tuple[tuple[Any, ...], Any]]) -> None:
    load = LOAD
    for path, value in damage:
        load = _changed(load, path, lambda _, value=value: value)
    check(builders.result(load=load, objectives=OBJECTIVES))


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PROBE_PATHS[1:]), JSON), max_size=3))
def test_any_damage_to_the_probes_report_is_survived(damage: list[tuple[tuple[Any, ...], Any]]) -> None:
    probe = PROBE
    for path, value in damage:
        probe = _changed(probe, path, lambda _, value=value: value)
    check(builders.result(probe=probe, objectives=OBJECTIVES))


@settings(max_examples=20, deadline=None)
@given(
    st.dictionaries(st.sampled_from(sorted(LOAD)), JSON, max_size=6),
    st.none() | st.dictionaries(st.sampled_from(sorted(PROBE)), JSON, max_size=6),
    st.dictionaries(st.text(max_size=5), JSON, max_size=3),
)
def test_rubbish_is_a_result_without_figures(load: Any, probe: Any, spec: Any) -> None:
    result = builders.result(load=load, probe=probe, run=document.RunInfo(spec=spec), resources=None)
    check(result)
    assert result.validity


@given(
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from(["s", "1/s", "ratio", "bytes", "cores", "count", ""]),
)
def test_any_value_has_a_text(value: float, unit: str) -> None:
    assert quantities.text(value, unit)


@pytest.mark.parametrize(
    ("value", "unit", "metric", "words"),
    [
        (0.38, "s", "", "380 ms"),
        (0.000812, "s", "", "812 us"),
        (0.0812, "s", "", "81.2 ms"),
        (1.32, "s", "", "1.32 s"),
        (750.0, "s", "", "12.5 min"),
        (0.0, "s", "", "0 s"),
        (118.2, "1/s", "throughput", "118 req/s"),
        (1234.5, "1/s", "throughput", "1,234 req/s"),
        (80.0, "1/s", "requests.chat.tokensPerSecond", "80 tokens/s"),
        (6.2 * 2**30, "bytes", "", "6.2 GiB"),
        (431 * 2**20, "bytes", "", "431 MiB"),
        (2048.0, "bytes/s", "", "2 KiB/s"),
        (0.0025, "ratio", "", "0.25 %"),
        (0.1, "ratio", "", "10 %"),
        (0.09999999, "ratio", "", "10 %"),
        (0.61, "cores", "", "0.61 cores"),
        (2.0, "count", "", "2"),
        (None, "s", "", "-"),
        (float("nan"), "ratio", "", "-"),
    ],
)
def test_values_as_people_read_them(value: float | None, unit: str, metric: str, words: str) -> None:
    assert quantities.text(value, unit, metric) == words


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("500ms", 0.5), ("1m30s", 90.0), ("0s", 0.0), ("1.5h", 5400.0), (2, 2.0), ("", None), ("5", None), ("5s!", None)],
)
def test_durations_as_a_spec_has_them(written: object, seconds: float | None) -> None:
    assert quantities.duration_seconds(written) == seconds
