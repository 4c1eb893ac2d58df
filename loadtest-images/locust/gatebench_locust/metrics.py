"""The master's /metrics, for Prometheus. Absent where nothing is known yet; never 0 in place of it."""

from __future__ import annotations

import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from gatebench_locust import state
from gatebench_locust.conductor import Conductor

_QUANTILES = (("0.5", "p50Seconds"), ("0.95", "p95Seconds"), ("0.99", "p99Seconds"))


class _Source:
    def __init__(self, conductor: Conductor) -> None:
        self._conductor = conductor

    def collect(self) -> Iterator[Metric]:
        conductor = self._conductor
        live = state.live(conductor, time.time())
        users = conductor.runner.user_count if conductor.runner is not None else 0
        yield GaugeMetricFamily("gatebench_fleet_users", "Users that are running.", users)
        yield GaugeMetricFamily("gatebench_fleet_users_target", "Users that are asked for.", conductor.target()[0])
        workers = GaugeMetricFamily("gatebench_fleet_workers", "Workers by state.", labels=["state"])
        workers.add_metric(["joined"], len(conductor.roster.joined))
        workers.add_metric(["lost"], len(conductor.roster.lost))
        workers.add_metric(["expected"], conductor.plan.expected_workers)
        yield workers
        yield CounterMetricFamily(
            "gatebench_fleet_requests", "Requests that have ended, failed ones too.", conductor.collector.requests
        )
        yield CounterMetricFamily(
            "gatebench_fleet_failures", "Requests that have failed.", conductor.collector.failures
        )
        yield CounterMetricFamily(
            "gatebench_fleet_garbage_messages", "Messages that could not be read.", conductor.roster.garbage
        )
        yield CounterMetricFamily(
            "gatebench_fleet_foreign_joins", "Joins that were refused.", sum(conductor.roster.foreign.values())
        )
        yield from _optional(
            ("gatebench_fleet_rate_target", "Arrivals a second that are asked for.", conductor.rate()),
            ("gatebench_fleet_in_flight", "Requests that are in flight, by the workers' reports.", live["inFlight"]),
        )
        if live["dropped"] is not None:
            yield CounterMetricFamily(
                "gatebench_fleet_dropped", "Arrivals that were due and not sent.", live["dropped"]
            )
        rate = GaugeMetricFamily("gatebench_fleet_requests_per_second", "Over the last ten seconds.")
        if live["requestsPerSecond"] is not None:
            rate.add_metric([], live["requestsPerSecond"])
        yield rate
        latency = GaugeMetricFamily(
            "gatebench_fleet_latency_seconds",
            "Latency of good answers that do not stream, over the last ten seconds.",
            labels=["quantile"],
        )
        for label, field in _QUANTILES:
            if live[field] is not None:
                latency.add_metric([label], live[field])
        yield latency


def _optional(*gauges: tuple[str, str, float | None]) -> Iterator[Metric]:
    for name, text, value in gauges:
        if value is not None:
            yield GaugeMetricFamily(name, text, value)


def exposition(conductor: Conductor) -> bytes:
    """The text for Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Source(conductor))
    return generate_latest(registry)
