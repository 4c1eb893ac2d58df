"""Starts and stops the processes of a fleet, and talks to the master's API."""

from __future__ import annotations

import gzip
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "loadtest-images" / "locust"
TOKEN = "token-for-tests-0123456789"


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def plan(target: str, **changes: Any) -> dict[str, Any]:
    """A short plan: two workers, a second of warm-up, one stage."""
    out: dict[str, Any] = {
        "schema": "gatebench.dev/plan/v1",
        "run": {"namespace": "default", "name": "test", "uid": "5b0c3c1e"},
        "expectedWorkers": 2,
        "target": target,
        "timeoutSeconds": 5.0,
        "warmUpSeconds": 1.0,
        "spawnRatePerSecond": 100.0,
        "thinkTimeSeconds": {"min": 0.02, "max": 0.05},
        "stages": [{"name": "stage-1", "durationSeconds": 2.0, "users": 10, "ramp": False}],
        "workload": {"requests": [request()]},
        "maskedEnv": [],
        "drainSeconds": 5.0,
        "resultHoldSeconds": 60.0,
    }
    return out | changes


def request(**changes: Any) -> dict[str, Any]:
    """A declared request as the operator writes it."""
    out: dict[str, Any] = {
        "name": "chat",
        "weight": 1,
        "api": "OpenAIChat",
        "method": None,
        "path": None,
        "model": "loopback",
        "promptTokens": 10,
        "stream": False,
        "headers": {},
        "headersFromEnv": {},
        "body": None,
        "expect": {"status": 200},
    }
    return out | changes


class Fleet:
    """A master and its workers. Use it as a context; nothing of it survives."""

    def __init__(self, folder: pathlib.Path, document: dict[str, Any], **environment: str) -> None:
        self.folder = folder
        self.locust_port, self.api_port, self.web_port = free_port(), free_port(), free_port()
        (folder / "plan.json").write_text(json.dumps(document))
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "PYTHONPATH": str(PACKAGE),
            "PYTHONUNBUFFERED": "1",
            "GATEBENCH_TOKEN": TOKEN,
            "GATEBENCH_PLAN": str(folder / "plan.json"),
            "GATEBENCH_MASTER_HOST": "127.0.0.1",
            "GATEBENCH_LOCUST_PORT": str(self.locust_port),
            "GATEBENCH_API_PORT": str(self.api_port),
            "GATEBENCH_WEB_PORT": str(self.web_port),
        } | environment
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._may_end: set[str] = set()

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait(10)

    def command(self, role: str) -> list[str]:
        """What runs as master or worker."""
        return [sys.executable, "-m", "gatebench_locust", role]

    def run(self, name: str, role: str, **environment: str) -> subprocess.Popen[bytes]:
        """Starts a process; its output goes to NAME.log."""
        log = (self.folder / f"{name}.log").open("wb")
        settings = self._environment | {"GATEBENCH_TERMINATION_LOG": str(self.folder / f"{name}.last")}
        process = subprocess.Popen(
            self.command(role),
            env=settings | environment,
            cwd=self.folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        log.close()
        self.processes[name] = process
        return process

    def start(self, workers: int = 2) -> None:
        """Master and workers, until all of them have joined."""
        self.run("master", "master")
        for number in range(workers):
            self.run(f"worker-{number}", "worker")
        self.wait(lambda state: len(state["workers"]) >= workers)

    def expect_end(self, name: str) -> subprocess.Popen[bytes]:
        """A process that a test is about to end: waiting goes on without it."""
        self._may_end.add(name)
        return self.processes[name]

    def log(self, name: str) -> str:
        """What a process has printed."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def call(
        self, method: str, path: str, body: Any = None, token: str | None = TOKEN, port: int | None = None
    ) -> tuple[int, bytes]:
        """(status, content) of the master's API."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        data = None if body is None else json.dumps(body).encode()
        url = f"http://127.0.0.1:{port or self.api_port}{path}"
        asked = urllib.request.Request(url, data=data, method=method, headers=headers)
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                status, content = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, content = error.code, error.read()
        return status, gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content

    def state(self) -> dict[str, Any]:
        """GET /v1/state."""
        status, content = self.call("GET", "/v1/state")
        assert status == 200, content
        return dict(json.loads(content))

    def wait(self, condition: Callable[[dict[str, Any]], bool], seconds: float = 60.0) -> dict[str, Any]:
        """The first state that meets a condition."""
        deadline = time.monotonic() + seconds
        state: dict[str, Any] | None = None
        while time.monotonic() < deadline:
            try:
                state = self.state()
            except OSError:
                pass
            else:
                if condition(state):
                    return state
            if any(p.poll() for name, p in self.processes.items() if name not in self._may_end):
                break
            time.sleep(0.1)
        logs = "\n".join(f"== {name}\n{self.log(name)[-2000:]}" for name in self.processes)
        raise AssertionError(f"not met; last state {state}\n{logs}")

    def begin(self, attempt: str = "a1") -> None:
        """POST /v1/start."""
        status, content = self.call("POST", "/v1/start", {"attempt": attempt})
        assert status == 200, content

    def result(self, seconds: float = 60.0) -> dict[str, Any]:
        """The load document, once it is there."""
        self.wait(lambda state: bool(state["resultReady"]), seconds)
        status, content = self.call("GET", "/v1/result")
        assert status == 200, content
        return dict(json.loads(content))

    def finish(self) -> dict[str, int]:
        """Acknowledges the result; exit codes by process."""
        status, content = self.call("POST", "/v1/ack", {})
        assert status == 200, content
        return {name: process.wait(20) for name, process in self.processes.items()}
