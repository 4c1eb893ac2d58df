"""plan.json: all that the fleet has to know. Durations are in seconds, rates of the whole fleet in 1/s."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from gatebench.api import quantities
from gatebench.api.load import MAX_IN_FLIGHT, SEED, SPAWN_RATE, Stage
from gatebench.api.overhead import BURST_SECONDS, BURST_SETTLE_SECONDS, BURST_USERS, SETTLE_SECONDS
from gatebench.api.run import active_deadline, direct_leg, has_burst
from gatebench.api.workload import HeaderSource
from gatebench.plan.gateway import target
from gatebench.plan.run import Run
from gatebench.plan.upstream import upstream_url
from gatebench_analysis import metrics

SCHEMA = "gatebench.dev/plan/v1"
RESULT_HOLD_SECONDS = 3600.0
ABORT_WINDOW_SECONDS = 10.0
SCRIPT_PATH = "/etc/gatebench/script"
DATASET_PATH = "/etc/gatebench/dataset"
CA_PATH = "/etc/gatebench/ca"
# The mock then answers as fast as it can, and leaves these requests out of its account of delays.
BURST_HEADERS = {"X-Gatebench-Burst": "true"}
# Of one request name, or an upper bound: known only once all is collected.
_SEARCHED = re.compile(r"errorRatio|dropped|(latency|ttft|interToken)\.(mean|max|p50|p90|p95|p99|p99\.9)")


def document(run: Run) -> dict[str, Any]:
    """The plan of a run."""
    load, workload = run.spec.load, run.spec.workload
    think = load.think_time
    out: dict[str, Any] = {
        "schema": SCHEMA,
        "run": {"namespace": run.namespace, "name": run.name, "uid": run.uid},
        "engine": load.engine,
        "model": load.model,
        "expectedWorkers": load.workers,
        "target": target(run),
        "timeoutSeconds": workload.timeout,
        "warmUpSeconds": load.warm_up,
        "spawnRatePerSecond": float(load.spawn_rate or SPAWN_RATE),
        "thinkTimeSeconds": None if think is None else {"min": think.min, "max": think.max},
        "stages": [_stage(stage, index) for index, stage in enumerate(load.stages or ())],
        "workload": _workload(run),
        "maskedEnv": sorted(set(_secret_variables(run))),
        "drainSeconds": workload.timeout,
        "resultHoldSeconds": active_deadline(run.spec) + RESULT_HOLD_SECONDS,
    }
    if load.engine == "Go":
        out["seed"] = SEED if load.seed is None else load.seed
        out["http2"] = workload.http2
    if workload.ca is not None:
        out["caFile"] = f"{CA_PATH}/{workload.ca.config_map.key}"
    if run.spec.repeats is not None:
        repeats = run.spec.repeats
        out["repeats"] = {"count": repeats.count, "pauseSeconds": repeats.pause, "hold": run.restarts_gateway}
    if (direct := direct_leg(run.spec)) is not None:
        out["direct"] = {
            "target": upstream_url(run),
            "durationSeconds": direct.duration,
            "settleSeconds": SETTLE_SECONDS,
            "maxInFlight": load.max_in_flight or MAX_IN_FLIGHT,
        }
        if has_burst(run.spec):
            out["direct"]["burst"] = {
                "users": BURST_USERS,
                "durationSeconds": BURST_SECONDS,
                "settleSeconds": BURST_SETTLE_SECONDS,
                "headers": BURST_HEADERS,
            }
    if abort := list(_abort_bounds(run)):
        out["abort"] = abort
    if load.is_open:
        out["arrivals"] = load.arrivals or "Poisson"
        out["maxInFlight"] = load.max_in_flight or MAX_IN_FLIGHT
    if load.model == "Capacity":
        out["capacity"] = _capacity(run)
    return out


def _stage(stage: Stage, index: int) -> dict[str, Any]:
    out = {
        "name": stage.name or f"stage-{index + 1}",
        "durationSeconds": stage.duration,
        "ramp": stage.ramp,
        "spike": stage.spike,
    }
    return out | ({"users": stage.users} if stage.rate is None else {"rate": stage.rate})


def _workload(run: Run) -> dict[str, Any]:
    workload = run.spec.workload
    if workload.scenario is not None:
        return {
            "scenario": workload.scenario,
            "healthPath": run.spec.gateway.readiness.path,
            "model": workload.model,
        }
    if workload.locustfile is not None:
        return {"locustfile": f"{SCRIPT_PATH}/{workload.locustfile.config_map.key}"}
    requests = []
    for request in workload.requests or ():
        out = request.model_dump(by_alias=True, exclude={"headers_from", "check"})
        out["headers"] = dict(request.headers or {})
        out["body"] = _body(request.body)
        out["headersFromEnv"] = {
            header: {"env": variable, "prefix": source.prefix}
            for header, variable, source in header_variables(run, request.name)
        }
        if request.check is not None:
            out["check"] = request.check.model_dump(by_alias=True)
        requests.append(out)
    given: dict[str, Any] = {"requests": requests}
    if workload.dataset is not None:
        given["dataset"] = {"path": f"{DATASET_PATH}/{dataset_file(run)}", "order": workload.dataset.order}
    return given


def dataset_file(run: Run) -> str | None:
    """The dataset's file, relative to where it is mounted; None where there is none."""
    dataset = run.spec.workload.dataset
    if dataset is None:
        return None
    if dataset.persistent_volume_claim is not None:
        return dataset.persistent_volume_claim.path
    return dataset.config_map.key if dataset.config_map is not None else None


