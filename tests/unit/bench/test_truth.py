"""Rows about real runs: what is measured, how results are paired, and what a row says of what was left out."""

from __future__ import annotations

import base64
import math
import pathlib
import random
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from bench.truth import cluster, pairs, plan
from bench.truth.plan import Planned

from gatebench.api.run import BenchmarkRunSpec
from gatebench.cli.errors import ApiError
from gatebench_analysis import document
from gatebench_analysis.document import Figure, Finding, Repeat, Result, RunInfo

UNITS = {"throughput": "1/s", "latency.p50": "s", "latency.p95": "s", "latency.p99": "s"}


def result(side: str, seed: int = 1, *, repeats: int = plan.REPEATS, node: str = "node0", **given: Any) -> Result:
    """Repeats whose values vary by half a per cent, of latencies as the side's mock has."""
    source, factor = random.Random(seed), plan.FACTORS[side]
    values = {"throughput": 100.0, "latency.p50": 0.08, "latency.p95": 0.1, "latency.p99": 0.11}
    rows = []
    for index in range(repeats):
        noisy = {
            name: value * (1 if name == "throughput" else factor) * math.exp(source.gauss(0, 0.005))
            for name, value in values.items()
        }
        metrics = {name: Figure(value=value, unit=UNITS[name]) for name, value in noisy.items()}
        rows.append(Repeat(index=index, metrics=metrics))
    return Result(
        run=RunInfo(name=side, namespace="n", uid="u", spec=plan.spec(side, node)),
        finished_at=1_700_000_000.0,
        environment={"node": node, "operatorVersion": "0.1.0"},
        repeats=rows,
        **given,
    )


def spoilt(side: str, reason: str = "GeneratorSaturated") -> Result:
    return result(side, validity=[Finding(status="False", reason=reason, message="worker-0 used 97 % of its CPU")])


def kept(results: Mapping[str, Result]) -> dict[str, pairs.Kept]:
    return {name: pairs.kept(name, one) for name, one in results.items()}


def store(folder: pathlib.Path, results: Mapping[str, Result]) -> None:
    for name, one in results.items():
        (folder / f"{name}{pairs.RESULT}").write_bytes(document.write(one))


def all_of(tries: int) -> dict[str, Result]:
    runs = list(plan.schedule(1, tries))
    return {run.name: result(run.side, seed) for seed, run in enumerate(runs)}


def test_sides_take_turns_in_time() -> None:
    names = [run.name for run in plan.schedule(1, 3)]
    assert names == [
        "base-001", "slower-001", "slower-002", "base-002", "base-003", "slower-003", "slightly-003",
    ]  # fmt: skip
    twenty = list(plan.schedule(1, 20))
    assert [sum(run.side == side for run in twenty) for side in plan.FACTORS] == [20, 20, 4]
    assert [*plan.schedule(1, 7), *plan.schedule(8, 20)] == twenty


def test_the_runs_are_of_the_api_and_differ_in_the_mock_alone() -> None:
    specs = {side: plan.spec(side, "node0") for side in plan.FACTORS}
    for side, spec in specs.items():
        mock = BenchmarkRunSpec.model_validate(spec).upstream.mock  # type: ignore[union-attr]
        assert mock is not None
        assert mock.latency == pytest.approx(plan.P50_SECONDS * plan.FACTORS[side])
        assert mock.latency_p99 == pytest.approx(plan.P99_SECONDS * plan.FACTORS[side])
    assert len({str({**spec, "upstream": None}) for spec in specs.values()}) == 1


def test_what_could_not_be_judged_is_measured_again_but_not_for_ever() -> None:
    assert plan.more(20, 0, 0) == 20
    assert plan.more(20, 20, 18) == 2
    assert plan.more(20, 22, 20) == 0
    assert plan.more(20, 20, 0) == 5
    assert plan.more(20, 25, 12) == 0


def test_a_slower_mock_is_found_and_the_same_one_is_not() -> None:
    runs = kept(all_of(20))
    slower = pairs.share(pairs.beside(runs, plan.SLOWER, 0.03), pairs.p95_regressed, 20, least=0.9)
    assert (slower.ok, slower.numbers["happened"], slower.numbers["trials"]) == (True, 20, 20)
    assert slower.figure == "100.0 % (20 of 20)"
    slightly = pairs.share(pairs.beside(runs, plan.SLIGHTLY, 0.1), pairs.regressed, 3, most=0.0)
    assert (slightly.ok, slightly.numbers["happened"], slightly.numbers["trials"]) == (True, 0, 4)


