"""The commands of `gatebench` and their options."""

from __future__ import annotations

import enum
import pathlib
import time
from typing import Annotated

import typer

from gatebench import __version__
from gatebench.api import API_VERSION, COMPARISON_KIND, KIND
from gatebench.cli import analysis, baseline, commands, comparisons, manifests, render, report, view
from gatebench.cli import cluster as clusters
from gatebench.cli.app import Commands, Context, Kubeconfig, Namespace, RunName, Timeout, seconds
from gatebench.cli.errors import CliError
from gatebench_analysis import options

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Benchmark an LLM gateway on Kubernetes, and know whether the numbers hold.\n\n"
    "Exit codes of run and wait: 0 passed, 1 failed, 2 not valid or undecided, 3 error or refused.",
)


class Form(enum.StrEnum):
    """How `get` prints."""

    JSON = "json"
    YAML = "yaml"
    WIDE = "wide"


def _examples(*lines: str) -> str:
    return "[bold]Examples[/bold]\n\n" + "\n\n".join(f"  {line}" for line in lines)


def _run(cluster: clusters.Cluster, name: str, namespace: str | None) -> view.View:
    if (compared := comparisons.reference(name)) is not None:
        return view.of(comparisons.one(cluster, compared, namespace))
    return view.of(cluster.get(KIND, name, namespace or cluster.namespace))


