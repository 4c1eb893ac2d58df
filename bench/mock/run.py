"""How fast the mock is on one core, beside a bare fasthttp server under wrk and beside what Locust can send.

The server has one CPU and the client another; rounds alternate, so that whatever else the machine does meets all alike,
and medians are compared. On a machine of one CPU there is nothing to measure.

    .venv/bin/python bench/mock/run.py [--rounds N] [--seconds S]

Prints a table and writes build/bench/mock.json. Exit code 1: a bound is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from typing import Any

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
RESULT = REPOSITORY / "build" / "bench" / "mock.json"
CONNECTIONS = 64
TICKS = os.sysconf("SC_CLK_TCK")

# The bounds: the mock against the bare server, and the mock against Locust.
LEAST_OF_BARE = 0.5
LEAST_OF_LOCUST = 10.0


def build(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """Builds both servers."""
    sources = {"mock": REPOSITORY / "loadtest-images" / "mock", "bare": HERE / "bare"}
    for name, source in sources.items():
        command = ["go", "build", "-trimpath", "-o", str(folder / name), "."]
        subprocess.run(command, cwd=source, check=True, env={**os.environ, "CGO_ENABLED": "0"})
    return {name: folder / name for name in sources}


def fetch(url: str, body: bytes | None = None) -> bytes:
    """What a server of ours answers to a GET, or to a POST of body."""
    with urllib.request.urlopen(url, body, timeout=5) as answer:  # noqa: S310 - always http, on 127.0.0.1
        content: bytes = answer.read()
        return content


class Server:
    """A server on one CPU."""

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self.process, self.url = process, url

    def cpu_seconds(self) -> float:
        """What it has used: user and system time."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