def test_pairs_of_the_same_have_no_run_in_common_and_are_of_one_node() -> None:
    results = {f"base-{n:03d}": result(plan.BASE, n, node=f"node{n % 2}") for n in range(1, 8)}
    found = pairs.same(kept(results))
    assert sorted((one.before, one.after) for one in found) == [
        ("base-001", "base-003"), ("base-002", "base-004"), ("base-005", "base-007"),
    ]  # fmt: skip
    assert all(one.found is not None and not one.found.differences for one in found)


def test_a_false_alarm_of_the_same_misses_the_row() -> None:
    results = {f"base-{n:03d}": result(plan.BASE, n) for n in range(1, 12)}
    results["base-012"] = result(plan.SLOWER, 12).model_copy(update={"run": results["base-001"].run})
    found = pairs.share(pairs.same(kept(results)), pairs.regressed, 6, most=0.05)
    assert not found.ok
    assert found.numbers["happened"] >= 1
    assert "chance of it at a true 5%" in found.figure


def test_no_slow_down_misses_the_row() -> None:
    results = all_of(20)
    for pair in range(1, 4):
        same = result(plan.BASE, 100 + pair)
        results[f"slower-{pair:03d}"] = same.model_copy(update={"run": results[f"slower-{pair:03d}"].run})
    found = pairs.share(pairs.beside(kept(results), plan.SLOWER, 0.03), pairs.p95_regressed, 20, least=0.9)
    assert (found.ok, found.figure) == (False, "85.0 % (17 of 20)")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (spoilt(plan.SLOWER), "GeneratorSaturated"),
        (result(plan.SLOWER, repeats=3), "repeats missing"),
        (result(plan.SLOWER).model_copy(update={"environment": {"node": "node1"}}), "not comparable"),
    ],
)
def test_what_does_not_hold_is_left_out_and_told(bad: Result, reason: str) -> None:
    runs = kept({**all_of(2), "slower-002": bad})
    found = pairs.share(pairs.beside(runs, plan.SLOWER, 0.03), pairs.p95_regressed, 2, least=0.9)
    assert found.figure == f"100.0 % (1 of 1; 2 are needed; left out: 1, {reason} 1)"
    assert not found.ok
    assert found.numbers["leftOut"][0]["runs"] == ["base-002", "slower-002"]
    assert found.numbers["leftOut"][0]["why"]


def test_a_base_that_does_not_hold_is_in_no_pair_of_the_same() -> None:
    results = {f"base-{n:03d}": result(plan.BASE, n) for n in range(1, 5)}
    found = pairs.same(kept({**results, "base-002": spoilt(plan.BASE)}))
    assert [(one.before, one.after, one.reason) for one in found] == [
        ("base-001", "base-003", ""), ("base-002", "", "GeneratorSaturated"),
    ]  # fmt: skip


def test_nothing_judged_is_no_figure() -> None:
    found = pairs.share([], pairs.regressed, 3, most=0.05)
    assert (found.ok, found.figure, found.numbers["share"]) == (False, "- (0 of 0; 3 are needed)", None)


def test_rows_are_made_of_what_was_kept(tmp_path: pathlib.Path) -> None:
    assert pairs.rows(tmp_path / "none") == []
    store(tmp_path, all_of(20))
    (tmp_path / f"slower-021{pairs.NONE}").write_text("GatewayFailed: it ended\n")
    store(tmp_path, {"base-021": result(plan.BASE, 99)})
    rows = {row.name: row for row in pairs.rows(tmp_path)}
    assert list(rows) == [
        "cluster: A/A at tolerance 0: anything Regressed",
        "cluster: 10 % slower, tolerance 3 %: p95 Regressed",
        "cluster: 3 % slower, tolerance 10 %: anything Regressed",
    ]
    same, slower, _ = (row.measure() for row in rows.values())
    assert same.numbers["trials"] == 10
    assert slower.figure == "100.0 % (20 of 20; left out: 1, no result 1)"
    assert slower.numbers["leftOut"] == [
        {"runs": ["base-021", "slower-021"], "why": "slower-021: no result: GatewayFailed: it ended"}
    ]
    assert all("measured from 2023-11-14" in row.how and "gatebench 0.1.0" in row.how for row in rows.values())


def test_a_result_that_cannot_be_read_is_named(tmp_path: pathlib.Path) -> None:
    (tmp_path / f"base-001{pairs.RESULT}").write_bytes(b"{}")
    with pytest.raises(SystemExit, match=r"base-001\.json\.gz"):
        pairs.rows(tmp_path)


