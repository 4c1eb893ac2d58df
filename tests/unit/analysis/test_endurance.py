"""Slopes of a long stage become figures and objectives, and memory that grows all along a verdict."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from gatebench_analysis import document, metrics, text
from gatebench_analysis.document import Result
from gatebench_analysis.endurance import UNITS
from gatebench_analysis.objectives import Objective
from gatebench_analysis.observation import Measured, Missing
from unit.analysis import builders
from unit.analysis.builders import START

pytestmark = pytest.mark.slow

MIB = 2.0**20
HOUR = 3600


def load(seconds: int = 2 * HOUR, growth: float = 0.0, errors: float = 0.0) -> dict[str, Any]:
    """A stage of so many seconds; p95 grows by `growth` seconds an hour, the error ratio by `errors` an hour."""
    source = random.Random(3)
    step = 4
    rows = []
    for at in range(0, seconds + 10, step):
        p95 = 0.08 + growth * at / HOUR + source.gauss(0, 0.001)
        failed = round(400 * errors * at / HOUR)
        rows.append([START + at, 50, 400, failed, 0.05, p95, 1.3 * p95])
    phases = [builders.phase(0, "WarmUp", 0, 10), builders.phase(1, "Stage", 10, seconds + 10, name="hold")]
    document = builders.load(phases=phases, endedAt=START + seconds + 11)
    return {**document, "series": {**document["series"], "stepSeconds": step, "rows": rows}}


def memory(per_hour: float, seconds: int = 2 * HOUR, every: int = 15) -> list[tuple[float, float]]:
    """Resident memory of 400 MiB that grows by so many MiB an hour, on noise of 1 MiB."""
    source = random.Random(4)
    return [
        (START + at, (400 + per_hour * at / HOUR + source.gauss(0, 1)) * MIB) for at in range(0, seconds + 10, every)
    ]


def judged(given: dict[str, Any], curve: list[tuple[float, float]], **changed: Any) -> Result:
    known = builders.resources(series={"gateway.memory.rss": curve})
    facts = changed.pop("facts", builders.facts(memory_limit_bytes=1024 * MIB, isolation="None", isolated=False))
    # Not the one on throughput: the requests are those of a load of 80 s.
    return builders.result(
        **{"load": given, "resources": known, "facts": facts, "objectives": builders.OBJECTIVES[1:], **changed}
    )


def value(result: Result, name: str) -> float:
    seen = metrics.observe(result, name)
    assert isinstance(seen, Measured), seen
    return seen.value


def test_memory_that_grows_all_along_fails_a_run_with_slope_interval_and_the_time_to_the_limit() -> None:
    result = judged(load(), memory(30.0))
    assert (result.verdict.status, result.verdict.reason) == ("False", "LeakSuspected")
    assert "30 MiB/h (29" in result.verdict.message
    assert "the limit is 18." in result.verdict.message
    assert value(result, "gateway.memory.slope") == pytest.approx(30 * MIB, rel=0.02)
    assert result.course["gateway.memory.slope"].source == "Prometheus: gateway.memory.rss"
    assert result.leak is not None
    assert result.leak.low_bytes_per_hour is not None
    assert result.leak.high_bytes_per_hour is not None
    assert result.leak.low_bytes_per_hour < 30 * MIB < result.leak.high_bytes_per_hour
    assert result.leak.seconds_to_limit == pytest.approx((1024 - 460) / 30 * HOUR, rel=0.02)
    assert document.read(document.write(result)).leak == result.leak


@pytest.mark.parametrize("per_hour", [0.0, -30.0, 5.0])
def test_memory_that_hardly_grows_is_no_leak(per_hour: float) -> None:
    """5 MiB/h are 10 MiB in two hours: less than 16 MiB say nothing."""
    result = judged(load(), memory(per_hour))
    assert result.verdict.reason == "ObjectivesMet"
    assert result.leak is not None
    assert not result.leak.suspected
    assert value(result, "gateway.memory.slope") == pytest.approx(per_hour * MIB, abs=0.5 * MIB)


@pytest.mark.parametrize(("bound", "outcome"), [("50Mi/h", "Pass"), ("20Mi/h", "Fail")])
def test_an_objective_on_the_slope_decides_in_its_place(bound: str, outcome: str) -> None:
    limit = float(bound.removesuffix("Mi/h")) * MIB
    own = Objective("gateway.memory.slope", fail_above=limit, texts={"failAbove": bound})
    result = judged(load(), memory(30.0), objectives=(own,))
    assert result.objectives[0].outcome == outcome
    assert result.objectives[0].observed == "30 MiB/h"
    assert result.verdict.reason == ("ObjectivesMet" if outcome == "Pass" else "ObjectivesFailed")


def test_what_an_objective_found_stays_the_reason() -> None:
    slow = Objective("latency.p95", fail_above=0.001, texts={"failAbove": "1ms"})
    result = judged(load(), memory(30.0), objectives=(slow,))
    assert result.verdict.reason == "ObjectivesFailed"
    assert "and the gateway's memory seems to leak" in result.verdict.message


def test_a_stage_below_half_an_hour_has_no_slopes_and_is_not_said_to_miss_any() -> None:
    result = judged(load(20 * 60), memory(300.0, 20 * 60))
    assert result.verdict.reason == "ObjectivesMet"
    assert result.leak is not None
    assert result.leak.suspected is None
    for name in UNITS:
        seen = metrics.observe(result, name)
        assert isinstance(seen, Missing)
        assert "a slope needs 30 min" in seen.why
    assert not [name for name in result.missing if name.endswith(".slope")]
    bounded = judged(
        load(20 * 60),
        memory(300.0, 20 * 60),
        objectives=(Objective("gateway.memory.slope", fail_above=MIB, texts={"failAbove": "1Mi/h"}),),
    )
    assert bounded.verdict.reason == "ObjectivesUnknown"
    assert "gateway.memory.slope" in bounded.missing


def test_a_compressed_clock_tells_a_leak_in_minutes_and_the_slope_by_the_real_clock() -> None:
    facts = builders.facts(leak_window_seconds=60.0, memory_limit_bytes=1024 * MIB, isolation="None", isolated=False)
    result = judged(load(90), memory(1200.0, 90, every=1), facts=facts)
    assert result.verdict.reason == "LeakSuspected"
    assert "by a clock that runs 30 times as fast" in result.verdict.message
    assert value(result, "gateway.memory.slope") == pytest.approx(1200 * MIB, rel=0.05)
    assert result.leak is not None
    assert result.leak.window_seconds == pytest.approx(88, abs=3)


def test_few_samples_of_prometheus_leave_it_to_the_probe() -> None:
    facts = builders.facts(leak_window_seconds=60.0, memory_limit_bytes=1024 * MIB)
    result = builders.result(facts=facts)
    assert result.course["gateway.memory.slope"].source == "probe: rssBytes"
    # The builders' probe sees 100 kB more each second.
    assert value(result, "gateway.memory.slope") == pytest.approx(1e5 * HOUR, rel=0.01)
    assert value(result, "gateway.threads.slope") == 0.0


def test_latency_and_errors_have_slopes() -> None:
    result = judged(load(growth=0.01, errors=0.002), memory(0.0))
    assert value(result, "latency.p95.slope") == pytest.approx(0.01, rel=0.1)
    assert value(result, "errorRatio.slope") == pytest.approx(0.002, rel=0.3)
    note = result.course["latency.p95.slope"].note
    assert note.startswith("from 9.")
    assert note.endswith("ms/h")


def test_the_longest_stage_counts_alone() -> None:
    given = load()
    given["phases"].insert(1, builders.phase(9, "Stage", 10, 40, name="low", users=5))
    given["phases"][2]["startedAt"] = given["phases"][2]["fullAt"] = START + 40
    assert judged(given, memory(30.0)).verdict.reason == "LeakSuspected"


@pytest.mark.parametrize("name", ["gateway.goroutines", "gateway.fds"])
def test_what_the_gateway_tells_of_its_process_has_a_slope(name: str) -> None:
    curve = [(START + at, 100 + 12 * at / HOUR) for at in range(0, 2 * HOUR, 15)]
    known = builders.resources(series={name: curve})
    result = builders.result(load=load(), resources=known, probe=None)
    assert value(result, f"{name}.slope") == pytest.approx(12, rel=0.01)


def test_a_gateway_that_is_not_ours_has_none() -> None:
    spec = {**builders.SPEC, "gateway": {"url": "http://gateway.example"}}
    run = builders.inputs().run.model_copy(update={"spec": spec})
    result = builders.result(run=run, load=load())
    assert result.leak is None
    seen = metrics.observe(result, "gateway.memory.slope")
    assert isinstance(seen, Missing)
    assert "not run by gatebench" in seen.why
    assert isinstance(metrics.observe(result, "latency.p95.slope"), Measured)


def test_slopes_stand_in_the_table() -> None:
    shown = text.table(judged(load(growth=0.01), memory(30.0)))
    assert re.search(r"^slopes +latency\.p95 .*ms/h, errorRatio .*, gateway\.memory 30\.?[0-9]* MiB/h", shown, re.M)
    assert "slopes " not in text.table(builders.result())
