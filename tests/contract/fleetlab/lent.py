"""Fleets that are lent to one run after the other."""

from __future__ import annotations

import json
import pathlib
import subprocess
import time
from typing import Any

from contract.fleetlab import engine, lab


class LentFleet(lab.Fleet):
    """Every process has a folder of its own, as in its container; workers are Go's where there is a binary."""

    def __init__(
        self, folder: pathlib.Path, document: dict[str, Any], binary: pathlib.Path | None = None, **environment: str
    ) -> None:
        super().__init__(folder, document, **environment)
        self._binary = binary

    def command(self, role: str) -> list[str]:
        return [str(self._binary), role] if self._binary and role == "worker" else super().command(role)

    def run(self, name: str, role: str, **environment: str) -> subprocess.Popen[bytes]:
        own = self.folder / f"tmp-{name}"
        own.mkdir()
        return super().run(name, role, **{"TMPDIR": str(own)} | environment)

    def hand(self, document: Any) -> tuple[int, dict[str, Any]]:
        """POST /v1/plan."""
        status, content = self.call("POST", "/v1/plan", {"plan": document})
        return status, dict(json.loads(content))

    def keep(self) -> None:
        """Acknowledges the result and keeps the fleet."""
        status, content = self.call("POST", "/v1/ack", {"keep": True})
        assert status == 200, content

    def lend(self, document: dict[str, Any]) -> float:
        """Hands the fleet to a run; how many seconds it takes until all of its workers are there."""
        uid, workers = document["run"]["uid"], document["expectedWorkers"]
        began = time.monotonic()
        assert self.hand(document) == (200, {"run": uid})
        state = self.wait(lambda s: s["run"] == uid and len(s["workers"]) == workers, 20)
        assert (state["step"], state["attempt"], state["resultReady"]) == ("Waiting", None, False)
        return time.monotonic() - began

    def pids(self) -> dict[str, int]:
        """Of the processes that still run as they were started."""
        return {name: process.pid for name, process in self.processes.items() if process.poll() is None}

    def files(self) -> dict[str, list[str]]:
        """What each process has open, by kind."""
        return {name: _open(pid) for name, pid in self.pids().items()}


def _open(pid: int) -> list[str]:
    out = []
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(entry.readlink())
        except FileNotFoundError:
            continue
        out.append(target.split(":[")[0])
    return sorted(out)


def plan_of(kind: str, url: str, uid: str, **changes: Any) -> dict[str, Any]:
    """A run's plan, for workers of a kind."""
    make = engine.plan if kind == "go" else lab.plan
    return make(url, run={"namespace": "team", "name": f"run-{uid}", "uid": uid}, **changes)
