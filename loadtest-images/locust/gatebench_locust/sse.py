"""Server-sent events of the three LLM APIs: when content came, how many tokens, and whether the end was reached."""

from __future__ import annotations

import dataclasses
import json
from typing import Any


@dataclasses.dataclass
class Stream:
    """Takes bytes as they come and knows the times of content. `open_ended`: no end marker is expected."""

    started: float
    open_ended: bool = False
    first: float | None = None
    last: float = 0.0
    gaps: list[float] = dataclasses.field(default_factory=list)
    deltas: int = 0
    usage: int | None = None
    ended: bool = False
    error: str | None = None
    _rest: bytes = b""

    def feed(self, chunk: bytes, now: float) -> None:
        """Bytes that arrived at `now` (seconds of the same clock as `started`)."""
        data = self._rest + chunk
        lines = data.split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            if line.startswith(b"data:"):
                self._event(line[5:].strip(), now)

    @property
    def ttft(self) -> float | None:
        """Seconds to the first non-empty content delta."""
        return None if self.first is None else self.first - self.started

    @property
    def tokens(self) -> int | None:
        """Output tokens: what the usage field says, else the number of content deltas; None where neither was."""
        return self.usage if self.usage is not None else (self.deltas or None)

    def _event(self, payload: bytes, now: float) -> None:
        if payload == b"[DONE]":
            self.ended = True
            return
        try:
            event = json.loads(payload)
        except ValueError:
            return
        if not isinstance(event, dict):
            return
        if content_of(event):
            self.deltas += 1
            if self.first is None:
                self.first = now
            else:
                self.gaps.append(now - self.last)
            self.last = now
        usage = usage_of(event)
        if usage is not None:
            self.usage = usage
        if event.get("type") in ("message_stop", "response.completed", "response.incomplete"):
            self.ended = True
        if event.get("error") or event.get("type") in ("error", "response.failed"):
            self.error = "the stream reports an error"


def content_of(event: dict[str, Any]) -> bool:
    """Whether an event of a stream carries content: text, or a part of a tool call."""
    choices = event.get("choices")
    if isinstance(choices, list):
        for choice in choices:
            delta = choice.get("delta") if isinstance(choice, dict) else None
            if isinstance(delta, dict) and (delta.get("content") or delta.get("tool_calls")):
                return True
        return False
    kind = event.get("type")
    if kind == "content_block_delta":
        delta = event.get("delta")
        return isinstance(delta, dict) and bool(delta.get("text") or delta.get("partial_json"))
    if kind in ("response.output_text.delta", "response.function_call_arguments.delta"):
        return bool(event.get("delta"))
    return False


def usage_of(event: dict[str, Any]) -> int | None:
    """Output tokens so far, as an event states them."""
    holder: Any = event
    if isinstance(event.get("response"), dict):
        holder = event["response"]
    elif event.get("type") == "message_start":
        return None  # Anthropic counts from 1 there; message_delta has the number
    usage = holder.get("usage")
    if not isinstance(usage, dict):
        return None
    for field in ("completion_tokens", "output_tokens"):
        if isinstance(usage.get(field), int):
            return int(usage[field])
    return None
