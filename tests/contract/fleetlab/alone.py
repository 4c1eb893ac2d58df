"""The engine without a master, and the real mock."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import time
import urllib.request
from collections.abc import Callable

from contract.fleetlab import lab
from gatebench_analysis import document
from gatebench_analysis.document import Result


def build_mock(folder: pathlib.Path) -> pathlib.Path:
    """Compiles the mock."""
    path = folder / "mock"
    source = lab.ROOT / "loadtest-images" / "mock"
    environment = {**os.environ, "CGO_ENABLED": "0"}
    subprocess.run(["go", "build", "-o", str(path), "."], cwd=source, check=True, env=environment)
    return path


class Mock:
    """The real mock on a port of its own."""

    def __init__(self, binary: pathlib.Path, *flags: str) -> None:
        self.url = f"http://127.0.0.1:{lab.free_port()}"
        listen = self.url.removeprefix("http://")
        self.process = subprocess.Popen([binary, f"--listen={listen}", "--output-tokens=20", *flags])
        deadline = time.monotonic() + 30
        while True:
            try:
                self.get("/health")
                return
            except OSError:
                assert self.process.poll() is None, "the mock ended"
                assert time.monotonic() < deadline, "the mock does not answer"
                time.sleep(0.02)

    def get(self, path: str) -> bytes:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self.url + path, timeout=5) as answer:
            return bytes(answer.read())

    def counts(self) -> dict[tuple[str, str], int]:
        """How many requests it has answered, by path and status."""
        text = self.get("/metrics").decode()
        found: dict[tuple[str, str], int] = {}
        for labels, value in re.findall(r"^gatebench_mock_requests_total\{(.*)\} (\S+)$", text, re.M):
            known = dict(re.findall(r'(\w+)="([^"]*)"', labels))
            key = known["path"], known["status"]
            found[key] = found.get(key, 0) + int(float(value))
        return found


Serve = Callable[..., Mock]


class Engine:
    """Runs `engine run` in a folder."""

    def __init__(self, binary: pathlib.Path, folder: pathlib.Path) -> None:
        self._binary, self._folder = binary, folder

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        command = [str(self._binary), "run", *arguments]
        return subprocess.Popen(
            command,
            cwd=self._folder,
            env={"PATH": os.environ["PATH"], **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, code: int = 0, **environment: str) -> tuple[str, str]:
        """(stdout, stderr)"""
        process = self.start(*arguments, **environment)
        out, complaints = process.communicate(timeout=120)
        assert process.returncode == code, out + complaints
        return out, complaints

    def result(
        self, *arguments: str, code: int = 0, name: str = "result.json", **environment: str
    ) -> tuple[str, Result]:
        """(the table, the result document)"""
        out, _ = self.run(*arguments, "-json", name, code=code, **environment)
        return out, document.read(self._folder / name)
