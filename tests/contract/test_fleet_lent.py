"""A fleet that is lent to one run after the other: the same processes, and nothing of one run in the next."""

from __future__ import annotations

import json
import pathlib
import signal
from typing import Any

import pytest

from contract.fleetlab import lab
from contract.fleetlab.lent import LentFleet, plan_of
from contract.fleetlab.reading import exact, total
from contract.fleetlab.upstream import Upstream

KINDS = pytest.mark.parametrize("kind", ["python", "go"])
SHORT: dict[str, Any] = {
    "warmUpSeconds": 0.0,
    "stages": [{"name": "short", "durationSeconds": 1.0, "users": 4, "ramp": False}],
}
LONG = {"stages": [{"name": "long", "durationSeconds": 600.0, "users": 4, "ramp": False}]}
JOIN_SECONDS = 8.0  # three where the machine has nothing else to do


def fleet_of(kind: str, folder: pathlib.Path, request: pytest.FixtureRequest, document: dict[str, Any]) -> LentFleet:
    return LentFleet(folder, document, request.getfixturevalue("binary") if kind == "go" else None)


def history(fleet: LentFleet) -> str:
    status, content = fleet.call("GET", "/v1/csv/history.csv")
    assert status == 200
    return content.decode()


@KINDS
def test_the_next_run_has_the_same_fleet_and_nothing_of_the_last(
    tmp_path: pathlib.Path, request: pytest.FixtureRequest, kind: str
) -> None:
    with Upstream() as first, Upstream() as second:
        plan = plan_of(kind, first.url, "uid-a", **SHORT)
        with fleet_of(kind, tmp_path, request, plan) as fleet:
            fleet.start()
            before = fleet.pids()
            assert fleet.state()["run"] == "uid-a"
            fleet.begin("a1")
            one = fleet.result()
            exact(one, first.total)
            reached = first.total
            fleet.keep()
            fleet.keep()
            assert fleet.result()["attempt"] == "a1", "a result that is kept can still be fetched"
            named = {"requests": [lab.request(name="other", api="HTTP", path="/v1/models")]}
            stages = [{"name": "other", "durationSeconds": 1.5, "users": 6, "ramp": False}]
            took = fleet.lend(plan_of(kind, second.url, "uid-b", **SHORT | {"workload": named, "stages": stages}))
            print(f"{kind}: {took:.1f} s until the workers were there")
            assert took < JOIN_SECONDS
            assert fleet.call("GET", "/v1/result")[0] == 409, "the result of an earlier run"
            assert fleet.pids() == before
            fleet.begin("b1")
            two = fleet.result()
            assert "chat" not in history(fleet)
            assert "chat" not in fleet.call("GET", "/v1/report.html")[1].decode()
            codes = fleet.finish()
    assert (one["outcome"], two["outcome"], two["attempt"]) == ("Finished", "Finished", "b1"), two["message"]
    exact(two, second.total)
    assert first.total == reached, "something was sent to the target of the earlier run"
    assert {r["name"] for r in two["requests"]} == {"other"}
    assert total(two) == second.counts["GET", "/v1/models"] > 0
    assert [p["name"] for p in two["phases"]] == ["other", "drain"]
    assert two["integrity"]["missingReports"] == 0
    assert set(codes.values()) == {0}


@KINDS
def test_three_runs_leave_no_files_open(
    tmp_path: pathlib.Path, request: pytest.FixtureRequest, upstream: Upstream, kind: str
) -> None:
    with fleet_of(kind, tmp_path, request, plan_of(kind, upstream.url, "uid-0", **SHORT)) as fleet:
        fleet.start()
        before, opened = fleet.pids(), fleet.files()
        for number in range(3):
            reached = upstream.total
            fleet.begin(f"a{number}")
            exact(fleet.result(), upstream.total - reached)
            fleet.keep()
            fleet.lend(plan_of(kind, upstream.url, f"uid-{number + 1}", **SHORT))
        fleet.wait(lambda _: fleet.files() == opened, 10)
        assert fleet.pids() == before


@KINDS
def test_a_fleet_without_a_load_can_be_lent_too(
    tmp_path: pathlib.Path, request: pytest.FixtureRequest, upstream: Upstream, kind: str
) -> None:
    with fleet_of(kind, tmp_path, request, plan_of(kind, "http://127.0.0.1:9", "uid-a")) as fleet:
        fleet.start()
        fleet.lend(plan_of(kind, upstream.url, "uid-b", **SHORT))
        fleet.begin()
        exact(fleet.result(), upstream.total)
        # A result that nobody has acknowledged does not hold it up.
        fleet.lend(plan_of(kind, upstream.url, "uid-c"))
        fleet.processes["master"].send_signal(signal.SIGTERM)
        assert {name: p.wait(20) for name, p in fleet.processes.items()}["master"] == 4


