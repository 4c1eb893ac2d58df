"""The engine without a master: what it prints is what its result document holds, and what the mock saw."""

from __future__ import annotations

import json
import pathlib
import re
import signal
import time
from collections.abc import Iterator

import pytest

from contract.fleetlab import lab
from contract.fleetlab.alone import Engine, Mock
from gatebench_analysis import document, measured, metrics
from gatebench_analysis.assemble import Inputs, assemble
from gatebench_analysis.document import Result
from gatebench_analysis.loadfigures import StageFigures
from gatebench_analysis.observation import Measured, Missing

CHAT = "/v1/chat/completions"
UNITS = {"s": 1.0, "ms": 1e-3, "µs": 1e-6}
QUANTILES = ("p50", "p90", "p95", "p99", "p99.9")


@pytest.fixture
def mock(mock_binary: pathlib.Path) -> Iterator[Mock]:
    server = Mock(mock_binary, "--latency=2ms", "--tokens-per-second=1000")
    yield server
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(30) == 0


@pytest.fixture
def engine(binary: pathlib.Path, tmp_path: pathlib.Path) -> Engine:
    return Engine(binary, tmp_path)


def row(table: str, title: str) -> dict[str, str]:
    """A line of the table of distributions, by column; latencies as they are printed."""
    head = next(line for line in table.splitlines() if "p99.9" in line and "mean" in line)
    line = next(line for line in table.splitlines() if re.match(rf" *{title}  ", line))
    columns = head.split()
    cells = re.split(r" {2,}", line.strip())[1:]
    return dict(zip(columns[-len(cells) :], cells, strict=True))


def shows(text: str, value: float) -> bool:
    """Whether a printed duration is this one, in the three digits that are printed."""
    number, unit = text.split()
    return float(number) * UNITS[unit] == pytest.approx(value, rel=5e-3)


def assembled(result: Result) -> None:
    """The document's own accounts are those that the operator would have made of its load."""
    made = assemble(Inputs(result.run, load=result.load.model_dump(mode="json", by_alias=True)))
    assert result.window_seconds == made.window_seconds
    for part in type(made.counts).model_fields:
        assert getattr(result.counts, part) == getattr(made.counts, part), part
    # As with the metrics: how far a percentile may be off is for the operator to say.
    uppers = {name: None for name in StageFigures.model_fields if name.endswith("_upper_seconds")}
    assert result.stages == [stage.model_copy(update=uppers) for stage in made.stages]
    assert result.offered_rate == made.offered_rate
    for name, figure in made.metrics.items():
        if not name.endswith(".upper"):
            told, seen = result.metrics[name], figure
            assert (told.value is None) == (seen.value is None), name
            assert told.value == seen.value or told.value == pytest.approx(seen.value, rel=1e-12), name
            assert (told.unit, told.note, told.above, told.missing) == (seen.unit, seen.note, seen.above, seen.missing)
    assert result.missing == [name for name in made.missing if not name.startswith("gateway.")]


def same(table: str, result: Result, title: str = "latency", request: str | None = None) -> None:
    """Table, the document's own figures, and what the analysis makes of the load: one and the same."""
    account = measured.Account(result.load)
    line = row(table, title)
    prefix = "" if request is None else f"requests.{request}."
    for name in ("throughput", "errorRatio", *(f"latency.{q}" for q in (*QUANTILES, "mean", "max"))):
        told, seen = metrics.observe(result, prefix + name), account.observe(name, request=request)
        printed = line[{"throughput": "1/s", "errorRatio": "errors"}.get(name, name.removeprefix("latency."))]
        if isinstance(seen, Missing):
            assert isinstance(told, Missing)
            assert told.why == seen.why
            assert printed == "-"
            continue
        assert isinstance(seen, Measured)
        assert isinstance(told, Measured)
        assert told.value == pytest.approx(seen.value, rel=1e-12)
        if name.startswith("latency."):
            assert shows(printed, seen.value), (name, printed, seen.value)
        elif name == "throughput":
            assert float(printed.removesuffix("/s")) == pytest.approx(seen.value, abs=0.051)


