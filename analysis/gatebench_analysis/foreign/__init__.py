"""Results of other load generators: Locust's CSVs, Vegeta's JSON report and hey's CSV, each as the same few figures.

What a tool does not tell is missing, and percentiles of fewer samples than they need are too, whoever worked them out.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence

from gatebench_analysis.foreign import hey, locust, vegeta
from gatebench_analysis.foreign.figures import METRICS, Figures, Unreadable

__all__ = ["METRICS", "Figures", "Unreadable", "read", "rows"]

_CSV: Sequence[tuple[Sequence[str], Callable[[str, list[dict[str, str]]], Figures]]] = (
    (locust.HISTORY, locust.history),
    (locust.STATS, locust.stats),
    (hey.COLUMNS, hey.requests),
)


def read(name: str, content: bytes) -> Figures:
    """The figures of a file. Its kind is told by what is in it. Raises Unreadable."""
    text = _text(content)
    if text.lstrip()[:1] == "{":
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Unreadable("it is cut off, or no JSON") from error
        if vegeta.is_report(document):
            return vegeta.report(name, document)
        raise Unreadable("it is JSON, and neither a result of gatebench nor a report of Vegeta")
    known = {column.strip() for column in text.partition("\n")[0].split(",")}
    for columns, reader in _CSV:
        if known.issuperset(columns):
            return reader(name, rows(content))
    raise Unreadable(
        "it is no result: give a result document of gatebench, Locust's _stats.csv or _stats_history.csv,"
        " Vegeta's JSON report (vegeta report -type=json) or hey's CSV (hey -o csv)"
    )


def rows(content: bytes) -> list[dict[str, str]]:
    """The rows of a CSV by its columns; what is too much or too little in a row is left out. Raises Unreadable."""
    try:
        reader = csv.DictReader(io.StringIO(_text(content), newline=""))
        return [{k: v for k, v in row.items() if isinstance(k, str) and isinstance(v, str)} for row in reader]
    except csv.Error as error:
        raise Unreadable(f"it is no CSV: {error}") from error


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable("it is no text") from error
