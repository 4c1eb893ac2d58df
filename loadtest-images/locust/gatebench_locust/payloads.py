"""Turns what the plan declares into calls that are ready to send.

A prompt of N tokens is N common English words of one token each, without punctuation, always the same ones in the
same order: the tokenizers in use give within a few per cent of N tokens for it, whatever the model.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from gatebench_locust.client import Call
from gatebench_locust.plan import Plan, PlanError, Request
from gatebench_locust.scenario import GATEWAY_MIX, NAME

_PROSE = (
    "the city has a long river and many people walk there in the morning when light is low "
    "they talk about work food music and old friends while trains pass near green hills "
    "children play next to small houses with open doors and birds sing over warm fields"
)

_PATHS = {
    "OpenAIChat": "/v1/chat/completions",
    "OpenAIResponses": "/v1/responses",
    "AnthropicMessages": "/v1/messages",
}
_MAX_TOKENS = 256


def prompt(tokens: int) -> str:
    """About `tokens` tokens of text; the same each time."""
    return " ".join(itertools.islice(itertools.cycle(_PROSE.split()), tokens))


def calls(plan: Plan, environment: Mapping[str, str]) -> list[tuple[Call, int]]:
    """Every call of the plan with its weight. Raises PlanError where an environment variable is missing."""
    if plan.scenario is not None:
        if plan.scenario.name != NAME:
            raise PlanError(f"there is no scenario {plan.scenario.name!r}")
        places = {"{health}": plan.scenario.health_path, "{model}": plan.scenario.model}
        return [(_scenario_call(item, places), item["weight"]) for item in GATEWAY_MIX]
    return [(_call(request, environment), request.weight) for request in plan.requests]


def _scenario_call(item: Mapping[str, Any], places: Mapping[str, str]) -> Call:
    body = item.get("body")
    if body is not None:
        body = {key: places.get(value, value) if isinstance(value, str) else value for key, value in body.items()}
    return Call(
        name=item["name"],
        method=item["method"],
        path=places.get(item["path"], item["path"]),
        headers=_headers(item["api"], body is not None, item["stream"], {}),
        body=_encode(body),
        stream=item["stream"],
        counts_tokens=item["api"] != "HTTP",
    )


def _call(request: Request, environment: Mapping[str, str]) -> Call:
    is_http = request.api == "HTTP"
    if not is_http and request.api not in _PATHS:
        raise PlanError(f"request {request.name}: there is no API {request.api!r}")
    path = request.path or _PATHS.get(request.api)
    if path is None:
        raise PlanError(f"request {request.name}: api HTTP needs a path")
    body = request.body if request.body is not None else _body(request)
    method = request.method or ("GET" if is_http and body is None else "POST")
    given = dict(request.headers)
    for header, source in request.headers_from_env.items():
        if source.env not in environment:
            raise PlanError(f"request {request.name}: environment variable {source.env} is not set")
        given[header] = source.prefix + environment[source.env].strip()
    return Call(
        name=request.name,
        method=method,
        path=path,
        headers=_headers(request.api, body is not None, request.stream, given),
        body=_encode(body),
        status=request.status,
        stream=request.stream,
        counts_tokens=not is_http,
        open_ended=is_http,
    )


def _body(request: Request) -> dict[str, Any] | None:
    """The body of an API, by its own words."""
    messages: Sequence[Mapping[str, str]] = [{"role": "user", "content": prompt(request.prompt_tokens)}]
    if request.api == "OpenAIChat":
        body: dict[str, Any] = {"model": request.model, "messages": messages}
        if request.stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
    elif request.api == "OpenAIResponses":
        body = {"model": request.model, "input": prompt(request.prompt_tokens)}
    elif request.api == "AnthropicMessages":
        body = {"model": request.model, "max_tokens": _MAX_TOKENS, "messages": messages}
    else:
        return None
    if request.stream:
        body["stream"] = True
    return body


def _headers(api: str, has_body: bool, stream: bool, given: Mapping[str, str]) -> dict[str, str]:
    """Default headers under those that are given (compared without regard to case)."""
    out = {"User-Agent": "gatebench", "Accept": "text/event-stream" if stream else "application/json"}
    if api == "HTTP":
        out["Accept"] = "*/*"
    if has_body:
        out["Content-Type"] = "application/json"
    if api == "AnthropicMessages":
        out["anthropic-version"] = "2023-06-01"
    names = {name.lower() for name in given}
    return {name: value for name, value in out.items() if name.lower() not in names} | dict(given)


def _encode(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
