"""What is sent and how it is measured: declared requests, the built-in scenario, a locustfile of a user's own."""

from __future__ import annotations

import json
import pathlib
import socket
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hdrh.histogram import HdrHistogram

from contract.fleetlab.lab import ROOT, Fleet, plan, request
from contract.fleetlab.reading import errors, exact, total
from contract.fleetlab.upstream import Upstream

SECRET = "s3cret-key/with+odd=characters"


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        yield server


def run(tmp_path: pathlib.Path, document: dict[str, Any], **environment: str) -> tuple[dict[str, Any], Fleet]:
    """A whole run: its result, and the fleet for its logs."""
    with Fleet(tmp_path, document, **environment) as fleet:
        fleet.start(document["expectedWorkers"])
        fleet.begin()
        result = fleet.result()
        assert set(fleet.finish().values()) == {0}
    return result, fleet


def test_the_built_in_scenario(tmp_path: pathlib.Path, upstream: Upstream) -> None:
    workload = {"scenario": "gateway-mix", "healthPath": "/ready", "model": "m1"}
    stages = [{"name": "s", "durationSeconds": 4.0, "users": 20, "ramp": False}]
    result, _ = run(tmp_path, plan(upstream.url, workload=workload, stages=stages))
    exact(result, upstream.total)
    assert total(result, name="health") == upstream.counts["GET", "/ready"]
    assert total(result, name="models") == upstream.counts["GET", "/v1/models"]
    counts = {name: total(result, name=name) for name in ("chat", "tools", "stream", "health", "models")}
    everything = sum(counts.values())
    for name, weight in {"chat": 10, "tools": 3, "stream": 2, "health": 1, "models": 1}.items():
        assert counts[name] / everything == pytest.approx(weight / 17, abs=0.12)
    streams = [r for r in result["requests"] if r["stream"]]
    assert {r["name"] for r in streams} == {"stream"}
    for row in streams:
        assert row["ttft"]["count"] == row["count"]
        assert row["interToken"]["count"] == row["count"] * (upstream.tokens - 1)
        assert row["outputTokens"] == row["count"] * upstream.tokens * 2  # the usage field wins over the deltas
        assert row["ttft"]["maxSeconds"] < row["latency"]["maxSeconds"]
        # The first event has no content: the first token comes one gap later.
        assert row["ttft"]["minSeconds"] >= upstream.latency + upstream.gap
    chats = [r for r in result["requests"] if r["name"] == "chat"]
    assert sum(r["outputTokens"] for r in chats) == counts["chat"] * upstream.tokens
    assert all(r["outputTokens"] is None and r["ttft"] is None for r in result["requests"] if r["name"] == "health")
    assert {body["model"] for body in upstream.bodies if body} == {"m1"}


def test_histograms_decode_to_what_was_measured(tmp_path: pathlib.Path, upstream: Upstream) -> None:
    upstream.latency = 0.05
    result, _ = run(tmp_path, plan(upstream.url))
    exact(result, upstream.total)
    row = max(result["requests"], key=lambda r: r["count"])["latency"]
    decoded = HdrHistogram.decode(row["data"].encode())
    assert decoded.get_total_count() == row["count"]
    assert decoded.get_mean_value() / 1e6 == pytest.approx(row["sumSeconds"] / row["count"], rel=0.001)
    assert decoded.get_min_value() / 1e6 == pytest.approx(row["minSeconds"], rel=0.001)
    assert row["minSeconds"] >= 0.05
    assert row["clamped"] == 0


def test_declared_requests_of_every_api(tmp_path: pathlib.Path, upstream: Upstream) -> None:
    source = {"x-api-key": {"env": "GATEBENCH_HEADER_0", "prefix": "Key "}}
    requests = [
        request(name="chat", promptTokens=50, headersFromEnv=source, headers={"X-Tenant": "blue"}),
        request(name="responses", api="OpenAIResponses"),
        request(name="messages", api="AnthropicMessages"),
        request(name="get", api="HTTP", path="/things?x=1"),
        request(name="put", api="HTTP", path="/things", method="PUT", body={"a": 1}),
        request(name="own", body={"model": "x", "messages": [], "n": 2}, path="/v1/other"),
    ]
    document = plan(upstream.url, workload={"requests": requests}, maskedEnv=["GATEBENCH_HEADER_0"])
    result, fleet = run(tmp_path, document, GATEBENCH_HEADER_0=SECRET)
    exact(result, upstream.total)
    assert set(upstream.counts) == {
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/responses"),
        ("POST", "/v1/messages"),
        ("GET", "/things"),
        ("PUT", "/things"),
        ("POST", "/v1/other"),
    }
    assert {r["outcome"] for r in result["requests"]} == {"success"}
    seen = list(zip(upstream.headers, upstream.bodies, strict=True))
    chats = [(h, b) for h, b in seen if b and b.get("messages") and "max_tokens" not in b]
    headers, body = chats[0]
    assert (headers["x-api-key"], headers["X-Tenant"]) == (f"Key {SECRET}", "blue")
    assert len(body["messages"][0]["content"].split()) == 50
    assert all(h["anthropic-version"] for h, b in seen if b and "max_tokens" in b)
    assert SECRET not in json.dumps(result) + fleet.log("master") + fleet.log("worker-0")


