"""The examples are what the documentation says they are; tests on a cluster apply them as they stand."""

from __future__ import annotations

import json
import pathlib
import re
from typing import Any

import pytest

import yamlfile
from gatebench.api import API_VERSION, COMPARISON_KIND, KIND
from gatebench.api.baseline import COMPARED
from gatebench.api.comparison import BenchmarkComparisonSpec
from gatebench.api.comparisonstatus import BenchmarkComparisonStatus
from gatebench.api.quantities import bound_value, duration_seconds, quantity_value
from gatebench.api.run import BenchmarkRunSpec, has_burst
from gatebench.decide.comparison.admission import max_delta, tolerances
from gatebench.decide.comparison.table import unequal
from gatebench.plan import templates
from gatebench.plan.comparison import Comparison, run_spec
from gatebench_analysis import metrics
from gatebench_analysis.statistics import repeats_needed

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
LOCUST = ("demo", "quick", "full", "stress", "baseline", "tokligence", "locustfile")
GO = ("ceiling", "rate", "capacity", "translation", "streaming", "regression", "overhead")
COURSES = ("spike", "endurance", "stress-steps")
COMPARISONS = ("comparison-litellm", "rate-limit", "metrics-impact")
PROFILES = (*LOCUST, *GO, *COURSES, *COMPARISONS)


def documents(path: pathlib.Path) -> list[dict[str, Any]]:
    return yamlfile.documents(path)


def config_maps(path: pathlib.Path) -> dict[str, dict[str, str]]:
    return {o["metadata"]["name"]: o["data"] for o in documents(path) if o["kind"] == "ConfigMap"}


def run_of(path: pathlib.Path) -> dict[str, Any]:
    runs = [document for document in documents(path) if document["kind"] in (KIND, COMPARISON_KIND)]
    assert len(runs) == 1, "an example has one run, or one comparison, to follow"
    return runs[0]


def comparison_of(path: pathlib.Path) -> Comparison | None:
    """The comparison of the file; None where it has a run."""
    found = run_of(path)
    if found["kind"] == KIND:
        return None
    spec = BenchmarkComparisonSpec.model_validate(found["spec"])
    return Comparison("n", path.stem, "u", 1, "1", 0.0, False, found["spec"], spec, BenchmarkComparisonStatus())


def specs_of(path: pathlib.Path) -> list[BenchmarkRunSpec]:
    """The spec of the run, or of each variant's runs."""
    comparison = comparison_of(path)
    if comparison is None:
        return [spec_of(path)]
    return [BenchmarkRunSpec.model_validate(run_spec(comparison, variant)) for variant in comparison.variants]


def spec_of(path: pathlib.Path) -> BenchmarkRunSpec:
    return BenchmarkRunSpec.model_validate(run_of(path)["spec"])


@pytest.fixture(params=EXAMPLES, ids=lambda path: path.stem)
def example(request: pytest.FixtureRequest) -> pathlib.Path:
    return request.param


@pytest.fixture(params=[path for path in EXAMPLES if path.stem.endswith("-small")], ids=lambda path: path.stem)
def small(request: pytest.FixtureRequest) -> pathlib.Path:
    return request.param


def test_every_profile_has_an_example_and_a_small_twin() -> None:
    twins = {f"{name}{twin}" for name in PROFILES for twin in ("", "-small")}
    assert {path.stem for path in EXAMPLES} == twins | {"endurance-short"}


def test_example_is_a_run_named_after_its_file(example: pathlib.Path) -> None:
    run = run_of(example)
    assert run["apiVersion"] == API_VERSION
    assert run["metadata"] == {"name": example.stem}  # in the namespace of whoever applies it
    specs_of(example)


def test_what_a_run_refers_to_is_in_its_file(example: pathlib.Path) -> None:
    here = {(document["kind"], document["metadata"]["name"]) for document in documents(example)}
    wanted = {reference for spec in specs_of(example) for reference in references(example, spec)}
    assert wanted <= here
    assert len(here) == len(documents(example))


def references(example: pathlib.Path, spec: BenchmarkRunSpec) -> set[tuple[str, str]]:
    """(kind, name) of what the spec names."""
    wanted: set[tuple[str, str]] = set()
    for variable in [*(spec.gateway.env or ()), *(spec.load.env or ())]:
        if variable.value_from and variable.value_from.secret_key_ref:
            wanted.add(("Secret", variable.value_from.secret_key_ref.name))
    for file in spec.gateway.files or ():
        if file.config_map:
            wanted.add(("ConfigMap", file.config_map.name))
    if spec.workload.locustfile:
        wanted.add(("ConfigMap", spec.workload.locustfile.config_map.name))
    dataset, ca = spec.workload.dataset, spec.workload.ca
    for key in (dataset and dataset.config_map, ca and ca.config_map):
        if key:
            assert key.key in config_maps(example)[key.name]
            wanted.add(("ConfigMap", key.name))
    for request in spec.workload.requests or ():
        wanted |= {("Secret", source.secret_key_ref.name) for source in (request.headers_from or {}).values()}
    return wanted


