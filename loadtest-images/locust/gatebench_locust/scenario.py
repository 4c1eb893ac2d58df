"""The built-in scenario gateway-mix: what LLM gateways mostly see. Pure data.

Weights: chat 10, tools 3, stream 2, health 1, models 1. A user pauses 0.5 to 1 s between an answer and its next
request, unless the plan has a think time. `{health}` stands for the gateway's readiness path, `{model}` for the model.
"""

from __future__ import annotations

from typing import Any

THINK_SECONDS = (0.5, 1.0)
NAME = "gateway-mix"

_QUESTION = "In two sentences: why do gateways in front of language models add latency, and how is it measured?"
_STORY = "Tell a short story about a gateway that never slept."
_WEATHER = "What is the weather in Lisbon today, in degrees Celsius?"

GATEWAY_MIX: tuple[dict[str, Any], ...] = (
    {
        "name": "chat",
        "weight": 10,
        "api": "OpenAIChat",
        "method": "POST",
        "path": "/v1/chat/completions",
        "stream": False,
        "body": {
            "model": "{model}",
            "messages": [
                {"role": "system", "content": "You answer briefly."},
                {"role": "user", "content": _QUESTION},
            ],
            "max_tokens": 128,
        },
    },
    {
        "name": "tools",
        "weight": 3,
        "api": "OpenAIChat",
        "method": "POST",
        "path": "/v1/chat/completions",
        "stream": False,
        "body": {
            "model": "{model}",
            "messages": [{"role": "user", "content": _WEATHER}],
            "max_tokens": 128,
            "tool_choice": "auto",
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "get_weather",
                        "description": "The weather of a city, now.",
                        "parameters": {
                            "type": "object",
                            "properties": {
                                "city": {"type": "string"},
                                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
                            },
                            "required": ["city"],
                        },
                    },
                }
            ],
        },
    },
    {
        "name": "stream",
        "weight": 2,
        "api": "OpenAIChat",
        "method": "POST",
        "path": "/v1/chat/completions",
        "stream": True,
        "body": {
            "model": "{model}",
            "messages": [{"role": "user", "content": _STORY}],
            "max_tokens": 128,
            "stream": True,
            "stream_options": {"include_usage": True},
        },
    },
    {"name": "health", "weight": 1, "api": "HTTP", "method": "GET", "path": "{health}", "stream": False},
    {"name": "models", "weight": 1, "api": "HTTP", "method": "GET", "path": "/v1/models", "stream": False},
)