@KINDS
def test_what_cannot_be_taken_is_refused_and_changes_nothing(
    tmp_path: pathlib.Path, request: pytest.FixtureRequest, upstream: Upstream, kind: str
) -> None:
    plan = plan_of(kind, upstream.url, "uid-a", **LONG)
    other = plan_of(kind, upstream.url, "uid-b", **SHORT)
    with fleet_of(kind, tmp_path, request, plan) as fleet:
        fleet.start()
        assert fleet.call("POST", "/v1/plan", {"plan": other}, token="wrong")[0] == 401
        assert fleet.call("GET", "/v1/plan")[0] == 405
        assert fleet.hand(None) == fleet.hand("text") == (400, {"error": "a plan is needed"})
        assert fleet.hand({}) == (400, {"error": "field 'schema' is missing"})
        assert fleet.hand({k: v for k, v in other.items() if k != "timeoutSeconds"}) == (
            400,
            {"error": "field 'timeoutSeconds' is missing"},
        )
        assert fleet.hand(other | {"engine": "Rust"})[0] == 400
        assert fleet.hand(other | {"expectedWorkers": 1e999})[0] == 400
        engine = "Locust" if kind == "go" else "Go"
        error = "engine and expectedWorkers cannot change: the pods are there"
        assert fleet.hand(other | {"engine": engine, "expectedWorkers": 3}) == (
            409,
            {"error": error, "differs": ["engine", "expectedWorkers"]},
        )
        assert fleet.hand(other | {"expectedWorkers": 1})[1]["differs"] == ["expectedWorkers"]
        assert fleet.hand(plan) == (200, {"run": "uid-a"})
        assert fleet.call("POST", "/v1/plan", {"plan": other, "padding": "x" * 2**20})[0] == 413
        assert fleet.call("POST", "/v1/ack", {"keep": True})[0] == 409
        fleet.begin()
        fleet.wait(lambda s: (s["live"]["requests"] or 0) > 10)
        assert fleet.hand(other) == (409, {"error": "a load is under way"})
        assert fleet.hand(plan) == (200, {"run": "uid-a"})
        assert fleet.state()["run"] == "uid-a"
        fleet.call("POST", "/v1/stop", {})
        result = fleet.result()
        exact(result, upstream.total)
        assert fleet.call("POST", "/v1/ack", {"keep": 1})[0] == 400
        fleet.keep()
        codes = fleet.finish()
    assert set(codes.values()) == {0}, "a fleet that was kept and is let go ends as any other"
    assert not list(tmp_path.glob("tmp-*/plan.json"))


def test_a_master_that_goes_takes_no_other_orders(tmp_path: pathlib.Path, upstream: Upstream) -> None:
    with LentFleet(tmp_path, plan_of("python", upstream.url, "uid-a", **SHORT)) as fleet:
        fleet.start()
        fleet.processes["worker-0"].send_signal(signal.SIGSTOP)  # whose word it waits for, two seconds
        plan = plan_of("python", upstream.url, "uid-b", **SHORT)
        assert fleet.hand(plan) == fleet.hand(plan) == (200, {"run": "uid-b"})
        refused = (409, {"error": "the fleet is being handed to another run", "run": "uid-b"})
        assert fleet.hand(plan_of("python", upstream.url, "uid-c")) == refused
        assert fleet.hand(plan_of("python", upstream.url, "uid-a")) == refused
        status, content = fleet.call("POST", "/v1/start", {"attempt": "a1"})
        assert (status, json.loads(content)) == refused
        fleet.processes["worker-0"].send_signal(signal.SIGCONT)
        fleet.wait(lambda s: s["run"] == "uid-b" and len(s["workers"]) == 2, 20)


def test_a_plan_of_the_largest_size_reaches_the_workers(
    tmp_path: pathlib.Path, binary: pathlib.Path, upstream: Upstream
) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "ü" * 150_000}]}
    with LentFleet(tmp_path, plan_of("go", upstream.url, "uid-a"), binary) as fleet:
        fleet.start()
        workload = {"requests": [lab.request(body=body)]}
        fleet.lend(plan_of("go", upstream.url, "uid-b", **SHORT | {"workload": workload}))
        fleet.begin()
        exact(fleet.result(), upstream.total)
        assert upstream.bodies[0] == body


LOCUSTFILE = """
import locust, os, tempfile
{first}
assert os.path.basename(os.getcwd()) == "mounted"

class Own(locust.HttpUser):
    wait_time = locust.constant(0.05)

    @locust.task
    def ask(self):
        self.client.get("/own")
"""


def test_a_locustfile_is_loaded_anew(tmp_path: pathlib.Path, upstream: Upstream) -> None:
    folder = tmp_path / "mounted"
    folder.mkdir()
    script = folder / "locustfile.py"
    script.write_text(LOCUSTFILE.format(first="open('gatebench_locust.py', 'w').write('a folder is no package')"))
    workload = {"locustfile": str(script)}
    with LentFleet(tmp_path, plan_of("python", upstream.url, "uid-a", **SHORT | {"workload": workload})) as fleet:
        fleet.start()
        fleet.begin()
        exact(fleet.result(), upstream.total)
        fleet.keep()
        script.write_text(LOCUSTFILE.format(first=""))
        reached = upstream.total
        fleet.lend(plan_of("python", upstream.url, "uid-b", **SHORT | {"workload": workload}))
        fleet.begin()
        exact(fleet.result(), upstream.total - reached)
        assert set(fleet.finish().values()) == {0}
