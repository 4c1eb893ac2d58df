"""Streams, calls, secrets, errors, strangers: the small pure parts."""

from __future__ import annotations

import json
import pathlib
import re
import socket
import ssl
from typing import Any

import gevent
import pytest
from geventhttpclient.response import HTTPConnectionClosed
from hypothesis import given, settings
from hypothesis import strategies as st
from locust.exception import CatchResponseError

from gatebench_locust import classify, payloads, scenario, usage, wire
from gatebench_locust.masking import Masker
from gatebench_locust.plan import PlanError
from gatebench_locust.roster import MAX_FOREIGN, OTHERS, Roster
from gatebench_locust.sse import Stream
from unit.locust.test_phases import plan

pytestmark = pytest.mark.slow


def event(document: Any) -> bytes:
    return b"data: " + json.dumps(document).encode() + b"\n\n"


CHAT = (
    event({"choices": [{"delta": {"role": "assistant", "content": ""}}]})
    + event({"choices": [{"delta": {"content": "a"}}]})
    + b": a comment\n\n"
    + event({"choices": [{"delta": {"content": "b"}}], "usage": None})
    + event({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    + event({"choices": [], "usage": {"completion_tokens": 9}})
    + b"data: [DONE]\n\n"
)
MESSAGES = (
    b"event: message_start\n"
    + event({"type": "message_start", "message": {"usage": {"output_tokens": 1}}})
    + event({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "a"}})
    + event({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "b"}})
    + event({"type": "message_delta", "usage": {"output_tokens": 9}})
    + event({"type": "message_stop"})
)
RESPONSES = (
    event({"type": "response.created", "response": {"usage": None}})
    + event({"type": "response.output_text.delta", "delta": "a"})
    + event({"type": "response.output_text.delta", "delta": "b"})
    + event({"type": "response.completed", "response": {"usage": {"output_tokens": 9}}})
)


@pytest.mark.parametrize("text", [CHAT, MESSAGES, RESPONSES])
@settings(deadline=None)
@given(data=st.data())
def test_streams_however_they_are_cut(text: bytes, data: st.DataObject) -> None:
    stream = Stream(started=100.0)
    rest, now = text, 100.0
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        now += 0.5
        stream.feed(rest[:size], now)
        rest = rest[size:]
    assert (stream.tokens, stream.ended, stream.error) == (9, True, None)
    assert len(stream.gaps) == 1
    assert stream.ttft is not None
    assert stream.ttft + stream.gaps[0] <= now - 100.0


def test_the_first_token_is_the_first_content() -> None:
    stream = Stream(started=1.0)
    stream.feed(event({"choices": [{"delta": {"role": "assistant", "content": ""}}]}), 2.0)
    assert stream.ttft is None
    stream.feed(event({"choices": [{"delta": {"content": "x"}}]}), 3.5)
    assert (stream.ttft, stream.tokens, stream.ended) == (2.5, 1, False)
    stream.feed(b"data: {not json\n\ndata: [1]\n\n" + event({"error": {"message": "x"}}), 4.0)
    assert stream.error


def test_prompts_are_as_long_as_asked_and_the_same() -> None:
    assert len(payloads.prompt(1000).split()) == 1000
    assert payloads.prompt(7) == payloads.prompt(7)


def declared(**changes: Any) -> dict[str, Any]:
    return {"name": "r", "weight": 2, "api": "OpenAIChat", "model": "m", "promptTokens": 3} | changes


def calls(environment: dict[str, str] | None = None, **changes: Any) -> payloads.Call:
    parsed = plan(workload={"requests": [declared(**changes)]})
    return payloads.calls(parsed, environment or {})[0][0]


def test_calls_by_api() -> None:
    chat = calls(stream=True)
    body = json.loads(chat.body)
    assert (chat.method, chat.path, chat.stream) == ("POST", "/v1/chat/completions", True)
    assert body["stream_options"] == {"include_usage": True}
    assert json.loads(calls(api="OpenAIResponses").body) == {"model": "m", "input": "the city has"}
    messages = calls(api="AnthropicMessages", stream=True)
    assert json.loads(messages.body)["stream"] is True
    assert messages.headers["anthropic-version"]
    get = calls(api="HTTP", path="/x")
    assert (get.method, get.body) == ("GET", b"")
    assert calls(api="HTTP", path="/x", body={}).method == "POST"
    assert calls(body={"own": 1}, path="/p", method="PUT", expect={"status": 201}).status == 201


def test_given_headers_win_whatever_their_case() -> None:
    source = {"authorization": {"env": "E", "prefix": "Bearer "}}
    call = calls({"E": "key\n"}, headers={"content-type": "x/y"}, headersFromEnv=source)
    assert call.headers["authorization"] == "Bearer key"
    assert [k for k in call.headers if k.lower() == "content-type"] == ["content-type"]


@pytest.mark.parametrize(
    "changes",
    [
        {"api": "HTTP"},
        {"api": "Unknown"},
        {"headersFromEnv": {"a": {"env": "MISSING", "prefix": ""}}},
    ],
)
def test_what_cannot_be_sent_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(PlanError):
        calls(**changes)