class Fake:
    """An API server whose runs are complete when they are applied."""

    def __init__(self, outcomes: Mapping[str, bytes | None]) -> None:
        self.outcomes, self.applied, self.there = outcomes, [], {}  # type: ignore[var-annotated]

    def apply(self, manifest: Mapping[str, Any], namespace: str) -> dict[str, Any]:
        name = manifest["metadata"]["name"]
        self.applied.append((name, manifest["spec"]["gateway"]["nodeSelector"]["kubernetes.io/hostname"]))
        artifacts = {"result": f"{name}-result"} if self.outcomes.get(name) else {}
        conditions = [
            {"type": "Complete", "status": "True", "reason": "Ended", "message": ""},
            {"type": "Succeeded", "status": "False", "reason": "GatewayFailed", "message": "it ended"},
        ]
        self.there[name] = {"metadata": {"name": name}, "status": {"conditions": conditions, "artifacts": artifacts}}
        return dict(self.there[name])

    def get(self, kind: str, name: str, namespace: str) -> dict[str, Any]:
        if kind == "ConfigMap":
            content = self.outcomes[name.removesuffix("-result")]
            assert content is not None
            return {"metadata": {"name": name}, "binaryData": {"result.json.gz": base64.b64encode(content).decode()}}
        return dict(self.there[name])

    def find(self, kind: str, name: str, namespace: str) -> dict[str, Any] | None:
        return self.there.get(name)

    def delete(self, kind: str, name: str, namespace: str) -> None:
        del self.there[name]

    def json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        return {"items": []}


def measurement(
    fake: Fake, folder: pathlib.Path, nodes: Iterable[str] = ("node0",)
) -> tuple[cluster.Measurement, list[str]]:
    lines: list[str] = []
    names = list(nodes)
    board = cluster.Board(lines.append, len(names))
    return cluster.Measurement(fake, folder, names, board), lines  # type: ignore[arg-type]


def test_each_run_is_kept_and_not_measured_twice(tmp_path: pathlib.Path) -> None:
    runs = list(plan.schedule(1, 2))
    fake = Fake({"base-001": document.write(result(plan.BASE)), "slower-002": document.write(spoilt(plan.SLOWER))})
    measuring, lines = measurement(fake, tmp_path, ("node0", "node1"))
    measuring.all(runs)
    assert sorted(fake.applied) == [
        ("base-001", "node0"), ("base-002", "node1"), ("slower-001", "node0"), ("slower-002", "node1"),
    ]  # fmt: skip
    assert not fake.there
    found = pairs.read(tmp_path)
    assert (found["base-001"].unsound, found["slower-002"].reason) == ("", "GeneratorSaturated")
    assert found["slower-001"].unsound == "no result: GatewayFailed: it ended"
    assert len(lines) == 4
    assert sum("more in about" in line for line in lines) == 3
    measuring.all(runs)
    assert len(fake.applied) == 4


def test_runs_without_results_in_succession_end_it(tmp_path: pathlib.Path) -> None:
    fake = Fake({})
    measuring, _ = measurement(fake, tmp_path)
    with pytest.raises(cluster.Broken, match=r"3 runs in succession have no result; the last: GatewayFailed"):
        measuring.all(list(plan.schedule(1, 20)))
    assert len(fake.applied) == 3


def test_a_refusal_ends_it_at_once(tmp_path: pathlib.Path) -> None:
    class Refusing(Fake):
        def apply(self, manifest: Mapping[str, Any], namespace: str) -> dict[str, Any]:
            raise ApiError("spec.load: no", 422)

    measuring, _ = measurement(Refusing({}), tmp_path)
    with pytest.raises(ApiError, match=r"spec.load"):
        measuring.all([Planned(plan.BASE, 1)])
    assert not list(tmp_path.iterdir())


def test_results_of_another_plan_are_not_gone_on_with(tmp_path: pathlib.Path) -> None:
    (tmp_path / "plan.json").write_text('{"plan": "another", "nodes": ["node0"]}')
    with pytest.raises(cluster.Broken, match="of another plan"):
        cluster._prepare(tmp_path, True, Fake({}), 1)  # type: ignore[arg-type]


def test_a_cluster_with_too_few_nodes_is_told(tmp_path: pathlib.Path) -> None:
    with pytest.raises(cluster.Broken, match="--parallel 2: each run takes a node, and 0"):
        cluster._prepare(tmp_path / "new", False, Fake({}), 2)  # type: ignore[arg-type]


def test_without_a_cluster_it_says_how_to_get_one(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cluster, "FOLDER", tmp_path / "runs")
    assert cluster.main(["--kubeconfig", str(tmp_path / "none")]) == 1
    assert "make cluster-up images deploy" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
