"""Files compared with files, and the exit codes that follow."""

from __future__ import annotations

import json
import pathlib
import shutil
from typing import Any

import pytest

from gatebench_analysis import document
from gatebench_analysis.cli import compare_results, main
from gatebench_analysis.contrast import Contrast, contrast
from gatebench_analysis.document import Figure, Finding, Result, RunInfo
from gatebench_analysis.inputs import BadInput, Reading, expand, of_result, read, read_all
from unit.analysis import builders

DATA = pathlib.Path(__file__).parents[2] / "data" / "foreign"
UNITS = {"throughput": "1/s", "latency.p50": "s", "latency.p95": "s", "latency.p99": "s", "errorRatio": "ratio"}


def result(scale: float = 1.0, **given: Any) -> Result:
    """100 requests a second at 50, 80 and 100 ms, all slower by `scale`."""
    values = {
        "throughput": 100 / scale,
        "latency.p50": 0.05 * scale,
        "latency.p95": 0.08 * scale,
        "latency.p99": 0.1 * scale,
        "errorRatio": 0.0,
        **given.pop("values", {}),
    }
    figures = {name: Figure(value=value, unit=UNITS[name]) for name, value in values.items() if value is not None}
    missing = {name: Figure(unit=UNITS[name], missing="too few") for name, value in values.items() if value is None}
    return Result(run=RunInfo(name="demo", spec={"gateway": {"image": "x"}}), metrics=figures | missing, **given)


def one(scale: float = 1.0, **given: Any) -> list[Reading]:
    return [of_result(result(scale, **given), "one.json")]


def many(scale: float, spread: float = 0.002, count: int = 6) -> list[Reading]:
    return [of_result(result(scale * (1 + spread * step)), f"{step}.json") for step in range(count)]


def verdicts(found: Contrast) -> dict[str, str]:
    return {row.metric: row.verdict for row in found.comparison.metrics}


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        (1.0, 1.0, 0),
        (1.0, 1.1, 0),  # 10 % is not more than 10 %; throughput is lower by 9.1 %
        (1.0, 1.101, 1),
        (1.0, 0.5, 0),
    ],
)
def test_one_result_a_side_and_a_threshold(before: float, after: float, code: int) -> None:
    found = contrast(one(before), one(after), threshold=10)
    assert (found.exit_code, found.proven) == (code, False)
    assert any("A single run a side cannot prove this" in note for note in found.notes)


@pytest.mark.parametrize(
    ("metric", "value"),
    [("throughput", 89.9), ("latency.p50", 0.0551), ("latency.p95", 0.089), ("latency.p99", 0.1101)],
)
def test_each_metric_alone_regresses(metric: str, value: float) -> None:
    found = contrast(one(), one(values={metric: value}), threshold=10)
    assert found.exit_code == 1
    assert [name for name, verdict in verdicts(found).items() if verdict == "Regressed"] == [metric]
    assert contrast(one(values={metric: value}), one(), threshold=10).exit_code == 0, "the other way it is better"


def test_one_result_a_side_without_a_threshold_tells_nothing() -> None:
    found = contrast(one(), one(2.0))
    assert found.exit_code == 2
    assert any("with --threshold" in note for note in found.notes)


def test_a_missing_figure_is_not_the_same() -> None:
    found = contrast(one(), one(values={"latency.p99": None}), threshold=10)
    assert (found.exit_code, verdicts(found)["latency.p99"]) == (2, "Inconclusive")
    assert "missing in current: too few" in found.comparison.why
    worse = contrast(one(), one(values={"latency.p99": None, "throughput": 50.0}), threshold=10)
    assert worse.exit_code == 1, "what is known to be worse is worse"
    assert contrast(one(), one(values={"latency.p99": None}), threshold=10, metrics=["throughput"]).exit_code == 0


def test_several_results_a_side_are_proven() -> None:
    slower = contrast(many(1.0), many(1.2))
    assert (slower.exit_code, slower.proven, slower.comparison.verdict) == (1, True, "Regressed")
    same = contrast(many(1.0), many(1.01))
    assert (same.exit_code, same.comparison.verdict) == (0, "Same")
    better = contrast(many(1.2), many(1.0))
    assert (better.exit_code, better.comparison.verdict) == (0, "Better")
    few = contrast(many(1.0, count=3), many(1.2, count=3), threshold=10)
    assert few.exit_code == 2, "a threshold does not make three results a proof"


def test_a_measurement_that_does_not_hold_is_left_out_and_said() -> None:
    broken = result(validity=[Finding(status="False", reason="CoresDisturbed", message="others took 9 %")])
    found = contrast(one(), [of_result(broken, "bad.json")], threshold=10)
    assert found.exit_code == 2
    assert "bad.json is left out: CoresDisturbed: others took 9 %" in found.notes
    assert of_result(broken).figures.values == {}
    with_others = contrast(many(1.0), [*many(1.2), of_result(broken, "bad.json")])
    assert with_others.exit_code == 1


def test_environments_that_differ_are_not_comparable_unless_it_is_said() -> None:
    before, after = one(environment={"node": "a", "kernel": "6.1"}), one(environment={"node": "b", "kernel": "6.1"})
    found = contrast(before, after, threshold=10)
    assert (found.exit_code, found.comparison.differences) == (2, ("node",))
    assert contrast(before, after, threshold=10, ignore=["node"]).exit_code == 0


