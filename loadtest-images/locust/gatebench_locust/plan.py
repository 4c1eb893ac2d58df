"""plan.json, parsed once: all that the fleet has to know. Durations are in seconds."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

SCHEMA = "gatebench.dev/plan/v1"


class PlanError(Exception):
    """plan.json cannot be used; the text names the field."""


@dataclasses.dataclass(frozen=True)
class HeaderSource:
    """A header whose value is in an environment variable."""

    env: str
    prefix: str


@dataclasses.dataclass(frozen=True)
class Request:
    """One declared request, as it stands in the plan."""

    name: str
    weight: int
    api: str
    method: str | None
    path: str | None
    model: str
    prompt_tokens: int
    stream: bool
    headers: Mapping[str, str]
    headers_from_env: Mapping[str, HeaderSource]
    body: Any
    status: int


@dataclasses.dataclass(frozen=True)
class Stage:
    """A segment of the load curve; `ramp`: linear from the previous number of users."""

    name: str
    seconds: float
    users: int
    ramp: bool


@dataclasses.dataclass(frozen=True)
class Scenario:
    """A built-in scenario."""

    name: str
    health_path: str
    model: str


@dataclasses.dataclass(frozen=True)
class ThinkTime:
    """Uniform between two bounds."""

    min: float
    max: float


@dataclasses.dataclass(frozen=True)
class Plan:
    """The whole plan. Exactly one of requests, scenario and locustfile is set."""

    uid: str
    run: str
    expected_workers: int
    target: str
    timeout: float
    warm_up: float
    spawn_rate: float
    think_time: ThinkTime | None
    stages: tuple[Stage, ...]
    requests: tuple[Request, ...]
    scenario: Scenario | None
    locustfile: str | None
    masked_env: tuple[str, ...]
    drain: float
    result_hold: float


def read(path: str) -> Plan:
    """Reads the plan from a file. Raises PlanError."""
    try:
        document = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PlanError(f"{path}: {error}") from error
    return parse(document)


def parse(document: Any) -> Plan:
    """Parses a plan. Raises PlanError."""
    try:
        return _parse(document)
    except KeyError as error:
        raise PlanError(f"field {error} is missing") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise PlanError(str(error)) from error


def _parse(document: Any) -> Plan:
    if document["schema"] != SCHEMA:
        raise PlanError(f"schema {document['schema']!r} is not {SCHEMA!r}")
    run, workload = document["run"], document["workload"]
    scenario = locustfile = None
    requests: tuple[Request, ...] = ()
    if workload.get("requests"):
        requests = tuple(_request(item) for item in workload["requests"])
    elif workload.get("scenario"):
        scenario = Scenario(
            name=str(workload["scenario"]),
            health_path=str(workload.get("healthPath") or "/health"),
            model=str(workload.get("model") or "loopback"),
        )
    elif workload.get("locustfile"):
        locustfile = str(workload["locustfile"])
    else:
        raise PlanError("workload needs requests, scenario or locustfile")
    stages = tuple(
        Stage(str(s["name"]), float(s["durationSeconds"]), int(s["users"]), bool(s.get("ramp")))
        for s in document["stages"]
    )
    think = document.get("thinkTimeSeconds")
    expected = int(document["expectedWorkers"])
    if expected < 1 or not stages:
        raise PlanError("at least one worker and one stage are needed")
    timeout = float(document["timeoutSeconds"])
    return Plan(
        uid=str(run["uid"]),
        run=f"{run['namespace']}/{run['name']}",
        expected_workers=expected,
        target=str(document["target"]).rstrip("/"),
        timeout=timeout,
        warm_up=float(document.get("warmUpSeconds") or 0.0),
        spawn_rate=float(document.get("spawnRatePerSecond") or 50.0),
        think_time=None if think is None else ThinkTime(float(think["min"]), float(think["max"])),
        stages=stages,
        requests=requests,
        scenario=scenario,
        locustfile=locustfile,
        masked_env=tuple(str(name) for name in document.get("maskedEnv") or ()),
        drain=float(document.get("drainSeconds", timeout)),
        result_hold=float(document.get("resultHoldSeconds", 3600.0)),
    )


def _request(item: Mapping[str, Any]) -> Request:
    sources = item.get("headersFromEnv") or {}
    return Request(
        name=str(item["name"]),
        weight=int(item.get("weight", 1)),
        api=str(item.get("api") or "OpenAIChat"),
        method=item.get("method"),
        path=item.get("path"),
        model=str(item.get("model") or "loopback"),
        prompt_tokens=int(item.get("promptTokens", 100)),
        stream=bool(item.get("stream")),
        headers={str(k): str(v) for k, v in (item.get("headers") or {}).items()},
        headers_from_env={str(k): HeaderSource(str(v["env"]), str(v.get("prefix") or "")) for k, v in sources.items()},
        body=item.get("body"),
        status=int((item.get("expect") or {}).get("status", 200)),
    )
