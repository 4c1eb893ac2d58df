"""The gateway's figures, each with its source: Prometheus, the probe or the kubelet.

Prometheus samples containers every 10 to 15 s, so CPU and memory of a window under a minute come from the probe,
which looks every second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from gatebench_analysis import metrics, quantities
from gatebench_analysis.document import Figure, Probe, figure
from gatebench_analysis.evidence import NOT_OURS, Facts
from gatebench_analysis.load import Series
from gatebench_analysis.observation import Measured, Missing, NotApplicable, Observation

SHORT_WINDOW_SECONDS = 60.0
_NO_QUOTA_SINCE = (1, 33)
_UNITS = {
    "gateway.cpu": "cores",
    "gateway.memory": "bytes",
    "gateway.memory.rss": "bytes",
    "gateway.goroutines": "count",
    "gateway.fds": "count",
    "gateway.network.receive": "bytes/s",
    "gateway.network.transmit": "bytes/s",
    "gateway.pressure.cpu": "ratio",
}
_OF_PROBE = {
    "gateway.cpu.mean": "cores",
    "gateway.cpu.max": "cores",
    "gateway.memory.peak": "bytes",
    "gateway.memory.end": "bytes",
}

_SOURCES = {
    metrics.Origin.KUBELET: "the pod's status",
    metrics.Origin.PROBE: "probe",
    metrics.Origin.GATEWAY: "Prometheus",
}


class Resources(Protocol):
    """What was read from Prometheus over the measured window."""

    @property
    def values(self) -> Mapping[str, float]:
        """By metric name."""

    @property
    def missing(self) -> Mapping[str, str]:
        """Metric -> 'Reason: message'."""

    @property
    def not_applicable(self) -> Mapping[str, str]:
        """Metric -> why it cannot exist here."""

    @property
    def series(self) -> Mapping[str, list[tuple[float, float]]]:
        """Curve -> (unix seconds, value)."""

    @property
    def sources(self) -> Mapping[str, str]:
        """Metric -> the series that its value came from."""

    @property
    def above(self) -> Mapping[str, float]:
        """Metric that is missing -> what it is known to be above."""


def figures(
    resources: Resources | None,
    unavailable: str | None,
    probe: Probe | None,
    facts: Facts,
    spec: Mapping[str, Any],
    environment: Mapping[str, Any],
    window: tuple[float, float] | None,
) -> dict[str, Figure]:
    """All of gateway.* and the run's queries."""
    out: dict[str, Figure] = {}
    for metric in metrics.CATALOGUE:
        if not metric.name.startswith("gateway.") or metric.origin is metrics.Origin.COURSE:
            continue
        if not ours(spec):
            seen: Observation = Missing(NOT_OURS)
        elif metric.origin is metrics.Origin.KUBELET:
            seen = _restarts(facts, probe, window)
        elif metric.origin is metrics.Origin.PROBE:
            seen = _foreign_time(facts, probe)
        else:
            seen = _resource(metric.name, resources, unavailable, probe, facts, environment, window)
        out[metric.name] = figure(seen, metric.unit, _SOURCES[metric.origin])
    for name in _queries(resources, spec):
        out[name] = figure(_prometheus(name, resources, unavailable), "number", "query")
    return out


def ours(spec: Mapping[str, Any]) -> bool:
    """Whether the gateway is run by gatebench."""
    return not isinstance(_object(spec, "gateway").get("url"), str)


def curves(resources: Resources | None) -> dict[str, Series]:
    """The curves of Prometheus, each with columns `at` and its unit."""
    if resources is None:
        return {}
    return {
        name: Series(columns=["at", _UNITS.get(name, "number")], rows=[[at, value] for at, value in points])
        for name, points in resources.series.items()
    }