def test_twins_do_not_share_objects_with_their_profile(small: pathlib.Path) -> None:
    """Both can be applied to one namespace."""

    def names(path: pathlib.Path) -> set[tuple[str, str]]:
        return {(document["kind"], document["metadata"]["name"]) for document in documents(path)}

    assert not names(small) & names(small.with_name(small.name.replace("-small", "")))


def test_small_twin_fits_a_machine_of_two_cores(small: pathlib.Path) -> None:
    for spec in specs_of(small):
        fits_two_cores(spec)


def fits_two_cores(spec: BenchmarkRunSpec) -> None:
    assert spec.gateway.cpus == 1
    assert quantity_value(spec.gateway.memory) <= quantity_value("1Gi")
    assert spec.load.workers == 2
    assert spec.load.warm_up == 5.0
    if spec.load.model == "Capacity":
        assert spec.load.search.budget <= 240
        return
    stages = spec.load.stages or ()
    assert spec.load.warm_up + sum(stage.duration for stage in stages) <= 25
    assert max(stage.users or stage.rate or 0 for stage in stages) <= 150


def test_small_twin_is_judged_by_the_same_metrics(small: pathlib.Path) -> None:
    def bounded(path: pathlib.Path) -> list[tuple[str, str | None]]:
        runs = [(one.metric, one.stage) for spec in specs_of(path) for one in spec.objectives or ()]
        comparison = comparison_of(path)
        deltas = (comparison.spec.objectives if comparison is not None else None) or []
        return [*runs, *((one.metric, one.max_delta) for one in deltas)]

    assert bounded(small) == bounded(small.with_name(small.name.replace("-small", "")))


@pytest.mark.parametrize(
    ("name", "users", "workers", "minutes"),
    [("quick", 500, 4, 1), ("full", 2000, 8, 5), ("stress", 4000, 16, 10)],
)
def test_profiles_keep_their_size(name: str, users: int, workers: int, minutes: int) -> None:
    path = ROOT / "examples" / f"{name}.yaml"
    spec, given = spec_of(path), run_of(path)["spec"]
    stages = spec.load.stages or ()
    assert max(stage.users or 0 for stage in stages) == users
    assert spec.load.workers == workers
    assert sum(stage.duration for stage in stages) == minutes * 60
    assert (spec.gateway.cpus, spec.gateway.memory, spec.workload.scenario) == (4, "8Gi", "gateway-mix")
    assert {"cpus", "memory"} <= given["gateway"].keys(), "written out, not left to the defaults"
    assert {"thinkTime", "spawnRate"} <= given["load"].keys()


def test_demo_asks_for_less_than_one_core_can_do() -> None:
    """LiteLLM does about 120 requests a second on a core: the demo must be about its latency, not a queue."""
    spec = spec_of(ROOT / "examples" / "demo.yaml")
    think = spec.load.think_time
    assert think is not None
    users = max(stage.users or 0 for stage in spec.load.stages or ())
    mean_think, latency = (think.min + think.max) / 2, 0.05
    assert users / (mean_think + latency) < 0.7 * 120


@pytest.mark.parametrize("name", [f"{name}{twin}" for name in (*GO, *COMPARISONS) for twin in ("", "-small")])
def test_bodies_of_the_go_engine_can_be_filled_and_are_json(name: str) -> None:
    spec = specs_of(ROOT / "examples" / f"{name}.yaml")[0]
    assert spec.load.engine == "Go"
    for request in spec.workload.requests or ():
        templates.check(request.body or "", {v.name for v in spec.load.env or ()}, spec.workload.dataset is not None)
        if request.body:
            json.loads(re.sub(r"\{\{.*?\}\}", "1", request.body))


def test_the_ceiling_is_that_of_the_kit_of_scripts() -> None:
    load = spec_of(ROOT / "examples" / "ceiling.yaml").load
    assert [(stage.users, stage.duration) for stage in load.stages or ()] == [(500, 30), (1000, 60)]
    assert load.think_time is not None
    assert load.think_time.max == 0


@pytest.mark.parametrize("twin", ["", "-small"])
def test_open_load_has_a_latency_that_a_busy_neighbour_does_not_spoil(twin: str) -> None:
    for name in ("rate", "capacity"):
        spec = spec_of(ROOT / "examples" / f"{name}{twin}.yaml")
        assert spec.load.is_open
        latency = next(a for a in spec.gateway.args or () if a.startswith("--latency=")).removeprefix("--latency=")
        assert duration_seconds(latency) >= 0.02


@pytest.mark.parametrize("twin", ["", "-small"])
def test_the_overhead_has_its_samples_and_the_bound_of_the_kit_of_scripts(twin: str) -> None:
    spec = spec_of(ROOT / "examples" / f"overhead{twin}.yaml")
    assert has_burst(spec)
    assert spec.overhead is not None
    rate = (spec.load.stages or ())[0].rate
    assert rate is not None
    assert rate * spec.overhead.duration > 1.2 * 459, "p99 is known of both ways"
    assert rate < 0.7 * 120 * spec.gateway.cpus, "it is about what LiteLLM adds, and not about a queue"
    bound = (spec.objectives or [])[0]
    assert (bound.metric, "10ms") == ("overhead.p50", bound.target_below or bound.fail_above)


