"""gatebench report, as a user types it: of files, of runs of a cluster, and what it says of what it cannot read."""

from __future__ import annotations

import base64
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gatebench.cli.main import app
from gatebench_analysis import document
from report import compared, samples
from unit.cli import fakeapi, statuses
from unit.cli.fakeapi import RUNS, FakeApi

ENGINE_ALONE = pathlib.Path(__file__).parents[2] / "data" / "foreign" / "engine-result.json"
PATH = "/api/v1/namespaces/default/configmaps/demo-result"


@pytest.fixture
def api(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    with fakeapi.serve() as api:
        monkeypatch.setenv("KUBECONFIG", str(fakeapi.kubeconfig(tmp_path, api.url)))
        monkeypatch.chdir(tmp_path)
        yield api


def invoke(*args: str) -> Result:
    return CliRunner().invoke(app, ["report", *args])


def test_a_file_becomes_a_page(tmp_path: pathlib.Path) -> None:
    source, target = tmp_path / "result.json.gz", tmp_path / "page.html"
    source.write_bytes(document.write(samples.mixed()))
    done = invoke(str(source), "-o", str(target))
    assert done.exit_code == 0, done.output
    assert done.output.strip() == str(target)
    assert "litellm-1-106" in target.read_text()


def test_what_the_engine_alone_has_written_becomes_a_page(tmp_path: pathlib.Path) -> None:
    target = tmp_path / "page.html"
    done = invoke(str(ENGINE_ALONE), "-o", str(target))
    assert done.exit_code == 0, done.output
    text = target.read_text()
    assert "<h1>engine-run</h1>" in text
    for words in ("Throughput", "Latency distribution", "engine run", "http://127.0.0.1:18991"):
        assert words in text


def test_two_files_become_a_comparison(tmp_path: pathlib.Path) -> None:
    for name, slower in (("before", 1.0), ("after", 1.3)):
        (tmp_path / f"{name}.json.gz").write_bytes(document.write(samples.repeated(name, slower)))
    target = tmp_path / "page.html"
    done = invoke(str(tmp_path / "before.json.gz"), str(tmp_path / "after.json.gz"), "-o", str(target))
    assert done.exit_code == 0, done.output
    assert "Regressed" in target.read_text()


def test_a_run_becomes_a_page_and_is_told_where(api: FakeApi, tmp_path: pathlib.Path) -> None:
    api.add_run("demo", {**statuses.passed(), "artifacts": {"result": "demo-result"}})
    packed = base64.b64encode(document.write(samples.mixed())).decode()
    api.put(PATH, {"metadata": {"name": "demo-result"}, "binaryData": {"result.json.gz": packed}})
    done = invoke("demo")
    assert done.exit_code == 0, done.output
    assert done.output.strip() == str(tmp_path / "report.html")
    assert "litellm-1-106" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("status", "words"),
    [(statuses.measuring, "it is under way, step"), (statuses.passed, "it kept none")],
)
def test_a_run_without_a_result_says_so(api: FakeApi, status, words: str) -> None:  # type: ignore[no-untyped-def]
    api.add_run("demo", {**status(), "artifacts": {}})
    done = invoke("demo")
    assert done.exit_code == 3
    assert words in done.stderr
    assert not pathlib.Path("report.html").exists()


def test_a_damaged_result_says_so(api: FakeApi) -> None:
    api.add_run("demo", {**statuses.passed(), "artifacts": {"result": "demo-result"}})
    api.put(PATH, {"metadata": {"name": "demo-result"}, "binaryData": {"result.json.gz": "H4sIAAAA"}})
    done = invoke("demo")
    assert done.exit_code == 3
    assert "cannot be read" in done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "No such file"), (b"{}", "its schema is None"), (b"hello", "it is not JSON; give the result.json.gz")],
)
def test_a_file_that_is_none_says_so(tmp_path: pathlib.Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "x.json"
    if content is not None:
        path.write_bytes(content)
    done = invoke(str(path))
    assert done.exit_code == 3
    assert words in done.stderr
    assert str(path) in done.stderr


def test_a_place_that_cannot_be_written_says_so(tmp_path: pathlib.Path) -> None:
    source = tmp_path / "result.json.gz"
    source.write_bytes(document.write(samples.failed()))
    done = invoke(str(source), "-o", str(tmp_path / "none" / "page.html"))
    assert done.exit_code == 3
    assert "cannot write" in done.stderr


def put_comparison(api: FakeApi, status: dict[str, Any], content: str | None) -> None:
    """A comparison named impact, and the ConfigMap of its result with this content."""
    kept = {"name": "impact-comparison", "namespace": "default"}
    api.put(
        f"{RUNS}/namespaces/default/benchmarkcomparisons/impact",
        {"metadata": {"name": "impact", "namespace": "default", "uid": "uid-c"}, "spec": {}, "status": status},
    )
    data = {} if content is None else {"comparison.json": content}
    api.put(f"/api/v1/namespaces/default/configmaps/{kept['name']}", {"metadata": kept, "data": data})


def test_a_comparison_becomes_a_page_with_the_verdict_of_its_status(api: FakeApi, tmp_path: pathlib.Path) -> None:
    content, status = compared.slower()
    put_comparison(api, {**status, "artifacts": {"result": "impact-comparison"}}, content)
    done = invoke("bcmp/impact")
    assert done.exit_code == 0, done.output
    assert done.output.strip() == str(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert "9 of 10 runs are valid and count." in text  # of the condition Valid
    assert "BenchmarkComparison" in text


def test_the_file_of_a_comparison_becomes_a_page(tmp_path: pathlib.Path) -> None:
    source, target = tmp_path / "comparison.json", tmp_path / "page.html"
    source.write_text(compared.close()[0])
    done = invoke(str(source), "-o", str(target))
    assert done.exit_code == 0, done.output
    assert "18 of 18 runs are valid and count." in target.read_text()  # of the condition Valid
    two = invoke(str(source), str(source), "-o", str(target))
    assert two.exit_code == 3
    assert "comparison.json is a comparison already: give it alone" in two.stderr


def test_help_shows_how_to_name_a_comparison() -> None:
    for command in ("report", "artifacts"):
        told = CliRunner().invoke(app, [command, "--help"]).output
        assert f"gatebench {command} bcmp/rate-limit" in told, told


@pytest.mark.parametrize(
    ("name", "artifacts", "content", "words"),
    [
        ("bcmp", "impact-comparison", None, "which comparison? Name it: bcmp/NAME"),
        ("bcmp/impact", None, None, "comparison impact has no result: it is under way, step Running"),
        ("bcmp/impact", "impact-comparison", None, "ConfigMap impact-comparison has no comparison.json"),
        (
            "bcmp/impact",
            "impact-comparison",
            "{}",
            "the result of comparison impact cannot be read: its schema is None",
        ),
    ],
)
def test_a_comparison_that_has_no_page_says_why(
    api: FakeApi, name: str, artifacts: str | None, content: str | None, words: str
) -> None:
    kept = {} if artifacts is None else {"artifacts": {"result": artifacts}}
    put_comparison(api, {"step": "Running", **kept}, content)
    done = invoke(name)
    assert (done.exit_code, pathlib.Path("report.html").exists()) == (3, False)
    assert words in done.stderr
