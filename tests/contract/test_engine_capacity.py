"""Go workers with a real Locust master look for the capacity of a real mock, which its flags say."""

from __future__ import annotations

import pathlib

import pytest

from contract.fleetlab.alone import Serve
from contract.fleetlab.engine import EngineFleet, plan
from contract.fleetlab.reading import errors, exact, total

CHAT = "/v1/chat/completions"
AT_ONCE, LATENCY = 50, 0.25
CEILING = AT_ONCE / LATENCY  # answers a second
TOLERANCE = 0.25


@pytest.mark.measures
def test_the_capacity_that_is_found_is_the_mocks(tmp_path: pathlib.Path, binary: pathlib.Path, serve: Serve) -> None:
    mock = serve(f"--max-in-flight={AT_ONCE}", f"--latency={LATENCY}s")
    search = {
        "startRate": 140.0,
        "maxRate": 5000.0,
        "stepSeconds": 2.5,
        "settleSeconds": 1.0,
        "tolerance": TOLERANCE,
        "maxSteps": 20,
        "budgetSeconds": 150.0,
        "objectives": [{"metric": "latency.p95", "below": 2 * LATENCY}],
    }
    document = plan(
        mock.url,
        model="Capacity",
        arrivals="Constant",
        thinkTimeSeconds=None,
        stages=[],
        maxInFlight=1000,
        capacity=search,
    )
    with EngineFleet(binary, tmp_path, document) as fleet:
        fleet.start()
        fleet.begin()
        result = fleet.result(200)
        codes = fleet.finish()
    assert set(codes.values()) == {0}
    assert result["outcome"] == "Finished", result["message"]
    counts = mock.counts()
    exact(result, counts[CHAT, "200"] + counts[CHAT, "429"])
    assert total(result, outcome="success") == counts[CHAT, "200"]
    assert errors(result) == {("chat", "http"): counts[CHAT, "429"]}
    assert sum(row["count"] for row in result["dropped"]) == 0

    found = result["capacity"]
    low, high = found["bracket"]
    assert low <= CEILING <= high, found
    assert high - low <= TOLERANCE * high
    assert found["requestsPerSecond"] == low
    assert "errorRatio" in found["limitedBy"][0]
    for step in found["steps"]:
        answered = total(result, phase=step["phase"], settled=True, outcome="success") / 2.5
        if step["outcome"] == "Held":
            assert answered == pytest.approx(step["rate"], rel=0.03), step
        else:
            assert answered <= CEILING * 1.03, step