def _body(text: str | None) -> Any:
    """JSON as an object, so that the fleet sends it as JSON; other text as it is."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def _capacity(run: Run) -> dict[str, Any]:
    """How the master looks for the capacity, and what must hold at a step."""
    search = run.spec.load.search
    return {
        "startRate": search.start_rate,
        "maxRate": search.max_rate,
        "stepSeconds": search.step,
        "settleSeconds": search.settle,
        "tolerance": quantities.bound_value(search.tolerance, "ratio"),
        "maxSteps": search.max_steps,
        "budgetSeconds": search.budget,
        "objectives": list(search_bounds(run)),
    }


def search_bounds(run: Run) -> Iterator[dict[str, Any]]:
    """{metric, below} of each failAbove by which a step can be judged while the load runs."""
    for objective in run.spec.objectives or ():
        metric = metrics.find(objective.metric)
        if metric is not None and objective.fail_above is not None and _SEARCHED.fullmatch(metric.name):
            yield {"metric": metric.name, "below": quantities.bound_value(objective.fail_above, metric.unit)}


def _abort_bounds(run: Run) -> Iterator[dict[str, Any]]:
    """{metric, above or below, windowSeconds} of each bound that ends the load."""
    for objective in run.spec.objectives or ():
        metric = metrics.find(objective.metric)
        for side, bound in (("above", objective.abort_above), ("below", objective.abort_below)):
            if metric is not None and bound is not None:
                window = objective.abort_window or ABORT_WINDOW_SECONDS
                value = quantities.bound_value(bound, metric.unit)
                yield {"metric": metric.name, side: value, "windowSeconds": window}


def header_variables(run: Run, request_name: str | None = None) -> Iterator[tuple[str, str, HeaderSource]]:
    """(header, environment variable, source) of every header that comes from a Secret, numbered over the run."""
    number = 0
    for request in run.spec.workload.requests or ():
        for header, source in sorted((request.headers_from or {}).items()):
            if request_name is None or request.name == request_name:
                yield header, f"GATEBENCH_HEADER_{number}", source
            number += 1


def _secret_variables(run: Run) -> Iterator[str]:
    yield "GATEBENCH_TOKEN"
    for _, name, _ in header_variables(run):
        yield name
    for variable in run.spec.load.env or ():
        if variable.value_from is not None and variable.value_from.secret_key_ref is not None:
            yield variable.name
