"""The examples are what the documentation says they are; tests on a cluster apply them as they stand."""

from __future__ import annotations

import pathlib
import re
from typing import Any

import pytest
import yaml

from gatebench.api import API_VERSION, KIND
from gatebench.api.quantities import bound_value, quantity_value
from gatebench.api.run import BenchmarkRunSpec
from gatebench_analysis import metrics

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
PROFILES = ("demo", "quick", "full", "stress", "baseline", "tokligence", "locustfile")


def documents(path: pathlib.Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def run_of(path: pathlib.Path) -> dict[str, Any]:
    runs = [document for document in documents(path) if document["kind"] == KIND]
    assert len(runs) == 1, "an example has one run to follow"
    return runs[0]


def spec_of(path: pathlib.Path) -> BenchmarkRunSpec:
    return BenchmarkRunSpec.model_validate(run_of(path)["spec"])


@pytest.fixture(params=EXAMPLES, ids=lambda path: path.stem)
def example(request: pytest.FixtureRequest) -> pathlib.Path:
    return request.param


@pytest.fixture(params=[path for path in EXAMPLES if path.stem.endswith("-small")], ids=lambda path: path.stem)
def small(request: pytest.FixtureRequest) -> pathlib.Path:
    return request.param


def test_every_profile_has_an_example_and_a_small_twin() -> None:
    assert {path.stem for path in EXAMPLES} == {f"{name}{twin}" for name in PROFILES for twin in ("", "-small")}


def test_example_is_a_run_named_after_its_file(example: pathlib.Path) -> None:
    run = run_of(example)
    assert run["apiVersion"] == API_VERSION
    assert run["metadata"] == {"name": example.stem}  # in the namespace of whoever applies it
    spec_of(example)


def test_what_a_run_refers_to_is_in_its_file(example: pathlib.Path) -> None:
    here = {(document["kind"], document["metadata"]["name"]) for document in documents(example)}
    spec = spec_of(example)
    wanted: set[tuple[str, str]] = set()
    for variable in [*(spec.gateway.env or ()), *(spec.load.env or ())]:
        if variable.value_from and variable.value_from.secret_key_ref:
            wanted.add(("Secret", variable.value_from.secret_key_ref.name))
    for file in spec.gateway.files or ():
        if file.config_map:
            wanted.add(("ConfigMap", file.config_map.name))
    if spec.workload.locustfile:
        wanted.add(("ConfigMap", spec.workload.locustfile.config_map.name))
    for request in spec.workload.requests or ():
        wanted |= {("Secret", source.secret_key_ref.name) for source in (request.headers_from or {}).values()}
    assert wanted <= here
    assert len(here) == len(documents(example))


def test_twins_do_not_share_objects_with_their_profile(small: pathlib.Path) -> None:
    """Both can be applied to one namespace."""

    def names(path: pathlib.Path) -> set[tuple[str, str]]:
        return {(document["kind"], document["metadata"]["name"]) for document in documents(path)}

    assert not names(small) & names(small.with_name(small.name.replace("-small", "")))


def test_small_twin_fits_a_machine_of_two_cores(small: pathlib.Path) -> None:
    spec = spec_of(small)
    assert spec.gateway.cpus == 1
    assert quantity_value(spec.gateway.memory) <= quantity_value("1Gi")
    assert spec.load.workers == 2
    assert spec.load.warm_up == 5.0
    assert spec.load.warm_up + sum(stage.duration for stage in spec.load.stages) <= 25
    assert max(stage.users for stage in spec.load.stages) <= 150


def test_small_twin_is_judged_by_the_same_metrics(small: pathlib.Path) -> None:
    def bounded(path: pathlib.Path) -> list[tuple[str, str | None]]:
        return [(objective.metric, objective.stage) for objective in spec_of(path).objectives or ()]

    assert bounded(small) == bounded(small.with_name(small.name.replace("-small", "")))


@pytest.mark.parametrize(
    ("name", "users", "workers", "minutes"),
    [("quick", 500, 4, 1), ("full", 2000, 8, 5), ("stress", 4000, 16, 10)],
)
def test_profiles_keep_their_size(name: str, users: int, workers: int, minutes: int) -> None:
    path = ROOT / "examples" / f"{name}.yaml"
    spec, given = spec_of(path), run_of(path)["spec"]
    assert max(stage.users for stage in spec.load.stages) == users
    assert spec.load.workers == workers
    assert sum(stage.duration for stage in spec.load.stages) == minutes * 60
    assert (spec.gateway.cpus, spec.gateway.memory, spec.workload.scenario) == (4, "8Gi", "gateway-mix")
    assert {"cpus", "memory"} <= given["gateway"].keys(), "written out, not left to the defaults"
    assert {"thinkTime", "spawnRate"} <= given["load"].keys()


def test_demo_asks_for_less_than_one_core_can_do() -> None:
    """LiteLLM does about 120 requests a second on a core: the demo must be about its latency, not a queue."""
    spec = spec_of(ROOT / "examples" / "demo.yaml")
    think = spec.load.think_time
    assert think is not None
    users = max(stage.users for stage in spec.load.stages)
    mean_think, latency = (think.min + think.max) / 2, 0.05
    assert users / (mean_think + latency) < 0.7 * 120


def test_no_example_has_a_well_known_key(example: pathlib.Path) -> None:
    assert "1234" not in re.sub(r"#.*", "", example.read_text())


def test_bounds_have_a_meaning_for_their_metric_and_an_order(example: pathlib.Path) -> None:
    for objective in spec_of(example).objectives or ():
        metric = metrics.find(objective.metric)
        assert metric is not None, objective.metric
        for rising, names in ((True, ("target_below", "warn_above", "fail_above")),
                              (False, ("target_above", "warn_below", "fail_below"))):  # fmt: skip
            given = [getattr(objective, name) for name in names if getattr(objective, name) is not None]
            values = [bound_value(bound, metric.unit) for bound in given]
            assert values == sorted(values, reverse=not rising), objective
        assert objective.stage is None or metric.staged, objective
