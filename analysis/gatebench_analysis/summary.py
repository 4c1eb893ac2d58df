"""The few figures of a result that a status holds. Absent keys are missing values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gatebench_analysis import metrics, overhead, quantities
from gatebench_analysis.document import Result
from gatebench_analysis.observation import Measured

MOST_NAMES = 10
_LATENCY = {"mean": "mean", "p50": "p50", "p90": "p90", "p95": "p95", "p99": "p99", "p99.9": "p999", "max": "max"}
_UPPER = {"p95.upper": "p95Upper", "p99.upper": "p99Upper"}
_STREAMS = {
    "ttftP50Seconds": "ttft.p50",
    "ttftP95Seconds": "ttft.p95",
    "ttftP99Seconds": "ttft.p99",
    "interTokenP50Seconds": "interToken.p50",
    "interTokenP99Seconds": "interToken.p99",
    "tokensPerSecond": "tokensPerSecond",
}
_OVERHEAD = {"p50Seconds": "overhead.p50", "p95Seconds": "overhead.p95", "p99Seconds": "overhead.p99"}
_INTERVALS = {"p50Interval": "overhead.p50", "p95Interval": "overhead.p95", "p99Interval": "overhead.p99"}
_SPREAD = {"throughput": "throughput", "p95Seconds": "latency.p95"}
_MOST_LIMITS, _LONGEST = 4, 160
_GATEWAY = {
    "cpuCoresMean": "gateway.cpu.mean",
    "cpuCoresMax": "gateway.cpu.max",
    "memoryPeakBytes": "gateway.memory.peak",
    "memoryEndBytes": "gateway.memory.end",
    "throttledRatio": "gateway.throttledRatio",
    "foreignTimeRatio": "gateway.foreignTime",
}


def holds(result: Result) -> bool:
    """Whether figures may be shown as a measurement: it is not invalid, and was not cut short."""
    return not any(finding.status == "False" or finding.reason == "NotMeasured" for finding in result.validity)


def summary(result: Result) -> dict[str, Any] | None:
    """The summary; None where the measurement does not hold."""
    if not holds(result):
        return None
    value = _reader(result)
    measured = result.counts.measured
    names = _names(result)
    p95 = value("latency.p95")
    throughput = value("throughput")
    return _present(
        {
            "throughput": throughput,
            "windowSeconds": quantities.significant(result.window_seconds),
            "requests": measured.requests,
            "failures": measured.failures,
            "errorRatio": value("errorRatio"),
            "latencySeconds": _present(
                {key: value(f"latency.{name}") for name, key in _LATENCY.items()}
                | {key: _bound(result, f"latency.{name}") for name, key in _UPPER.items()}
            ),
            "byRequest": [_request(name, value) for name in names[:MOST_NAMES]] or None,
            "offeredRate": quantities.significant(result.offered_rate),
            "dropped": _whole(value("dropped")),
            "repeats": len(result.repeats) or None,
            "spread": _present({key: _spread(result, name) for key, name in _SPREAD.items()}),
            "overhead": _overhead(result, value),
            "streams": _present({key: value(name) for key, name in _STREAMS.items()}),
            "capacity": _capacity(result),
            "gateway": _gateway(result, value),
            "warmUp": {"requests": result.counts.warm_up.requests, "failures": result.counts.warm_up.failures},
            "ceiling": _present(
                {
                    "requestsPerSecond": quantities.significant(result.ceiling.requests_per_second),
                    "thinkTimeBound": result.ceiling.think_time_bound,
                }
            ),
            "display": _present(
                {
                    "throughput": None if throughput is None else quantities.digits(throughput),
                    "p95": None if p95 is None else _display(result, "latency.p95"),
                }
            ),
        }
    )


def _reader(result: Result) -> Callable[[str], float | None]:
    def value(name: str) -> float | None:
        seen = metrics.observe(result, name)
        return quantities.significant(seen.value) if isinstance(seen, Measured) else None

    return value


def _bound(result: Result, name: str) -> float | None:
    """An upper bound; None where it is only known to be above something."""
    seen = metrics.observe(result, name)
    return quantities.significant(seen.value) if isinstance(seen, Measured) and not seen.above else None


def _spread(result: Result, name: str) -> dict[str, float | None] | None:
    """Between which values the repeats are, or an overhead is; None where there was one repeat, or no interval."""
    seen = metrics.observe(result, name)
    if not isinstance(seen, Measured) or seen.low is None:
        return None
    return {"low": quantities.significant(seen.low), "high": quantities.significant(seen.high)}


def _display(result: Result, name: str) -> str:
    seen = metrics.observe(result, name)
    if not isinstance(seen, Measured):
        return quantities.MISSING
    return seen.note if seen.above else quantities.seconds(seen.value)


def request_names(result: Result) -> list[str]:
    """Names of the measured requests, the most frequent first."""
    return _names(result)


def _names(result: Result) -> list[str]:
    """Also where the rows by phase were left out: then as the metrics have them."""
    suffix = ".throughput"
    kept = [
        name.removeprefix("requests.").removesuffix(suffix)
        for name in result.metrics
        if name.startswith("requests.") and name.endswith(suffix)
    ]
    rates = {name: result.metrics[f"requests.{name}{suffix}"].value or 0.0 for name in kept}
    return sorted(kept, key=lambda name: (-rates[name], name))


def _request(name: str, value: Callable[[str], float | None]) -> dict[str, Any]:
    prefix = f"requests.{name}"
    return _always(
        {
            "name": name,
            "throughput": value(f"{prefix}.throughput"),
            "errorRatio": value(f"{prefix}.errorRatio"),
            "p50Seconds": value(f"{prefix}.latency.p50"),
            "p95Seconds": value(f"{prefix}.latency.p95"),
            "p99Seconds": value(f"{prefix}.latency.p99"),
        }
    )


def _gateway(result: Result, value: Callable[[str], float | None]) -> dict[str, Any] | None:
    restarts = value("gateway.restarts")
    window = result.probe.window if result.probe is not None else None
    return _present(
        {
            **{key: value(name) for key, name in _GATEWAY.items()},
            "restarts": None if restarts is None else int(restarts),
            "stealRatio": quantities.significant(window.steal_ratio) if window is not None else None,
            "runQueueWaitRatio": quantities.significant(window.wait_ratio) if window is not None else None,
        }
    )


def _overhead(result: Result, value: Callable[[str], float | None]) -> dict[str, Any] | None:
    ceiling = result.overhead.ceiling if result.overhead is not None else None
    return _present(
        {
            **{key: value(name) for key, name in _OVERHEAD.items()},
            **{key: _spread(result, name) for key, name in _INTERVALS.items()},
            "ceilingRequestsPerSecond": quantities.significant(ceiling),
            "note": overhead.remark(result.metrics) or None,
        }
    )


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _capacity(result: Result) -> dict[str, Any] | None:
    found = result.capacity
    if found is None:
        return None
    low, high = quantities.significant(found.low), quantities.significant(found.high)
    return _present(
        {
            "requestsPerSecond": quantities.significant(found.requests_per_second),
            "bracket": _present({"low": low, "high": high}),
            "limitedBy": [words[:_LONGEST] for words in found.limited_by[:_MOST_LIMITS]] or None,
        }
    )


def _always(given: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in given.items() if item is not None}


def _present(given: dict[str, Any]) -> dict[str, Any] | None:
    """Without what is missing; None where nothing is left."""
    return _always(given) or None
