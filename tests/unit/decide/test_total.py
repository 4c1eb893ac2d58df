"""The decision is total: it answers to any snapshot, the same each time, and no run outlives its deadlines."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import yamlfile
from gatebench.api.reasons import ConditionType, Reason
from gatebench.api.run import BenchmarkRunSpec
from gatebench.api.status import BenchmarkRunStatus
from gatebench.decide.actions import Create, StartLoad
from gatebench.decide.draft import condition_of, is_status
from gatebench.decide.snapshot import Baseline, Child, Container, Denial, FleetState, Lease, NodeFacts, Pod, Snapshot
from gatebench.decide.step import decide
from gatebench.decide.world import World
from gatebench.plan import children
from gatebench.plan.run import Run
from gatebench.settings import Settings
from gatebench_analysis.document import Result

pytestmark = pytest.mark.slow

EXAMPLES = sorted((pathlib.Path(__file__).resolve().parents[3] / "examples").glob("*.yaml"))
WORLD = World(
    Settings.model_validate({"images": {"locust": "l:1", "engine": "e:1", "mock": "m:1", "probe": "p:1"}}),
    "gatebench-system",
    b"0123456789abcdef",
    "0.1.0",
)
NOW = 1_800_000_000.0


def specs() -> list[dict[str, Any]]:
    """The specs of all examples."""
    found = []
    for path in EXAMPLES:
        found += [o["spec"] for o in yamlfile.documents(path) if o["kind"] == "BenchmarkRun"]
    return found


def repeated(raw: dict[str, Any], restarts: bool) -> dict[str, Any]:
    """The same with repeats, where it may have them."""
    if raw["load"].get("model") == "Capacity" or "image" not in raw["gateway"]:
        return raw
    return {**raw, "repeats": {"count": 3, "restartGateway": restarts}}


def run_of(raw: dict[str, Any], status: BenchmarkRunStatus | None = None, **changes: Any) -> Run:
    """A run with this spec."""
    raw = {**raw, **changes}
    spec = BenchmarkRunSpec.model_validate(raw)
    return Run("team", "demo", "uid-1", 1, "1", NOW, False, raw, spec, status or BenchmarkRunStatus())


words = st.sampled_from(
    ["ImagePullBackOff", "CrashLoopBackOff", "CreateContainerConfigError", "OOMKilled", "Error", "Evicted", "weird", ""]
)
moments = st.one_of(st.none(), st.floats(NOW - 100, NOW + 5000))
containers = st.builds(
    Container,
    name=st.sampled_from(["gateway", "probe", "mock", "master", "worker", "injected"]),
    ready=st.booleans(),
    restarts=st.integers(0, 5),
    container_id=st.one_of(st.none(), st.just("a" * 64)),
    running_since=moments,
    waiting_reason=st.one_of(st.none(), words),
    waiting_message=st.one_of(st.none(), st.text(max_size=20)),
    terminated_reason=st.one_of(st.none(), words),
    exit_code=st.one_of(st.none(), st.integers(0, 255)),
    termination_message=st.one_of(st.none(), st.text(max_size=20), st.just('{"reason":"ScriptInvalid"}')),
    guaranteed=st.booleans(),
)
pods = st.builds(
    Pod,
    name=st.sampled_from(["a", "b", "c"]),
    component=st.sampled_from(["gateway", "upstream", "master", "worker"]),
    uid=st.just("u"),
    created_at=st.floats(NOW - 100, NOW),
    repeat=st.integers(0, 2),
    phase=st.sampled_from(["Pending", "Running", "Failed", "Succeeded", "Unknown"]),
    reason=st.one_of(st.none(), words, st.just("UnexpectedAdmissionError")),
    node=st.one_of(st.none(), st.just("node0")),
    ip=st.one_of(st.none(), st.just("10.0.0.1")),
    qos=st.one_of(st.none(), st.sampled_from(["Guaranteed", "Burstable"])),
    ready=st.booleans(),
    deleting=st.booleans(),
    disrupted=st.booleans(),
    unschedulable=st.one_of(st.none(), st.just("0/2 nodes are available")),
    containers=st.lists(containers, max_size=3).map(tuple),
)
fleets = st.builds(
    FleetState,
    attempt=st.one_of(st.none(), st.just("uid-1-1"), st.just("other")),
    step=st.sampled_from(
        ["Waiting", "WarmUp", "Stage", "Pause", "Direct", "Ceiling", "Draining", "Finished", "Failed", "new"]
    ),
    repeat=st.one_of(st.none(), st.integers(0, 4)),
    holding=st.one_of(st.none(), st.integers(0, 4)),
    holding_seconds=st.one_of(st.none(), st.floats(0, 1000)),
    repeat_started=moments,
    seen=st.integers(0, 8),
    lost=st.lists(st.just("w"), max_size=2).map(tuple),
    elapsed=st.one_of(st.none(), st.floats(0, 1000)),
    total=st.one_of(st.none(), st.floats(0, 1000)),
    result_ready=st.booleans(),
    live=st.just({}),
)
leases = st.builds(
    Lease,
    name=st.sampled_from(["node-node0", "node-node1"]),
    holder=st.one_of(st.none(), st.just("uid-1"), st.just("other")),
    abandoned=st.booleans(),
)
nodes = st.builds(
    NodeFacts,
    name=st.sampled_from(["node0", "node1"]),
    ready=st.booleans(),
    schedulable=st.booleans(),
    allocatable_cores=st.floats(0, 64),
    allocatable_bytes=st.floats(0, 2**40),
    lease=st.one_of(st.none(), leases),
)
reports = st.one_of(
    st.none(), st.just({}), st.just({"containers": [{"id": "a" * 64, "cpus": [1]}], "self": {"cpus": [0]}})
)
ended = [{"outcome": outcome, "endedAt": NOW, "phases": []} for outcome in ("Finished", "Aborted")]
loads = st.one_of(st.none(), st.just({}), st.sampled_from(ended))
baselines = st.one_of(
    st.none(),
    st.builds(Baseline, result=st.just(Result())),
    st.builds(Baseline, absent=st.just("run old does not exist")),
    st.builds(Baseline, unreadable=st.just("it is not JSON")),
)
snapshots = st.builds(
    Snapshot,
    now=st.floats(NOW, NOW + 20_000),
    pods=st.lists(pods, max_size=5).map(tuple),
    children=st.dictionaries(
        st.tuples(st.sampled_from(["Pod", "Service", "ConfigMap"]), st.sampled_from(["a", "b"])),
        st.builds(Child, kind=st.just("Pod"), name=st.just("a"), ours=st.booleans(), deleting=st.booleans()),
        max_size=3,
    ),
    missing_references=st.lists(st.just("ConfigMap c"), max_size=1).map(tuple),
    missing_script=st.one_of(st.none(), st.just("ConfigMap s, key k")),
    nodes=st.lists(nodes, max_size=3).map(tuple),
    leases=st.lists(leases, max_size=2).map(tuple),
    denials=st.lists(
        st.builds(
            Denial,
            kind=st.sampled_from(["Forbidden", "Quota", "PodSecurity", "Invalid", "Terminating", "Other"]),
            message=st.just("no"),
        ),
        max_size=2,
    ).map(tuple),
    fleet=st.one_of(st.none(), fleets),
    baseline=baselines,
    probe=reports,
    load=loads,
)


@pytest.mark.fault(40)
@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(specs()),
    st.lists(snapshots, min_size=1, max_size=4),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, True, False]),
)
def test_every_snapshot_has_a_decision_and_the_same_one_each_time(
    raw: dict[str, Any], snaps: list[Snapshot], cancel: bool, suspend: bool, restarts: bool | None
) -> None:
    run = run_of(raw if restarts is None else repeated(raw, restarts), cancel=cancel, suspend=suspend)
    for snap in sorted(snaps, key=lambda s: s.now):
        decision = decide(run, snap, WORLD)
        assert decision == decide(run, snap, WORLD)
        BenchmarkRunStatus.model_validate(decision.status.model_dump(mode="json", by_alias=True, exclude_none=True))
        if is_status(run.status, ConditionType.COMPLETE, "True"):
            assert decision.status.conditions == run.status.conditions, "a condition changed after Complete"
        succeeded = condition_of(decision.status, ConditionType.SUCCEEDED)
        if succeeded is not None and succeeded.status == "True":
            assert is_status(decision.status, ConditionType.VALID, "True")
            assert is_status(decision.status, ConditionType.PASSED, "True")
            assert is_status(decision.status, ConditionType.COMPLETE, "True")
        run = run.with_status(decision.status)


@pytest.mark.fault(40)
@settings(max_examples=60, deadline=None)
@given(st.sampled_from([*specs(), *(repeated(raw, True) for raw in specs())]), snapshots, st.booleans())
def test_no_run_outlives_its_deadlines(raw: dict[str, Any], snap: Snapshot, started: bool) -> None:
    """A world that never changes: by a day later every run that is neither queued nor suspended is complete."""
    run = run_of(raw)
    for later in (0.0, 1.0, 400.0, 40_000.0, 90_000.0, 90_001.0, 90_002.0):
        run = run.with_status(decide(run, dataclasses.replace(snap, now=NOW + later), WORLD).status)
    accepted = condition_of(run.status, ConditionType.ACCEPTED)
    waits = accepted is not None and accepted.reason in (Reason.QUEUED, Reason.FORBIDDEN)
    denied = any(denial.kind == "Terminating" for denial in snap.denials)
    if run.status.node_acquired_at is not None:
        assert is_status(run.status, ConditionType.COMPLETE, "True")
    elif not waits and not denied:
        taking = run.isolated and accepted is not None and accepted.status == "True"
        assert taking or is_status(run.status, ConditionType.COMPLETE, "True")


def ready_world(run: Run) -> Snapshot:
    """Everything is up and joined."""
    wanted = children.desired(run, WORLD.settings, node="node0", operator_namespace="gatebench-system", key=WORLD.key)
    up: list[Pod] = []
    for manifest in wanted:
        if manifest["kind"] != "Pod":
            continue
        made = tuple(
            Container(name=c["name"], ready=True, running_since=NOW, container_id=c["name"][0] * 64, guaranteed=True)
            for c in manifest["spec"]["containers"]
        )
        up.append(
            Pod(
                name=manifest["metadata"]["name"],
                component=manifest["metadata"]["labels"]["app.kubernetes.io/component"],
                uid="u",
                created_at=NOW,
                phase="Running",
                node="node0",
                ip="10.0.0.1",
                qos="Guaranteed",
                ready=True,
                containers=made,
            )
        )
    have = {(m["kind"], m["metadata"]["name"]): Child(m["kind"], m["metadata"]["name"], True) for m in wanted}
    return Snapshot(
        now=NOW + 20,
        pods=tuple(up),
        children=have,
        nodes=(NodeFacts("node0", allocatable_cores=2, allocatable_bytes=2**40),),
        leases=(Lease("node-node0", run.uid),),
        fleet=FleetState(attempt=None, step="Waiting", seen=run.spec.load.workers),
        probe={
            "self": {"cpus": [0], "cpusAllowed": "0"},
            "containers": [{"id": "g" * 64, "cpus": [1], "cpusAllowed": "1", "changes": []}],
        },
    )


def replaced(snap: Snapshot, component: str, **changes: Any) -> tuple[Snapshot, Pod]:
    """The snapshot with the first pod of a component changed."""
    old = next(pod for pod in snap.pods if pod.component == component)
    new = dataclasses.replace(old, **changes)
    return dataclasses.replace(snap, pods=tuple(new if pod is old else pod for pod in snap.pods)), new


def demo_of(isolation: str) -> Run:
    """The demo's run with that isolation."""
    raw: dict[str, Any] = demo().raw_spec
    return run_of(raw, gateway={**raw["gateway"], "isolation": isolation})


