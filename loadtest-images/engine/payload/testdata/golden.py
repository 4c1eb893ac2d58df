"""Writes golden.json: what the Python fleet sends for plans. Run from the repository's root:

python3 loadtest-images/engine/payload/testdata/golden.py
"""

from __future__ import annotations

import json
import pathlib
import random
import sys
from typing import Any
from unittest import mock

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2] / "locust"))
for name in ("", ".socket", ".monkey"):
    sys.modules.setdefault("gevent" + name, mock.MagicMock())
for name in ("", ".client", ".connectionpool", ".response", ".url"):
    sys.modules.setdefault("geventhttpclient" + name, mock.MagicMock())
for name in ("", ".exception"):
    sys.modules.setdefault("locust" + name, mock.MagicMock())

from gatebench_locust import payloads, plan  # noqa: E402

ENVIRONMENT = {"GATEBENCH_HEADER_0": " sk-secret\u00e9\n", "GATEBENCH_HEADER_1": "plain"}
BODIES: tuple[Any, ...] = (
    None,
    'text as it is: \u00e9 \u4e16 "quoted" \\ \n',
    "",
    5,
    -0.0,
    [],
    {},
    {"a": [1, -2, 0, 1.0, 1e5, 1e15, 1e16, 1.5e-5, 0.0001, 123456789012345680.0, 5e-324, 10**30, 0.1]},
    {"\u00fc\u4e16\U0001f600": "\u0000\u0001\b\t\n\f\r\u001f \u007f\u0080\u2028 / < > & \" \\ '"},
    {"nested": {"b": True, "a": [False, None, {"x": "y"}]}, "model": "m", "messages": [{"content": "c"}]},
)


def _request(rng: random.Random, number: int) -> dict[str, Any]:
    api = rng.choice(("OpenAIChat", "OpenAIResponses", "AnthropicMessages", "HTTP"))
    out: dict[str, Any] = {"name": f"r{number}", "weight": rng.randrange(1, 9), "api": api}
    out["method"] = rng.choice((None, None, "PUT", "DELETE"))
    out["path"] = "/some/path?q=1&r=%20" if api == "HTTP" or rng.random() < 0.2 else None
    out["model"] = rng.choice(("loopback", 'quo"te <&> \u00e9', "claude-3-5-sonnet"))
    out["promptTokens"] = rng.choice((1, 44, 45, 100, 500))
    out["stream"] = rng.random() < 0.5
    headers = {"X-One": "1", "accept": "text/plain", "User-Agent": "mine", "Authorization": "a", "x-z": "\u00e9"}
    out["headers"] = {name: value for name, value in headers.items() if rng.random() < 0.3}
    sources = {
        "Authorization": {"env": "GATEBENCH_HEADER_0", "prefix": "Bearer "},
        "content-type": {"env": "GATEBENCH_HEADER_1", "prefix": ""},
    }
    out["headersFromEnv"] = {name: source for name, source in sources.items() if rng.random() < 0.3}
    out["body"] = rng.choice(BODIES) if rng.random() < 0.6 else None
    out["expect"] = {"status": rng.choice((200, 201))}
    return out


def main() -> None:
    """Random requests by a fixed seed, and the scenario."""
    rng = random.Random(11)  # noqa: S311 - to be repeatable is the point
    common = {
        "schema": plan.SCHEMA,
        "run": {"namespace": "n", "name": "r", "uid": "u"},
        "expectedWorkers": 1,
        "target": "http://gateway:8080",
        "timeoutSeconds": 5.0,
        "stages": [{"name": "stage-1", "durationSeconds": 1.0, "users": 1, "ramp": False}],
    }
    workloads: list[dict[str, Any]] = [
        {"scenario": "gateway-mix", "healthPath": "/health/readiness", "model": 'a "model" \u00e9'},
        {"requests": [_request(rng, number) for number in range(120)]},
        {"requests": [{"name": "defaults"}, {"name": "get", "api": "HTTP", "path": "/v1/models"}]},
    ]
    out = []
    for workload in workloads:
        document = {**common, "workload": workload}
        text = json.dumps(document, sort_keys=True)  # as the operator writes it
        calls = []
        for call, weight in payloads.calls(plan.parse(json.loads(text)), ENVIRONMENT):
            calls.append(
                {
                    "name": call.name,
                    "method": call.method,
                    "path": call.path,
                    "headers": list(call.headers.items()),
                    "body": call.body.decode(),
                    "status": call.status,
                    "stream": call.stream,
                    "countsTokens": call.counts_tokens,
                    "openEnded": call.open_ended,
                    "weight": weight,
                }
            )
        out.append({"plan": text, "calls": calls})
    document = {"environment": ENVIRONMENT, "plans": out}
    (HERE / "golden.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
