"""`analyze` and `compare`: results as files. Needs no cluster; what they mean is in the analysis package."""

from __future__ import annotations

from typing import Annotated

import typer

from gatebench.cli.errors import CliError
from gatebench_analysis import options
from gatebench_analysis.options import Form

Output = Annotated[Form, typer.Option("--output", "-o", help=options.OUTPUT)]


def analyze(
    results: Annotated[list[str], typer.Argument(metavar="RESULT...", help=options.RESULTS, show_default=False)],
    reference: Annotated[
        str, typer.Option("--reference", metavar="NAME", help=options.REFERENCE)
    ] = options.DEFAULT_REFERENCE,
    instances: Annotated[
        int | None, typer.Option("--instances", metavar="N", help=options.INSTANCES, show_default=False)
    ] = None,
    output: Output = Form.TEXT,
) -> None:
    """Prints each result, beside the reference."""
    from gatebench_analysis import cli, inputs, outputs

    try:
        found = cli.analyzed(results, reference, instances)
    except inputs.BadInput as error:
        raise CliError(str(error)) from error
    typer.echo(outputs.analysis(found, output, unicode=cli.unicode_terminal()))


def compare(
    baseline: Annotated[str, typer.Argument(metavar="BASELINE", help=options.SIDE, show_default=False)],
    current: Annotated[str, typer.Argument(metavar="CURRENT", help=options.SIDE, show_default=False)],
    threshold: Annotated[
        str | None, typer.Option("--threshold", metavar="PERCENT", help=options.THRESHOLD, show_default=False)
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option("--metric", metavar="NAME", help=options.METRIC, show_default=False)
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option("--ignore", metavar="FIELD", help=options.IGNORE, show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=options.JSON)] = False,
    output: Output = Form.TEXT,
) -> None:
    """Prints the comparison; ends with its exit code."""
    from gatebench_analysis import cli, inputs, outputs

    try:
        found = cli.compared(baseline, current, threshold, metric or [], ignore or [])
    except inputs.BadInput as error:
        raise CliError(str(error)) from error
    typer.echo(outputs.comparison(found, Form.JSON if as_json else output, unicode=cli.unicode_terminal()))
    raise typer.Exit(found.exit_code)
