"""Measures on a cluster what the rows about real runs are made of: `python -m bench.truth.cluster --help`.

The results are kept in build/bench/truth-runs; the table judges them anew each time. A run takes about two minutes and
a core of a node.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import datetime
import json
import os
import pathlib
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from bench.truth import pairs, plan
from bench.truth.plan import Planned

from gatebench.api import GROUP, KIND, VERSION
from gatebench.cli import artifacts, checks, view
from gatebench.cli import cluster as clusters
from gatebench.cli.errors import ApiError, CliError
from gatebench_analysis import document

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "bench" / "truth-runs"
NAMESPACE = "gatebench-truth"
HOW_TO_GET = "make cluster-up images deploy && CLUSTER_ROWS=1 make bench-truth"
_PLAN = "plan.json"
_POLL_SECONDS = 2.0
_RUN_SECONDS = 900.0
_SILENCE_SECONDS = 60.0
_GONE_SECONDS = 120.0
# So many in succession without a result are no chance.
_FAILURES = 3

Answer = TypeVar("Answer")


class Broken(Exception):
    """It makes no sense to go on; the message says what to do."""


class Board:
    """Progress on standard error: a line for each run, with an estimate of the time that is left."""

    def __init__(self, write: Callable[[str], None], lanes: int) -> None:
        self._write, self._lanes = write, lanes
        self._seconds: list[float] = []
        self._left = 0

    def expect(self, runs: int) -> None:
        """So many are to come."""
        self._left = runs

    def done(self, name: str, seconds: float, outcome: str) -> None:
        """One more, and what came of it."""
        self._seconds.append(seconds)
        self._left -= 1
        mean = sum(self._seconds) / len(self._seconds)
        left = f"; {self._left} more in about {mean * self._left / self._lanes / 60:.0f} min" if self._left else ""
        self._write(f"{seconds:4.0f} s  {name}: {outcome}{left}")


class Measurement:
    """Runs on one cluster, whose results go to a folder."""

    def __init__(self, cluster: clusters.Cluster, folder: pathlib.Path, nodes: Sequence[str], board: Board) -> None:
        self._cluster, self._folder, self._nodes, self._board = cluster, folder, nodes, board
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._failures = 0

    def all(self, runs: Sequence[Planned]) -> None:
        """Measures those that are not on record, on each node one after the other. Raises Broken."""
        todo = [run for run in runs if not pairs.on_record(self._folder, run.name)]
        self._board.expect(len(todo))
        lanes = [[run for run in todo if self._node(run) == node] for node in self._nodes]
        with concurrent.futures.ThreadPoolExecutor(len(lanes)) as pool:
            futures = [pool.submit(self._lane, lane) for lane in lanes]
            try:
                for future in concurrent.futures.as_completed(futures):
                    future.result()
            finally:
                self._stop.set()
        self._stop.clear()

    def _node(self, run: Planned) -> str:
        """Both sides of a pair are on one."""
        return self._nodes[(run.pair - 1) % len(self._nodes)]

    def _lane(self, runs: Sequence[Planned]) -> None:
        for run in runs:
            if self._stop.is_set():
                return
            began = time.monotonic()
            try:
                packed, why = self._one(run)
            finally:
                _remove(self._cluster, run.name)
            self._keep(run, packed, why, time.monotonic() - began)

    def _one(self, run: Planned) -> tuple[bytes | None, str]:
        """The packed result, or why there is none."""
        _remove(self._cluster, run.name)  # of a measurement that was interrupted
        manifest = plan.manifest(run, self._node(run))
        _patiently(lambda: self._cluster.apply(manifest, NAMESPACE))
        deadline = time.monotonic() + _RUN_SECONDS
        while not (seen := self._look(run.name)).complete:
            if time.monotonic() > deadline:
                return None, f"it was not complete after {_RUN_SECONDS:.0f} s, but at step {seen.step}"
            if self._stop.wait(_POLL_SECONDS):
                raise Broken("it was ended")
        name = seen.part("artifacts").get("result")
        if name:
            return artifacts.result(_patiently(lambda: self._cluster.get("ConfigMap", str(name), NAMESPACE))), ""
        ended = seen.conditions.get("Succeeded")
        return None, f"{ended.reason}: {ended.message}" if ended else "it is complete, and says nothing"

    def _look(self, name: str) -> view.View:
        return view.of(_patiently(lambda: self._cluster.get(KIND, name, NAMESPACE)))

    def _keep(self, run: Planned, packed: bytes | None, why: str, seconds: float) -> None:
        with self._lock:
            if packed is not None:
                _write(self._folder / f"{run.name}{pairs.RESULT}", packed)
                outcome = pairs.kept(run.name, document.read(packed)).unsound or "holds"
                self._failures = 0
            else:
                _write(self._folder / f"{run.name}{pairs.NONE}", f"{why}\n".encode())
                outcome = f"no result: {why}"
                self._failures += 1
            self._board.done(run.name, seconds, outcome)
            if self._failures >= _FAILURES:
                again = f"delete {self._folder}/*{pairs.NONE} to measure them again"
                raise Broken(f"{_FAILURES} runs in succession have no result; the last: {why}; {again}, with --resume")


def _write(path: pathlib.Path, content: bytes) -> None:
    """All of it or nothing."""
    part = path.with_name(f".{path.name}")
    part.write_bytes(content)
    part.rename(path)


def _patiently(ask: Callable[[], Answer]) -> Answer:
    """An answer of the API server, which on a busy machine may be silent for a while. Raises ApiError."""
    deadline = time.monotonic() + _SILENCE_SECONDS
    while True:
        try:
            return ask()
        except ApiError as error:
            refused = error.code is not None and 400 <= error.code < 500 and error.code != 429
            if refused or time.monotonic() > deadline:
                raise
        time.sleep(_POLL_SECONDS)


def _remove(cluster: clusters.Cluster, name: str) -> None:
    """Deletes a run and waits until it is gone; its pods hold CPU that the next one needs."""
    deadline = time.monotonic() + _GONE_SECONDS
    if _patiently(lambda: cluster.find(KIND, name, NAMESPACE)) is None:
        return
    _patiently(lambda: cluster.delete(KIND, name, NAMESPACE))
    while _patiently(lambda: cluster.find(KIND, name, NAMESPACE)) is not None or list(_pods_of(cluster, name)):
        if time.monotonic() > deadline:
            left = f"see kubectl -n {NAMESPACE} get pods"
            raise Broken(f"run {name} is still being deleted after {_GONE_SECONDS:.0f} s: {left}")
        time.sleep(_POLL_SECONDS)


def _pods_of(cluster: clusters.Cluster, name: str) -> Iterator[str]:
    path = clusters.path_of("Pod", NAMESPACE)
    for pod in _patiently(lambda: cluster.json("GET", path, about="list of pods")).get("items") or ():
        if any(owner.get("name") == name for owner in pod["metadata"].get("ownerReferences") or ()):
            yield str(pod["metadata"]["name"])


def _connect(kubeconfig: str | None) -> clusters.Cluster:
    """A cluster that knows runs. Raises Broken that says how to get one."""
    try:
        cluster = clusters.connect(kubeconfig, None)
        cluster.json("GET", f"/apis/{GROUP}/{VERSION}", about=KIND)
    except CliError as error:
        raise Broken(f"no cluster to measure on: {error}; the embedded one: make cluster-up images deploy") from error
    return cluster


def _make_namespace(cluster: clusters.Cluster) -> None:
    """There afterwards, also where an earlier one is still being deleted."""
    path, deadline = f"/api/v1/namespaces/{NAMESPACE}", time.monotonic() + _GONE_SECONDS
    while True:
        try:
            found = cluster.json("GET", path, about=f"namespace {NAMESPACE}")
            if not found["metadata"].get("deletionTimestamp"):
                return
        except ApiError as error:
            if error.code != 404:
                raise
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
            cluster.json("POST", "/api/v1/namespaces", about=f"namespace {NAMESPACE}", body=body)
            return
        if time.monotonic() > deadline:
            raise Broken(f"namespace {NAMESPACE} is still being deleted after {_GONE_SECONDS:.0f} s")
        time.sleep(_POLL_SECONDS)


def _nodes(cluster: clusters.Cluster, parallel: int) -> list[str]:
    """The names of as many nodes as runs may be side by side. Raises Broken where there are fewer."""
    found = cluster.json("GET", "/api/v1/nodes", about="list of nodes").get("items") or []
    names = sorted(room.node for room in checks.rooms(found, None))
    if len(names) < parallel:
        raise Broken(f"--parallel {parallel}: each run takes a node, and {len(names)} of the cluster take pods")
    return names[:parallel]


def _prepare(folder: pathlib.Path, resume: bool, cluster: clusters.Cluster, parallel: int) -> list[str]:
    """The nodes to measure on: those of the measurement that goes on, else new ones for an empty folder. Raises
    Broken."""
    record = folder / _PLAN
    if resume and record.exists():
        before = json.loads(record.read_text())
        if before["plan"] != plan.digest():
            raise Broken(f"the results in {folder} are of another plan: measure anew, without --resume")
        return [str(node) for node in before["nodes"]]
    nodes = _nodes(cluster, parallel)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    began = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    _write(record, json.dumps({"plan": plan.digest(), "nodes": nodes, "began": began}).encode())
    return nodes


def measure(folder: pathlib.Path, tries: int, parallel: int, resume: bool, kubeconfig: str | None) -> None:
    """All pairs, and more in place of those that cannot be judged. Raises Broken or CliError."""
    cluster = _connect(kubeconfig)
    nodes = _prepare(folder, resume, cluster, parallel)
    _make_namespace(cluster)
    board = Board(lambda line: print(line, file=sys.stderr, flush=True), len(nodes))
    measurement = Measurement(cluster, folder, nodes, board)
    made = 0
    while pending := plan.more(tries, made, _judged(folder, made)):
        measurement.all(list(plan.schedule(made + 1, made + pending)))
        made += pending
    cluster.call("DELETE", f"/api/v1/namespaces/{NAMESPACE}", about=f"namespace {NAMESPACE}")


def _judged(folder: pathlib.Path, made: int) -> int:
    """How many of the first so many pairs could be judged."""
    if not made:
        return 0
    tries = pairs.beside(pairs.read(folder), plan.SLOWER, 0.03)
    return sum(one.found is not None and int(one.after.rpartition("-")[2]) <= made for one in tries)


def main(words: list[str] | None = None) -> int:
    embedded = ROOT / ".cluster" / "kubeconfig"
    kubeconfig = os.environ.get("KUBECONFIG") or (str(embedded) if embedded.exists() else None)
    parser = argparse.ArgumentParser(prog="bench.truth.cluster", description=__doc__)
    parser.add_argument("--tries", type=int, default=pairs.TRIES, help="pairs of a base and a slower run (default 20)")
    parser.add_argument("--parallel", type=int, default=1, help="runs at once, each on a node of its own (default 1)")
    parser.add_argument("--resume", action="store_true", help="keep what an earlier measurement has, and go on")
    parser.add_argument("--kubeconfig", default=kubeconfig, help="default $KUBECONFIG, or the embedded cluster's")
    chosen = parser.parse_args(words)
    for name in ("tries", "parallel"):
        if getattr(chosen, name) < 1:
            parser.error(f"--{name}: at least 1")
    try:
        measure(FOLDER, chosen.tries, chosen.parallel, chosen.resume, chosen.kubeconfig)
    except (Broken, CliError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nended; --resume (RESUME=1) goes on from what {FOLDER} has", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