def test_failures_by_kind_and_nothing_is_sent_twice(tmp_path: pathlib.Path, upstream: Upstream) -> None:
    requests = [
        request(name="wrong", api="HTTP", path="/status?code=503"),
        request(name="moved", api="HTTP", path="/status?code=302"),
        request(name="wanted", api="HTTP", path="/status?code=404", expect={"status": 404}),
        request(name="slow", api="HTTP", path="/hang"),
        request(name="closed", api="HTTP", path="/close"),
        request(name="cut", path="/cut", stream=True),
    ]
    document = plan(upstream.url, workload={"requests": requests}, timeoutSeconds=0.5)
    result, _ = run(tmp_path, document)
    exact(result, upstream.total)
    kinds = errors(result)
    for name, kind in [
        ("wrong", "http"),
        ("moved", "http"),
        ("slow", "timeout"),
        ("closed", "reset"),
        ("cut", "streamCut"),
    ]:
        assert kinds.pop((name, kind)) == total(result, name=name, outcome="failure") == total(result, name=name) > 0
    assert kinds == {}
    assert total(result, name="wanted", outcome="success") == total(result, name="wanted") > 0
    assert {e["status"] for e in result["errors"] if e["kind"] == "http"} == {503, 302}
    assert upstream.counts["GET", "/elsewhere"] == 0, "a redirect was followed"
    assert upstream.counts["GET", "/close"] == total(result, name="closed"), "a request was sent twice"
    slow = [r["latency"] for r in result["requests"] if r["name"] == "slow"]
    assert min(h["minSeconds"] for h in slow) >= 0.5


def test_nobody_listens(tmp_path: pathlib.Path) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        result, _ = run(tmp_path, plan(f"http://127.0.0.1:{port}"))
    exact(result, None)
    assert set(errors(result)) == {("chat", "refused")}


def test_the_example_of_a_locustfile_runs_unchanged(tmp_path: pathlib.Path, upstream: Upstream) -> None:
    documents = yaml.safe_load_all((ROOT / "examples" / "locustfile.yaml").read_text())
    for name, content in next(documents)["data"].items():
        (tmp_path / name).write_text(content)
    document = plan(
        upstream.url,
        workload={"locustfile": str(tmp_path / "locustfile.py")},
        thinkTimeSeconds=None,
        stages=[{"name": "s", "durationSeconds": 3.0, "users": 10, "ramp": False}],
    )
    result, _ = run(tmp_path, document)
    exact(result, upstream.total)
    assert {r["name"] for r in result["requests"]} == {"summarize", "translate"}
    assert total(result, phase=1, settled=True) < 10 * 3.5 / 0.5, "the script's own wait_time was not kept"


SCRIPT = """
    import os
    CONTENT = open("neighbour.txt").read()
    from locust import HttpUser, FastHttpUser, LoadTestShape, between, events, task

    class Mine(LoadTestShape):
        def tick(self):
            return (500, 500)

    class Slow(HttpUser):
        host = "http://127.0.0.1:9"
        wait_time = between(100, 200)

        def on_start(self):
            self.client.post("/login", json={"stream": False}, name="login")

        @task
        def work(self):
            self.client.get("/work")
            with self.client.get("/checked", catch_response=True) as answer:
                answer.failure("key is " + os.environ["KEY"])

    class Quick(FastHttpUser):
        wait_time = between(100, 200)
        weight = 2

        @task
        def work(self):
            import neighbour
            self.client.get(neighbour.PATH)
            self.client.get("/status?code=500", name="bad")
            self.client.get("/hang", name="hang")
"""


