"""plan.json, parsed once: all that the fleet has to know. Durations are in seconds."""

from __future__ import annotations

import dataclasses
import json
import math
import pathlib
from collections.abc import Mapping
from typing import Any

from gatebench_locust import guards, objectives

SCHEMA = "gatebench.dev/plan/v1"
LOCUST, GO = "Locust", "Go"
CLOSED, OPEN, CAPACITY = "Closed", "Open", "Capacity"
CONSTANT, POISSON = "Constant", "Poisson"
_ARRIVALS = {CLOSED: CONSTANT, OPEN: CONSTANT, CAPACITY: POISSON}  # unless the plan says


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
    """A segment of the load curve; `ramp`: linear from the previous number of users, or rate.

    `rate` is that of open load, in arrivals a second of the whole fleet; `users` is 0 then.
    """

    name: str
    seconds: float
    users: int
    ramp: bool
    rate: float | None = None
    spike: bool = False


@dataclasses.dataclass(frozen=True)
class Capacity:
    """A search for the highest rate at which the objectives hold. Rates are of the whole fleet, a second.

    `tolerance` is the width of the bracket that is good enough, as a ratio of its upper end.
    """

    start_rate: float
    max_rate: float
    step: float
    settle: float
    tolerance: float
    max_steps: int
    budget: float
    objectives: tuple[objectives.Objective, ...]


@dataclasses.dataclass(frozen=True)
class Repeats:
    """How often warm-up and stages are gone through. `pause` is without load, after all is answered; with `hold` the
    master then waits to be told to go on."""

    count: int = 1
    pause: float = 0.0
    hold: bool = False


@dataclasses.dataclass(frozen=True)
class Burst:
    """After the direct leg as much as the upstream and the fleet can do: so many users without think time. Measured for
    `seconds`, after `settle` seconds that are not."""

    users: int
    seconds: float
    settle: float = 0.0


@dataclasses.dataclass(frozen=True)
class Direct:
    """After the load the same requests straight to the upstream: `target`, without a slash at its end. Measured for
    `seconds`, after `settle` seconds that are not."""

    target: str
    seconds: float
    settle: float = 0.0
    burst: Burst | None = None


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
    """The whole plan. Exactly one of requests, scenario and locustfile is set; `capacity` for that model alone."""

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
    engine: str = LOCUST
    model: str = CLOSED
    arrivals: str = CONSTANT
    max_in_flight: int | None = None
    capacity: Capacity | None = None
    repeats: Repeats = Repeats()
    abort: tuple[guards.Guard, ...] = ()
    direct: Direct | None = None


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
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
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
    engine, model = _engine(document)
    capacity = _capacity(document["capacity"]) if model == CAPACITY else None
    stages = () if model == CAPACITY else tuple(_stage(item, model) for item in document["stages"])
    think = document.get("thinkTimeSeconds")
    expected = int(document["expectedWorkers"])
    if expected < 1 or not (stages or capacity):
        raise PlanError("at least one worker and one stage are needed")
    timeout = float(document["timeoutSeconds"])
    in_flight = document.get("maxInFlight")
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
        engine=engine,
        model=model,
        arrivals=_one_of("arrivals", document.get("arrivals") or _ARRIVALS[model], (CONSTANT, POISSON)),
        max_in_flight=None if in_flight is None else int(in_flight),
        capacity=capacity,
        abort=tuple(guards.parse(one) for one in document.get("abort") or ()),
        repeats=_repeats(document.get("repeats") or {}, model),
        direct=_direct(document.get("direct"), engine, model),
    )


def _one_of(field: str, value: Any, words: tuple[str, ...]) -> str:
    if value not in words:
        raise PlanError(f"{field} {value!r} is none of {', '.join(words)}")
    return str(value)


