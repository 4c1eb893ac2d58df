"""`analyze` and `compare` without a cluster and without the rest of gatebench's command line.

Also `python -m gatebench_analysis analyze|compare`, `analyze_results` and `compare_results`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from gatebench_analysis import contrast, inputs, options, outputs, reference
from gatebench_analysis.options import Form
from gatebench_analysis.outputs import Analyzed
from gatebench_analysis.rating import rate


def analyzed(paths: Sequence[str], reference_name: str, instances: int | None = None) -> list[Analyzed]:
    """Results and their rating. Raises inputs.BadInput."""
    if instances is not None and instances < 1:
        raise inputs.BadInput(f"--instances is at least 1, not {instances}")
    try:
        reference.get(reference_name)
    except ValueError as error:
        raise inputs.BadInput(str(error)) from error
    return [beside(one, reference_name) for one in inputs.read_all(paths, instances)]


def beside(reading: inputs.Reading, reference_name: str = options.DEFAULT_REFERENCE) -> Analyzed:
    """A result beside a reference; one that does not hold has nothing to be set beside."""
    found = reference.get(reference_name)
    apart = found is None or reading.doubt or reading.compared is not None
    return Analyzed(reading, None if apart or found is None else rate(reading.figures, found))


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
    _analyze_options(commands.add_parser("analyze", help=options.ANALYZE, description=options.ANALYZE))
    _compare_options(
        commands.add_parser("compare", help=options.COMPARE, description=options.COMPARE, epilog=options.CODES)
    )
    given = parser.parse_args(arguments)
    return _analyze(given) if given.command == "analyze" else _compare(given)


def analyze_results(arguments: Sequence[str] | None = None) -> int:
    """The program analyze_results."""
    return _analyze(_analyze_options(_Parser("analyze_results", description=options.ANALYZE)).parse_args(arguments))


def compare_results(arguments: Sequence[str] | None = None) -> int:
    """The program compare_results."""
    parser = _Parser("compare_results", description=options.COMPARE, epilog=options.CODES)
    return _compare(_compare_options(parser).parse_args(arguments))


class _Parser(argparse.ArgumentParser):
    """Leaves with 3 where it is misused: 2 says that a comparison cannot be told."""

    def __init__(self, prog: str, **options: str) -> None:
        super().__init__(prog, description=options.get("description"), epilog=options.get("epilog"))

    def error(self, message: str) -> NoReturn:
        self.exit(contrast.BAD_INPUT, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _analyze_options(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("results", nargs="+", metavar="RESULT", help=options.RESULTS)
    parser.add_argument("--reference", default=options.DEFAULT_REFERENCE, metavar="NAME", help=options.REFERENCE)
    parser.add_argument("--instances", type=int, metavar="N", help=options.INSTANCES)
    _output(parser)
    return parser


def _compare_options(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("baseline", metavar="BASELINE", help=options.SIDE)
    parser.add_argument("current", metavar="CURRENT", help=options.SIDE)
    parser.add_argument("--threshold", metavar="PERCENT", help=options.THRESHOLD)
    parser.add_argument("--metric", action="append", default=[], metavar="NAME", help=options.METRIC)
    parser.add_argument("--ignore", action="append", default=[], metavar="FIELD", help=options.IGNORE)
    parser.add_argument("--json", action="store_true", help=options.JSON)
    _output(parser)
    return parser


def _output(parser: argparse.ArgumentParser) -> None:
    forms = [str(form) for form in Form]
    parser.add_argument("-o", "--output", choices=forms, default=str(Form.TEXT), help=options.OUTPUT)


def _analyze(given: argparse.Namespace) -> int:
    try:
        found = analyzed(given.results, given.reference, given.instances)
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


def _percent(text: str) -> float:
    try:
        return float(text.removesuffix("%").strip())
    except ValueError as error:
        raise inputs.BadInput(f"--threshold is in per cent, as 10, not {text!r}") from error
