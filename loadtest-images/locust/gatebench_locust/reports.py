"""Locust's own reports, taken when the load is over and kept until the process ends."""

# Locust is typed in part only.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

import csv
import io
import logging
import pathlib
from collections.abc import Callable
from typing import Any

from locust.html import get_html_report
from locust.stats import PERCENTILES_TO_REPORT, StatsCSV

logger = logging.getLogger(__name__)

HTML, CSV = "text/html; charset=utf-8", "text/csv; charset=utf-8"


def forget(prefix: str) -> None:
    """Removes what Locust has written in an earlier run."""
    for name in ("stats", "stats_history", "failures", "exceptions"):
        pathlib.Path(f"{prefix}_{name}.csv").unlink(missing_ok=True)


def take(environment: Any, history: pathlib.Path, mask: Callable[[str], str]) -> dict[str, tuple[str, bytes]]:
    """(content type, content) by path below /v1. A report that cannot be made is left out: it is no measurement."""
    tables = StatsCSV(environment, PERCENTILES_TO_REPORT)
    makers: dict[str, tuple[str, Callable[[], str]]] = {
        "report.html": (HTML, lambda: str(get_html_report(environment, show_download_link=False))),
        "csv/stats.csv": (CSV, lambda: _table(tables.requests_csv)),
        "csv/failures.csv": (CSV, lambda: _table(tables.failures_csv)),
        "csv/exceptions.csv": (CSV, lambda: _table(tables.exceptions_csv)),
        "csv/history.csv": (CSV, lambda: _history(environment, history)),
    }
    out = {}
    for path, (kind, make) in makers.items():
        try:
            out[path] = (kind, mask(make()).encode())
        except Exception:
            logger.warning("Locust's %s cannot be made", path, exc_info=True)
    return out


def _table(write: Callable[[Any], None]) -> str:
    text = io.StringIO()
    write(csv.writer(text))
    return text.getvalue()


def _history(environment: Any, path: pathlib.Path) -> str:
    writer = getattr(environment.web_ui, "stats_csv_writer", None)
    if writer is not None and hasattr(writer, "stats_history_flush"):
        writer.stats_history_flush()
    return path.read_text(encoding="utf-8")