@contextlib.contextmanager
def serving(cpu: int, *command: str) -> Iterator[Server]:
    """Runs a server whose command has ADDRESS where its address belongs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    arguments = [part.replace("ADDRESS", address) for part in command]
    process = subprocess.Popen(["taskset", "-c", str(cpu), *arguments], stderr=subprocess.DEVNULL)
    try:
        url, deadline = f"http://{address}", time.monotonic() + 10
        while True:
            try:
                fetch(f"{url}/health")
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{arguments[0]} does not serve") from None
                time.sleep(0.02)
        yield Server(process, url)
    finally:
        process.terminate()
        process.wait()


def wrk(server: Server, cpu: int, seconds: int, connections: int = CONNECTIONS) -> dict[str, float]:
    """Requests a second under wrk, and how much of its CPU the server used for them."""
    command = ["taskset", "-c", str(cpu), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    before, started = server.cpu_seconds(), time.monotonic()
    out = subprocess.run(
        [*command, "-s", str(HERE / "chat.lua"), f"{server.url}/v1/chat/completions"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    busy = (server.cpu_seconds() - before) / (time.monotonic() - started)
    if "Non-2xx" in out or "Socket errors" in out:
        raise SystemExit(f"wrk met errors:\n{out}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", out)
    median = re.search(r"50%\s+([\d.]+)(us|ms|s)", out)
    if rate is None or median is None:
        raise SystemExit(f"wrk says nothing:\n{out}")
    unit = {"us": 1e-6, "ms": 1e-3, "s": 1.0}[median[2]]
    return {"perSecond": float(rate[1]), "serverCpu": busy, "p50Seconds": float(median[1]) * unit}


def locust(server: Server, cpu: int, seconds: int, folder: pathlib.Path) -> dict[str, float]:
    """Requests a second that one Locust process sends."""
    result = folder / "locust.json"
    command = [
        "taskset",
        "-c",
        str(cpu),
        sys.executable,
        "-m",
        "locust",
        "-f",
        str(HERE / "locustfile.py"),
        "--headless",
    ]
    command += ["--users", str(CONNECTIONS), "--spawn-rate", str(CONNECTIONS), "--run-time", f"{seconds + 1}s"]
    before, started = server.cpu_seconds(), time.monotonic()
    subprocess.run(
        [*command, "--host", server.url],
        check=True,
        capture_output=True,
        env={**os.environ, "LOCUST_RESULT": str(result)},
    )
    busy = (server.cpu_seconds() - before) / (time.monotonic() - started)
    measured: dict[str, float] = json.loads(result.read_text())
    return {**measured, "serverCpu": busy}


def delay(server: Server, cpu: int, seconds: int) -> dict[str, Any]:
    """A latency of 50 ms as wrk sees it, and as the mock itself accounts for it."""
    seen = wrk(server, cpu, seconds, connections=50)
    account = json.loads(fetch(f"{server.url}/gatebench/v1/account"))
    return {"clientP50Seconds": seen["p50Seconds"], **account["delay"]}


def middle(rounds: Sequence[dict[str, float]], key: str = "perSecond") -> float:
    """The median over the rounds."""
    return statistics.median(one[key] for one in rounds)


def measure(rounds: int, seconds: int, folder: pathlib.Path) -> dict[str, Any]:
    """Alternating rounds of all three."""
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        raise SystemExit("two CPUs are needed: one for the server, one for the client")
    server_cpu, client_cpu = cpus[-1], cpus[0]
    programs = build(folder)
    runs: dict[str, list[dict[str, float]]] = {"bare": [], "mock": [], "locust": []}
    mock_command = [str(programs["mock"]), "--listen=ADDRESS", "--latency=0s", "--output-tokens=128"]
    with serving(server_cpu, *mock_command) as mock:
        body = fetch(f"{mock.url}/v1/chat/completions", (HERE / "chat.json").read_bytes()).decode()
        with serving(server_cpu, str(programs["bare"]), "ADDRESS", body) as bare:
            for number in range(rounds):
                print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
                runs["bare"].append(wrk(bare, client_cpu, seconds))
                runs["mock"].append(wrk(mock, client_cpu, seconds))
                runs["locust"].append(locust(mock, client_cpu, seconds, folder))
    with serving(server_cpu, str(programs["mock"]), "--listen=ADDRESS", "--latency=50ms") as late:
        late_by = delay(late, client_cpu, seconds)
    of_bare = [one["perSecond"] / other["perSecond"] for one, other in zip(runs["mock"], runs["bare"], strict=True)]
    of_locust = [one["perSecond"] / other["perSecond"] for one, other in zip(runs["mock"], runs["locust"], strict=True)]
    return {
        "connections": CONNECTIONS,
        "secondsEach": seconds,
        "answerBytes": len(body),
        "loadAverage": os.getloadavg()[0],
        "rounds": runs,
        "medianPerSecond": {name: middle(one) for name, one in runs.items()},
        "medianServerCpu": {name: middle(one, "serverCpu") for name, one in runs.items()},
        "mockOfBare": {"median": statistics.median(of_bare), "rounds": of_bare, "atLeast": LEAST_OF_BARE},
        "mockOfLocust": {"median": statistics.median(of_locust), "rounds": of_locust, "atLeast": LEAST_OF_LOCUST},
        "delayOf50ms": late_by,
    }


def show(found: dict[str, Any]) -> str:
    """The table."""
    rate, busy = found["medianPerSecond"], found["medianServerCpu"]
    bare, sent = found["mockOfBare"], found["mockOfLocust"]
    names = {
        "bare": "bare fasthttp, under wrk",
        "mock": "mock, under wrk",
        "locust": "mock, as fast as Locust sends",
    }
    title = f"one core, chat completions of {found['answerBytes']} bytes"
    lines = [f"{title:42}{'requests/s':>12}{'server CPU':>12}"]
    lines += [f"{names[name]:42}{rate[name]:12,.0f}{busy[name]:11.0%} " for name in names]
    for title, ratio in (("mock / bare fasthttp", bare), ("mock / Locust FastHttpUser", sent)):
        verdict = "ok" if ratio["median"] >= ratio["atLeast"] else "MISSED"
        each = ", ".join(f"{one:.2f}" for one in ratio["rounds"])
        lines.append(f"{title:42}{ratio['median']:12.2f}  at least {ratio['atLeast']:g}: {verdict}  (rounds: {each})")
    late = found["delayOf50ms"]
    lines.append(
        f"{'latency of 50 ms, p50 as wrk sees it':42}{late['clientP50Seconds'] * 1e3:9.2f} ms"
        f"  excess by the mock's own account: p50 {late['excessSeconds']['p50'] * 1e3:.2f} ms,"
        f" p99 {late['excessSeconds']['p99'] * 1e3:.2f} ms"
    )
    lines.append(f"load average {found['loadAverage']:.1f}: what else runs on these CPUs lowers all figures")
    return "\n".join(lines)


def main() -> int:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5, help="alternating rounds (default 5)")
    parser.add_argument("--seconds", type=int, default=3, help="seconds of each measurement (default 3)")
    chosen = parser.parse_args()
    for program in ("go", "wrk", "taskset"):
        if shutil.which(program) is None:
            raise SystemExit(f"{program} is not installed")
    os.environ["CHAT_BODY"] = str(HERE / "chat.json")
    with tempfile.TemporaryDirectory() as folder:
        found = measure(chosen.rounds, chosen.seconds, pathlib.Path(folder))
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(found, indent=1) + "\n")
    print(show(found))
    met = all(found[name]["median"] >= found[name]["atLeast"] for name in ("mockOfBare", "mockOfLocust"))
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
