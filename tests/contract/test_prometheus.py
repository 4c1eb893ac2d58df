"""Against a real Prometheus: it scrapes a small exporter of ours, and is asked as the operator does it.

The exporter gives its samples times of their own, ten seconds apart from scrape to scrape, so that ten
minutes of history are there within seconds.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import http.server
import os
import pathlib
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from gatebench.io.prometheus import PrometheusClient, Unavailable
from gatebench.measure.answers import Failed, Live, Resources, parse_answers, parse_live
from gatebench.measure.queries import live_queries, plan_queries

ROOT = pathlib.Path(__file__).parents[2]
STEP = 10.0
SCRAPES = 62
# The sample at 60 s lies in it: Prometheus leaves out the very start of a range.
WINDOW = (59.75, 600.0)
_GIB = 2.0**30


def prometheus_binary() -> str | None:
    """Of the embedded cluster, else the one on the path. Debian's 2.x will do for this test too."""
    own = ROOT / ".cluster" / "bin" / "prometheus"
    return str(own) if own.is_file() else shutil.which("prometheus", path=os.environ.get("GATEBENCH_BIN_PATH"))


def cpu(name: str, of: dict[str, str], value: float) -> list[tuple[str, dict[str, str], float]]:
    return [(f"container_cpu_{name}_total", of, value)]


def container(pod: str, **more: str) -> dict[str, str]:
    """Labels as the kubelet's cAdvisor has them."""
    own = {"id": f"/kubepods/{pod}/gateway", "name": "c1", "image": "localhost/gateway:1"}
    return {"namespace": "team", "pod": pod, "container": "gateway", **own, **more}


def at(k: int) -> list[tuple[str, dict[str, str], float]]:
    """What cAdvisor says at its k-th sample. The pod `whole` uses 0.5 cores, and 1 from 300 to 400 s."""
    t = k * STEP
    whole, pod_sum = container("whole"), {**container("whole"), "container": "", "image": "", "name": ""}
    seconds = 0.5 * t + 0.5 * min(max(t - 300, 0), 100)
    out = cpu("usage_seconds", whole, seconds)
    out += cpu("usage_seconds", pod_sum, seconds * 1.1)
    out += cpu("usage_seconds", {**whole, "container": "probe", "id": "/p"}, t * 0.01)
    out += cpu("cfs_periods", {**whole, "container": "probe", "id": "/p"}, t * 10)
    out += [
        ("container_memory_max_usage_bytes", whole, _GIB if k < 50 else 2 * _GIB),
        ("container_memory_working_set_bytes", whole, _GIB / 2 + k),
        ("container_memory_rss", whole, _GIB / 4 + k),
        ("container_pressure_cpu_waiting_seconds_total", whole, t * 0.125),
    ]
    sandbox = {
        "namespace": "team",
        "pod": "whole",
        "container": "",
        "image": "pause",
        "id": "/s",
        "name": "s",
    }
    for interface, rate in (("eth0", 1000.0), ("net1", 24.0), ("lo", 5e6)):
        out.append(("container_network_receive_bytes_total", {**sandbox, "interface": interface}, t * rate))
        out.append(("container_network_transmit_bytes_total", {**sandbox, "interface": interface}, t * 2 * rate))
    quota = container("quota")
    out += cpu("usage_seconds", quota, t) + cpu("cfs_periods", quota, t * 10)
    out += cpu("cfs_throttled_periods", quota, t * 2.5)
    out += [("container_pressure_cpu_waiting_seconds_total", quota, 0.0)]
    out += cpu("usage_seconds", container("restarted", id=f"/{k // 40}"), t if k < 40 else t - 395)
    if not 20 < k < 27:
        out += cpu("usage_seconds", container("gappy"), t)
    out += cpu("usage_seconds", container("twice"), t)
    out += [("requests_total", {"pod": "whole"}, 100.0 * k), ("idle_ratio", {"pod": "whole"}, float("nan"))]
    for le, share in (("0.1", 20), ("1", 50), ("+Inf", 100)):
        out.append(("seconds_bucket", {"pod": "whole", "le": le}, share * k))
    return out


def resource(k: int) -> list[tuple[str, dict[str, str], float]]:
    """/metrics/resource has the same CPU once more, without an image."""
    kept = ("namespace", "pod", "container")
    return [
        (name, {key: labels[key] for key in kept}, value)
        for name, labels, value in at(k)
        if name == "container_cpu_usage_seconds_total" and labels["container"]
    ]


def copy(k: int) -> list[tuple[str, dict[str, str], float]]:
    return [sample for sample in at(k) if sample[1]["pod"] == "twice"]


