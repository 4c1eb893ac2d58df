"""What a spike did, as metrics: the worst of all spikes, or of the one that an objective names."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gatebench_analysis import metrics, text
from gatebench_analysis.objectives import Objective
from gatebench_analysis.observation import Measured, Missing, NotApplicable, Observation
from unit.analysis import builders
from unit.analysis.builders import START

CALM = (58, 0, 0.08, 0.1)
SPIKES = [(40, 50, "first"), (70, 80, "second")]


def load(recovery: int = 6, spikes: list[tuple[int, int, str]] | None = None) -> dict[str, Any]:
    """A stage with spikes in it: 20 % fail and p99 is a second; p95 takes so many seconds to come back."""
    given = SPIKES[:1] if spikes is None else spikes
    phases = [builders.phase(0, "WarmUp", 0, 10)]
    begin = 10
    for number, (start, end, name) in enumerate(given):
        phases.append(builders.phase(2 * number + 1, "Stage", begin, start, name=f"hold-{number}"))
        phases.append(builders.phase(2 * number + 2, "Stage", start, end, name=name, spike=True, users=500))
        begin = end
    phases.append(builders.phase(2 * len(given) + 1, "Stage", begin, 90, name="last"))
    rows = []
    for second in range(90):
        requests, failures, p95, p99 = CALM
        for start, end, _ in given:
            if start <= second < end:
                requests, failures, p95, p99 = 500, 100, 0.8, 1.0
            elif end <= second < end + recovery:
                p95, p99 = 0.3, 0.4
        rows.append([START + second, 50, requests, failures, 0.05, p95, p99])
    document = builders.load(phases=phases, errors=[])
    document["errors"] = [
        {"phase": 2 * n + 2, "name": "chat", "kind": "http", "status": status, "message": "", "count": count}
        for n in range(len(given))
        for status, count in ((429, 300), (503, 200), (500, 500))
    ]
    return {**document, "series": {**document["series"], "rows": rows}}


def seen(given: dict[str, Any], name: str, stage: str | None = None) -> Observation:
    return metrics.observe(builders.result(load=given), name, stage)


def test_the_figures_of_a_spike() -> None:
    assert seen(load(), "spike.errorRatio") == Measured(0.2)
    assert seen(load(), "spike.p99") == Measured(1.0)
    recovery = seen(load(), "spike.recoverySeconds")
    assert isinstance(recovery, Measured)
    assert not recovery.above
    # Levels are medians of five seconds, which may be back two of them earlier.
    assert 4.0 <= recovery.value <= 6.0
    assert seen(load(), "spike.shed") == Measured(500.0)


def test_of_several_spikes_the_worst_and_the_sum() -> None:
    given = load(spikes=SPIKES)
    for row in given["series"]["rows"][70:80]:
        row[6] = 3.0
    assert seen(given, "spike.p99") == Measured(3.0)
    assert seen(given, "spike.p99", "first") == Measured(1.0)
    assert seen(given, "spike.shed") == Measured(1000.0)
    assert seen(given, "spike.shed", "second") == Measured(500.0)


def test_a_gateway_that_does_not_come_back_is_known_to_take_longer_than_was_watched() -> None:
    given = load(recovery=60)
    found = seen(given, "spike.recoverySeconds")
    assert isinstance(found, Measured)
    assert (found.value, found.above) == (39.0, True)
    fails = Objective("spike.recoverySeconds", fail_above=30.0, texts={"failAbove": "30s"})
    unknown = Objective("spike.recoverySeconds", fail_above=60.0, texts={"failAbove": "60s"})
    outcomes = builders.result(load=given, objectives=(fails, unknown)).objectives
    assert [one.outcome for one in outcomes[:2]] == ["Fail", "Unknown"]


def test_of_several_recoveries_one_that_was_not_seen_is_the_longest() -> None:
    given = load(spikes=[(30, 40, "first"), (80, 88, "second")])
    for row in given["series"]["rows"][40:80]:
        row[5] = 0.3
    found = seen(given, "spike.recoverySeconds")
    assert isinstance(found, Measured)
    assert found.above


def test_without_a_spike_there_is_nothing_to_know() -> None:
    for name in ("spike.errorRatio", "spike.p99", "spike.recoverySeconds", "spike.shed"):
        assert isinstance(seen(builders.load(), name), NotApplicable)
        assert isinstance(seen(load(), name, "last"), Missing)


def test_a_spike_without_a_stage_before_or_after_it_has_no_recovery() -> None:
    given = load()
    given["phases"] = [one for one in given["phases"] if one.get("spike")]
    found = seen(given, "spike.recoverySeconds")
    assert isinstance(found, Missing)
    assert "no p95 before the spike is known" in found.why


def test_dropped_arrivals_are_shed_too() -> None:
    given = load()
    given["dropped"] = [{"phase": 2, "count": 40}, {"phase": 1, "count": 7}]
    assert seen(given, "spike.shed") == Measured(540.0)
    given["dropped"][0]["count"] = "?"
    assert isinstance(seen(given, "spike.shed"), Missing)


@pytest.mark.parametrize("name", ["spike.p99", "spike.shed"])
def test_an_objective_may_name_the_spike(name: str) -> None:
    result = builders.result(load=load(spikes=SPIKES), objectives=(Objective(name, stage="second", fail_above=1e9),))
    assert result.objectives[0].outcome == "Pass"


def test_spikes_stand_in_the_table() -> None:
    shown = text.table(builders.result(load=load()))
    assert re.search(r"^spikes +errorRatio 20 %, p99 1 s, recoverySeconds [456] s, shed 500$", shown, re.M)
