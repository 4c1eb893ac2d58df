"""What must not change a load unseen: lost workers, a lost master, strangers and garbage on Locust's port."""

from __future__ import annotations

import hashlib
import hmac
import os
import pathlib
import signal
import socket
import time
from collections.abc import Iterator

import msgpack
import pytest
import zmq

from contract.fleetlab.lab import TOKEN, Fleet, plan
from contract.fleetlab.reading import exact, total
from contract.fleetlab.upstream import Upstream

LONG = [{"name": "long", "durationSeconds": 600.0, "users": 10, "ramp": False}]


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        yield server


@pytest.mark.fault(14)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM])
def test_a_lost_worker_ends_the_load(tmp_path: pathlib.Path, upstream: Upstream, how: signal.Signals) -> None:
    with Fleet(tmp_path, plan(upstream.url, stages=LONG)) as fleet:
        fleet.start()
        fleet.begin()
        fleet.wait(lambda s: s["step"] == "Stage" and (s["live"]["requests"] or 0) > 50)
        victim = fleet.expect_end("worker-0")
        victim.send_signal(how)
        state = fleet.wait(lambda s: s["reason"] == "WorkerLost", 10)
        assert len(state["lost"]) == 1
        assert "1 of 2 workers are left" in state["message"]
        assert state["lost"][0] in state["message"]
        result = fleet.result(20)
        reached = upstream.total
        time.sleep(1)
        if how is not signal.SIGSTOP:
            assert upstream.total == reached, "the others went on"
        victim.kill()
        codes = fleet.finish()
    assert result["outcome"] == "WorkerLost"
    assert result["expectedWorkers"] == 2
    assert [w["lost"] for w in result["workers"]].count(True) == 1
    assert not result["integrity"]["agree"]
    assert total(result) > 0
    assert {name: codes[name] for name in ("master", "worker-1")} == {"master": 0, "worker-1": 0}


@pytest.mark.fault(17)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_workers_stop_without_their_master(tmp_path: pathlib.Path, upstream: Upstream, how: signal.Signals) -> None:
    with Fleet(tmp_path, plan(upstream.url, stages=LONG)) as fleet:
        fleet.start()
        fleet.begin()
        fleet.wait(lambda s: (s["live"]["requests"] or 0) > 50)
        fleet.processes["master"].send_signal(how)
        for name in ("worker-0", "worker-1"):
            assert fleet.processes[name].wait(12) == 5
            assert "the master has not answered" in fleet.log(name)
        reached = upstream.total
        time.sleep(0.5)
        assert upstream.total == reached


def dealer(port: int, identity: bytes) -> zmq.Socket[bytes]:
    """A raw peer on Locust's port."""
    sock = zmq.Context.instance().socket(zmq.DEALER)
    sock.setsockopt(zmq.IDENTITY, identity)
    sock.setsockopt(zmq.LINGER, 0)
    sock.connect(f"tcp://127.0.0.1:{port}")
    return sock


def proof(token: str, uid: str, node: str) -> str:
    return hmac.new(token.encode(), f"gatebench worker\n{uid}\n{node}".encode(), hashlib.sha256).hexdigest()


def hello(node: str, shown: object) -> bytes:
    data = {"proof": shown, "host": "h", "kind": "Python", "engine": "2.47.0"}
    return bytes(msgpack.dumps(["gb_hello", data, node]))


GARBAGE = [
    b"",
    b"\xc1",
    b"not msgpack",
    b"\x93\xa5hello",
    os.urandom(4096),
    bytes(msgpack.dumps(["stats"])),
    bytes(msgpack.dumps(["stats", {}, "somebody-else"])),
    bytes(msgpack.dumps({"a": 1})),
    bytes(msgpack.dumps(["x", {"__datetime__": True}, "garbage"])),
    b"\x91" * 100_000,
    bytes(msgpack.dumps(["heartbeat", None, "garbage"])) + b"trailing",
    bytes(msgpack.dumps([1, 2, 3])),
]


@pytest.mark.fault(14)
def test_garbage_and_strangers_change_nothing(tmp_path: pathlib.Path, upstream: Upstream) -> None:
    stages = [{"name": "stage-1", "durationSeconds": 6.0, "users": 10, "ramp": False}]
    with Fleet(tmp_path, plan(upstream.url, stages=stages)) as fleet:
        fleet.start()
        fleet.begin()
        fleet.wait(lambda s: s["step"] == "Stage" and s["users"] == 10)
        peer = dealer(fleet.locust_port, b"garbage")
        for message in GARBAGE:
            peer.send(message)
        peer.send_multipart([b"two", b"frames"])
        stock = dealer(fleet.locust_port, b"stock_worker")
        for kind, data in (
            ("client_ready", "2.47.0"),
            ("heartbeat", {"state": "ready", "current_cpu_usage": 1}),
            ("spawning_complete", {"user_classes_count": {"GatebenchUser": 99}, "user_count": 99}),
            ("stats", {"stats": [], "errors": {}, "user_classes_count": {}}),
            ("exception", {"msg": "x", "traceback": "y"}),
            ("quit", None),
        ):
            stock.send(msgpack.dumps([kind, data, "stock_worker"]))
        forger = dealer(fleet.locust_port, b"forger")
        for shown in ("", 7, None, TOKEN, proof("other", "5b0c3c1e", "forger"), proof(TOKEN, "5b0c3c1e", "x")):
            forger.send(hello("forger", shown))
        late = dealer(fleet.locust_port, b"late_one")
        late.send(hello("late_one", proof(TOKEN, "5b0c3c1e", "late_one")))
        late.send(msgpack.dumps(["client_ready", "2.47.0", "late_one"]))
        with socket.create_connection(("127.0.0.1", fleet.locust_port)) as raw:
            raw.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + os.urandom(1000))
        huge = dealer(fleet.locust_port, b"huge")
        huge.send(b"x" * (9 * 2**20))
        time.sleep(1)
        for sock in (stock, forger, late):
            assert sock.poll(0) == 0, "a stranger was answered"
        state = fleet.state()
        assert state["garbageMessages"] >= len(GARBAGE)
        assert state["users"] == 10
        assert len(state["workers"]) == 2
        result = fleet.result()
        exact(result, upstream.total)
        for sock in (peer, stock, forger, late, huge):
            sock.close()
        codes = fleet.finish()
    assert result["outcome"] == "Finished"
    strangers = {f["id"]: f["count"] for f in result["integrity"]["foreignJoins"]}
    assert strangers.keys() == {"stock_worker", "forger", "late_one"}
    assert strangers["forger"] == 6
    assert set(codes.values()) == {0}


def test_a_twin_of_a_worker_is_not_taken(tmp_path: pathlib.Path, upstream: Upstream) -> None:
    """Somebody who takes a worker's identity cannot take its place, and cannot make it join twice."""
    with Fleet(tmp_path, plan(upstream.url)) as fleet:
        fleet.start()
        node = fleet.state()["workers"][0]["id"]
        twin = dealer(fleet.locust_port, node.encode())
        for _ in range(3):
            twin.send(msgpack.dumps(["client_ready", "2.47.0", node]))
            twin.send(msgpack.dumps(["quit", None, node]))
        time.sleep(1)
        assert len(fleet.state()["workers"]) == 2
        fleet.begin()
        result = fleet.result()
        exact(result, upstream.total)
        twin.close()
    assert result["outcome"] == "Finished"