@pytest.mark.parametrize("name", ["capacity", "capacity-small"])
def test_a_search_has_the_samples_and_the_time_that_it_needs(name: str) -> None:
    """p99 needs 1,000 requests; from the start to 500 a second and back it takes a dozen steps."""
    spec = spec_of(ROOT / "examples" / f"{name}.yaml")
    search = spec.load.search
    assert spec.gateway.cpus == 1
    assert search.start_rate * search.step >= 1000
    assert 12 * (search.step + search.settle + 4) <= search.budget


def test_no_example_has_a_well_known_key(example: pathlib.Path) -> None:
    assert "1234" not in re.sub(r"#.*", "", example.read_text())


def test_bounds_have_a_meaning_for_their_metric_and_an_order(example: pathlib.Path) -> None:
    for objective in [objective for spec in specs_of(example) for objective in spec.objectives or ()]:
        metric = metrics.find(objective.metric)
        assert metric is not None, objective.metric
        for rising, names in ((True, ("target_below", "warn_above", "fail_above")),
                              (False, ("target_above", "warn_below", "fail_below"))):  # fmt: skip
            given = [getattr(objective, name) for name in names if getattr(objective, name) is not None]
            values = [bound_value(bound, metric.unit) for bound in given]
            assert values == sorted(values, reverse=not rising), objective
        assert objective.stage is None or metric.staged, objective


@pytest.mark.parametrize("name", [f"{name}{twin}" for name in COMPARISONS for twin in ("", "-small")])
def test_a_comparison_has_the_rounds_that_its_verdicts_need(name: str) -> None:
    """Of metrics and objectives alike; its runs are given the same, and differ in what they are."""
    comparison = comparison_of(ROOT / "examples" / f"{name}.yaml")
    assert comparison is not None
    assert comparison.rounds >= max(4, repeats_needed(len(tolerances(comparison))))
    assert comparison.rounds >= repeats_needed(len(comparison.spec.objectives or ()))
    assert unequal(comparison) is None
    specs = specs_of(ROOT / "examples" / f"{name}.yaml")
    assert specs[0].gateway != specs[1].gateway
    assert {(spec.load.engine, spec.load.model) for spec in specs} == {("Go", "Open")}


def test_the_bounds_of_the_scenarios_are_five_milliseconds_and_one() -> None:
    for name, seconds in (("rate-limit", 0.005), ("metrics-impact", 0.001)):
        comparison = comparison_of(ROOT / "examples" / f"{name}.yaml")
        assert comparison is not None
        found = {one.metric: max_delta(one) for one in comparison.spec.objectives or ()}
        assert found["latency.p50"] == found["latency.p95"] == (seconds, False)
        assert found["throughput"] == (0.01, True)


@pytest.mark.parametrize("twin", ["", "-small"])
def test_every_request_of_the_rate_limit_scenario_has_a_users_key(twin: str) -> None:
    off, on = specs_of(ROOT / "examples" / f"rate-limit{twin}.yaml")
    for request in on.workload.requests or ():
        assert "X-Api-Key" in (request.headers or {})
        assert '"user": "{{choice ' in (request.body or "")
    assert on.gateway.args == [*(off.gateway.args or ()), "--rate-limit=10000", "--rate-burst=20000"]
    off, on = specs_of(ROOT / "examples" / f"metrics-impact{twin}.yaml")
    assert [(spec.gateway.args or [""])[-1] for spec in (off, on)] == ["--metrics=false", "--metrics=true"]
    assert (off.gateway.args or ())[:-1] == (on.gateway.args or ())[:-1]
    assert (off.gateway.metrics_path, on.gateway.metrics_path) == (None, "/metrics")


@pytest.mark.parametrize("name", ["regression", "regression-small"])
def test_a_run_with_a_baseline_has_the_repeats_that_its_verdict_needs(name: str) -> None:
    """And the requests that p99 needs in each; the baseline is made as the comment of the file says."""
    path = ROOT / "examples" / f"{name}.yaml"
    spec, text = spec_of(path), path.read_text()
    assert spec.baseline is not None
    assert spec.baseline.config_map is not None
    assert spec.repeats is not None
    assert spec.repeats.count >= max(4, repeats_needed(len(COMPARED)))
    assert min((stage.rate or 0) * stage.duration for stage in spec.load.stages or ()) >= 2 * 459
    assert f" {spec.baseline.config_map.name}\n" in text
    before = yamlfile.load("".join(line for line in text.splitlines(True) if " baseline: " not in line))
    assert {**before["spec"], "baseline": run_of(path)["spec"]["baseline"]} == run_of(path)["spec"]
    assert before["spec"].keys() == run_of(path)["spec"].keys() - {"baseline"}
