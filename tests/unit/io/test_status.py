"""The status is written where it changed, on top of what was read, within its bound."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatebench.api.status import BenchmarkRunStatus
from gatebench.io import status
from gatebench.io.status import Patched, bounded, difference, patch_status
from unit.io import samples
from unit.io.fakekube import Refusal, merge, world

pytestmark = pytest.mark.slow

JSON = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=10,
)
OBJECT = st.dictionaries(st.text(max_size=2), JSON, max_size=4)


@given(OBJECT, OBJECT)
def test_the_difference_leads_from_one_to_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert merge(before, difference(before, after)) == after


@given(OBJECT)
def test_the_same_has_no_difference(given_status: dict[str, Any]) -> None:
    assert difference(given_status, given_status) == {}


def test_what_vanished_is_nulled_and_lists_are_replaced() -> None:
    before = {"live": {"at": "x", "users": 3}, "missing": ["a", "b"], "step": "Done"}
    after = {"live": {"at": "y"}, "missing": ["a"], "step": "Done"}
    assert difference(before, after) == {"live": {"at": "y", "users": None}, "missing": ["a"]}


async def test_it_is_patched_only_where_it_changed() -> None:
    async with world() as w:
        stored = w.api.put(samples.body({"step": "Pending"}))
        run = samples.run({"step": "Pending"})
        assert await patch_status(run, run.status, w.context) == Patched.UNCHANGED
        assert not w.api.requests
        # The version that the run was read in is not the stored one.
        changed = BenchmarkRunStatus(step="Starting")
        assert await patch_status(run, changed, w.context) == Patched.CONFLICT
        fresh = samples.runs.parse(w.api.get("BenchmarkRun", "bench", "demo") or {})
        assert isinstance(fresh, samples.Run)
        assert await patch_status(fresh, changed, w.context) == Patched.CHANGED
        request = w.api.asked("PATCH", "benchmarkruns")[-1]
        assert request.path.endswith("/benchmarkruns/demo/status")
        assert request.headers["Content-Type"] == "application/merge-patch+json"
        assert request.body["status"] == {"step": "Starting"}
        assert stored["status"]["step"] == "Pending"


async def test_a_run_that_is_gone_or_a_refusal_is_a_result() -> None:
    run = samples.run()
    async with world() as w:
        assert await patch_status(run, BenchmarkRunStatus(step="x"), w.context) == Patched.GONE
        w.api.refusals["PATCH", "benchmarkruns"] = Refusal(403, "Forbidden", "no")
        assert await patch_status(run, BenchmarkRunStatus(step="x"), w.context) == Patched.FAILED


def condition(kind: str, message: str) -> dict[str, Any]:
    return {
        "type": kind,
        "status": "False",
        "reason": "R",
        "message": message,
        "lastTransitionTime": "2027-01-15T08:00:00Z",
    }


def objective(index: int, outcome: str) -> dict[str, Any]:
    return {"metric": f"requests.name-{index}.latency.p99", "outcome": outcome, "message": "m" * 300}


BIG = {
    "conditions": [condition(f"T{index}", "ä" * 1000) for index in range(10)],
    "objectives": [objective(index, "Fail" if index == 70 else "Pass") for index in range(80)],
    "missing": [f"requests.name-{index}.latency.p99.9" for index in range(64)],
    "warnings": ["w" * 400 for _ in range(16)],
    "baseline": {
        "source": "run old",
        "verdict": "Inconclusive",
        "why": "w" * 1000,
        "metrics": [{"metric": f"requests.{'n' * 60}.latency.p{n}", "verdict": "Same", "low": 0.5} for n in range(8)],
    },
    "summary": {"throughput": 1.5, "byRequest": [{"name": "n" * 400} for _ in range(10)]},
}


@pytest.mark.fault(6)
def test_a_large_status_is_cut_with_a_marker_within_its_bound() -> None:
    cut = bounded(BIG)
    assert len(json.dumps(cut, ensure_ascii=False, separators=(",", ":")).encode()) <= status.LIMIT
    assert cut["conditions"][0]["message"].endswith(status.MARKER)
    assert [c["type"] for c in cut["conditions"]] == [f"T{index}" for index in range(10)]
    # What decided the verdict is the last to go.
    assert [o["outcome"] for o in cut["objectives"]].count("Fail") == 1
    assert "65 of 80 objectives are only in the result" in cut["warnings"]
    assert cut["missing"][-1] == "(54 more are in the result)"
    assert cut["summary"]["throughput"] == 1.5
    BenchmarkRunStatus.model_validate(cut)


def test_cutting_is_stable() -> None:
    assert bounded(bounded(BIG)) == bounded(BIG)
    small = {"step": "Done", "warnings": ["w"]}
    assert bounded(small) == small
