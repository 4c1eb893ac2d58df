"""Reads load documents in tests."""

from __future__ import annotations

import collections
from typing import Any


def total(result: dict[str, Any], **match: object) -> int:
    """Sum of counts of the requests that match."""
    return sum(r["count"] for r in result["requests"] if all(r[k] == v for k, v in match.items()))


def errors(result: dict[str, Any]) -> dict[tuple[str, str], int]:
    """Counts by (name, kind)."""
    out: collections.Counter[tuple[str, str]] = collections.Counter()
    for row in result["errors"]:
        out[row["name"], row["kind"]] += row["count"]
    return dict(out)


def exact(result: dict[str, Any], reached: int | None) -> None:
    """Our total is Locust's, and what the upstream counted."""
    integrity = result["integrity"]
    assert integrity["agree"], integrity
    assert total(result) == integrity["locustRequests"] == integrity["histogramRequests"]
    assert sum(row["count"] for row in result["errors"]) == integrity["histogramFailures"]
    for row in result["requests"]:
        assert row["latency"]["count"] == row["count"]
    if reached is not None:
        assert total(result) == reached
