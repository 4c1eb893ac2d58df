"""A worker that speaks Locust's protocol and ours as the Go engine does, and reports simulated load."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from typing import Any

import msgpack
import zmq

from contract.fleetlab.lab import TOKEN
from contract.fleetlab.simulated import Gateway, Worker

UID = "5b0c3c1e"  # of lab.plan


class GoWorker:
    """Runs in a thread. Use it as a context; `sent` is how many requests it says that it has made."""

    def __init__(self, port: int, name: str, gateway: Gateway, kind: str = "Go") -> None:
        self.id, self._kind = name, kind
        self.sent = self.failed = 0
        self.phases: list[dict[str, Any]] = []
        self.users: dict[str, int] = {}
        self.quit = threading.Event()
        self._stop = threading.Event()
        self._worker = Worker(name, gateway, cpu=0.2)
        self._socket = zmq.Context.instance().socket(zmq.DEALER)
        self._socket.setsockopt(zmq.IDENTITY, name.encode())
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.connect(f"tcp://127.0.0.1:{port}")
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> GoWorker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)

    def _send(self, kind: str, data: Any) -> None:
        self._socket.send(msgpack.dumps([kind, data, self.id]))

    def _run(self) -> None:
        text = f"gatebench worker\n{UID}\n{self.id}".encode()
        proof = hmac.new(TOKEN.encode(), text, hashlib.sha256).hexdigest()
        self._send("gb_hello", {"proof": proof, "host": "h", "kind": self._kind, "engine": "0.9.1"})
        self._send("client_ready", "-1")
        due = time.time() + 1
        while not self._stop.is_set() and not self.quit.is_set():
            if self._socket.poll(max(0, int((due - time.time()) * 1000))):
                kind, data, _ = msgpack.loads(self._socket.recv(), strict_map_key=False)
                self._on(kind, data)
            if time.time() >= due:
                due += 1
                self._send("heartbeat", {"state": "running" if self.users else "ready", "current_cpu_usage": 20.0})
                self._report()
        self._socket.close()

    def _on(self, kind: str, data: Any) -> None:
        if kind == "spawn":
            self.users = dict(data["user_classes_count"])
            self._send("spawning", None)
            self._send("spawning_complete", self._counts())
        elif kind == "gb_phase":
            self.phases.append(data)
            self._worker.told(data)
            self._send("gb_phase_ack", {"order": data["order"]})
        elif kind == "gb_drain":
            self._worker.drained(data["phase"], time.time())
            self.users = dict.fromkeys(self.users, 0)
            self._report(final=True)
        elif kind == "quit":
            self.quit.set()

    def _counts(self) -> dict[str, Any]:
        return {"user_classes_count": self.users, "user_count": sum(self.users.values())}

    def _report(self, final: bool = False) -> None:
        if not self._worker.courses:
            return
        report = self._worker.report(time.time(), final)
        report["attempt"] = self.phases[0]["attempt"]
        count = sum(row[6] for row in report["rows"])
        failed = sum(row[6] for row in report["rows"] if not row[4])
        self.sent += count
        self.failed += failed
        entry = {
            "name": "r",
            "method": "GET",
            "last_request_timestamp": time.time(),
            "start_time": time.time() - 1,
            "num_requests": count,
            "num_none_requests": 0,
            "num_failures": failed,
            "total_response_time": 10.0 * count,
            "max_response_time": 10.0,
            "min_response_time": 10.0,
            "total_content_length": count,
            "response_times": {10: count},
            "num_reqs_per_sec": {int(time.time()): count},
            "num_fail_per_sec": {int(time.time()): failed},
        }
        stats = {"stats": [entry] if count else [], "stats_total": entry | {"name": "Aggregated", "method": ""}}
        self._send("stats", stats | {"errors": {}, "gatebench": report} | self._counts())
