"""How Go workers join and end: a master or a worker that is gone, strangers, connections without an answer."""

from __future__ import annotations

import pathlib
import signal
import time
from typing import Any

import msgpack
import pytest
import zmq

from contract.fleetlab.engine import EngineFleet, plan
from contract.fleetlab.reading import exact, total
from contract.fleetlab.upstream import Upstream

LONG = [{"name": "long", "durationSeconds": 600.0, "users": 10, "ramp": False}]


@pytest.mark.fault(14)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM])
def test_a_lost_worker_ends_the_load(
    tmp_path: pathlib.Path, binary: pathlib.Path, upstream: Upstream, how: signal.Signals
) -> None:
    with EngineFleet(binary, tmp_path, plan(upstream.url, stages=LONG)) as fleet:
        fleet.start()
        fleet.begin()
        fleet.wait(lambda s: s["step"] == "Stage" and (s["live"]["requests"] or 0) > 50)
        victim = fleet.expect_end("worker-0")
        victim.send_signal(how)
        state = fleet.wait(lambda s: s["reason"] == "WorkerLost", 10)
        assert "1 of 2 workers are left" in state["message"]
        result = fleet.result(20)
        reached = upstream.total
        time.sleep(1)
        if how is not signal.SIGSTOP:
            assert upstream.total == reached, "the others went on"
        if how is signal.SIGTERM:
            assert victim.wait(5) == 4
            assert "somebody else" in (tmp_path / "worker-0.last").read_text()
        victim.kill()
        codes = fleet.finish()
    assert result["outcome"] == "WorkerLost"
    assert [w["lost"] for w in result["workers"]].count(True) == 1
    assert not result["integrity"]["agree"]
    assert total(result) > 0
    assert {name: codes[name] for name in ("master", "worker-1")} == {"master": 0, "worker-1": 0}


@pytest.mark.fault(17)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_workers_stop_without_their_master(
    tmp_path: pathlib.Path, binary: pathlib.Path, upstream: Upstream, how: signal.Signals
) -> None:
    with EngineFleet(binary, tmp_path, plan(upstream.url, stages=LONG)) as fleet:
        fleet.start()
        fleet.begin()
        fleet.wait(lambda s: (s["live"]["requests"] or 0) > 50)
        fleet.processes["master"].send_signal(how)
        why = {signal.SIGKILL: "has closed the connection", signal.SIGSTOP: "has not answered for 4s"}[how]
        for name in ("worker-0", "worker-1"):
            assert fleet.processes[name].wait(12) == 5
            assert f"ERROR worker: the master {why}" in fleet.log(name)
            assert "the load was stopped" in (tmp_path / f"{name}.last").read_text()
        reached = upstream.total
        time.sleep(0.5)
        assert upstream.total == reached


def test_a_worker_that_loses_its_master_before_the_load_says_so(
    tmp_path: pathlib.Path, binary: pathlib.Path, upstream: Upstream
) -> None:
    with EngineFleet(binary, tmp_path, plan(upstream.url, expectedWorkers=1)) as fleet:
        fleet.start(1)
        fleet.processes["master"].kill()
        assert fleet.processes["worker-0"].wait(12) == 5
        assert "no load had begun" in fleet.log("worker-0")
    assert upstream.total == 0


def test_a_terminated_master_takes_its_workers_with_it(
    tmp_path: pathlib.Path, binary: pathlib.Path, upstream: Upstream
) -> None:
    with EngineFleet(binary, tmp_path, plan(upstream.url, stages=LONG)) as fleet:
        fleet.start()
        fleet.begin()
        fleet.wait(lambda s: (s["live"]["requests"] or 0) > 20)
        fleet.processes["master"].terminate()
        codes = {name: process.wait(20) for name, process in fleet.processes.items()}
    assert codes == {"master": 4, "worker-0": 0, "worker-1": 0}


def test_a_worker_with_another_token_is_not_taken(
    tmp_path: pathlib.Path, binary: pathlib.Path, upstream: Upstream
) -> None:
    with EngineFleet(binary, tmp_path, plan(upstream.url, expectedWorkers=1)) as fleet:
        fleet.run("master", "master")
        fleet.wait(lambda s: True)
        fleet.run("stranger", "worker", GATEBENCH_TOKEN="another-token")
        # Hello, ready and goodbye of one connection, then those of the next.
        state = fleet.wait(lambda s: s["foreignJoins"] >= 5)
        assert state["workers"] == []
        assert fleet.call("POST", "/v1/start", {"attempt": "a1"})[0] == 409
        fleet.run("worker-0", "worker")
        fleet.wait(lambda s: len(s["workers"]) == 1)
        fleet.begin()
        result = fleet.result()
        fleet.expect_end("stranger").terminate()
        assert fleet.processes["stranger"].wait(5) == 4
    exact(result, upstream.total)
    strangers = [f["id"] for f in result["integrity"]["foreignJoins"]]
    assert len(strangers) >= 2, "each connection has a name of its own"
    assert len(result["workers"]) == 1


def test_a_python_worker_is_not_taken_for_a_go_one(
    tmp_path: pathlib.Path, binary: pathlib.Path, upstream: Upstream
) -> None:
    with EngineFleet(binary, tmp_path, plan(upstream.url, engine="Locust")) as fleet:
        fleet.run("master", "master")
        fleet.run("worker-0", "worker")
        state = fleet.wait(lambda s: s["foreignJoins"] >= 1)
        assert state["workers"] == []


def test_a_connection_that_is_not_acknowledged_is_given_up_for_another(
    tmp_path: pathlib.Path, binary: pathlib.Path
) -> None:
    """A ROUTER passes over a second connection of the same name, so each must have a name of its own."""
    router = zmq.Context.instance().socket(zmq.ROUTER)
    port = router.bind_to_random_port("tcp://127.0.0.1")
    said: list[tuple[str, str]] = []

    def hear(seconds: float) -> tuple[str, Any, bytes]:
        assert router.poll(seconds * 1000), said
        identity, frame = router.recv_multipart()
        kind, data, node = msgpack.loads(frame, strict_map_key=False)
        assert node.encode() == identity
        said.append((kind, node))
        return kind, data, identity

    def say(identity: bytes, kind: str, data: Any) -> None:
        router.send_multipart([identity, msgpack.dumps([kind, data, identity.decode()])])

    document = plan("http://127.0.0.1:9", expectedWorkers=1)
    with EngineFleet(binary, tmp_path, document, GATEBENCH_LOCUST_PORT=str(port), GATEBENCH_POD_UID="uid-0") as fleet:
        worker = fleet.run("worker-0", "worker")
        began = time.monotonic()
        assert [hear(10)[0] for _ in range(2)] == ["gb_hello", "client_ready"]
        kind, _, first = hear(10)
        assert kind == "quit"
        assert 2.5 < time.monotonic() - began < 6
        say(first, "ack", {"index": 0})  # too late: it is gone
        kind, data, second = hear(10)
        assert (kind, data["kind"], data["pod"]) == ("gb_hello", "Go", "uid-0")
        assert second != first
        assert hear(10)[:2] == ("client_ready", -1)
        say(second, "ack", {"index": 0})
        kinds = {hear(10)[0] for _ in range(2)}
        assert kinds == {"heartbeat", "stats"}
        say(second, "quit", None)
        assert worker.wait(10) == 0
    router.close(0)
