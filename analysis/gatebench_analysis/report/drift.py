"""The runs in the order in which they were made, so that a drift of the machine, or of a gateway, is seen."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from gatebench_analysis import quantities
from gatebench_analysis.record import Record, Run
from gatebench_analysis.report import intervals, scales
from gatebench_analysis.report.tables import Table

_MARGIN = 10.0  # percent of the height that stay free above and below


@dataclasses.dataclass(frozen=True)
class Dot:
    """A run's value; places are percent of width and height."""

    x: float
    y: float
    variant: int
    words: str


@dataclasses.dataclass(frozen=True)
class Course:
    """A metric over the runs."""

    metric: str
    dots: Sequence[Dot]
    links: Sequence[tuple[float, float, float, float, int]]
    """(x1, y1, x2, y2, variant): from one run of a variant to its next one that counts."""
    gaps: Sequence[tuple[float, str]]
    """Runs without a value."""
    edges: Sequence[float]
    """Where a round begins."""
    rounds: Sequence[tuple[float, str]]
    """The middle of each round, with its number."""
    most: str
    least: str
    summary: str


def courses(record: Record) -> list[Course]:
    """One for each metric that two runs have."""
    return [found for name in record.metrics if (found := _course(record, name)) is not None]


def _course(record: Record, metric: str) -> Course | None:
    width = 100 / max(len(record.runs), 1)
    numbers = {name: index for index, name in enumerate(record.names)}
    values = {(name, number): value for name in numbers for number, value in record.values(name, metric)}
    seen = [value for run in record.runs if (value := values.get((run.variant, run.round))) is not None]
    if len(seen) < 2:
        return None
    least, most = min(seen), max(seen)

    def height(value: float) -> float:
        return 50.0 if most == least else round(_MARGIN + (100 - 2 * _MARGIN) * (most - value) / (most - least), 2)

    dots, gaps = [], []
    for at, run in enumerate(record.runs):
        x, value = round((at + 0.5) * width, 2), values.get((run.variant, run.round))
        if value is None:
            gaps.append((x, f"{run.name} does not count: {_state(record, run)}"))
        else:
            told = f"{run.variant}, round {run.round}: {intervals.words(metric, value)}"
            dots.append(Dot(x, height(value), numbers[run.variant], told))
    return Course(
        metric=metric,
        dots=dots,
        links=list(_links(dots)),
        gaps=gaps,
        edges=[round(start * width, 2) for start, _, _ in _rounds(record.runs) if start],
        rounds=[(round((start + end) / 2 * width, 2), str(number)) for start, end, number in _rounds(record.runs)],
        most=intervals.words(metric, most),
        least=intervals.words(metric, least),
        summary=_summary(record, metric),
    )


def _links(dots: Sequence[Dot]) -> Iterator[tuple[float, float, float, float, int]]:
    last: dict[int, Dot] = {}
    for dot in dots:
        if (before := last.get(dot.variant)) is not None:
            yield before.x, before.y, dot.x, dot.y, dot.variant
        last[dot.variant] = dot


def _rounds(runs: Sequence[Run]) -> Iterator[tuple[int, int, int]]:
    """(first, past the last, number) of each round."""
    start = 0
    for at in range(1, len(runs) + 1):
        if at == len(runs) or runs[at].round != runs[start].round:
            yield start, at, runs[start].round
            start = at


def _summary(record: Record, metric: str) -> str:
    """From the first round to the last: off +0.3 %, on -1.2 %."""
    parts = []
    for name in record.names:
        seen = record.values(name, metric)
        if len(seen) < 2:
            continue
        shifted = scales.shift(metric, seen[-1][1], seen[0][1])
        told = scales.change(metric, shifted) if shifted is not None else quantities.MISSING
        parts.append(f"{name} {told}")
    return f"From the first round to the last: {', '.join(parts)}." if parts else "No variant has two values."


def table(record: Record) -> Table:
    """Every run with its values."""
    rows = []
    values = {(name, one.round): one.values for name, variant in record.variants.items() for one in variant.runs}
    for at, run in enumerate(record.runs):
        own = values.get((run.variant, run.round), {})
        cells = [intervals.words(metric, own.get(metric)) for metric in record.metrics]
        rows.append([str(at + 1), str(run.round), run.variant, *cells, _state(record, run)])
    head = ["Run", "Round", "Variant", *record.metrics, "Counts"]
    return Table(head, rows, words=3, last_is_words=True)


def _state(record: Record, run: Run) -> str:
    if record.counted(run):
        return "yes"
    return f"no: {run.reason}" if run.reason else "no"
