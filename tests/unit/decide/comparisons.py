"""Comparisons and what is seen of their runs, for tests."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from gatebench.api.comparison import BenchmarkComparisonSpec
from gatebench.api.comparisonstatus import BenchmarkComparisonStatus
from gatebench.decide.actions import Create, Delete, ReleaseLease
from gatebench.decide.comparison.draft import Decision
from gatebench.decide.comparison.snapshot import Measured, RunFacts, Snapshot
from gatebench.decide.comparison.step import decide
from gatebench.decide.snapshot import Lease
from gatebench.plan.comparison import Comparison, Slot

NOW = 1_800_000_000.0
TEMPLATE = {
    "gateway": {"image": "gw:1", "cpus": 1, "env": [{"name": "A", "value": "1"}]},
    "workload": {"requests": [{"name": "chat"}]},
    "load": {"stages": [{"duration": "10s", "users": 1}]},
}
ENVIRONMENT = {"node": "node0", "kernel": "6.1", "images.gateway": "gw@sha256:1"}


def comparison(status: BenchmarkComparisonStatus | None = None, **spec: Any) -> Comparison:
    """Two variants, `off` and `on`, over four rounds."""
    raw = {
        "template": TEMPLATE,
        "variants": [{"name": "off"}, {"name": "on", "overlay": {"gateway": {"args": ["--on"]}}}],
        "rounds": 4,
        "metrics": ["latency.p50", "throughput"],
        **spec,
    }
    parsed = BenchmarkComparisonSpec.model_validate(raw)
    given = status or BenchmarkComparisonStatus()
    return Comparison("team", "impact", "uid-c", 1, "1", NOW, False, raw, parsed, given)


def complete(name: str, valid: Any = "True", passed: Any = "True", **facts: Any) -> RunFacts:
    """A run that is complete and tidied up."""
    given = {
        "complete": True,
        "tidy": True,
        "accepted": "True",
        "valid": valid,
        "passed": passed,
        "reason": "Succeeded" if valid == "True" else "GeneratorSaturated",
        "message": "fine" if valid == "True" else "the workers were busy",
        "step": "Done",
        "node": "node0",
        "node_acquired_at": "2027-01-15T08:00:00Z",
        "started_at": "2027-01-15T08:00:30Z",
        **facts,
    }
    return RunFacts(name, ours=True, **given)


Values = Callable[[Slot], Mapping[str, float] | None]


@dataclasses.dataclass
class Cluster:
    """Carries decisions out: each run that is made is complete at the next look. Values None: it is not valid."""

    values: Values
    snap: Snapshot = dataclasses.field(default_factory=lambda: Snapshot(NOW, trials={"off": None, "on": None}))
    made: list[str] = dataclasses.field(default_factory=list)
    manifests: list[Mapping[str, Any]] = dataclasses.field(default_factory=list)
    environment: Callable[[Slot], Mapping[str, str]] = lambda slot: ENVIRONMENT
    facts: Callable[[Slot], Mapping[str, Any]] = lambda slot: {}

    def carry_out(self, given: Comparison, decision: Decision) -> None:
        """What the actions do."""
        slots = {slot.name: slot for slot in given.slots}
        runs, measured = dict(self.snap.runs), dict(self.snap.measured)
        stored, leases = self.snap.stored, self.snap.leases
        for action in decision.actions:
            if isinstance(action, Create) and action.manifest["kind"] == "ConfigMap":
                self.manifests.append(action.manifest)
                stored = True
            elif isinstance(action, Create):
                assert all(run.tidy for run in runs.values()), "two runs at once"
                slot = slots[action.manifest["metadata"]["name"]]
                self.made.append(slot.name)
                self.manifests.append(action.manifest)
                values = self.values(slot)
                seen = {"valid": "False" if values is None else "True", **self.facts(slot)}
                runs[slot.name] = complete(slot.name, **seen)
                if values is not None:
                    measured[slot.name] = Measured(values, self.environment(slot))
                leases = (Lease("node-node0", given.uid),)
            elif isinstance(action, Delete):
                runs.pop(action.name)
            elif isinstance(action, ReleaseLease):
                leases = ()
        self.snap = dataclasses.replace(
            self.snap,
            now=self.snap.now + 10,
            runs=runs,
            measured=measured,
            stored=stored,
            leases=leases,
        )

    def run(self, given: Comparison, ticks: int = 400) -> Comparison:
        """The comparison when nothing is left to do."""
        for _ in range(ticks):
            decision = decide(given, self.snap)
            given = given.with_status(decision.status)
            self.carry_out(given, decision)
            if decision.idle:
                return given
        raise AssertionError(f"not done after {ticks} ticks: {given.status}")
