"""Specs that must be refused, each with the words that say why; tested on a cluster and without one."""

from __future__ import annotations

import copy
from typing import Any

Spec = dict[str, Any]
_CHAT = {"name": "chat", "api": "OpenAIChat"}
_P99 = [{"metric": "latency.p99", "failAbove": "50ms"}]
_STAGE = {"duration": "10s", "users": 5}
_RATE = {"duration": "10s", "rate": 50}
_KEY = {"name": "c", "key": "k"}


def _spec(load: Spec, **given: Any) -> Spec:
    spec: Spec = {
        "gateway": {"image": "localhost/gatebench/mock:0.1.0", "isolation": "None"},
        "workload": {"requests": [_CHAT]},
        "load": load,
        "objectives": _P99,
        **given,
    }
    return copy.deepcopy(spec)


def closed(**load: Any) -> Spec:
    """Closed load of Locust."""
    return _spec({"stages": [_STAGE], **load})


def closed_go(**load: Any) -> Spec:
    """Closed load of the Go engine."""
    return _spec({"engine": "Go", "stages": [_STAGE], **load})


def open_load(**load: Any) -> Spec:
    """Arrivals at a rate."""
    return _spec({"engine": "Go", "model": "Open", "stages": [_RATE], **load})


def capacity(**load: Any) -> Spec:
    """A search for the capacity."""
    return _spec({"engine": "Go", "model": "Capacity", **load})


def _with(spec: Spec, **parts: Any) -> Spec:
    """The spec with parts replaced."""
    return {**spec, **parts}


def _requests(spec: Spec, *requests: Spec, **workload: Any) -> Spec:
    return {**spec, "workload": {"requests": [{**_CHAT, **request} for request in requests or ({},)], **workload}}


def _url(spec: Spec, url: str, **workload: Any) -> Spec:
    return {**spec, "gateway": {"url": url}, "workload": {**spec["workload"], **workload}}


TAKEN: dict[str, Spec] = {
    "restarts": _with(closed(), repeats={"count": 2, "restartGateway": True}),
    "abort": _with(
        closed(),
        objectives=[
            {"metric": "latency.p95", "failAbove": "1s", "abortAbove": "5s", "abortWindow": "20s"},
            {"metric": "requests.chat.ttft.p99.9", "abortAbove": "1s"},
            {"metric": "throughput", "targetAbove": 100, "abortBelow": 1},
        ],
    ),
    "baseline": _with(closed(), baseline={"run": "old", "tolerance": "3%"}, repeats={"count": 5}),
    "baseline-kept": _with(
        open_load(),
        baseline={
            "configMap": {"name": "kept", "key": "result.json.gz"},
            "tolerances": {"latency.p99": "20%", "requests.chat.latency.p95": "0%"},
            "onRegression": "Warn",
        },
    ),
    "overhead": _with(
        closed_go(),
        upstream={"mock": {}},
        overhead={"enabled": True, "duration": "30s"},
        objectives=[{"metric": "overhead.p50", "failAbove": "10ms"}],
    ),
    "overhead-alone": _with(open_load(), overhead={"enabled": True}),
    "overhead-alone-locust": _with(
        closed(), overhead={"enabled": True}, objectives=[{"metric": "overhead.p50", "failAbove": "10ms"}]
    ),
    "overhead-alone-capacity": _with(capacity(), overhead={"enabled": True}),
    "overhead-off": _with(closed(), overhead={}),
    "closed-repeats": _with(closed(), repeats={"count": 5, "pause": "0s"}),
    "open-repeats": _with(open_load(), repeats={"count": 2}),
    "closed": closed(thinkTime={"min": "0s", "max": "1s"}, spawnRate=10, envFrom=[{"configMapRef": {"name": "c"}}]),
    "closed-go": closed_go(seed=7, thinkTime={"min": "0s", "max": "0s"}, spawnRate=10),
    "closed-spike": closed(stages=[_STAGE, {**_STAGE, "name": "burst", "spike": True}]),
    "open": open_load(arrivals="Constant", maxInFlight=500, seed=2),
    "open-curve": open_load(stages=[{**_RATE, "rate": 0.5}, {**_RATE, "ramp": True}, {**_RATE, "spike": True}]),
    "open-stage-objective": _with(
        open_load(stages=[{**_RATE, "name": "peak"}]),
        objectives=[{"metric": "dropped", "stage": "peak", "failAbove": 0}],
    ),
    "open-body": _requests(open_load(), {"body": '{"n": {{sequence}}}', "check": {"jsonPath": "choices[0].message"}}),
    "open-dataset": _requests(open_load(), {"body": "{{dataset}}"}, dataset={"configMap": _KEY, "order": "Shuffled"}),
    "open-volume": _requests(
        open_load(), {"body": "{{ dataset }}"}, dataset={"persistentVolumeClaim": {"name": "v", "path": "a/b.jsonl"}}
    ),
    "open-https": _url(open_load(), "https://gateway.example", ca={"configMap": _KEY}, http2=True),
    "capacity": capacity(),
    "capacity-search": _with(
        capacity(capacity={"startRate": 10, "maxRate": 500, "step": "60s", "tolerance": "10%"}),
        objectives=[*_P99, {"metric": "capacity.requestsPerSecond", "failBelow": 100}],
    ),
}
"""What must not be refused."""