def demo() -> Run:
    """The demo's run."""
    path = next(path for path in EXAMPLES if path.name == "demo.yaml")
    raw = next(o["spec"] for o in yamlfile.documents(path) if o["kind"] == "BenchmarkRun")
    return run_of(raw)


def test_the_attempt_is_written_down_before_the_load_is_started() -> None:
    run = demo()
    snap = ready_world(run)
    first = decide(run, snap, WORLD)
    assert first.status.progress is not None
    assert first.status.progress.attempt == "uid-1-1"
    assert not any(isinstance(action, StartLoad) for action in first.actions)
    second = decide(run.with_status(first.status), snap, WORLD)
    assert [a for a in second.actions if isinstance(a, StartLoad)] == [StartLoad("uid-1-1")]


def test_no_load_is_started_before_isolation_is_proven() -> None:
    run = demo()
    shared = {"self": {"cpus": [0, 1]}, "containers": [{"id": "g" * 64, "cpus": [0, 1], "changes": []}]}
    snap = dataclasses.replace(ready_world(run), probe=shared)
    decision = decide(run, snap, WORLD)
    assert decision.status.progress is None or decision.status.progress.attempt is None
    late = decide(run.with_status(decision.status), dataclasses.replace(snap, now=NOW + 60), WORLD)
    assert condition_of(late.status, ConditionType.ISOLATED).reason == Reason.CPU_NOT_PINNED  # type: ignore[union-attr]
    assert is_status(late.status, ConditionType.COMPLETE, "True")


def test_no_pod_is_made_before_the_script_exists() -> None:
    path = next(path for path in EXAMPLES if path.name == "locustfile.yaml")
    raw = next(o["spec"] for o in yamlfile.documents(path) if o["kind"] == "BenchmarkRun")
    run = run_of(raw)
    snap = Snapshot(now=NOW, missing_script="ConfigMap locustfile", nodes=ready_world(demo()).nodes)
    assert not any(isinstance(action, Create) for action in decide(run, snap, WORLD).actions)
