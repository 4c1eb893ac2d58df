"""Writes golden.json: what the Python fleet's reader makes of streams. Run from the repository's root:

python3 loadtest-images/engine/sse/testdata/golden.py
"""

from __future__ import annotations

import importlib.util
import json
import pathlib
import random
import sys
from typing import Any

HERE = pathlib.Path(__file__).parent
SOURCE = HERE.parents[2] / "locust" / "gatebench_locust" / "sse.py"

PIECES: tuple[Any, ...] = (
    {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]},
    {"choices": [{"index": 0, "delta": {"content": "river \n\u00e9\u4e16"}}]},
    {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]}}]},
    {"choices": [{"delta": {"tool_calls": []}}, {"delta": {"content": "second"}}]},
    {"choices": [{"delta": None}, 3, {"delta": {"content": None}}]},
    {"choices": [{"delta": {"content": 0}}, {"delta": {"content": {}}}, {"delta": {"content": 1}}]},
    {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 17, "total_tokens": 26}},
    {"choices": [], "usage": None},
    {"usage": {"completion_tokens": 1.5, "output_tokens": 3}},
    {"usage": {"completion_tokens": "4"}},
    {"type": "message_start", "message": {"usage": {"output_tokens": 1}}, "usage": {"output_tokens": 1}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hello"}},
    {"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": '{"a"'}},
    {"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": ""}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 23}},
    {"type": "message_stop"},
    {"type": "ping"},
    {"type": "error", "error": {"type": "overloaded_error"}},
    {"type": "response.output_text.delta", "delta": "word "},
    {"type": "response.output_text.delta", "delta": ""},
    {"type": "response.function_call_arguments.delta", "delta": '{"x":1}'},
    {"type": "response.completed", "response": {"id": "r", "usage": {"input_tokens": 5, "output_tokens": 41}}},
    {"type": "response.incomplete", "response": {"usage": {}}},
    {"type": "response.failed", "response": {"error": {"code": "x"}}},
    {"error": {"message": "no"}},
    {"error": ""},
    {"type": ["message_stop"]},
    [1, 2],
    "text",
    7,
)
RAW = (
    "data: [DONE]",
    "data:[DONE]  ",
    "data: [DONE",
    "data: {not json}",
    "data:",
    "data: {,}",
    ": a comment",
    "event: message",
    "",
    "\r",
    " data: [DONE]",
    'data: {"t\\u0079pe": "message_stop"}',
    'data: {"choices":[{"delta":{"content":"a"}}]} trailing',
)


def main() -> None:
    """Random streams of known pieces, by a fixed seed."""
    spec = importlib.util.spec_from_file_location("sse", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    sse = importlib.util.module_from_spec(spec)
    sys.modules["sse"] = sse
    spec.loader.exec_module(sse)
    rng = random.Random(7)  # noqa: S311 - to be repeatable is the point
    out = []
    for _ in range(120):
        chunks, now = [], 1000
        stream = sse.Stream(started=now)
        for _ in range(rng.randrange(1, 12)):
            chunk = ""
            for _ in range(rng.randrange(1, 4)):
                end = rng.choice(("\n", "\n\n", "\r\n\r\n"))
                if rng.random() < 0.75:
                    piece = json.dumps(rng.choice(PIECES), ensure_ascii=rng.random() < 0.5)
                    chunk += f"data: {piece}{end}"
                else:
                    chunk += rng.choice(RAW) + end
            if rng.random() < 0.2:
                chunk = chunk[:-1]
            now += rng.randrange(1, 10**6)
            stream.feed(chunk.encode(), now)
            chunks.append([chunk, now])
        out.append(
            {
                "chunks": chunks,
                "ttft": stream.ttft,
                "gaps": stream.gaps,
                "tokens": stream.tokens,
                "ended": stream.ended,
                "error": stream.error,
            }
        )
    text = ",\n".join(json.dumps(item, separators=(",", ":")) for item in out)
    (HERE / "golden.json").write_text(f"[\n{text}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
