"""Statuses as the operator writes them, for the tests of what the command line makes of them."""

from __future__ import annotations

from typing import Any


def conditions(**given: str) -> list[dict[str, Any]]:
    """Conditions from `Valid="False/CoresDisturbed: others took 9 %"`."""
    out = []
    for kind, text in given.items():
        status, _, rest = text.partition("/")
        reason, _, message = rest.partition(": ")
        out.append({"type": kind, "status": status, "reason": reason, "message": message})
    return out


_UP = {
    "Accepted": "True/Valid",
    "GatewayReady": "True/Ready",
    "Isolated": "True/Exclusive: CPU 1 is in no other container's set",
    "FleetReady": "True/Joined: 2 of 2 workers",
}


def passed(**changed: Any) -> dict[str, Any]:
    """A run that passed."""
    status: dict[str, Any] = {
        "step": "Done",
        "conditions": conditions(
            **_UP,
            Valid="True/Measured",
            Passed="True/ObjectivesMet",
            Succeeded="True/Succeeded",
            Stalled="False/Succeeded",
            Reconciling="False/Finished",
            Complete="True/Finished",
        ),
        "environment": {
            "node": "gb0",
            "cpuModel": "a CPU",
            "kernel": "6.1",
            "kubelet": "v1.35.0",
            "cpuset": "1",
            "isolation": "Proven",
            "isolationProof": "1 exclusive CPU, in no other set",
            "colocated": True,
        },
        "summary": {
            "throughput": 58.21,
            "windowSeconds": 65.0,
            "requests": 3790,
            "failures": 6,
            "errorRatio": 0.00158,
            "latencySeconds": {"p50": 0.0812, "p90": 0.11, "p95": 0.143, "p99": 0.231, "max": 1.02},
            "byRequest": [{"name": "chat", "throughput": 58.21, "errorRatio": 0.0, "p50Seconds": 0.0812}],
            "gateway": {
                "cpuCoresMean": 0.612,
                "cpuCoresMax": 0.71,
                "memoryPeakBytes": 432013312,
                "memoryEndBytes": 430000000,
                "foreignTimeRatio": 0.0031,
                "restarts": 0,
            },
            "warmUp": {"requests": 412, "failures": 0},
            "ceiling": {"requestsPerSecond": 60.3, "thinkTimeBound": True},
            "display": {"throughput": "58.2", "p95": "143 ms"},
        },
        "objectives": [
            {"metric": "throughput", "outcome": "Good", "observed": "58.2/s", "bound": "targetAbove 50"},
            {
                "metric": "latency.p95",
                "stage": "hold",
                "outcome": "Warn",
                "observed": "143 ms",
                "bound": "warnAbove 100ms",
            },
            {"metric": "gateway.throttledRatio", "outcome": "NotApplicable", "message": "no quota"},
        ],
        "missing": ["latency.p99.9"],
        "warnings": ["a hyper-thread sibling of CPU 1 is shared"],
        "artifacts": {"result": "demo-result", "report": "demo-locust", "logs": "demo-logs"},
    }
    return {**status, **changed}


def failed() -> dict[str, Any]:
    """A run whose objectives failed."""
    return passed(
        conditions=conditions(
            **_UP,
            Valid="True/Measured",
            Passed="False/ObjectivesFailed: latency.p95 is 143 ms, above 100 ms",
            Succeeded="False/ObjectivesFailed",
            Complete="True/Finished",
        )
    )


def invalid() -> dict[str, Any]:
    """A run whose measurement does not hold: no summary."""
    status = passed(
        conditions=conditions(
            **_UP,
            Valid="False/CoresDisturbed: others took 9 % of CPU 1. Remedy: keep other processes off",
            Passed="Unknown/NotMeasured",
            Succeeded="False/CoresDisturbed",
            Complete="True/Finished",
        ),
        objectives=[],
        missing=[],
    )
    del status["summary"]
    return status


def undecided() -> dict[str, Any]:
    """A valid run with an objective that could not be known."""
    return passed(
        conditions=conditions(
            **_UP,
            Valid="True/Measured",
            Passed="Unknown/ObjectivesUnknown: gateway.cpu.mean is missing",
            Succeeded="False/ObjectivesUnknown",
            Complete="True/Finished",
        )
    )


def refused() -> dict[str, Any]:
    """A run that was never accepted."""
    return {
        "step": "Done",
        "conditions": conditions(
            Accepted="False/TargetNotAllowed: http://example.test:80 is not allowed",
            Valid="Unknown/NotMeasured",
            Passed="Unknown/NotMeasured",
            Succeeded="False/TargetNotAllowed",
            Complete="True/Failed",
        ),
    }


def gateway_failed() -> dict[str, Any]:
    """A run that ended before it measured."""
    return {
        "step": "Done",
        "conditions": conditions(
            Accepted="True/Valid",
            GatewayReady="False/GatewayFailed: exit code 3",
            Isolated="Unknown/NotMeasured",
            Valid="Unknown/NotMeasured",
            Passed="Unknown/NotMeasured",
            Succeeded="False/GatewayFailed",
            Complete="True/Failed: the gateway failed",
        ),
    }


def starting() -> dict[str, Any]:
    """The gateway is coming up."""
    return {
        "step": "Starting",
        "conditions": conditions(
            Accepted="True/Valid",
            GatewayReady="Unknown/Starting",
            Complete="False/Running",
            Reconciling="True/Progressing",
        ),
    }


def measuring(elapsed: float = 12.0) -> dict[str, Any]:
    """Under load."""
    return {
        "step": "Measuring",
        "conditions": conditions(**_UP, Complete="False/Running", Succeeded="Unknown/Progressing"),
        "progress": {"stage": "stage-1", "elapsedSeconds": elapsed, "totalSeconds": 75.0, "percent": 16},
        "live": {
            "at": "2026-11-24T12:00:40Z",
            "users": 50,
            "requestsPerSecond": 58.21,
            "p95Seconds": 0.143,
            "errorRatio": 0.0,
            "gatewayCpuCores": 0.61,
            "gatewayMemoryBytes": 432013312,
        },
    }