def test_users_without_think_time(engine: Engine, mock: Mock) -> None:
    table, result = engine.result("-url", mock.url + CHAT, "-c", "8", "-rps", "0", "-duration", "3")
    same(table, result)
    assembled(result)
    load = result.load
    assert load.outcome == "Finished"
    assert [phase.kind for phase in load.phases] == ["Stage", "Drain"]
    assert result.window_seconds == pytest.approx(3.0, rel=0.2)
    assert mock.counts()[CHAT, "200"] == sum(r.count or 0 for r in load.requests)
    assert sum(r.count or 0 for r in load.requests) > 100
    assert all(r.output_tokens == 20 * (r.count or 0) for r in load.requests)
    (worker,) = load.workers
    extra = worker.model_extra or {}
    assert extra["cpuSeconds"] > 0
    assert extra["allocations"] > 0
    assert worker.in_flight_max == 8
    assert re.search(r"^in flight +8 at most$", table, re.M)
    (pauses,) = re.findall(r"^gc pauses +(.*) in all$", table, re.M)
    assert worker.gc_pause_seconds is not None
    assert shows(pauses, worker.gc_pause_seconds)
    assert sum(r[2] or 0 for r in load.series.rows) == mock.counts()[CHAT, "200"]
    assert metrics.observe(result, "dropped") != Measured(0.0)


def test_arrivals_at_a_rate(engine: Engine, mock: Mock) -> None:
    flags = ("-rps", "200", "-arrivals", "constant", "-warm-up", "500ms", "-duration", "3s", "-stream")
    table, result = engine.result("-url", mock.url + CHAT, *flags, name="result.json.gz")
    (name,) = measured.Account(result.load).names()
    assert name == "post-v1-chat-completions"
    same(table, result, name, name)
    assembled(result)
    assert result.load.is_open
    # A machine that is too busy to begin a phase in time cuts some off.
    assert measured.Account(result.load).window().total() == pytest.approx(600, rel=0.1)
    for metric in ("ttft.p50", "ttft.p99", "interToken.p99.9", "tokensPerSecond", "dropped"):
        told, seen = metrics.observe(result, metric), measured.observe(result.load, metric)
        assert isinstance(told, Measured)
        assert isinstance(seen, Measured)
        assert told.value == pytest.approx(seen.value, rel=1e-12)
    assert isinstance(metrics.observe(result, "ttft.p99.9"), Missing)  # 600 samples are too few
    assert row(table, "ttft")["p99.9"] == "-"
    assert mock.counts()[CHAT, "200"] == sum(r.count or 0 for r in result.load.requests)
    delays = sum(d.histogram.count or 0 for d in result.load.dispatch_delay if d.histogram)
    assert delays == sum(r.count or 0 for r in result.load.requests)


def test_vegetas_targets_in_turn(engine: Engine, mock: Mock, tmp_path: pathlib.Path) -> None:
    body = {"model": "loopback", "messages": [{"role": "user", "content": "hi"}]}
    (tmp_path / "body.json").write_text(json.dumps(body))
    text = f"# two\nGET {mock.url}/v1/models\n\nPOST {mock.url}{CHAT}\nContent-Type: application/json\n@body.json\n"
    (tmp_path / "targets.txt").write_text(text)
    table, result = engine.result("-targets", "targets.txt", "-rps", "100", "-arrivals", "Constant", "-duration", "2")
    same(table, result)
    same(table, result, "get-v1-models", "get-v1-models")
    counts = mock.counts()
    assert counts["/v1/models", "200"] - counts[CHAT, "200"] in (0, 1)
    assert counts["/v1/models", "200"] + counts[CHAT, "200"] == sum(r.count or 0 for r in result.load.requests)
    assert counts[CHAT, "200"] == pytest.approx(100, rel=0.1)


RUN = """
apiVersion: v1
kind: ConfigMap
metadata: {name: prompts}
data: {p.jsonl: '{"prompt": "one two three"}'}
---
apiVersion: gatebench.dev/v1alpha1
kind: BenchmarkRun
metadata: {name: alone}
spec:
  gateway: {image: gateway, port: 80}
  workload:
    requests:
      - {name: chat, weight: 3, body: '{"model": "loopback", "messages": [{"role": "user", "content": "{{dataset}}"}]}'}
      - {name: models, api: HTTP, method: GET, path: /v1/models}
    dataset: {configMap: {name: prompts, key: p.jsonl}}
    timeout: 5s
  load:
    engine: Go
    warmUp: 1s
    spawnRate: 20
    thinkTime: {min: 1ms, max: 5ms}
    stages:
      - {name: rise, duration: 1s, users: 10, ramp: true}
      - {name: hold, duration: 2s, users: 10}
      - {name: burst, duration: 1s, users: 20, spike: true}
  objectives:
    - {metric: throughput, failBelow: 1}
"""


