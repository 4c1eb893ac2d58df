"""The mock speaks as the APIs that it stands for: the official clients read its answers without complaint.

The real binary is built once and asked over HTTP; forwarding is checked the same way, one mock in front of another.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest
from anthropic.types import TextBlock, ToolUseBlock
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

SOURCE = pathlib.Path(__file__).parents[2] / "loadtest-images" / "mock"
QUICK = {"X-Gatebench-Latency": "1ms", "X-Gatebench-Tokens-Per-Second": "0"}
WEATHER: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
}
QUESTION: Any = [{"role": "user", "content": "What is the weather in Bonn?"}]


@pytest.fixture(scope="module", autouse=True)
def no_proxy() -> Iterator[None]:
    """The mock is on 127.0.0.1, whatever proxy the environment names."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("NO_PROXY", "no_proxy"):
            patch.setenv(name, "127.0.0.1")
        yield


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    if shutil.which("go") is None:
        pytest.skip("needs Go")
    path = tmp_path_factory.mktemp("mock") / "mock"
    command = ["go", "build", "-o", str(path), "."]
    subprocess.run(command, cwd=SOURCE, check=True, env={**os.environ, "CGO_ENABLED": "0"})
    return path


@contextlib.contextmanager
def serving(binary: pathlib.Path, *flags: str) -> Iterator[str]:
    """A mock on a port of its own; it must end by itself when it is told to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    process = subprocess.Popen([binary, f"--listen={address}", *flags])
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(f"http://{address}/health", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, "the mock ended"
                assert time.monotonic() < deadline, "the mock does not answer"
                time.sleep(0.02)
        yield f"http://{address}"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@pytest.fixture(scope="module", params=["alone", "forwarding"])
def url(request: pytest.FixtureRequest, binary: pathlib.Path) -> Iterator[str]:
    with serving(binary, "--output-tokens=20") as upstream:
        if request.param == "alone":
            yield upstream
            return
        with serving(binary, f"--upstream={upstream}") as gateway:
            yield gateway


@pytest.fixture
def chat(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0, default_headers=QUICK) as client:
        yield client


@pytest.fixture
def claude(url: str) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=url, api_key="k", max_retries=0, default_headers=QUICK) as client:
        yield client


def function(**more: Any) -> Any:
    return {"name": "weather", "description": "The weather", "parameters": WEATHER, **more}


def test_chat(chat: openai.OpenAI) -> None:
    answer = chat.chat.completions.create(model="any", messages=QUESTION)
    assert answer.object == "chat.completion"
    assert answer.model == "any"
    assert answer.choices[0].finish_reason == "stop"
    assert len((answer.choices[0].message.content or "").split()) == 20
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (7, 20, 27)
    again = chat.chat.completions.create(model="any", messages=QUESTION)
    assert again.id != answer.id


def test_chat_of_bounded_length(chat: openai.OpenAI) -> None:
    answer = chat.chat.completions.create(model="any", messages=QUESTION, max_tokens=3)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 3


@pytest.mark.parametrize("usage", [True, False])
def test_chat_stream(chat: openai.OpenAI, usage: bool) -> None:
    options: Any = {"include_usage": True} if usage else openai.omit
    chunks = list(chat.chat.completions.create(model="any", messages=QUESTION, stream=True, stream_options=options))
    told = [chunk.usage for chunk in chunks if chunk.usage is not None]
    assert [one.completion_tokens for one in told] == ([20] if usage else [])
    choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
    assert choices[0].delta.role == "assistant"
    words = [choice.delta.content for choice in choices if choice.delta.content]
    assert len(words) == 20
    whole = chat.chat.completions.create(model="any", messages=QUESTION).choices[0].message.content
    assert "".join(words) == whole
    assert [choice.finish_reason for choice in choices if choice.finish_reason] == ["stop"]
    assert len({chunk.id for chunk in chunks}) == 1


def test_chat_calls_a_tool(chat: openai.OpenAI) -> None:
    tools: Any = [{"type": "function", "function": function()}]
    answer = chat.chat.completions.create(model="any", messages=QUESTION, tools=tools)
    message = answer.choices[0].message
    assert answer.choices[0].finish_reason == "tool_calls"
    assert message.content is None
    assert message.tool_calls is not None
    [call] = message.tool_calls
    assert call.type == "function"
    assert call.function.name == "weather"
    assert json.loads(call.function.arguments) == {"city": "example", "days": 1}
    result = {"role": "tool", "tool_call_id": call.id, "content": "rain"}
    messages: Any = [*QUESTION, message.model_dump(exclude_none=True), result]
    final = chat.chat.completions.create(model="any", messages=messages, tools=tools)
    assert final.choices[0].finish_reason == "stop"
    none = chat.chat.completions.create(model="any", messages=QUESTION, tools=tools, tool_choice="none")
    assert none.choices[0].message.tool_calls is None


def test_chat_stream_calls_a_tool(chat: openai.OpenAI) -> None:
    tools: Any = [{"type": "function", "function": function()}]
    with chat.chat.completions.stream(model="any", messages=QUESTION, tools=tools) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].finish_reason == "tool_calls"
    assert final.choices[0].message.tool_calls is not None
    assert json.loads(final.choices[0].message.tool_calls[0].function.arguments) == {"city": "example", "days": 1}


def test_responses(chat: openai.OpenAI) -> None:
    answer = chat.responses.create(model="any", input="What is the weather in Bonn?", instructions="Be brief")
    assert answer.status == "completed"
    assert len(answer.output_text.split()) == 20
    [message] = answer.output
    assert isinstance(message, ResponseOutputMessage)
    assert isinstance(message.content[0], ResponseOutputText)
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.input_tokens + 20
    short = chat.responses.create(model="any", input="x", max_output_tokens=16)
    assert short.status == "incomplete"
    assert short.incomplete_details is not None
    assert short.incomplete_details.reason == "max_output_tokens"


def test_responses_stream(chat: openai.OpenAI) -> None:
    with chat.responses.stream(model="any", input="What is the weather?") as stream:
        events = list(stream)
        final = stream.get_final_response()
    kinds = [event.type for event in events]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds.count("response.output_text.delta") == 20
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert len(final.output_text.split()) == 20
    raw = chat.responses.create(model="any", input="What is the weather?", stream=True)
    assert [event.sequence_number for event in raw] == list(range(len(kinds)))


def test_responses_calls_a_tool(chat: openai.OpenAI) -> None:
    tools: Any = [function(type="function", strict=False)]
    answer = chat.responses.create(model="any", input=QUESTION, tools=tools)
    [call] = answer.output
    assert isinstance(call, ResponseFunctionToolCall)
    assert json.loads(call.arguments) == {"city": "example", "days": 1}
    with chat.responses.stream(model="any", input=QUESTION, tools=tools) as stream:
        kinds = [event.type for event in stream]
        [streamed] = stream.get_final_response().output
    assert streamed.type == "function_call"
    assert json.loads(streamed.arguments) == {"city": "example", "days": 1}
    assert "response.function_call_arguments.done" in kinds
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
    items: Any = [*QUESTION, call.model_dump(), result]
    final = chat.responses.create(model="any", input=items, tools=tools)
    assert final.output_text


def test_messages(claude: anthropic.Anthropic) -> None:
    answer = claude.messages.create(model="any", max_tokens=100, messages=QUESTION, system="Be brief")
    [block] = answer.content
    assert isinstance(block, TextBlock)
    assert len(block.text.split()) == 20
    assert (answer.role, answer.stop_reason, answer.usage.output_tokens) == ("assistant", "end_turn", 20)
    short = claude.messages.create(model="any", max_tokens=3, messages=QUESTION)
    assert short.stop_reason == "max_tokens"


def test_messages_stream(claude: anthropic.Anthropic) -> None:
    raw = claude.messages.create(model="any", max_tokens=100, messages=QUESTION, stream=True)
    kinds = [event.type for event in raw]
    assert kinds == [
        "message_start",
        "content_block_start",
        *["content_block_delta"] * 20,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    with claude.messages.stream(model="any", max_tokens=100, messages=QUESTION) as stream:
        assert len("".join(stream.text_stream).split()) == 20
        final = stream.get_final_message()
    assert (final.stop_reason, final.usage.output_tokens) == ("end_turn", 20)


def test_messages_uses_a_tool(claude: anthropic.Anthropic) -> None:
    tools: Any = [{"name": "weather", "input_schema": WEATHER}]
    answer = claude.messages.create(model="any", max_tokens=100, messages=QUESTION, tools=tools)
    [block] = answer.content
    assert isinstance(block, ToolUseBlock)
    assert (answer.stop_reason, block.name, block.input) == ("tool_use", "weather", {"city": "example", "days": 1})
    with claude.messages.stream(model="any", max_tokens=100, messages=QUESTION, tools=tools) as stream:
        [streamed] = stream.get_final_message().content
    assert isinstance(streamed, ToolUseBlock)
    assert streamed.input == {"city": "example", "days": 1}
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": block.id, "content": "rain"}]}
    messages: Any = [*QUESTION, {"role": "assistant", "content": [block.model_dump()]}, result]
    final = claude.messages.create(model="any", max_tokens=100, messages=messages, tools=tools)
    assert final.stop_reason == "end_turn"


def test_models(chat: openai.OpenAI) -> None:
    assert [model.id for model in chat.models.list()] == ["loopback"]


def test_errors_are_the_clients_own(chat: openai.OpenAI, claude: anthropic.Anthropic) -> None:
    failing = {"X-Gatebench-Error-Ratio": "1"}
    with pytest.raises(openai.InternalServerError) as server:
        chat.chat.completions.create(model="any", messages=QUESTION, extra_headers=failing)
    assert server.value.type == "server_error"
    with pytest.raises(openai.InternalServerError):
        chat.responses.create(model="any", input="x", extra_headers=failing)
    with pytest.raises(anthropic.InternalServerError) as api:
        claude.messages.create(model="any", max_tokens=9, messages=QUESTION, extra_headers=failing)
    assert api.value.body["error"]["type"] == "api_error"  # type: ignore[index]
    with pytest.raises(openai.BadRequestError) as bad:
        chat.chat.completions.create(model="", messages=QUESTION)
    assert bad.value.param == "model"
    with pytest.raises(openai.BadRequestError, match="X-Gatebench-Latency"):
        chat.chat.completions.create(model="any", messages=QUESTION, extra_headers={"X-Gatebench-Latency": "soon"})


def test_a_limited_gateway_is_understood(binary: pathlib.Path) -> None:
    with serving(binary, "--latency=0s", "--rate-limit=0.01", "--rate-burst=1") as url:
        client = openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0)
        client.chat.completions.create(model="any", messages=QUESTION)
        with pytest.raises(openai.RateLimitError) as limited:
            client.chat.completions.create(model="any", messages=QUESTION)
        assert int(limited.value.response.headers["retry-after"]) >= 1
        other = anthropic.Anthropic(base_url=url, api_key="another", max_retries=0)
        other.messages.create(model="any", max_tokens=9, messages=QUESTION)
        with pytest.raises(anthropic.RateLimitError):
            other.messages.create(model="any", max_tokens=9, messages=QUESTION)


def test_it_counts_what_was_sent(binary: pathlib.Path) -> None:
    with serving(binary, "--latency=2ms") as url, openai.OpenAI(base_url=f"{url}/v1", api_key="k") as client:
        for _ in range(7):
            client.chat.completions.create(model="any", messages=QUESTION)
        with urllib.request.urlopen(f"{url}/gatebench/v1/account", timeout=5) as answer:
            account = json.load(answer)
    counts = {(row["path"], row["status"], row["client"]): row["count"] for row in account["requests"]}
    assert counts["/v1/chat/completions", 200, "other"] == 7
    delay = account["delay"]
    assert delay["count"] == 7
    assert delay["intendedSeconds"]["p50"] == pytest.approx(0.002)
    assert delay["actualSeconds"]["p50"] >= 0.002
    assert delay["excessSeconds"]["p99"] >= 0


@pytest.mark.parametrize(("flag", "named"), [("--latency=x", "--latency"), ("--forward", "GATEBENCH_UPSTREAM_URL")])
def test_bad_flags_end_it(binary: pathlib.Path, flag: str, named: str) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "GATEBENCH_UPSTREAM_URL"}
    ended = subprocess.run([binary, flag], capture_output=True, text=True, timeout=30, env=environment)
    assert ended.returncode == 2
    assert named in ended.stderr
