"""`gatebench report`: a result, two side by side, or a comparison, as one file of HTML that opens anywhere."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Annotated

import typer

from gatebench.api import KIND, RESULT_KEY
from gatebench.cli import artifacts, comparisons, view
from gatebench.cli import cluster as clusters
from gatebench.cli.app import Context, Kubeconfig, Namespace
from gatebench.cli.errors import CliError

if TYPE_CHECKING:
    from gatebench_analysis import document

_SUFFIXES = (".json", ".gz")
_COMPARISON_KEY = "comparison.json"
_NEEDS = "gatebench report needs Jinja2: pip install 'gatebench[cli]'"


def report(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE",
            help="A run or its result document; bcmp/NAME or its comparison.json.",
            show_default=False,
        ),
    ],
    other: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME|FILE]", help="A second one, which is compared with the first.", show_default=False
        ),
    ] = None,
    output: Annotated[
        pathlib.Path | None,
        typer.Option("--output", "-o", help="File to write; by default report.html.", show_default=False),
    ] = None,
    threshold: Annotated[
        float,
        typer.Option("--threshold", min=0, max=99, help="Per cent by which the second may be worse."),
    ] = 10.0,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Write a result as one HTML page, two results side by side, or a comparison."""
    try:
        from gatebench_analysis import report as pages
    except ImportError as error:
        raise CliError(f"{_NEEDS} ({error})") from error
    asked = [name] if other is None else [name, other]
    compared = [one for one in asked if _is_comparison(one)]
    if compared and other is not None:
        raise CliError(f"{compared[0]} is a comparison already: give it alone")
    if compared:
        text = _variants(name, namespace, kubeconfig, context)
    else:
        found = [_result(one, namespace, kubeconfig, context) for one in asked]
        text = pages.page(found[0]) if other is None else pages.comparison(found[0], found[1], threshold / 100)
    typer.echo(str(_write(output or pathlib.Path("report.html"), text)))


def _is_comparison(source: str) -> bool:
    """Whether it names a comparison, or is a file with one."""
    from gatebench_analysis import record

    path = pathlib.Path(source)
    if not path.is_file():
        return comparisons.reference(source) is not None
    try:
        return record.is_record(path.read_bytes())
    except OSError:
        return False  # reading it as a result says why


def _variants(source: str, namespace: str | None, kubeconfig: str | None, context: str | None) -> str:
    """The page of a comparison: of its file, else of the cluster, which knows the verdict too. Raises CliError."""
    from gatebench_analysis import record
    from gatebench_analysis import report as pages

    path = pathlib.Path(source)
    if path.is_file():
        return pages.variants(record.read(path.read_bytes()))
    cluster = clusters.connect(kubeconfig, context)
    found = view.of(comparisons.one(cluster, comparisons.reference(source) or "", namespace))
    kept = found.part("artifacts").get("result")
    if not kept:
        state = "it kept none" if found.complete else f"it is under way, step {found.step}"
        raise CliError(f"comparison {found.name} has no result: {state}")
    content = artifacts.files(cluster.get("ConfigMap", str(kept), found.namespace)).get(_COMPARISON_KEY)
    if content is None:
        raise CliError(f"ConfigMap {kept} has no {_COMPARISON_KEY}: it is not a result of gatebench")
    try:
        return pages.variants(record.read(content), found.status)
    except ValueError as error:
        wanted = "is gatebench older than it?"
        raise CliError(f"the result of comparison {found.name} cannot be read: {error}; {wanted}") from error


def _result(source: str, namespace: str | None, kubeconfig: str | None, context: str | None) -> document.Result:
    """Of a file where there is one of that name, else of a run. Raises CliError."""
    from gatebench_analysis import document

    path = pathlib.Path(source)
    if path.is_file() or path.suffix in _SUFFIXES or len(path.parts) > 1:
        return _read(path)
    cluster = clusters.connect(kubeconfig, context)
    run = view.of(cluster.get(KIND, source, namespace or cluster.namespace))
    kept = run.part("artifacts").get("result")
    if not kept:
        state = "it kept none" if run.complete else f"it is under way, step {run.step}"
        raise CliError(f"run {run.name} has no result: {state}")
    packed = artifacts.result(cluster.get("ConfigMap", str(kept), run.namespace))
    try:
        return document.read(packed)
    except ValueError as error:
        raise CliError(f"the result of run {run.name} cannot be read: {error}; is gatebench older than it?") from error


def _read(path: pathlib.Path) -> document.Result:
    from gatebench_analysis import document

    try:
        return document.read(path)
    except OSError as error:
        raise CliError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        wanted = f"give the {RESULT_KEY} of gatebench artifacts, or its unpacked JSON"
        raise CliError(f"{path} is no result document: {error}; {wanted}") from error


def _write(path: pathlib.Path, text: str) -> pathlib.Path:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CliError(f"cannot write {path}: {error.strerror or error}") from error
    return path.resolve()
