"""What the commands about runs do, once their options are parsed."""

from __future__ import annotations

import json
import pathlib
import sys
import time
from typing import Any

from gatebench.api import KIND
from gatebench.cli import artifacts, follow, manifests, render, view
from gatebench.cli.cluster import Cluster
from gatebench.cli.errors import CliError
from gatebench.cli.view import View

INTERRUPTED = 130
_GONE_WITHIN = 60.0


def read_file(path: str) -> str:
    """The text of FILE, or of standard input for a dash. Raises CliError."""
    try:
        return sys.stdin.read() if path == "-" else pathlib.Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CliError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error


def submit(
    cluster: Cluster, found: manifests.Manifests, namespace: str | None, replace: bool
) -> list[tuple[View, str]]:
    """Sends the objects, the runs last; each run with what became of it."""
    out = []
    for manifest in found.references:
        cluster.apply(manifest, manifests.namespace_of(manifest, namespace, cluster.namespace))
    for run in found.runs:
        where = manifests.namespace_of(run, namespace, cluster.namespace)
        name = run["metadata"].get("name")
        before = cluster.find(run["kind"], name, where) if name else None
        if before is not None and replace:
            _remove(cluster, run["kind"], str(name), where)
            before = None
        after = view.of(cluster.apply(run, where))
        out.append((after, _became(before, after)))
    return out


def _became(before: dict[str, Any] | None, after: View) -> str:
    if before is None:
        return "created"
    if after.complete:
        return "is there already and complete, so this is its verdict; --replace measures again"
    return "is there already, so it is followed"


def _remove(cluster: Cluster, kind: str, name: str, namespace: str) -> None:
    cluster.delete(kind, name, namespace)
    deadline = time.monotonic() + _GONE_WITHIN
    while cluster.find(kind, name, namespace) is not None:
        if time.monotonic() > deadline:
            raise CliError(f"{kind} {name} is still being deleted after {_GONE_WITHIN:.0f} s: look at its finalizers")
        time.sleep(0.5)


def watch(cluster: Cluster, name: str, namespace: str, timeout: float | None) -> int:
    """Follows the run, prints its verdict; the exit code."""
    from gatebench.cli import board

    console = board.console()
    screen: follow.Screen = (
        board.Board(console) if console.is_terminal else follow.Lines(lambda line: print(line, flush=True))
    )

    def read() -> View | None:
        found = cluster.find(KIND, name, namespace)
        return None if found is None else view.of(found)

    try:
        done = follow.follow(read, screen, name=name, timeout=timeout)
    except KeyboardInterrupt:
        print(
            f"gatebench: the run goes on: gatebench wait {name} follows it, gatebench cancel {name} ends it",
            file=sys.stderr,
        )
        return INTERRUPTED
    finally:
        screen.close()
    show(done)
    code = done.exit_code
    assert code is not None  # follow returns complete runs
    return int(code)


def show(run: View) -> None:
    """Prints what the status says, with its outcomes in colour on a terminal."""
    from gatebench.cli import board

    console = board.console()
    if not console.is_terminal:
        print("\n".join(["", *render.verdict(run)]), flush=True)
        return
    console.print()
    for line in render.verdict(run):
        console.print(board.styled(line))


def result_table(cluster: Cluster, run: View) -> str:
    """The table of the run's result document, and it beside a reference. Raises CliError where it has none."""
    from gatebench_analysis import cli, document, inputs, outputs

    name = run.part("artifacts").get("result")
    if not name:
        state = "it kept none" if run.complete else f"it is under way, step {run.step}"
        raise CliError(f"run {run.name} has no result: {state}")
    packed = artifacts.result(cluster.get("ConfigMap", str(name), run.namespace))
    try:
        reading = inputs.of_result(document.read(packed))
    except (ValueError, OSError, EOFError) as error:
        raise CliError(f"the result of run {run.name} cannot be read: {error}; is gatebench older than it?") from error
    found = [cli.beside(reading)]
    return outputs.analysis(found, outputs.Form.TEXT, unicode=cli.unicode_terminal())


def save_artifacts(cluster: Cluster, run: View, directory: pathlib.Path) -> list[pathlib.Path]:
    """Writes all that was kept of the run, and says on stderr what is missing of it.

    Raises CliError where there is nothing.
    """
    kept = run.part("artifacts")
    written: list[pathlib.Path] = []
    for kind, name in kept.items():
        config_map = cluster.find("ConfigMap", str(name), run.namespace) if isinstance(name, str) else None
        if config_map is not None:
            found = artifacts.files(config_map)
            written += artifacts.write(directory if kind in artifacts.TOGETHER else directory / kind, found)
            for note in artifacts.notes(found):
                print(f"gatebench: {kind} of run {run.name}: {note}", file=sys.stderr)
        elif isinstance(name, str):
            print(f"gatebench: {kind} of run {run.name} is not there: ConfigMap {name} was deleted", file=sys.stderr)
    if not written:
        state = "is complete and left nothing" if run.complete else f"is under way, step {run.step}"
        raise CliError(f"run {run.name} has no artifacts: it {state}")
    return written


def dump(document: Any, form: str) -> str:
    """An object as JSON or YAML."""
    if form == "json":
        return json.dumps(document, indent=2)
    import yaml

    return str(yaml.safe_dump(document, sort_keys=False)).rstrip()