PAGES: dict[str, Callable[[int], list[tuple[str, dict[str, str], float]]]] = {
    "/metrics/cadvisor": at,
    "/metrics/resource": resource,
    "/copy": copy,
}


class Exporter(http.server.ThreadingHTTPServer):
    """Each scrape of a page gets its next sample."""

    daemon_threads = True

    def __init__(self, started: float) -> None:
        self.started = started
        self.scrapes: collections.Counter[str] = collections.Counter()
        super().__init__(("127.0.0.1", 0), _Pages)


class _Pages(http.server.BaseHTTPRequestHandler):
    server: Exporter

    def do_GET(self) -> None:
        k = min(self.server.scrapes[self.path], SCRAPES)
        self.server.scrapes[self.path] += 1
        stamp = round((self.server.started + k * STEP) * 1000)
        lines = [
            name + "{" + ",".join(f'{key}="{text}"' for key, text in labels.items()) + "}" + f" {value!r} {stamp}\n"
            for name, labels, value in PAGES[self.path](k)
        ]
        body = "".join(lines).replace(" nan ", " NaN ").encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def configuration(exporter: Exporter) -> str:
    target = f"static_configs: [{{targets: ['127.0.0.1:{exporter.server_port}']}}]"
    jobs = [f"- {{job_name: '{path}', metrics_path: {path}, {target}}}" for path in PAGES]
    return "\n".join(["global: {scrape_interval: 100ms, scrape_timeout: 100ms}", "scrape_configs:", *jobs])


