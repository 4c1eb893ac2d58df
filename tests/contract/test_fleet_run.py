"""A real master and real workers, from the start barrier to the acknowledged result."""

from __future__ import annotations

import json
import pathlib

from contract.fleetlab.lab import Fleet, plan
from contract.fleetlab.upstream import Upstream


def total(result: dict, **match: object) -> int:
    """Sum of counts of the requests that match."""
    return sum(r["count"] for r in result["requests"] if all(r[k] == v for k, v in match.items()))


def test_a_whole_run(tmp_path: pathlib.Path) -> None:
    with Upstream() as upstream, Fleet(tmp_path, plan(upstream.url)) as fleet:
        fleet.start()
        assert fleet.state()["step"] == "Waiting"
        fleet.begin()
        fleet.begin()  # the same attempt again is no second start
        status, content = fleet.call("POST", "/v1/start", {"attempt": "another"})
        assert (status, json.loads(content)["error"]) == (409, "attempt")
        live = fleet.wait(lambda s: s["step"] == "Stage" and (s["live"]["requests"] or 0) > 50)
        assert live["users"] == live["targetUsers"] == 10
        result = fleet.result()
        codes = fleet.finish()
    assert result["outcome"] == "Finished", result["message"]
    assert total(result) == upstream.total == result["integrity"]["locustRequests"]
    assert result["integrity"]["agree"]
    assert result["integrity"]["missingReports"] == 0
    assert [p["kind"] for p in result["phases"]] == ["WarmUp", "Stage", "Drain"]
    stage = result["phases"][1]
    assert 1.9 < stage["endedAt"] - stage["fullAt"] < 3.0
    assert total(result, phase=0) > 0
    assert total(result, phase=1, settled=True) > 0
    assert codes == {"master": 0, "worker-0": 0, "worker-1": 0}