REFUSED: dict[str, tuple[Spec, str]] = {
    "restarts-url": (
        _with(_url(closed(), "http://gateway.example"), repeats={"count": 2, "restartGateway": True}),
        "repeats.restartGateway needs gateway.image",
    ),
    "baseline-of-both": (
        _with(closed(), baseline={"run": "old", "configMap": {"name": "kept"}, "tolerance": "3%"}),
        "set exactly one of run and configMap",
    ),
    "baseline-of-none": (_with(closed(), baseline={"tolerance": "3%"}), "set exactly one of run and configMap"),
    "baseline-without-tolerance": (_with(closed(), baseline={"run": "old"}), "set tolerance, or tolerances"),
    "baseline-with-no-metric": (
        _with(closed(), baseline={"run": "old", "tolerances": {}}),
        "set tolerance, or tolerances",
    ),
    "baseline-of-no-metric": (
        _with(closed(), baseline={"run": "old", "tolerances": {"p99": "3%"}}),
        "tolerances are by metric",
    ),
    "baseline-of-a-capacity": (
        _with(capacity(), baseline={"run": "old", "tolerance": "3%"}),
        "model Capacity has no repeats",
    ),
    "abort-gateway": (
        _with(closed(), objectives=[{"metric": "gateway.memory.peak", "abortAbove": "1Gi"}]),
        "abortAbove and abortBelow are for what the fleet can tell while the load runs",
    ),
    "abort-upper": (
        _with(closed(), objectives=[{"metric": "latency.p99.upper", "abortAbove": "1s"}]),
        "without stage and .upper",
    ),
    "abort-stage": (
        _with(
            closed(stages=[{**_STAGE, "name": "peak"}]),
            objectives=[{"metric": "latency.p99", "stage": "peak", "abortAbove": "1s"}],
        ),
        "without stage and .upper",
    ),
    "abort-both-ways": (
        _with(closed(), objectives=[{"metric": "latency.p99", "failAbove": "1s", "abortBelow": "1ms"}]),
        "set bounds of one direction",
    ),
    "abort-window": (
        _with(closed(), objectives=[{"metric": "latency.p99", "failAbove": "1s", "abortWindow": "5s"}]),
        "abortWindow needs abortAbove or abortBelow",
    ),
    "abort-capacity": (
        _with(capacity(), objectives=[{"metric": "latency.p99", "failAbove": "1s", "abortAbove": "5s"}]),
        "model Capacity ends a step by itself",
    ),
    "capacity-repeats": (_with(capacity(), repeats={"count": 2}), "model Capacity confirms its rate by itself"),
    "open-by-locust": (open_load(engine="Locust"), "Locust's users wait for an answer"),
    "capacity-by-locust": (capacity(engine="Locust"), "Locust's users wait for an answer"),
    "go-scenario": (_with(closed_go(), workload={"scenario": "gateway-mix"}), "engine Go sends workload.requests"),
    "go-locustfile": (
        _with(closed_go(), workload={"locustfile": {"configMap": {"name": "c"}}}),
        "engine Go sends workload.requests",
    ),
    "closed-rate": (closed_go(stages=[_RATE]), "users with model Closed, and a rate with model Open"),
    "closed-nothing": (closed(stages=[{"duration": "10s"}]), "users with model Closed, and a rate with model Open"),
    "open-users": (open_load(stages=[_STAGE]), "users with model Closed, and a rate with model Open"),
    "open-both": (open_load(stages=[{**_RATE, "users": 5}]), "users with model Closed, and a rate with model Open"),
    "closed-no-stages": (_spec({"engine": "Go"}), "models Closed and Open need stages"),
    "open-no-stages": (_spec({"engine": "Go", "model": "Open"}), "models Closed and Open need stages"),
    "capacity-stages": (capacity(stages=[_RATE]), "model Capacity finds its rates itself"),
    "capacity-of-open": (open_load(capacity={"startRate": 10}), "capacity is for model Capacity"),
    "capacity-start": (capacity(capacity={"startRate": 10, "maxRate": 5}), "startRate must not be above maxRate"),
    "capacity-budget": (capacity(capacity={"step": "1m", "budget": "50s"}), "room for at least one step"),
    "capacity-no-bound": (
        _with(capacity(), objectives=[{"metric": "gateway.cpu.mean", "failAbove": "1"}]),
        "model Capacity needs an objective with failAbove",
    ),
    "capacity-no-objective": (
        {key: part for key, part in capacity().items() if key != "objectives"},
        "model Capacity needs an objective with failAbove",
    ),
    "capacity-upper-bound": (
        _with(capacity(), objectives=[{"metric": "latency.p99.upper", "failAbove": "50ms"}]),
        "model Capacity needs an objective with failAbove",
    ),
    "capacity-stage-objective": (
        _with(capacity(), objectives=[*_P99, {"metric": "latency.p50", "stage": "a", "failAbove": "1s"}]),
        "must be the name of a stage",
    ),
    "only-ramps": (closed(stages=[{**_STAGE, "ramp": True}]), "neither a ramp nor a spike"),
    "only-spikes": (open_load(stages=[{**_RATE, "spike": True}]), "neither a ramp nor a spike"),
    "ramp-and-spike": (closed(stages=[_STAGE, {**_STAGE, "ramp": True, "spike": True}]), "a ramp or a spike, not both"),
    "same-stages": (closed(stages=[{**_STAGE, "name": "a"}] * 2), "names of stages must differ"),
    "closed-arrivals": (closed_go(arrivals="Poisson"), "arrivals and maxInFlight are for models Open and Capacity"),
    "closed-in-flight": (closed_go(maxInFlight=10), "arrivals and maxInFlight are for models Open and Capacity"),
    "open-think-time": (
        open_load(thinkTime={"min": "0s", "max": "0s"}),
        "thinkTime and spawnRate are for model Closed",
    ),
    "open-spawn-rate": (open_load(spawnRate=10), "thinkTime and spawnRate are for model Closed"),
    "few-in-flight": (open_load(workers=4, maxInFlight=3), "at least their number"),
    "locust-seed": (closed(seed=1), "seed is for engine Go"),
    "go-image": (closed_go(image="mine:1"), "image and envFrom are for engine Locust"),
    "go-env-from": (closed_go(envFrom=[{"secretRef": {"name": "s"}}]), "image and envFrom are for engine Locust"),
    "locust-check": (_requests(closed(), {"check": {"jsonPath": "id"}}), "need load.engine: Go"),
    "locust-places": (_requests(closed(), {"body": '{"a": "{{prompt 5}}"}'}), "need load.engine: Go"),
    "locust-http2": (_requests(closed(), http2=True), "workload.dataset, ca and http2 need load.engine: Go"),
    "locust-dataset": (
        _requests(closed(), {"body": "dataset"}, dataset={"configMap": _KEY}),
        "workload.dataset, ca and http2 need load.engine: Go",
    ),
    "locust-ca": (
        _url(closed(), "https://gateway.example", ca={"configMap": _KEY}),
        "workload.dataset, ca and http2 need load.engine: Go",
    ),
    "stream-check": (
        _requests(closed_go(), {"stream": True, "check": {"jsonPath": "id"}}),
        "a stream cannot be checked",
    ),
    "unused-dataset": (_requests(open_load(), dataset={"configMap": _KEY}), "needs a body with {{dataset}}"),
    "two-datasets": (
        _requests(
            open_load(),
            {"body": "{{dataset}}"},
            dataset={"configMap": _KEY, "persistentVolumeClaim": {"name": "v", "path": "f"}},
        ),
        "exactly one of configMap and persistentVolumeClaim",
    ),
    "no-dataset": (
        _requests(open_load(), {"body": "{{dataset}}"}, dataset={"order": "Shuffled"}),
        "exactly one of configMap and persistentVolumeClaim",
    ),
    "dataset-above": (
        _requests(
            open_load(),
            {"body": "{{dataset}}"},
            dataset={"persistentVolumeClaim": {"name": "v", "path": "a/../../f"}},
        ),
        "path must not have '..' in it",
    ),
    "ca-of-http": (_url(open_load(), "http://gateway.example", ca={"configMap": _KEY}), "given by an https url"),
    "ca-of-image": (_requests(open_load(), ca={"configMap": _KEY}), "given by an https url"),
    "locust-overhead": (
        _with(closed(), upstream={"mock": {}}, overhead={"enabled": True}),
        "overhead with an upstream needs load.engine: Go",
    ),
    "capacity-overhead": (
        _with(capacity(), upstream={"mock": {}}, overhead={"enabled": True}),
        "and model Closed or Open",
    ),
    "no-overhead": (
        _with(closed_go(), overhead={"duration": "30s"}, objectives=[{"metric": "overhead.p50", "failAbove": "10ms"}]),
        "need overhead: {enabled: true}",
    ),
    "closed-dropped": (
        _with(closed(), objectives=[{"metric": "dropped", "failAbove": 0}]),
        "closed load drops nothing",
    ),
    "open-capacity-objective": (
        _with(open_load(), objectives=[{"metric": "capacity.requestsPerSecond", "failBelow": 10}]),
        "capacity.requestsPerSecond needs load.model: Capacity",
    ),
}
"""What must be refused, and a part of the message."""
