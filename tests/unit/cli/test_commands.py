"""The commands as a user types them, against an API server of a few lines."""

from __future__ import annotations

import base64
import gzip
import json
import pathlib
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
import yaml
from typer.testing import CliRunner, Result

from gatebench.cli import commands, follow
from gatebench.cli.main import app
from gatebench_analysis import document
from unit.cli import fakeapi, statuses
from unit.cli.fakeapi import RUNS, FakeApi

Invoke = Callable[..., Result]
RUN = {
    "apiVersion": "gatebench.dev/v1alpha1",
    "kind": "BenchmarkRun",
    "metadata": {"name": "demo"},
    "spec": {"gateway": {"image": "x"}},
}
SCRIPT = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "script"}, "data": {"a": "b"}}


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with fakeapi.serve() as api:
        yield api


@pytest.fixture
def invoke(api: FakeApi, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    monkeypatch.setenv("KUBECONFIG", str(fakeapi.kubeconfig(tmp_path, api.url)))
    monkeypatch.setattr(follow, "INTERVAL", 0.0)
    monkeypatch.chdir(tmp_path)
    return lambda *args, **options: CliRunner().invoke(app, list(args), **options)


def file_of(directory: pathlib.Path, *documents: object) -> str:
    path = directory / "run.yaml"
    path.write_text(yaml.safe_dump_all(documents))
    return str(path)


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (statuses.passed, 0),
        (statuses.failed, 1),
        (statuses.invalid, 2),
        (statuses.undecided, 2),
        (statuses.refused, 3),
    ],
)
def test_run_applies_follows_and_exits_by_the_verdict(api, invoke, tmp_path, end, code) -> None:  # type: ignore[no-untyped-def]
    api.script = [{}, statuses.starting(), statuses.measuring(), end()]
    result = invoke("run", "-f", file_of(tmp_path, RUN, SCRIPT))
    assert result.exit_code == code, result.output
    assert "run default/demo created" in result.output
    assert "step Measuring" in result.output
    assert "OUTCOME" in result.output or not end().get("objectives")
    sent = [(method, path) for method, path, *_ in api.requests if method != "GET"]
    assert sent == [
        ("PATCH", "/api/v1/namespaces/default/configmaps/script"),  # before the run that names it
        ("PATCH", f"{RUNS}/namespaces/default/benchmarkruns/demo"),
    ]
    query = next(query for method, _, query, _ in api.requests if method == "PATCH")
    assert query == {"fieldManager": "gatebench-cli", "fieldValidation": "Strict", "force": "true"}


def test_run_with_generate_name_creates(api: FakeApi, invoke: Invoke, tmp_path: pathlib.Path) -> None:
    named = {**RUN, "metadata": {"generateName": "nightly-"}}
    api.script = [statuses.passed()]
    result = invoke("run", "-f", file_of(tmp_path, named), "-n", "bench")
    assert result.exit_code == 0, result.output
    assert "run bench/nightly-x1y2z created" in result.output


def test_run_takes_standard_input_and_can_return_at_once(api: FakeApi, invoke: Invoke) -> None:
    result = invoke("run", "-f", "-", "--no-wait", input=yaml.safe_dump_all([RUN, {**RUN, "metadata": {"name": "b"}}]))
    assert result.exit_code == 0, result.output
    assert result.output.splitlines() == ["run default/demo created", "run default/b created"]


def test_run_that_is_there_and_complete_shows_its_verdict(api: FakeApi, invoke: Invoke, tmp_path: pathlib.Path) -> None:
    api.add_run("demo", statuses.failed())
    result = invoke("run", "-f", file_of(tmp_path, RUN))
    assert result.exit_code == 1
    assert "--replace measures again" in result.output


def test_replace_measures_again(api: FakeApi, invoke: Invoke, tmp_path: pathlib.Path) -> None:
    api.add_run("demo", statuses.failed())
    before = api.objects[api.run_path("demo")]["metadata"]["uid"]
    assert invoke("run", "-f", file_of(tmp_path, RUN), "--replace", "--no-wait").exit_code == 0
    assert api.objects[api.run_path("demo")]["metadata"]["uid"] != before


