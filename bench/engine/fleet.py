"""Twenty engine workers of 200 users each on one Locust master: whether a single request is lost, and what it costs."""

from __future__ import annotations

import pathlib
import sys
import tempfile
from typing import Any

from bench.engine.figures import Check, close
from bench.engine.lab import Lab, cpu_seconds, record, reset
from bench.engine.shown import Part, Table, number
from bench.mock.run import Server

from contract.fleetlab.engine import EngineFleet, agrees, plan
from contract.fleetlab.reading import total

WORKERS, USERS = 20, 200


class PinnedFleet(EngineFleet):
    """Its processes share the clients' CPU."""

    def __init__(self, cpu: int, binary: pathlib.Path, folder: pathlib.Path, document: dict[str, Any]) -> None:
        super().__init__(binary, folder, document)
        self._cpu = cpu

    def command(self, role: str) -> list[str]:
        return ["taskset", "-c", str(self._cpu), *super().command(role)]


def measure(lab: Lab) -> Part:
    """The whole part."""
    seconds = lab.seconds(30, 6)
    with lab.server("--record", "--constant=10ms") as server, tempfile.TemporaryDirectory() as folder:
        found = _run(lab, server, pathlib.Path(folder), seconds)
    rows = [[str(WORKERS), number(found["requests"]), number(found["perSecond"]), f"{found['masterCpuRatio']:.1%}",
             number(found["masterMicrosecondsEach"])]]  # fmt: skip
    head = ["workers", "requests", "a second", "master's CPU", "us of it a request"]
    checks = [
        close("requests reported, of those that the server saw", found["requests"], found["serverRequests"], 0.0),
        close("requests in Locust's own table", found["locustRequests"], found["serverRequests"], 0.0),
        close("reports that are missing", found["missingReports"], 0, 0.0),
        close("failures", found["failures"], 0, 0.0),
    ]
    title = f"{WORKERS} workers of {USERS} users each, one master, for {seconds:g} s"
    return Part(found, [Table(title, head, rows)], list[Check](checks))


def _run(lab: Lab, server: Server, folder: pathlib.Path, seconds: float) -> dict[str, Any]:
    document = plan(
        server.url,
        expectedWorkers=WORKERS,
        spawnRatePerSecond=2000.0,
        thinkTimeSeconds={"min": 0.5, "max": 1.0},
        warmUpSeconds=3.0,
        drainSeconds=10.0,
        timeoutSeconds=10.0,
        stages=[{"name": "all", "durationSeconds": seconds, "users": WORKERS * USERS, "ramp": False}],
    )
    fleet = PinnedFleet(lab.client_cpu, lab.programs["engine"], folder, document)
    with fleet:
        fleet.start(WORKERS)
        reset(server)
        print(f"  {seconds:g} s", file=sys.stderr, flush=True)
        master = fleet.processes["master"].pid
        before = cpu_seconds(master)
        fleet.begin()
        result = fleet.result(seconds + 90)
        used = cpu_seconds(master) - before
        seen = len(record(server).came)
        table = fleet.table("stats")
        agrees(table, result)
        fleet.finish()
    if result["outcome"] != "Finished":
        raise SystemExit(f"the fleet's run ended {result['outcome']}: {result['message']}")
    wall = result["endedAt"] - result["startedAt"]
    count = total(result)
    return {
        "workers": WORKERS,
        "users": WORKERS * USERS,
        "seconds": seconds,
        "requests": count,
        "serverRequests": seen,
        "locustRequests": sum(int(row["Request Count"]) for row in table if row["Name"] == "Aggregated"),
        "failures": total(result, outcome="failure"),
        "missingReports": result["integrity"]["missingReports"],
        "perSecond": count / wall,
        "masterCpuRatio": used / wall,
        "masterMicrosecondsEach": used / count * 1e6,
    }
