"""How fast the mock is on one core, beside a bare fasthttp server under wrk and beside what Locust can send.

The server has one CPU and the client another; rounds alternate, so that whatever else the machine does meets all alike,
and medians are compared. A round in which a server under wrk did not get most of its CPU is disturbed: it is repeated,
at most as often as there are rounds, and left out of the medians where others remain. Rates for each second of CPU
time, of the server under wrk and of Locust itself, stand beside: they suffer least from what else runs, and where all
rounds are disturbed they are what is judged.

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
# Of the server's CPU, under wrk; below, somebody else had it, or wrk's.
UNDISTURBED = 0.8


def build(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """Builds both servers."""
    sources = {"mock": REPOSITORY / "loadtest-images" / "mock", "bare": HERE / "bare"}
    for name, source in sources.items():
        command = ["go", "build", "-trimpath", "-o", str(folder / name), "."]
        subprocess.run(command, cwd=source, check=True, env={**os.environ, "CGO_ENABLED": "0"})
    return {name: folder / name for name in sources}


# Ours are on 127.0.0.1, whatever proxy the environment names.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def fetch(url: str, body: bytes | None = None) -> bytes:
    """What a server of ours answers to a GET, or to a POST of body."""
    with DIRECT.open(url, body, timeout=5) as answer:
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
    found = {"perSecond": float(rate[1]), "serverCpu": busy, "perCpuSecond": float(rate[1]) / busy}
    return {**found, "p50Seconds": float(median[1]) * unit}


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


def measure(rounds: int, seconds: int, folder: pathlib.Path) -> dict[str, Any]:
    """Alternating rounds of all three."""
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        raise SystemExit("two CPUs are needed: one for the server, one for the client")
    server_cpu, client_cpu = cpus[-1], cpus[0]
    programs = build(folder)
    taken: list[dict[str, dict[str, float]]] = []
    mock_command = [str(programs["mock"]), "--listen=ADDRESS", "--latency=0s", "--output-tokens=128"]
    with serving(server_cpu, *mock_command) as mock:
        body = fetch(f"{mock.url}/v1/chat/completions", (HERE / "chat.json").read_bytes()).decode()
        with serving(server_cpu, str(programs["bare"]), "ADDRESS", body) as bare:
            while sum(map(undisturbed, taken)) < rounds and len(taken) < 2 * rounds:
                print(f"round {len(taken) + 1}", file=sys.stderr, flush=True)
                taken.append(
                    {
                        "bare": wrk(bare, client_cpu, seconds),
                        "mock": wrk(mock, client_cpu, seconds),
                        "locust": locust(mock, client_cpu, seconds, folder),
                    }
                )
    with serving(server_cpu, str(programs["mock"]), "--listen=ADDRESS", "--latency=50ms") as late:
        late_by = delay(late, client_cpu, seconds)
    kept = [one for one in taken if undisturbed(one)] or taken
    return {
        "connections": CONNECTIONS,
        "secondsEach": seconds,
        "answerBytes": len(body),
        "loadAverage": os.getloadavg()[0],
        "rounds": taken,
        "disturbedRounds": len(taken) - sum(map(undisturbed, taken)),
        "median": {
            name: {
                key: statistics.median(one[name][key] for one in kept)
                for key in ("perSecond", "perCpuSecond", "serverCpu")
            }
            for name in ("bare", "mock", "locust")
        },
        "mockOfBare": ratios(kept, "bare", LEAST_OF_BARE),
        "mockOfLocust": ratios(kept, "locust", LEAST_OF_LOCUST),
        "delayOf50ms": late_by,
    }


def undisturbed(one: dict[str, dict[str, float]]) -> bool:
    """Whether both servers had their CPU in this round."""
    return min(one["bare"]["serverCpu"], one["mock"]["serverCpu"]) >= UNDISTURBED


def ratios(rounds: Sequence[dict[str, dict[str, float]]], other: str, least: float) -> dict[str, Any]:
    """The mock's rate over another's, round by round."""
    each = [one["mock"]["perSecond"] / one[other]["perSecond"] for one in rounds]
    by_cpu = [one["mock"]["perCpuSecond"] / one[other]["perCpuSecond"] for one in rounds]
    median, median_by_cpu = statistics.median(each), statistics.median(by_cpu)
    judged = median if any(map(undisturbed, rounds)) else median_by_cpu
    return {
        "median": median,
        "rounds": each,
        "medianByCpuSecond": median_by_cpu,
        "atLeast": least,
        "met": judged >= least,
    }


def show(found: dict[str, Any]) -> str:
    """The table."""
    names = {
        "bare": "bare fasthttp, under wrk",
        "mock": "mock, under wrk",
        "locust": "Locust FastHttpUser, against the mock",
    }
    title = f"one core, chat completions of {found['answerBytes']} bytes"
    lines = [f"{title:42}{'requests/s':>12}{'a CPU-second':>14}{'server CPU':>12}"]
    for name, shown in names.items():
        one = found["median"][name]
        lines.append(f"{shown:42}{one['perSecond']:12,.0f}{one['perCpuSecond']:14,.0f}{one['serverCpu']:12.0%}")
    for key, shown in (("mockOfBare", "mock / bare fasthttp"), ("mockOfLocust", "mock / Locust FastHttpUser")):
        ratio = found[key]
        verdict = "ok" if ratio["met"] else "MISSED"
        each = ", ".join(f"{one:.2f}" for one in ratio["rounds"])
        lines.append(
            f"{shown:42}{ratio['median']:12.2f}{ratio['medianByCpuSecond']:14.2f}"
            f"  at least {ratio['atLeast']:g}: {verdict} (rounds: {each})"
        )
    late = found["delayOf50ms"]
    lines.append(
        f"{'latency of 50 ms, p50 as wrk sees it':42}{late['clientP50Seconds'] * 1e3:9.2f} ms"
        f"  excess by the mock's own account: p50 {late['excessSeconds']['p50'] * 1e3:.2f} ms,"
        f" p99 {late['excessSeconds']['p99'] * 1e3:.2f} ms"
    )
    lines.append(
        f"{found['disturbedRounds']} of {len(found['rounds'])} rounds disturbed;"
        f" load average {found['loadAverage']:.1f}: what else runs on these CPUs lowers all figures"
    )
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
    return 0 if found["mockOfBare"]["met"] and found["mockOfLocust"]["met"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
