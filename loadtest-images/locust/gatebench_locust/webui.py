"""Locust's web page, for looking only: whatever could change the load, or hand out the locustfile, answers 403."""

from __future__ import annotations

from typing import Any

from flask import request

_PAGES = frozenset(
    {
        "/",
        "/stats/requests",
        "/stats/report",
        "/stats/requests/csv",
        "/stats/requests_full_history/csv",
        "/stats/failures/csv",
        "/exceptions",
        "/exceptions/csv",
        "/tasks",
        "/worker-count",
        "/logs",
    }
)
REFUSAL = "403: this load is led by its BenchmarkRun; the page is for looking only\n"


def look_only(web_ui: Any) -> None:
    """Before the page is served."""

    def guard() -> tuple[str, int] | None:
        known = request.path in _PAGES or request.path.startswith("/assets/")
        return None if known and request.method in ("GET", "HEAD") else (REFUSAL, 403)

    web_ui.app.before_request(guard)
