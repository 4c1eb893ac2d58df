"""Locust, Vegeta and hey themselves, and the engine alone: what is read from their files is what the server counted."""

from __future__ import annotations

import csv
import pathlib
import shutil
import subprocess
import sys
import time

import pytest

from contract.fleetlab.upstream import Upstream
from gatebench_analysis import inputs
from gatebench_analysis.contrast import contrast

TOOLS = pathlib.Path(__file__).parents[2] / "bench" / "engine" / "tools"
PACKAGES = {"vegeta": "github.com/tsenart/vegeta/v12", "hey": "github.com/rakyll/hey"}
GOOD, BAD = "/v1/models", "/status"
REQUESTS, FAILURES = 600, 60
LOCUSTFILE = f"""
from locust import FastHttpUser, constant, task

class Client(FastHttpUser):
    wait_time = constant(0.01)
    sent = 0

    @task
    def send(self):
        if Client.sent == {REQUESTS}:
            return
        Client.sent += 1
        if Client.sent % {REQUESTS // FAILURES} == 0:
            self.client.get("/status?code=503", name="/status")
        else:
            self.client.get("/v1/models")
"""
DEADLINE = 240.0


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Vegeta and hey, of the versions that the engine is compared with."""
    if shutil.which("go") is None:
        pytest.skip("needs Go")
    folder = tmp_path_factory.mktemp("tools")
    for name, package in PACKAGES.items():
        subprocess.run(["go", "build", "-o", str(folder / name), package], cwd=TOOLS, check=True)
    return {name: str(folder / name) for name in PACKAGES}


def rate_of(upstream: Upstream) -> tuple[int, int]:
    return upstream.counts["GET", GOOD], upstream.counts["GET", BAD]


def last_total(history: pathlib.Path) -> str:
    """Requests in the last row that Locust has written, which it does every few seconds."""
    rows = list(csv.DictReader(history.read_text().splitlines())) if history.exists() else []
    return rows[-1].get("Total Request Count") or "" if rows else ""


def test_locust(upstream: Upstream, tmp_path: pathlib.Path) -> None:
    (tmp_path / "locustfile.py").write_text(LOCUSTFILE)
    command = [sys.executable, "-m", "locust", "--headless", "--host", upstream.url, "--only-summary"]
    command += ["--users", "10", "--spawn-rate", "10", "--csv", "x", "--exit-code-on-error", "0"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as locust:
        try:
            deadline = time.monotonic() + DEADLINE
            while last_total(tmp_path / "x_stats_history.csv") != str(REQUESTS):
                assert locust.poll() is None, "Locust ended"
                assert time.monotonic() < deadline, f"Locust has sent {upstream.total} requests"
                time.sleep(0.2)
        finally:
            locust.terminate()
        assert locust.wait(DEADLINE) == 0
    assert rate_of(upstream) == (REQUESTS - FAILURES, FAILURES)
    whole, history = (inputs.read(str(tmp_path / f"x_{name}.csv")).figures for name in ("stats", "stats_history"))
    for found in (whole, history):
        assert (found.requests, found.failures) == (REQUESTS, FAILURES)
        assert found.values["errorRatio"] == FAILURES / REQUESTS
        assert found.values["throughput"] > 0
        assert found.values["latency.max"] >= found.values["latency.p95"] >= found.values["latency.p50"]
        assert found.values["latency.p99"] > 0
    assert history.values["latency.p95"] == whole.values["latency.p95"]


def test_vegeta(tools: dict[str, str], upstream: Upstream, tmp_path: pathlib.Path) -> None:
    targets = f"GET {upstream.url}{GOOD}\n\nGET {upstream.url}{GOOD}\n\nGET {upstream.url}{BAD}?code=500\n"
    attack = [tools["vegeta"], "attack", "-duration=3s", "-rate=90", "-output=x.bin"]
    subprocess.run(attack, cwd=tmp_path, input=targets.encode(), check=True, timeout=60)
    report = subprocess.run(
        [tools["vegeta"], "report", "-type=json", "x.bin"], cwd=tmp_path, capture_output=True, check=True, timeout=60
    )
    (tmp_path / "report.json").write_bytes(report.stdout)
    found = inputs.read(str(tmp_path / "report.json")).figures
    good, bad = rate_of(upstream)
    assert (found.requests, found.failures) == (good + bad, bad)
    assert 0 < found.values["throughput"] <= 62
    assert found.values["latency.max"] >= found.values["latency.p95"]


def test_hey(tools: dict[str, str], upstream: Upstream, tmp_path: pathlib.Path) -> None:
    def run(path: str) -> inputs.Reading:
        command = [tools["hey"], "-n", "500", "-c", "5", "-o", "csv", f"{upstream.url}{path}"]
        done = subprocess.run(command, capture_output=True, check=True, timeout=60)
        (tmp_path / "x.csv").write_bytes(done.stdout)
        return inputs.read(str(tmp_path / "x.csv"))

    well, badly = run(GOOD), run(f"{BAD}?code=503")
    assert (well.figures.requests, well.figures.failures) == (500, 0)
    assert well.figures.values["latency.p50"] >= upstream.latency * 0.9
    assert well.figures.values["throughput"] <= 5 / upstream.latency
    assert (badly.figures.requests, badly.figures.failures) == (500, 500)
    assert badly.figures.values["throughput"] == 0
    assert contrast([well], [badly], threshold=10, metrics=["throughput"]).exit_code == 1


def test_the_engine_alone(binary: pathlib.Path, upstream: Upstream, tmp_path: pathlib.Path) -> None:
    command = [str(binary), "run", "-url", upstream.url + GOOD, "-c", "4", "-duration", "3s", "-json", "x.json"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, timeout=60)
    found = inputs.read(str(tmp_path / "x.json"))
    assert found.result is not None
    good, _ = rate_of(upstream)
    # Where the machine was too busy for it to keep up, it says so and there is no figure.
    if not found.doubt:
        assert 0 < found.figures.values["throughput"] <= 1.05 * good / 3
        assert found.figures.instances is None, "what is behind an address is not known"
    else:
        assert found.figures.values == {}