def test_refusal_names_the_fields_in_one_line(api: FakeApi, invoke: Invoke, tmp_path: pathlib.Path) -> None:
    causes = [
        {"field": "spec.gateway.cpus", "message": "Invalid value: 0: spec.gateway.cpus should be >= 1"},
        {"field": "spec.load", "message": 'Invalid value: "object": at least one stage must not be a ramp'},
    ]
    refusal = fakeapi.status_object(422, "BenchmarkRun demo is invalid: [...]", causes)
    api.refuse["PATCH", api.run_path("demo")] = (422, refusal)
    result = invoke("run", "-f", file_of(tmp_path, RUN))
    assert result.exit_code == 3
    assert result.stderr.splitlines() == [
        "gatebench: BenchmarkRun demo: spec.gateway.cpus: Invalid value: 0: spec.gateway.cpus should be >= 1"
        "; spec.load: at least one stage must not be a ramp"
    ]


@pytest.mark.parametrize(
    "message",
    [
        "failed to create typed patch object (/demo; gatebench.dev/v1alpha1, Kind=BenchmarkRun): "
        ".spec.gateway.porto: field not declared in schema",
        'BenchmarkRun in version "v1alpha1" cannot be handled as a BenchmarkRun: strict decoding error: '
        'unknown field "spec.gateway.porto"',
    ],
)
def test_unknown_field_is_named(api: FakeApi, invoke: Invoke, tmp_path: pathlib.Path, message: str) -> None:
    api.refuse["PATCH", api.run_path("demo")] = (400, fakeapi.status_object(400, message))
    result = invoke("run", "-f", file_of(tmp_path, RUN))
    assert result.stderr == "gatebench: BenchmarkRun demo: spec.gateway.porto: no such field\n"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((404, b"404 page not found\n"), "install the operator's chart"),
        (
            (403, fakeapi.status_object(403, "user x cannot get benchmarkruns")),
            "user x cannot get benchmarkruns; ask for",
        ),
        ((401, fakeapi.status_object(401, "Unauthorized")), "log in"),
        (
            (404, fakeapi.status_object(404, 'benchmarkruns.gatebench.dev "demo" not found')),
            '"demo" not found',
        ),
    ],
)
def test_errors_name_a_remedy(api, invoke, answer, says) -> None:  # type: ignore[no-untyped-def]
    api.refuse["GET", api.run_path("demo")] = answer
    result = invoke("get", "demo")
    assert result.exit_code == 3
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_cluster_that_is_not_there(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(fakeapi.kubeconfig(tmp_path, "http://127.0.0.1:9")))
    result = CliRunner().invoke(app, ["get"])
    assert result.exit_code == 3
    assert "cannot reach the API server at http://127.0.0.1:9" in result.stderr
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    result = CliRunner().invoke(app, ["get"])
    assert result.exit_code == 3
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("documents", "says"),
    [
        ("{", "is not YAML"),
        ("kind: BenchmarkRun", "needs apiVersion and kind"),
        (yaml.safe_dump(SCRIPT), "has no BenchmarkRun"),
        (
            yaml.safe_dump({**RUN, "apiVersion": "gatebench.dev/v9"}),
            "this gatebench speaks gatebench.dev/v1alpha1",
        ),
        (
            yaml.safe_dump_all([RUN, {**SCRIPT, "kind": "Pod"}]),
            "Pod is none of ConfigMap, Secret, BenchmarkRun",
        ),
        (yaml.safe_dump_all([RUN, RUN]), "2 runs"),
        (yaml.safe_dump({**RUN, "metadata": {}}), "no metadata.name"),
        (
            yaml.safe_dump({**RUN, "metadata": {"name": "demo", "namespace": "other"}}),
            "is for namespace other, not mine",
        ),
    ],
)
def test_files_that_cannot_be_run(api, invoke, documents, says) -> None:  # type: ignore[no-untyped-def]
    result = invoke("run", "-f", "-", "-n", "mine", input=documents)
    assert (result.exit_code, len(result.stderr.splitlines())) == (3, 1), result.output
    assert says in result.stderr
    assert not [method for method, *_ in api.requests if method in ("PATCH", "POST")], "nothing was sent"