def test_a_locustfile_is_measured_the_same_way(tmp_path: pathlib.Path, upstream: Upstream) -> None:
    folder = tmp_path / "script"
    folder.mkdir()
    script = folder / "locustfile.py"
    script.write_text(textwrap.dedent(SCRIPT))
    (folder / "neighbour.txt").write_text("x")
    (folder / "neighbour.py").write_text("PATH = '/quick'\n")
    (folder / "locust.conf").write_text("headless = true\nusers = 99\nrun-time = 1s\n")
    document = plan(upstream.url, workload={"locustfile": str(script)}, maskedEnv=["KEY"], drainSeconds=1.0)
    result, fleet = run(tmp_path, document, KEY=SECRET, LOCUST_USERS="77", LOCUST_SKIP_MONKEY_PATCH="1")
    exact(result, upstream.total)
    assert upstream.counts["POST", "/login"] == total(result, name="login") > 0
    assert total(result, name="/work", outcome="success") > 0
    assert total(result, name="/quick", outcome="success") > 0
    kinds = errors(result)
    assert kinds.pop(("/checked", "check")) == total(result, name="/checked")
    assert kinds.pop(("bad", "http")) == total(result, name="bad")
    assert kinds.pop(("hang", "timeout")) == total(result, name="hang") == upstream.counts["GET", "/hang"]
    assert kinds == {}
    assert sum(d["histogram"]["count"] for d in result["dispatchDelay"]) > 0
    assert SECRET not in json.dumps(result)
    assert "key is ****" in json.dumps(result["errors"])
    assert "LoadTestShape of the locustfile is not used" in fleet.log("master")
    assert "LOCUST_USERS is not used" in fleet.log("master")


@pytest.mark.parametrize("how", ["raise StopTest()", "self.environment.runner.quit()"])
def test_a_locustfile_that_ends_the_test_is_not_a_finished_run(
    tmp_path: pathlib.Path, upstream: Upstream, how: str
) -> None:
    script = tmp_path / "locustfile.py"
    script.write_text(
        "from locust import FastHttpUser, constant, task\nfrom locust.exception import StopTest\n"
        "class A(FastHttpUser):\n    wait_time = constant(0.1)\n    n = 0\n"
        "    @task\n    def t(self):\n        self.client.get('/x')\n        A.n += 1\n"
        f"        if A.n > 50:\n            {how}\n"
    )
    stages = [{"name": "long", "durationSeconds": 600.0, "users": 10, "ramp": False}]
    document = plan(upstream.url, workload={"locustfile": str(script)}, stages=stages, thinkTimeSeconds=None)
    with Fleet(tmp_path, document) as fleet:
        fleet.start()
        fleet.begin()
        for name in ("worker-0", "worker-1"):
            fleet.expect_end(name)
        result = fleet.result(40)
    assert result["outcome"] in ("Stopped", "WorkerLost")
    assert result["message"]


BROKEN = {
    "syntax": ("def broken(:\n", "SyntaxError"),
    "raises": ("import os\nraise RuntimeError('bad key ' + os.environ['KEY'])\n", "RuntimeError: bad key ****"),
    "missing": ("import not_there\n", "ModuleNotFoundError"),
    "exits": ("import sys\nsys.exit(7)\n", "SystemExit: 7"),
    "empty": ("import locust\n", "there is no User class"),
    "listener": (
        "from locust import User, events\n\nclass A(User):\n    pass\n\n"
        "@events.init.add_listener\ndef _(**_):\n    raise ValueError('in init')\n",
        "ValueError: in init",
    ),
}


@pytest.mark.fault(5)
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_locustfile_says_what_is_wrong(tmp_path: pathlib.Path, name: str) -> None:
    text, expected = BROKEN[name]
    script = tmp_path / "locustfile.py"
    script.write_text("# " + "x" * 3000 + "\n" + text)
    document = plan("http://127.0.0.1:1", workload={"locustfile": str(script)}, maskedEnv=["KEY"])
    with Fleet(tmp_path, document, KEY=SECRET) as fleet:
        assert fleet.run("master", "master").wait(30) == 3
        last = json.loads((tmp_path / "master.last").read_text())
        assert last["reason"] == "ScriptInvalid"
        assert expected in last["message"]
        assert len(last["message"].encode()) <= 1024
        assert SECRET not in fleet.log("master") + last["message"]
        if name != "listener":  # which a worker meets only once it has joined
            assert fleet.run("worker", "worker").wait(30) == 3
            assert expected in json.loads((tmp_path / "worker.last").read_text())["message"]
