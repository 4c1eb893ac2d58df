"""The decision about a comparison is total: it answers to any snapshot, the same each time, and ends."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatebench.api import KIND
from gatebench.api.comparisonstatus import BenchmarkComparisonStatus
from gatebench.api.reasons import ConditionType, Reason
from gatebench.decide.actions import Create
from gatebench.decide.comparison.snapshot import Measured, RunFacts, Snapshot
from gatebench.decide.comparison.step import decide
from gatebench.decide.draft import condition_of, is_status
from gatebench.decide.snapshot import Denial, Lease
from unit.decide.comparisons import NOW, Cluster, comparison

pytestmark = pytest.mark.slow

NAMES = [slot.name for slot in comparison().slots]
statuses = st.sampled_from(["True", "False", "Unknown", None])
facts = st.builds(
    RunFacts,
    name=st.sampled_from(NAMES),
    ours=st.sampled_from([True, True, True, False]),
    deleting=st.booleans(),
    complete=st.booleans(),
    tidy=st.booleans(),
    accepted=statuses,
    valid=statuses,
    passed=statuses,
    succeeded=statuses,
    reason=st.sampled_from([*[reason.value for reason in Reason], "FromANewerVersion", ""]),
    message=st.text(max_size=20),
    step=st.sampled_from(["Pending", "Queued", "Measuring", "Done"]),
    node=st.one_of(st.none(), st.sampled_from(["node0", "node1"])),
    node_acquired_at=st.one_of(st.none(), st.just("2027-01-15T08:00:00Z"), st.just("no time")),
    started_at=st.one_of(st.none(), st.just("2027-01-15T08:00:30Z")),
)
measured = st.one_of(
    st.none(),
    st.builds(
        Measured,
        values=st.dictionaries(st.sampled_from(["latency.p50", "throughput", "errorRatio"]), st.floats(0, 10)),
        environment=st.dictionaries(st.sampled_from(["node", "images.gateway"]), st.sampled_from(["a", "b"])),
    ),
)
snapshots = st.builds(
    Snapshot,
    now=st.floats(NOW, NOW + 20_000),
    runs=st.lists(facts, max_size=8).map(lambda found: {run.name: run for run in found}),
    measured=st.dictionaries(st.sampled_from(NAMES), measured, max_size=8),
    trials=st.one_of(st.none(), st.dictionaries(st.sampled_from(["off", "on"]), st.sampled_from([None, "no"]))),
    pods=st.integers(0, 2),
    leases=st.lists(st.just(Lease("node-node0", "uid-c")), max_size=1).map(tuple),
    stored=st.booleans(),
    taken=st.booleans(),
    denials=st.lists(
        st.builds(Denial, st.sampled_from(["Forbidden", "Quota", "Invalid", "Terminating", "Other"]), st.just("no")),
        max_size=2,
    ).map(tuple),
)
specs = st.fixed_dictionaries(
    {},
    optional={
        "cancel": st.booleans(),
        "suspend": st.booleans(),
        "ttlSecondsAfterFinished": st.integers(0, 100),
        "activeDeadlineSeconds": st.integers(30, 1000),
        "tolerance": st.sampled_from(["0", "3%", "5ms"]),
        "objectives": st.lists(
            st.fixed_dictionaries(
                {
                    "metric": st.sampled_from(["latency.p50", "throughput", "errorRatio"]),
                    "maxDelta": st.sampled_from(["0", "5ms", "2%", "150%"]),
                }
            ),
            max_size=2,
        ),
    },
)


@settings(max_examples=300, deadline=None)
@given(specs, st.lists(snapshots, min_size=1, max_size=4))
def test_every_snapshot_has_a_decision_and_the_same_one_each_time(spec: dict[str, Any], snaps: list[Snapshot]) -> None:
    found = comparison(**spec)
    for snap in sorted(snaps, key=lambda s: s.now):
        decision = decide(found, snap)
        assert decision == decide(found, snap)
        dumped = decision.status.model_dump(mode="json", by_alias=True, exclude_none=True)
        BenchmarkComparisonStatus.model_validate(dumped)
        made = [a for a in decision.actions if isinstance(a, Create) and a.manifest["kind"] == KIND]
        assert len(made) <= 1
        if made:
            assert all(run.tidy for run in snap.runs.values()), "a run was made while another one is there"
        if is_status(found.status, ConditionType.COMPLETE, "True"):
            assert decision.status.conditions == found.status.conditions, "a condition changed after Complete"
        succeeded = condition_of(decision.status, ConditionType.SUCCEEDED)
        if succeeded is not None and succeeded.status == "True":
            for kind in (ConditionType.VALID, ConditionType.PASSED, ConditionType.COMPLETE):
                assert is_status(decision.status, kind, "True")
        found = found.with_status(decision.status)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(0.01, 10)), min_size=8, max_size=8), st.integers(0, 7), st.booleans())
def test_it_ends_and_an_operator_that_forgets_all_comes_to_the_same_end(
    drawn: list[float | None], at: int, lost: bool
) -> None:
    """Whatever its runs measure; also where the status is lost half-way, for nothing in it is progress."""
    values = {slot.name: value for slot, value in zip(comparison().slots, drawn, strict=True)}

    def of(slot: Any) -> dict[str, float] | None:
        value = values[slot.name]
        return None if value is None else {"latency.p50": value}

    given_comparison, cluster = comparison(), Cluster(of)
    for tick in range(at + 1):
        decision = decide(given_comparison, cluster.snap)
        cluster.carry_out(given_comparison, decision)
        status = BenchmarkComparisonStatus() if lost and tick == at else decision.status
        given_comparison = given_comparison.with_status(status)
    found = cluster.run(given_comparison)
    assert cluster.made == NAMES, "each run once, in its order"
    straight = Cluster(of)
    assert dataclasses.replace(found, status=found.status).status.table == straight.run(comparison()).status.table