def _engine(document: Mapping[str, Any]) -> tuple[str, str]:
    """(engine, model). What only one engine can do is refused for the other: it must not be left out unseen."""
    engine = _one_of("engine", document.get("engine") or LOCUST, (LOCUST, GO))
    model = _one_of("model", document.get("model") or CLOSED, (CLOSED, OPEN, CAPACITY))
    workload = document["workload"]
    if engine == GO:
        if not workload.get("requests"):
            raise PlanError("engine Go needs workload.requests: scenarios and locustfiles are Python")
        return engine, model
    if model != CLOSED:
        raise PlanError(f"model {model} needs engine Go: Locust's users wait for their answers")
    for field in ("dataset", "caFile", "http2"):
        if workload.get(field) or document.get(field):
            raise PlanError(f"{field} needs engine Go")
    for item in workload.get("requests") or ():
        if item.get("check"):
            raise PlanError(f"request {item.get('name')}: check needs engine Go")
    return engine, model


def _stage(item: Mapping[str, Any], model: str) -> Stage:
    name, rate = str(item["name"]), None
    if model == OPEN:
        rate = float(item["rate"])
        if not 0 <= rate < math.inf:
            raise PlanError(f"stage {name}: a rate of {rate:g} cannot be offered")
    users = 0 if model == OPEN else int(item["users"])
    seconds = float(item["durationSeconds"])
    return Stage(name, seconds, users, bool(item.get("ramp")), rate, bool(item.get("spike")))


def _repeats(item: Mapping[str, Any], model: str) -> Repeats:
    out = Repeats(int(item.get("count", 1)), float(item.get("pauseSeconds") or 0.0), bool(item.get("hold")))
    if out.count < 1 or not 0 <= out.pause < math.inf:
        raise PlanError("repeats: count must be at least 1, and pauseSeconds not negative")
    if out.count > 1 and model == CAPACITY:
        raise PlanError("repeats: a capacity search confirms itself, and is not repeated")
    return out


def _direct(item: Mapping[str, Any] | None, engine: str, model: str) -> Direct | None:
    if item is None:
        return None
    if engine != GO or model == CAPACITY:
        raise PlanError("direct needs engine Go, and model Closed or Open: only these can keep the rate of the gateway")
    out = Direct(
        target=str(item["target"]).rstrip("/"),
        seconds=float(item["durationSeconds"]),
        settle=float(item.get("settleSeconds") or 0.0),
        burst=_burst(item.get("burst")),
    )
    if not 0 < out.seconds < math.inf or not 0 <= out.settle < math.inf:
        raise PlanError("direct: durationSeconds must be above 0, and settleSeconds not negative")
    return out


def _burst(item: Mapping[str, Any] | None) -> Burst | None:
    if item is None:
        return None
    out = Burst(int(item["users"]), float(item["durationSeconds"]), float(item.get("settleSeconds") or 0.0))
    if out.users < 1 or not 0 < out.seconds < math.inf or not 0 <= out.settle < math.inf:
        raise PlanError("direct.burst: users must be at least 1, durationSeconds above 0, settleSeconds not negative")
    return out


def _capacity(item: Mapping[str, Any]) -> Capacity:
    out = Capacity(
        start_rate=float(item["startRate"]),
        max_rate=float(item["maxRate"]),
        step=float(item["stepSeconds"]),
        settle=float(item.get("settleSeconds") or 0.0),
        tolerance=float(item.get("tolerance") or 0.05),
        max_steps=int(item.get("maxSteps") or 40),
        budget=float(item["budgetSeconds"]),
        objectives=objectives.completed(tuple(objectives.parse(one) for one in item.get("objectives") or ())),
    )
    if not 0 < out.start_rate <= out.max_rate < math.inf:
        raise PlanError("capacity: startRate must be above 0, and maxRate at least as high")
    if not 0 < out.tolerance < 1:
        raise PlanError("capacity: tolerance must be between 0 and 1")
    if out.step <= 0 or out.settle < 0 or out.max_steps < 1 or out.budget <= 0:
        raise PlanError("capacity: stepSeconds, settleSeconds, maxSteps and budgetSeconds leave no room for a step")
    return out


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