def _object(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    child = parent.get(key)
    return child if isinstance(child, Mapping) else {}


def _queries(resources: Resources | None, spec: Mapping[str, Any]) -> list[str]:
    given = _object(spec, "metrics").get("queries")
    asked = given if isinstance(given, Sequence) and not isinstance(given, str) else ()
    names = {f"query.{one['name']}" for one in asked if isinstance(one, Mapping) and isinstance(one.get("name"), str)}
    if resources is not None:
        known = (*resources.values, *resources.missing)
        names |= {name for name in known if name.startswith("query.")}
    return sorted(names)


def _prometheus(name: str, resources: Resources | None, unavailable: str | None) -> Observation:
    if resources is None or unavailable is not None:
        return Missing(f"MetricsUnavailable: {unavailable or 'Prometheus was not asked'}")
    if name in resources.values:
        return Measured(resources.values[name], source=resources.sources.get(name, ""))
    if name in resources.above:
        highest = resources.above[name]
        return Measured(highest, f"> {quantities.digits(highest)}", above=True, source=resources.sources.get(name, ""))
    if name in resources.not_applicable:
        return NotApplicable(resources.not_applicable[name])
    return Missing(resources.missing.get(name) or "NoSeries: Prometheus was not asked for it")


def _resource(
    name: str,
    resources: Resources | None,
    unavailable: str | None,
    probe: Probe | None,
    facts: Facts,
    environment: Mapping[str, Any],
    window: tuple[float, float] | None,
) -> Observation:
    if window is not None and window[1] - window[0] < SHORT_WINDOW_SECONDS:
        seen = _from_probe(name, probe)
        if seen is not None:
            return seen
    found = _prometheus(name, resources, unavailable)
    if name == "gateway.throttledRatio" and isinstance(found, Missing) and _no_quota(facts, environment):
        return NotApplicable("exclusive cores have no CPU quota since Kubernetes 1.33, so nothing can throttle them")
    return found


def _no_quota(facts: Facts, environment: Mapping[str, Any]) -> bool:
    version = str(environment.get("kubelet") or "").lstrip("v").split(".")
    try:
        return facts.isolated and (int(version[0]), int(version[1])) >= _NO_QUOTA_SINCE
    except (ValueError, IndexError):
        return False


def _from_probe(name: str, probe: Probe | None) -> Observation | None:
    if probe is None:
        return None
    window = probe.window
    peak = f"; {quantities.size(window.peak_bytes)} since its start" if window.peak_bytes else ""
    known: dict[str, tuple[float | None, str, str]] = {
        "gateway.cpu.mean": (window.cpu_cores_mean, "probe: /proc/PID/stat", ""),
        "gateway.cpu.max": (window.cpu_cores_max, "probe: /proc/PID/stat", "over 5 s"),
        "gateway.memory.peak": (window.rss_bytes_max, "probe: VmRSS", f"resident, each second{peak}"),
        "gateway.memory.end": (window.rss_bytes_end, "probe: VmRSS", "resident"),
    }
    value, source, note = known.get(name, (None, "", ""))
    return None if value is None else Measured(value, note, source=source)


def of_probe(probe: Probe | None) -> dict[str, Figure]:
    """The figures that the probe alone gives of its window."""
    seen = {name: _from_probe(name, probe) for name in _OF_PROBE}
    return {name: figure(one, _OF_PROBE[name]) for name, one in seen.items() if one is not None}


def _foreign_time(facts: Facts, probe: Probe | None) -> Observation:
    if not facts.isolated:
        return NotApplicable("the gateway has no cores of its own")
    if probe is None:
        return Missing("the probe gave no report about the load")
    if probe.window.foreign_ratio is None:
        return Missing(probe.window.missing or "the probe did not account for the gateway's cores")
    return Measured(probe.window.foreign_ratio, quantities.seconds(probe.window.foreign_seconds))


def _restarts(facts: Facts, probe: Probe | None, window: tuple[float, float] | None) -> Observation:
    """In the window: restarts before it do not count where the probe saw the same container throughout."""
    if facts.gateway_restarts is None:
        return Missing("the gateway's pod could not be read")
    throughout = (
        probe is not None and window is not None and probe.window.missing is None and probe.window.seconds is not None
    )
    if facts.gateway_restarts and throughout:
        return Measured(0.0, f"{facts.gateway_restarts} before the load")
    return Measured(float(facts.gateway_restarts))