def wait_for(what: str, done: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"{what} did not come up"
        time.sleep(0.05)


def answers_ready(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/-/ready", timeout=2) as response:
        return bool(response.status == 200)
    return False


@dataclasses.dataclass
class Server:
    url: str
    started: float
    """Time of the exporter's first sample."""

    @property
    def client(self) -> PrometheusClient:
        return PrometheusClient(self.url)

    async def resources(self, pod: str, *own: Own, window: tuple[float, float] = WINDOW) -> Resources:
        start, end = (self.started + t for t in window)
        plan = plan_queries(pod, "team", start, end, STEP, own, chart_start=self.started)
        answers = await self.client.ask(plan.queries)
        assert not isinstance(answers, Unavailable), answers.reason
        return parse_answers(plan, answers)


@dataclasses.dataclass(frozen=True)
class Own:
    promql: str
    aggregate: str = "mean"
    name: str = "own"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    binary = prometheus_binary()
    if binary is None:
        pytest.skip("no prometheus binary: the embedded cluster brings one (make cluster-up)")
    folder = tmp_path_factory.mktemp("prometheus")
    exporter = Exporter(started=float(round(time.time()) - 900))
    threading.Thread(target=exporter.serve_forever, daemon=True).start()
    (folder / "prometheus.yml").write_text(configuration(exporter))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [
        binary,
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        wait_for("Prometheus", lambda: answers_ready(url))
        wait_for("history", lambda: all(exporter.scrapes[path] > SCRAPES + 2 for path in PAGES))
        yield Server(url, exporter.started)
    finally:
        process.kill()
        process.wait()
        exporter.shutdown()


async def test_the_whole_of_a_window(server: Server) -> None:
    found = await server.resources("whole")
    assert found.values == pytest.approx(
        {
            "gateway.cpu.mean": (0.5 * 540 + 50) / 540,
            "gateway.cpu.max": 1.0,
            "gateway.memory.peak": 2 * _GIB,
            "gateway.memory.end": _GIB / 2 + 60,
            "gateway.network.receive": 1024.0,
            "gateway.network.transmit": 2048.0,
            "gateway.pressure.cpu": 0.125,
        },
        rel=1e-9,
    )
    assert found.missing == {}
    assert set(found.not_applicable) == {"gateway.throttledRatio"}


async def test_the_curves_begin_with_the_warm_up(server: Server) -> None:
    found = await server.resources("whole")
    assert set(found.series) == {
        "gateway.cpu",
        "gateway.memory",
        "gateway.memory.rss",
        "gateway.network.receive",
        "gateway.network.transmit",
        "gateway.pressure.cpu",
    }
    memory = dict(found.series["gateway.memory.rss"])
    assert memory[server.started + 30] == _GIB / 4 + 3
    assert max(value for _, value in found.series["gateway.cpu"]) == pytest.approx(1.0)


async def test_a_quota_that_throttles(server: Server) -> None:
    found = await server.resources("quota")
    assert found.values["gateway.throttledRatio"] == pytest.approx(0.25)
    assert "cgroup v2" in found.missing["gateway.pressure.cpu"]


@pytest.mark.fault(21)
async def test_a_restart_in_the_window(server: Server) -> None:
    found = await server.resources("restarted")
    # 60 to 390 s in the first life, then 5 s from its start, then 200 s
    assert found.values["gateway.cpu.mean"] == pytest.approx((330 + 5 + 200) / 540)


@pytest.mark.fault(21)
async def test_a_gap(server: Server) -> None:
    found = await server.resources("gappy")
    assert found.missing["gateway.cpu.mean"].startswith("MetricsIncomplete")
    assert "has no sample for 70 s" in found.missing["gateway.cpu.mean"]
    assert "gateway.cpu.mean" in (await server.resources("gappy", window=(280.0, 600.0))).values


@pytest.mark.fault(21)
async def test_an_unknown_pod(server: Server) -> None:
    found = await server.resources("nobody")
    assert found.values == {}
    assert all(reason.startswith("NoSeries") for reason in found.missing.values())
    assert found.not_applicable == {}


@pytest.mark.fault(23)
async def test_a_series_of_two_jobs(server: Server) -> None:
    found = await server.resources("twice")
    assert found.missing["gateway.cpu.mean"].startswith("AmbiguousQuery: 2 series")
    assert 'job="/copy"' in found.missing["gateway.cpu.mean"]


@pytest.mark.parametrize(
    ("own", "value"),
    [
        (Own('increase(requests_total{pod="$pod"}[$range])'), 540 / STEP * 100),
        (Own('requests_total{pod="$pod"}', "increase"), 540 / STEP * 100),
        (Own("max(requests_total)", "max"), 6000.0),
        (Own("min(requests_total)", "last"), 6000.0),
        (Own("scalar(sum(requests_total) * 0 + 3)", "min"), 3.0),
        (Own("histogram_quantile(0.2, sum by (le) (rate(seconds_bucket{pod='$pod'}[2m])))"), 0.1),
        (Own('label_replace(sum(requests_total), "a", "$1", "b", "(.*)") * 0'), 0.0),
    ],
)
async def test_queries_of_runs(server: Server, own: Own, value: float) -> None:
    found = await server.resources("whole", own)
    assert found.missing.get("query.own") is None
    assert found.values["query.own"] == pytest.approx(value, rel=0.01)


@pytest.mark.fault(22)
@pytest.mark.parametrize("window", ["2m", "$range"])
async def test_a_quantile_in_the_last_bucket(server: Server, window: str) -> None:
    query = f"histogram_quantile(0.95, sum by (le) (rate(seconds_bucket[{window}])))"
    found = await server.resources("whole", Own(query, "max"))
    assert found.missing["query.own"].startswith("AboveBound: > 1:")
    assert found.above == {"query.own": 1.0}


@pytest.mark.parametrize(
    ("promql", "reason"),
    [
        ("sum(", "QueryFailed: Prometheus refused the query: "),
        ("nothing_at_all", "NoSeries"),
        ("idle_ratio", "NotANumber"),
        ("container_cpu_usage_seconds_total", "AmbiguousQuery"),
        ("requests_total + on(pod) container_cpu_usage_seconds_total", "QueryFailed"),
        ('x{pod="$foo"}', "InvalidQuery"),
    ],
)
async def test_queries_of_runs_that_give_no_figure(server: Server, promql: str, reason: str) -> None:
    found = await server.resources("whole", Own(promql))
    assert found.missing["query.own"].startswith(reason)
    assert "gateway.cpu.mean" in found.values


@pytest.mark.fault(38)
async def test_a_pod_s_name_cannot_reach_other_series(server: Server) -> None:
    found = await server.resources('x"} or container_cpu_usage_seconds_total{pod="whole')
    assert found.values == {}


async def test_live(server: Server) -> None:
    now = server.started + 400
    answers = await server.client.ask(live_queries("whole", "team", now, STEP))
    assert not isinstance(answers, Unavailable)
    assert parse_live(answers) == Live(pytest.approx(1.0), _GIB / 2 + 40)


async def test_an_answer_over_the_limit_fails_alone(server: Server) -> None:
    client = PrometheusClient(server.url, max_bytes=6000)
    start, end = (server.started + t for t in WINDOW)
    plan = plan_queries("whole", "team", start, end, STEP, [Own("container_cpu_usage_seconds_total")])
    answers = await client.ask(plan.queries)
    assert not isinstance(answers, Unavailable)
    assert isinstance(answers["query.own"], Failed)
    assert parse_answers(plan, answers).values["gateway.cpu.max"] == pytest.approx(1.0)
