"""A fleet whose workers are the Go engine."""

from __future__ import annotations

import csv
import io
import os
import pathlib
import subprocess
from typing import Any

import pytest

from contract.fleetlab import lab

SOURCE = lab.ROOT / "loadtest-images" / "engine"


def build(folder: pathlib.Path) -> pathlib.Path:
    """Compiles the engine as its image does."""
    path = folder / "engine"
    environment = {**os.environ, "CGO_ENABLED": "0"}
    subprocess.run(["go", "build", "-trimpath", "-o", str(path), "."], cwd=SOURCE, check=True, env=environment)
    return path


def plan(target: str, **changes: Any) -> dict[str, Any]:
    """The short plan of the lab, for Go workers."""
    return lab.plan(target, engine="Go", model="Closed") | changes


class EngineFleet(lab.Fleet):
    """A Python master and Go workers."""

    def __init__(
        self, binary: pathlib.Path, folder: pathlib.Path, document: dict[str, Any], **environment: str
    ) -> None:
        super().__init__(folder, document, **environment)
        self._binary = binary

    def command(self, role: str) -> list[str]:
        return [str(self._binary), role] if role == "worker" else super().command(role)

    def table(self, name: str) -> list[dict[str, str]]:
        """One of Locust's own tables."""
        status, content = self.call("GET", f"/v1/csv/{name}.csv")
        assert status == 200, content
        return list(csv.DictReader(io.StringIO(content.decode())))


def agrees(rows: list[dict[str, str]], result: dict[str, Any]) -> None:
    """Locust's own table says of each name what our histograms say: counts exactly, times to the microsecond."""
    names = {(row["Type"], row["Name"]): row for row in rows}
    assert names.keys() == {(r["method"], r["name"]) for r in result["requests"]} | {("", "Aggregated")}
    for (method, name), row in names.items():
        own = [r for r in result["requests"] if name == "Aggregated" or (r["method"], r["name"]) == (method, name)]
        count = sum(r["count"] for r in own)
        assert int(row["Request Count"]) == count
        assert int(row["Failure Count"]) == sum(r["count"] for r in own if r["outcome"] == "failure")
        latencies = [r["latency"] for r in own]
        mean = sum(h["sumSeconds"] for h in latencies) / count
        assert float(row["Average Response Time"]) == pytest.approx(mean * 1e3, abs=2e-3)
        assert float(row["Min Response Time"]) == pytest.approx(min(h["minSeconds"] for h in latencies) * 1e3, abs=2e-3)
        assert float(row["Max Response Time"]) == pytest.approx(max(h["maxSeconds"] for h in latencies) * 1e3, abs=2e-3)
        assert float(row["Average Content Size"]) == pytest.approx(sum(r["bytes"] for r in own) / count, abs=1e-3)