def test_file_that_is_not_there(invoke: Invoke) -> None:
    result = invoke("run", "-f", "nowhere.yaml")
    assert result.exit_code == 3
    assert result.stderr == "gatebench: cannot read nowhere.yaml: No such file or directory\n"


@pytest.mark.parametrize(
    "args",
    [
        ["run"],
        ["run", "--nope"],
        ["nope"],
        ["wait"],
        ["wait", "demo", "--timeout", "soon"],
        ["get", "x", "-A"],
    ],
)
def test_misuse_is_3_for_2_means_not_valid(invoke: Invoke, args: list[str]) -> None:
    result = invoke(*args)
    assert result.exit_code == 3
    assert len(result.stderr.splitlines()) == 1


def test_wait_gives_up_after_its_timeout(api: FakeApi, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    api.add_run("demo", statuses.starting())
    result = invoke("wait", "demo", "--timeout", "1ms")
    assert result.exit_code == 3
    assert "it goes on" in result.stderr


def test_interrupt_leaves_the_run_alone(api: FakeApi, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    api.add_run("demo", statuses.starting())

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands.follow, "follow", interrupted)
    result = invoke("wait", "demo")
    assert result.exit_code == 130
    assert "the run goes on" in result.stderr


def test_get_lists_and_shows(api: FakeApi, invoke: Invoke) -> None:
    assert invoke("get").output == "no runs\n"
    api.add_run("demo", statuses.passed())
    listed = invoke("get").output.splitlines()
    assert listed[0].split() == ["NAME", "STEP", "RPS", "P95", "VALID", "PASSED", "AGE"]
    assert listed[1].startswith("demo  Done  58.2  143 ms  True   True")
    assert "demo: PASSED" in invoke("get", "demo").output
    assert json.loads(invoke("get", "demo", "-o", "json").output)["metadata"]["name"] == "demo"
    assert yaml.safe_load(invoke("get", "-o", "yaml").output)["items"][0]["metadata"]["name"] == "demo"


def test_cancel(api: FakeApi, invoke: Invoke) -> None:
    api.add_run("demo", statuses.measuring())
    assert invoke("cancel", "demo").exit_code == 0
    assert api.objects[api.run_path("demo")]["spec"]["cancel"] is True
    api.add_run("done", statuses.passed())
    assert "complete already" in invoke("cancel", "done").stderr


def test_artifacts_are_saved_unpacked(api: FakeApi, invoke: Invoke, tmp_path: pathlib.Path) -> None:
    def packed(text: str) -> str:
        return base64.b64encode(gzip.compress(text.encode())).decode()

    root = "/api/v1/namespaces/default/configmaps"
    api.add_run("demo", statuses.passed())
    api.put(f"{root}/demo-result", {"binaryData": {"result.json.gz": packed("{}")}})
    api.put(
        f"{root}/demo-locust",
        {
            "binaryData": {
                "report.html.gz": packed("<html>"),
                "missing.txt": base64.b64encode(b"history.csv is not kept: the master answers 409\n").decode(),
            },
            "data": {"stats.csv": "a,b"},
        },
    )
    api.put(f"{root}/demo-logs", {"data": {"gateway.log": "hello"}})
    result = invoke("artifacts", "demo", "-o", "out")
    assert result.exit_code == 0, result.output
    saved = {str(p.relative_to(tmp_path / "out")): p.read_text() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert saved == {
        "result.json": "{}",
        "report.html": "<html>",
        "missing.txt": "history.csv is not kept: the master answers 409\n",
        "stats.csv": "a,b",
        "logs/gateway.log": "hello",
    }
    assert result.stderr == "gatebench: report of run demo: history.csv is not kept: the master answers 409\n"


def test_artifacts_that_are_gone_are_told(api: FakeApi, invoke: Invoke, tmp_path: pathlib.Path) -> None:
    root = "/api/v1/namespaces/default/configmaps"
    status = statuses.passed()
    api.add_run("demo", {**status, "artifacts": {**status["artifacts"], "profile": "demo-profile", "s3": {"key": "x"}}})
    api.put(f"{root}/demo-result", {"binaryData": {"result.json.gz": base64.b64encode(gzip.compress(b"{}")).decode()}})
    api.put(f"{root}/demo-profile", {"data": {"result.json": "of a newer operator"}})
    result = invoke("artifacts", "demo", "-o", "out")
    assert result.exit_code == 0, result.output
    assert result.stderr.splitlines() == [
        "gatebench: report of run demo is not there: ConfigMap demo-locust was deleted",
        "gatebench: logs of run demo is not there: ConfigMap demo-logs was deleted",
    ]
    assert (tmp_path / "out" / "result.json").read_text() == "{}"
    assert (tmp_path / "out" / "profile" / "result.json").read_text() == "of a newer operator"


def test_artifacts_of_a_run_without_any(api: FakeApi, invoke: Invoke) -> None:
    api.add_run("demo", statuses.starting())
    result = invoke("artifacts", "demo")
    assert result.exit_code == 3
    assert "under way, step Starting" in result.stderr


def test_a_bug_is_one_line_too(api: FakeApi, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    api.add_run("demo", statuses.passed())
    monkeypatch.setattr(commands, "show", lambda run: 1 / 0)
    result = invoke("get", "demo")
    assert result.exit_code == 3
    assert result.stderr == (
        "gatebench: unexpected ZeroDivisionError: division by zero; GATEBENCH_DEBUG=1 shows where\n"
    )


def test_version(api: FakeApi, invoke: Invoke) -> None:
    metadata = {"name": "gatebench", "namespace": "g", "labels": {"app.kubernetes.io/version": "0.1.0"}}
    template = {"spec": {"containers": [{"env": [{"name": "GATEBENCH_SETTINGS"}]}]}}
    api.put("/apis/apps/v1/deployments/x", {"metadata": metadata, "spec": {"template": template}})
    assert "operator  0.1.0" in invoke("version").output
    assert "gatebench.dev/v1alpha1" in invoke("version", "--client").output


def test_help_does_not_load_the_kubernetes_client() -> None:
    """Completion calls the program at every key: it must stay fast."""
    code = "import sys, gatebench.cli.main;print([m for m in ('kubernetes', 'pydantic', 'yaml') if m in sys.modules])"
    out = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert out.stdout.strip() == "[]"


def test_get_wide_is_the_table_of_the_result(api: FakeApi, invoke: Invoke) -> None:
    written = document.write(document.Result(run=document.RunInfo(name="demo", namespace="default")))
    stored = {"metadata": {"name": "demo-result"}, "binaryData": {"result.json.gz": base64.b64encode(written).decode()}}
    path = "/api/v1/namespaces/default/configmaps/demo-result"
    api.add_run("demo", statuses.invalid())
    gone = invoke("get", "demo", "-o", "wide")
    assert (gone.exit_code, "demo-result" in gone.stderr) == (3, True)
    api.put(path, stored)
    lines = invoke("get", "demo", "-o", "wide").output.splitlines()
    assert lines[0] == "demo: INVALID"
    assert any(line.split() == ["run", "default/demo"] for line in lines)
    assert "demo beside LiteLLM, 4 instances" in lines
    api.put(path, {**stored, "binaryData": {"result.json.gz": base64.b64encode(b"no gzip").decode()}})
    result = invoke("get", "demo", "-o", "wide")
    assert result.exit_code == 3
    assert "the result of run demo cannot be read" in result.stderr
    api.add_run("new", statuses.starting())
    assert "it is under way, step Starting" in invoke("get", "new", "-o", "wide").stderr
