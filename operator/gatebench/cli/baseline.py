"""`gatebench baseline`: results that outlive their runs, for others to be compared with."""

from __future__ import annotations

import base64
from typing import Annotated, Any

import typer

from gatebench.api import KIND, RESULT_KEY
from gatebench.cli import artifacts, view
from gatebench.cli import cluster as clusters
from gatebench.cli.app import Context, Kubeconfig, Namespace
from gatebench.cli.errors import ApiError, CliError
from gatebench.cli.view import View

COMPONENT = "baseline"

app = typer.Typer(no_args_is_help=True, help="Keep results for later runs to be compared with (spec.baseline).")


@app.callback()
def baseline() -> None:
    """Keep results for later runs to be compared with (spec.baseline)."""


@app.command(
    epilog="[bold]Examples[/bold]\n\n  gatebench baseline save regression main"
    "\n\n  and then, in a run: baseline: {configMap: {name: main}, tolerance: 3%}"
)
def save(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run that is complete.", show_default=False)],
    name: Annotated[str, typer.Argument(metavar="NAME", help="The ConfigMap to make.", show_default=False)],
    force: Annotated[bool, typer.Option("--force", help="Also a measurement that is not valid.")] = False,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Copy a run's result to a ConfigMap that stays when the run is deleted."""
    cluster = clusters.connect(kubeconfig, context)
    found = view.of(cluster.get(KIND, run, namespace or cluster.namespace))
    manifest = config_map(found, name, _result(cluster, found, force))
    try:
        cluster.json("POST", clusters.path_of("ConfigMap", found.namespace), about=f"ConfigMap {name}", body=manifest)
    except ApiError as error:
        if error.code != 409:
            raise
        raise CliError(f"ConfigMap {found.namespace}/{name} exists: take another name, or delete it first") from error
    typer.echo(f"ConfigMap {found.namespace}/{name} has the result of run {found.name}")


def _result(cluster: clusters.Cluster, run: View, force: bool) -> bytes:
    """The packed result. Raises CliError where there is none, or, without `force`, where it can be no baseline."""
    from gatebench_analysis import against, document

    kept = run.part("artifacts").get("result")
    if not kept:
        state = "it kept none" if run.complete else f"it is under way, step {run.step}"
        raise CliError(f"run {run.name} has no result: {state}")
    packed = artifacts.result(cluster.get("ConfigMap", str(kept), run.namespace))
    try:
        unfit = against.unfit(document.read(packed))
    except ValueError as error:
        raise CliError(f"the result of run {run.name} cannot be read: {error}; is gatebench older than it?") from error
    if unfit is not None and not force:
        raise CliError(f"run {run.name} can be no baseline: {unfit}; --force saves it all the same")
    return packed


def config_map(run: View, name: str, packed: bytes) -> dict[str, Any]:
    """Owned by nobody, so that it stays; who it came from is in its annotations."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "immutable": True,
        "metadata": {
            "name": name,
            "labels": {
                "app.kubernetes.io/name": "gatebench",
                "app.kubernetes.io/managed-by": "gatebench-cli",
                "app.kubernetes.io/component": COMPONENT,
            },
            "annotations": {"gatebench.dev/run": run.name, "gatebench.dev/run-uid": run.uid},
        },
        "binaryData": {RESULT_KEY: base64.b64encode(packed).decode()},
    }