ROW = re.compile(r"\| (\w+) \| (\d+) \| `(\w+) (\S+)` \| (yes|no) \| (?:`(.*)`|none) \|")


def test_the_scenario_is_what_the_docs_say() -> None:
    page = (pathlib.Path(__file__).parents[3] / "docs" / "workload.md").read_text()
    [section] = re.findall(r"^## The built-in scenario `gateway-mix`\n(.*?)^## ", page, re.MULTILINE | re.DOTALL)
    told = [match.groups() for line in section.splitlines() if (match := ROW.fullmatch(line))]
    assert told == [
        (
            request["name"],
            str(request["weight"]),
            request["method"],
            request["path"],
            "yes" if request["stream"] else "no",
            json.dumps(request["body"]) if "body" in request else None,
        )
        for request in scenario.GATEWAY_MIX
    ]
    [least, most] = re.findall(r"pauses ([\d.]+) to ([\d.]+) s before", section)[0]
    assert (float(least), float(most)) == scenario.THINK_SECONDS


def test_the_scenario_is_sent_as_it_is_written() -> None:
    made = payloads.calls(plan(), {})
    for (call, weight), request in zip(made, scenario.GATEWAY_MIX, strict=True):
        assert (call.name, weight, call.method) == (request["name"], request["weight"], request["method"])
        assert call.path == request["path"].replace("{health}", "/health")
        assert call.stream is request["stream"]
        if "body" in request:
            assert json.loads(call.body) == {**request["body"], "model": "loopback"}
        else:
            assert call.body == b""


@pytest.mark.parametrize(
    ("error", "status", "expected"),
    [
        (gevent.Timeout(1), None, ("timeout", None)),
        (TimeoutError(), None, ("timeout", None)),
        (ConnectionRefusedError(), None, ("refused", None)),
        (ConnectionResetError(), None, ("reset", None)),
        (HTTPConnectionClosed("closed"), None, ("reset", None)),
        (socket.gaierror(-2, "name"), None, ("dns", None)),
        (ssl.SSLCertVerificationError(), None, ("tls", None)),
        (CatchResponseError("no"), 200, ("check", 200)),
        (Exception("bad"), 503, ("http", 503)),
        (Exception("odd"), None, ("other", None)),
        (Exception("wrapped", ConnectionRefusedError()), None, ("refused", None)),
        (classify.Failure("streamCut", "cut"), None, ("streamCut", None)),
    ],
)
def test_kinds_of_failures(error: BaseException, status: int | None, expected: tuple[str, int | None]) -> None:
    assert classify.kind_of(error, status) == expected


def test_causes_that_go_round_end() -> None:
    one, other = Exception("a"), Exception("b")
    one.__cause__, other.__cause__ = other, one
    assert classify.kind_of(one, None) == ("other", None)


def test_secrets_in_their_disguises() -> None:
    mask = Masker(["KEY", "LINES", "SHORT", "UNSET"], {"KEY": 'a/b+"c\n', "LINES": "first\nsecond", "SHORT": "1"})
    text = json.dumps({"x": 'a/b+"c'}) + " a%2Fb%2B%22c " + ' a/b+"c ' + "first second 1"
    masked = mask(text)
    for part in ("a/b", "%2Fb", "first", "second"):
        assert part not in masked
    assert masked.endswith(" 1")


def test_proofs_belong_to_one_worker_of_one_run() -> None:
    proof = wire.proof("token", "uid", "node")
    assert wire.proven(proof, "token", "uid", "node")
    for given_proof, token, uid, node in [
        (proof, "other", "uid", "node"),
        (proof, "token", "other", "node"),
        (proof, "token", "uid", "other"),
        ("", "token", "uid", "node"),
        (None, "token", "uid", "node"),
        ("ü", "token", "uid", "node"),
    ]:
        assert not wire.proven(given_proof, token, uid, node)
    assert "token" not in proof


@settings(deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=3))
def test_any_bytes_are_a_message_or_an_error(frames: list[bytes]) -> None:
    try:
        message = wire.parse(frames)
    except Exception:  # anything that a library raises, but nothing that ends the process
        return
    assert isinstance(message.type, str)


def test_strangers_are_named_within_bounds() -> None:
    roster = Roster()
    for number in range(300):
        roster.stranger(f"s{number}")
    assert len(roster.foreign) == MAX_FOREIGN + 1
    assert roster.foreign[OTHERS] == 200
    assert wire.printable(b"\xff\x00") == "ff00"


def test_cores_that_a_worker_may_use(tmp_path: pathlib.Path) -> None:
    assert usage._quota(tmp_path) is None
    (tmp_path / "cpu.max").write_text("20000 100000\n")
    assert usage.allowed_cores(tmp_path) == pytest.approx(0.2)
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert usage.allowed_cores(tmp_path) == 1.0
    (tmp_path / "cpu.max").unlink()
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("50000\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert usage.allowed_cores(tmp_path) == pytest.approx(0.5)
    assert usage.read().cpu > 0