def test_a_run_as_a_cluster_would_drive_it(engine: Engine, mock: Mock, tmp_path: pathlib.Path) -> None:
    (tmp_path / "run.yaml").write_text(RUN)
    table, result = engine.result("-f", "run.yaml", "-url", mock.url)
    same(table, result)
    same(table, result, "chat", "chat")
    load = result.load
    assert result.run.name == "alone"
    assert result.run.spec["load"]["spawnRate"] == 20
    names = [(phase.name, phase.kind, phase.users) for phase in load.phases]
    assembled(result)
    assert names == [
        ("warm-up", "WarmUp", 1),
        ("rise", "Ramp", 10),
        ("hold", "Stage", 10),
        ("burst", "Stage", 20),
        ("drain", "Drain", None),
    ]
    assert all(one.ended_at == other.started_at for one, other in zip(load.phases, load.phases[1:], strict=False))
    burst = load.phases[3]
    assert burst.full_at is not None
    assert burst.started_at is not None
    assert burst.full_at - burst.started_at >= 0.5  # ten more users at 20 a second
    counts = mock.counts()
    assert counts[CHAT, "200"] + counts["/v1/models", "200"] == sum(r.count or 0 for r in load.requests)
    assert load.think_time_seconds is not None
    assert load.think_time_seconds.max == 0.005
    assert any(d.histogram and d.histogram.count for d in load.dispatch_delay)  # of the ends of think times


def test_failures_are_told_by_kind(engine: Engine, mock: Mock) -> None:
    table, result = engine.result("-url", mock.url + "/nothing", "-c", "2", "-duration", "1", code=1)
    assert re.search(r"^http +[0-9]+ +status 404$", table, re.M)
    assert {(error.kind, error.status) for error in result.load.errors} == {("http", 404)}
    assert isinstance(metrics.observe(result, "latency.p50"), Missing)
    assert row(table, "latency")["p50"] == "-"
    refused = f"http://127.0.0.1:{lab.free_port()}/"
    table, result = engine.result("-url", refused, "-rps", "20", "-duration", "1", code=1)
    assert {error.kind for error in result.load.errors} == {"refused"}


def test_more_than_may_be_in_flight_is_dropped_and_said(engine: Engine, mock_binary: pathlib.Path) -> None:
    slow = Mock(mock_binary, "--latency=500ms")
    try:
        flags = ("-c", "5", "-rps", "50", "-arrivals", "Constant", "-duration", "2")
        table, result = engine.result("-url", slow.url + CHAT, *flags)
    finally:
        slow.process.terminate()
        slow.process.wait(30)
    dropped = metrics.observe(result, "dropped")
    assert isinstance(dropped, Measured)
    assert dropped.value + measured.Account(result.load).window().total() == pytest.approx(100, rel=0.1)
    assert dropped.value > 50
    (finding,) = [one for one in result.validity if "arrivals" in one.message]
    assert finding.reason == "GeneratorSaturated"
    assert "5 requests were in flight" in finding.message
    assert f"WARNING GeneratorSaturated: {finding.message}" in table


def test_a_signal_cuts_it_short_and_the_result_is_kept(engine: Engine, mock: Mock, tmp_path: pathlib.Path) -> None:
    process = engine.start("-url", mock.url + CHAT, "-c", "4", "-duration", "1h", "-json", "result.json")
    deadline = time.monotonic() + 30
    while mock.counts().get((CHAT, "200"), 0) < 100:
        assert time.monotonic() < deadline, "no load"
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    table, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    result = document.read(tmp_path / "result.json")
    same(table, result)
    assert result.load.outcome == "Stopped"
    assert "cut short by a signal" in table
    assert mock.counts()[CHAT, "200"] == sum(r.count or 0 for r in result.load.requests)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "-url, -f or -targets must say what to load"),
        (("-url", "localhost:80"), "must begin with http:// or https://"),
        (("-url", "http://127.0.0.1/", "-duration", "soon"), "it must be seconds, or as 30s, 1m"),
        (("-f", "none.yaml"), "-f: open none.yaml: no such file"),
        (("-url", "http://127.0.0.1/", "-json", "no/where"), "-json: open no/where"),
    ],
)
def test_wrong_input_is_refused_before_any_load(engine: Engine, arguments: tuple[str, ...], words: str) -> None:
    out, complaints = engine.run(*arguments, code=3)
    assert out == ""
    assert words in complaints
    assert complaints.count("\n") == 1


def test_secrets_of_the_command_line_are_not_kept(engine: Engine, mock: Mock, tmp_path: pathlib.Path) -> None:
    secret = "sk-very-secret"
    header = ("-H", f"Authorization: Bearer {secret}")
    load = ("-url", f"{mock.url}/v1/models?key={secret}", "-c", "1", "-duration", "1")
    out, complaints = engine.run(*load, *header, "-json", "result.json")
    assert secret not in out + complaints + (tmp_path / "result.json").read_text()
