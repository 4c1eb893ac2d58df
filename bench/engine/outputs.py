"""What wrk, hey, vegeta and Locust say of their runs, as numbers. Seconds; a figure that is not there is None."""

from __future__ import annotations

import dataclasses
import json
import re

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


class Unreadable(ValueError):
    """The output is not what it was to be; the message has it."""


@dataclasses.dataclass(frozen=True)
class Report:
    """What a load generator says of its run."""

    requests: int
    per_second: float
    errors: int
    p50: float | None = None
    p99: float | None = None


def wrk(text: str) -> Report:
    """Of `wrk --latency`."""
    requests = re.search(r"^\s*(\d+) requests in ", text, re.MULTILINE)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    if requests is None or rate is None:
        raise Unreadable(f"wrk says nothing:\n{text}")
    errors = sum(map(int, re.findall(r"(?:connect|read|write|timeout) (\d+)", text)))
    status = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    errors += int(status[1]) if status else 0
    return Report(int(requests[1]), float(rate[1]), errors, _wrk_latency(text, "50"), _wrk_latency(text, "99"))


def _wrk_latency(text: str, percent: str) -> float | None:
    found = re.search(rf"^\s+{percent}%\s+([\d.]+)(us|ms|s|m)\s*$", text, re.MULTILINE)
    return float(found[1]) * _UNITS[found[2]] if found else None


def hey(text: str) -> Report:
    """Of hey. It doubles the per cent signs of its latencies."""
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    counts = [(int(status), int(count)) for status, count in re.findall(r"\[(\d+)\]\s+(\d+) responses", text)]
    if rate is None or not counts:
        raise Unreadable(f"hey says nothing:\n{text}")
    broken = text.partition("Error distribution:")[2]
    errors = sum(count for status, count in counts if not 200 <= status < 300)
    errors += sum(int(count) for count in re.findall(r"^\s+\[(\d+)\]\s", broken, re.MULTILINE))
    requests = sum(count for _, count in counts)
    return Report(requests, float(rate[1]), errors, _hey_latency(text, "50"), _hey_latency(text, "99"))


def _hey_latency(text: str, percent: str) -> float | None:
    found = re.search(rf"^\s+{percent}%+ in ([\d.]+) secs", text, re.MULTILINE)
    return float(found[1]) if found else None


def vegeta(text: str) -> Report:
    """Of `vegeta report -type=json`."""
    try:
        found = json.loads(text)
        latencies = found["latencies"]
        requests = int(found["requests"])
        good = sum(count for status, count in found["status_codes"].items() if status.startswith("2"))
        return Report(
            requests,
            float(found["throughput"]),
            requests - good,
            latencies["50th"] / 1e9 if requests else None,
            latencies["99th"] / 1e9 if requests else None,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise Unreadable(f"vegeta says nothing:\n{text}") from error


def locust(text: str) -> tuple[Report, float]:
    """Of the locustfile here, and its CPU seconds since all users were there."""
    try:
        found = json.loads(text)
        report = Report(found["requests"], found["perSecond"], found["failures"], found["p50"], found["p99"])
        return report, float(found["cpuSeconds"])
    except (ValueError, KeyError, TypeError) as error:
        raise Unreadable(f"Locust says nothing:\n{text}") from error