@app.command(
    epilog=_examples(
        "gatebench run -f examples/demo.yaml",
        "gatebench run -f run.yaml -n benchmarks --timeout 30m",
        "gatebench run -f nightly.yaml   (with metadata.generateName: a new run each time)",
    )
)
def run(
    file: Annotated[
        str,
        typer.Option("--filename", "-f", help="YAML with one run or comparison and what it refers to; - is stdin."),
    ],
    namespace: Namespace = None,
    timeout: Timeout = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow the run to its verdict.")] = True,
    replace: Annotated[
        bool, typer.Option("--replace", help="Delete a run of that name first, and so measure again.")
    ] = False,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Apply a run (or a comparison), follow it, and end with its verdict as exit code."""
    limit = seconds(timeout)
    found = manifests.parse(commands.read_file(file), "standard input" if file == "-" else file)
    if wait:
        found.run  # noqa: B018 - refuses several runs before anything is sent
    cluster = clusters.connect(kubeconfig, context)
    submitted = commands.submit(cluster, found, namespace, replace)
    for manifest, (one, became) in zip(found.runs, submitted, strict=True):
        word = "comparison" if manifest["kind"] == COMPARISON_KIND else "run"
        typer.echo(f"{word} {one.namespace}/{one.name} {became}")
    if wait:
        one = submitted[0][0]
        if found.run["kind"] == COMPARISON_KIND:
            raise typer.Exit(comparisons.watch(cluster, one.name, one.namespace, limit))
        raise typer.Exit(commands.watch(cluster, one.name, one.namespace, limit))


@app.command(epilog=_examples("gatebench wait demo", "gatebench wait demo -n benchmarks --timeout 30m"))
def wait(
    name: RunName,
    namespace: Namespace = None,
    timeout: Timeout = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Follow a run that is there already, and end with its verdict as exit code."""
    limit = seconds(timeout)
    cluster = clusters.connect(kubeconfig, context)
    found = _run(cluster, name, namespace)
    if comparisons.reference(name) is not None:
        raise typer.Exit(comparisons.watch(cluster, found.name, found.namespace, limit))
    raise typer.Exit(commands.watch(cluster, found.name, found.namespace, limit))


@app.command(
    epilog=_examples(
        "gatebench get",
        "gatebench get demo",
        "gatebench get demo -o wide",
        "gatebench get demo -o json",
        "gatebench get bcmp",
        "gatebench get bcmp/rate-limit",
    )
)
def get(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Name of the run, or bcmp/NAME; none: all runs.")
    ] = None,
    output: Annotated[
        Form | None,
        typer.Option("--output", "-o", help="json, yaml, or wide: the whole result.", show_default=False),
    ] = None,
    namespace: Namespace = None,
    all_namespaces: Annotated[bool, typer.Option("--all-namespaces", "-A", help="Runs of all namespaces.")] = False,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """List the runs, or show one: its verdict, its object, or the table of its whole result. bcmp lists comparisons."""
    cluster = clusters.connect(kubeconfig, context)
    if (compared := comparisons.reference(name)) is not None:
        lines = comparisons.get(cluster, compared, namespace, all_namespaces, output and str(output))
        typer.echo("\n".join(lines))
        return
    if name is None:
        found = cluster.runs(None if all_namespaces else namespace or cluster.namespace)
        if output in (Form.JSON, Form.YAML):
            listed = {"apiVersion": API_VERSION, "kind": f"{KIND}List", "items": found}
            typer.echo(commands.dump(listed, str(output)))
            return
        views = [view.of(one) for one in found]
        lines = render.listing(views, time.time(), namespaces=all_namespaces, wide=output is Form.WIDE)
        typer.echo("\n".join(lines) if views else "no runs")
        return
    if all_namespaces:
        raise CliError("a run has one namespace: give NAME with -n NAMESPACE, or -A without NAME")
    one = cluster.get(KIND, name, namespace or cluster.namespace)
    if output in (Form.JSON, Form.YAML):
        typer.echo(commands.dump(one, str(output)))
        return
    shown = view.of(one)
    if output is Form.WIDE:
        table = commands.result_table(cluster, shown)
        typer.echo("\n".join([render.headline(shown), *render.banner(shown), *render.baseline_table(shown), "", table]))
        return
    commands.show(shown)


@app.command(epilog=_examples("gatebench cancel demo"))
def cancel(name: RunName, namespace: Namespace = None, kubeconfig: Kubeconfig = None, context: Context = None) -> None:
    """End a run early. What was measured until then is kept; the run does not succeed."""
    cluster = clusters.connect(kubeconfig, context)
    if (compared := comparisons.reference(name)) is not None:
        typer.echo(comparisons.cancel(cluster, compared, namespace))
        return
    found = _run(cluster, name, namespace)
    if found.complete:
        raise CliError(f"run {name} is complete already: {found.conditions['Complete'].reason}")
    cluster.patch(KIND, found.name, found.namespace, {"spec": {"cancel": True}})
    typer.echo(f"run {found.namespace}/{found.name} is being cancelled; gatebench wait {name} sees it end")


@app.command(epilog=_examples("gatebench artifacts demo -o demo-result", "gatebench artifacts bcmp/rate-limit"))
def artifacts(
    name: RunName,
    directory: Annotated[
        pathlib.Path | None,
        typer.Option("--output", "-o", help="Directory; by default one with the run's name.", show_default=False),
    ] = None,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Save the result document, Locust's report and CSVs, and the logs."""
    cluster = clusters.connect(kubeconfig, context)
    found = _run(cluster, name, namespace)
    for path in commands.save_artifacts(cluster, found, directory or pathlib.Path(found.name)):
        typer.echo(str(path))


app.command(
    help=options.ANALYZE,
    epilog=_examples(
        "gatebench analyze demo-result/result.json",
        "gatebench analyze locust_stats.csv --reference litellm-2 --instances 2",
        "gatebench analyze demo-result -o junit > objectives.xml",
    ),
)(analysis.analyze)
app.command(
    help=f"{options.COMPARE}\n\n{options.CODES}",
    epilog=_examples(
        "gatebench compare baseline/ current/",
        "gatebench compare baseline.json current.json --threshold 10",
        "gatebench compare baseline/ 'runs/*/result.json' -o markdown",
    ),
)(analysis.compare)
app.command(
    epilog=_examples(
        "gatebench report demo",
        "gatebench report demo-result/result.json -o demo.html",
        "gatebench report before after",
        "gatebench report bcmp/rate-limit -o rate-limit.html",
    )
)(report.report)

app.add_typer(baseline.app, name="baseline")


@app.command(
    epilog=_examples("gatebench doctor", "gatebench doctor --cpus 4 -n benchmarks", "gatebench doctor --no-pod")
)
def doctor(
    cpus: Annotated[int, typer.Option("--cpus", min=1, max=256, help="Exclusive cores that a gateway needs.")] = 1,
    pod: Annotated[
        bool,
        typer.Option("--pod/--no-pod", help="Prove exclusive cores with a pod that lives for half a minute."),
    ] = True,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Check whether this cluster is fit for a run, with a remedy for what is not."""
    from gatebench.cli import doctor as examination

    cluster = clusters.connect(kubeconfig, context)
    raise typer.Exit(examination.examine(cluster, namespace or cluster.namespace, cpus=cpus, with_pod=pod))


@app.command()
def version(
    client: Annotated[bool, typer.Option("--client", help="Only this program's; asks no cluster.")] = False,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Print the versions of this program, of its API and of the operator."""
    typer.echo(f"gatebench {__version__}\nAPI       {API_VERSION}")
    if client:
        return
    from gatebench.cli import doctor as examination

    found = examination.operator_version(clusters.connect(kubeconfig, context))
    typer.echo(f"operator  {found or 'unknown: none found, or no right to list deployments'}")


if __name__ == "__main__":
    app()