def test_tools_that_measure_otherwise_are_not_comparable_unless_it_is_said() -> None:
    hey, vegeta = [read(str(DATA / "hey.csv"))], [read(str(DATA / "vegeta.json"))]
    assert contrast(hey, vegeta, threshold=10).exit_code == 2
    assert contrast(hey, hey, threshold=10).exit_code == 0
    assert contrast(hey, vegeta, threshold=10, ignore=["measuredBy"]).exit_code == 1, "it has a quarter of the rate"


def test_failures_that_grew_are_told_or_compared() -> None:
    failing = {"values": {"errorRatio": 0.05}}
    found = contrast(one(), one(**failing), threshold=10)
    assert found.exit_code == 0
    assert any("Failures grew from 0 % to 5 %" in note for note in found.notes)
    compared = contrast(one(), one(**failing), threshold=10, metrics=["throughput", "errorRatio"])
    assert (compared.exit_code, verdicts(compared)["errorRatio"]) == (1, "Regressed")


def test_repeats_of_one_gateway_process_are_no_proof() -> None:
    figures = [{"throughput": Figure(value=100.0 + step, unit="1/s")} for step in range(6)]
    repeats = [document.Repeat(index=index, metrics=one) for index, one in enumerate(figures)]
    both = [of_result(result(repeats=repeats), "r.json")]
    found = contrast(both, both, metrics=["throughput"])
    assert found.exit_code == 2
    assert "OneProcess" in found.comparison.why
    restarted = result(repeats=repeats).model_copy(
        update={"run": RunInfo(name="demo", spec={"repeats": {"restartGateway": True}})}
    )
    sound = contrast([of_result(restarted)], [of_result(restarted)], metrics=["throughput"])
    assert (sound.exit_code, sound.proven) == (0, True)


def saved(directory: pathlib.Path, name: str, given: Result) -> str:
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    content = document.write(given)
    path.write_bytes(content if name.endswith(".gz") else json.dumps(document.dump(given)).encode())
    return str(path)


def test_a_directory_stands_for_the_result_documents_in_it(tmp_path: pathlib.Path) -> None:
    paths = [saved(tmp_path, "a/result.json", result()), saved(tmp_path, "b/result.json.gz", result())]
    shutil.copy(DATA / "locust_stats.csv", tmp_path / "a")
    (tmp_path / "a" / "other.json").write_text("{}")
    assert expand([str(tmp_path)]) == paths
    assert expand([str(tmp_path / "*" / "*.csv")]) == [str(tmp_path / "a" / "locust_stats.csv")]
    assert expand([paths[0], str(tmp_path)]) == paths, "once each"
    assert [one.figures.values["throughput"] for one in read_all([str(tmp_path)])] == [100, 100]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere.json", "nowhere.json"], "nowhere.json: No such file or directory"),
        (["*.nothing", "x"], "no file has such a name"),
        (["empty", "empty"], "no result document"),
        (["one.json", "one.json", "--threshold", "100"], "below 100 per cent"),
        (["one.json", "one.json", "--threshold", "much"], "in per cent, as 10"),
        (["one.json", "one.json", "--metric", "speed"], "speed is no metric"),
        (["one.json", "broken.json.gz"], "broken.json.gz: it is cut off"),
        (["one.json", "newer.json"], "newer.json: "),
        (["one.json"], "CURRENT"),
        (["one.json", "one.json", "-o", "pdf"], "pdf"),
    ],
)
def test_wrong_input_is_3(arguments, says, tmp_path, monkeypatch, capsys) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    saved(tmp_path, "one.json", result())
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.json.gz").write_bytes(document.write(result())[:100])
    (tmp_path / "newer.json").write_text('{"a": "gatebench.dev/result/", "schema": 3}')
    try:
        code = compare_results(arguments)
    except SystemExit as left:
        code = left.code  # type: ignore[assignment]
    error = capsys.readouterr().err
    assert code == 3, error
    assert says in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(("scale", "code"), [(1.05, 0), (1.3, 1)])
def test_the_program(scale, code, tmp_path, capsys) -> None:  # type: ignore[no-untyped-def]
    sides = [saved(tmp_path, "a.json", result()), saved(tmp_path, "b.json.gz", result(scale))]
    assert main(["compare", *sides, "--threshold", "10"]) == code
    assert "A single run a side cannot prove this" in capsys.readouterr().out
    assert compare_results([*sides, "--threshold", "10%", "--json"]) == code
    told = json.loads(capsys.readouterr().out)
    assert (told["exitCode"], told["proven"]) == (code, False)
    assert {one["metric"] for one in told["metrics"]} == {"throughput", "latency.p50", "latency.p95", "latency.p99"}


def test_a_threshold_out_of_range_is_refused() -> None:
    for threshold in (-1, 100, float("nan")):
        with pytest.raises(BadInput):
            contrast(one(), one(), threshold=threshold)


def test_whole_runs_are_compared(tmp_path: pathlib.Path) -> None:
    """Documents as the operator writes them, through their files."""
    slow = builders.load(requests=[builders.row(1, builders.latencies(4690, median=0.07))], errors=[])
    before = saved(tmp_path, "before.json.gz", builders.result())
    after = saved(tmp_path, "after.json.gz", builders.result(load=slow))
    found = contrast([read(before)], [read(after)], threshold=10)
    assert found.exit_code == 1
    assert verdicts(found) == {
        "throughput": "Same", "latency.p50": "Regressed", "latency.p95": "Regressed", "latency.p99": "Regressed",
    }  # fmt: skip
