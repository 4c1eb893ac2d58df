"""`analyze` and `compare` without a cluster and without the rest of gatebench's command line.

Also `python -m gatebench_analysis analyze|compare`, `analyze_results` and `compare_results`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from gatebench_analysis import contrast, inputs, outputs, reference
from gatebench_analysis.outputs import Analyzed, Form
from gatebench_analysis.rating import rate

ANALYZE_HELP = "Show results, and set them beside a published reference."
COMPARE_HELP = "Compare results with a baseline, and end with the verdict as exit code."
RESULTS_HELP = (
    "Result documents of gatebench (.json, .json.gz), Locust's _stats.csv or _stats_history.csv, Vegeta's JSON report,"
    " hey's CSV; a directory stands for all result documents in it."
)
SIDE_HELP = "A result, a pattern in quotes such as 'runs/*/result.json', or a directory of result documents."
CODES_HELP = "Exit codes: 0 the same or better, 1 regressed, 2 it cannot be told, 3 wrong input."


def analyzed(paths: Sequence[str], reference_name: str, instances: int | None = None) -> list[Analyzed]:
    """Results and their rating. Raises inputs.BadInput."""
    try:
        beside = reference.get(reference_name)
    except ValueError as error:
        raise inputs.BadInput(str(error)) from error
    readings = inputs.read_all(paths, instances)
    return [Analyzed(one, rate(one.figures, beside) if beside is not None else None) for one in readings]


def compared(
    baseline: str,
    current: str,
    threshold: str | None,
    metrics: Sequence[str],
    ignore: Sequence[str],
) -> contrast.Contrast:
    """Both sides compared. Raises inputs.BadInput."""
    return contrast.contrast(
        inputs.read_all([baseline]),
        inputs.read_all([current]),
        threshold=None if threshold is None else _percent(threshold),
        metrics=tuple(metrics) or contrast.DEFAULT_METRICS,
        ignore=ignore,
    )


def unicode_terminal() -> bool:
    """Whether lines may be drawn with more than ASCII."""
    return sys.stdout.isatty() and (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; its exit code."""
    parser = _Parser("gatebench_analysis", description="Results of load tests: shown, rated and compared.")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    _analyze_options(commands.add_parser("analyze", help=ANALYZE_HELP, description=ANALYZE_HELP))
    _compare_options(commands.add_parser("compare", help=COMPARE_HELP, description=COMPARE_HELP, epilog=CODES_HELP))
    given = parser.parse_args(arguments)
    return _analyze(given) if given.command == "analyze" else _compare(given)


def analyze_results(arguments: Sequence[str] | None = None) -> int:
    """The program analyze_results."""
    return _analyze(_analyze_options(_Parser("analyze_results", description=ANALYZE_HELP)).parse_args(arguments))


def compare_results(arguments: Sequence[str] | None = None) -> int:
    """The program compare_results."""
    parser = _Parser("compare_results", description=COMPARE_HELP, epilog=CODES_HELP)
    return _compare(_compare_options(parser).parse_args(arguments))


class _Parser(argparse.ArgumentParser):
    """Leaves with 3 where it is misused: 2 says that a comparison cannot be told."""

    def __init__(self, prog: str, **options: str) -> None:
        super().__init__(prog, description=options.get("description"), epilog=options.get("epilog"))

    def error(self, message: str) -> NoReturn:
        self.exit(contrast.BAD_INPUT, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _analyze_options(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("results", nargs="+", metavar="RESULT", help=RESULTS_HELP)
    names = ", ".join((*reference.names(), reference.NONE))
    parser.add_argument("--reference", default=reference.DEFAULT, metavar="NAME", help=f"one of {names}")
    parser.add_argument("--instances", type=int, metavar="N", help="instances of the gateway, where it is not known")
    parser.add_argument("-o", "--output", choices=[str(form) for form in Form], default=str(Form.TEXT))
    return parser


def _compare_options(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("baseline", metavar="BASELINE", help=SIDE_HELP)
    parser.add_argument("current", metavar="CURRENT", help=SIDE_HELP)
    parser.add_argument("--threshold", metavar="PERCENT", help="how much worse is regressed; by default 10")
    parser.add_argument("--metric", action="append", default=[], metavar="NAME", help="compare this; may be repeated")
    parser.add_argument("--ignore", action="append", default=[], metavar="FIELD", help="may differ in the environment")
    parser.add_argument("--json", action="store_true", help="the same as --output json")
    parser.add_argument("-o", "--output", choices=[str(form) for form in Form], default=str(Form.TEXT))
    return parser


def _analyze(given: argparse.Namespace) -> int:
    try:
        found = analyzed(given.results, given.reference, _instances(given.instances))
    except inputs.BadInput as error:
        return _complain(error)
    print(outputs.analysis(found, Form(given.output), unicode=unicode_terminal()))
    return 0


def _compare(given: argparse.Namespace) -> int:
    try:
        found = compared(given.baseline, given.current, given.threshold, given.metric, given.ignore)
    except inputs.BadInput as error:
        return _complain(error)
    form = Form.JSON if given.json else Form(given.output)
    print(outputs.comparison(found, form, unicode=unicode_terminal()))
    return found.exit_code


def _complain(error: Exception) -> int:
    print(f"gatebench: {' '.join(str(error).split())}", file=sys.stderr)
    return contrast.BAD_INPUT


def _instances(given: int | None) -> int | None:
    if given is not None and given < 1:
        raise inputs.BadInput(f"--instances is at least 1, not {given}")
    return given


def _percent(text: str) -> float:
    try:
        return float(text.removesuffix("%").strip())
    except ValueError as error:
        raise inputs.BadInput(f"--threshold is in per cent, as 10, not {text!r}") from error
