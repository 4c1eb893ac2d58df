"""A real Chromium, without a network, and the pages in it. hack/chromium.sh installs it."""

from __future__ import annotations

import dataclasses
import pathlib
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

from gatebench_analysis import record, report
from report import compared, samples

SHOTS = pathlib.Path(__file__).parents[2] / "build" / "report"
PAGES: dict[str, Callable[[], str]] = {
    "mixed": lambda: report.page(samples.mixed()),
    "failed": lambda: report.page(samples.failed()),
    "invalid": lambda: report.page(samples.invalid()),
    "search": lambda: report.page(samples.search()),
    "repeated": lambda: report.page(samples.repeated()),
    "day": lambda: report.page(samples.day()),
    "hostile": lambda: report.page(samples.hostile()),
    "comparison": lambda: report.comparison(
        samples.repeated("litellm-1-105"), samples.repeated("litellm-1-106", slower=1.2)
    ),
}


def _variants(source: tuple[str, dict[str, Any]], with_status: bool = True) -> str:
    document, status = source
    return report.variants(record.read(document), status if with_status else None)


VARIANTS: dict[str, Callable[[], str]] = {
    "slower": lambda: _variants(compared.slower()),
    "close": lambda: _variants(compared.close()),
    "far": lambda: _variants(compared.far()),
    "unmeasured": lambda: _variants(compared.unmeasured()),
    "dangerous": lambda: _variants(compared.hostile()),
    "file": lambda: _variants(compared.slower(), with_status=False),
}
"""Pages of comparisons, which draw in their markup, without the chart library."""


@dataclasses.dataclass
class Opened:
    """A page, and what it complained of or asked for."""

    page: Page
    complaints: list[str] = dataclasses.field(default_factory=list)
    requests: list[str] = dataclasses.field(default_factory=list)

    def shot(self, name: str) -> None:
        """A picture of the whole page, to be looked at."""
        self.page.screenshot(path=SHOTS / f"{name}.png", full_page=True)


Open = Callable[..., Opened]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium")
    assert found, "there is no chromium: hack/chromium.sh installs it"
    with sync_playwright() as playwright:
        # As root, in a container, Chromium's own sandbox cannot be made; the pages are ours.
        launched = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def files() -> dict[str, pathlib.Path]:
    """The pages as files, made once."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    out = {}
    for name, make in {**PAGES, **VARIANTS}.items():
        out[name] = SHOTS / f"{name}.html"
        out[name].write_text(make(), encoding="utf-8")
    return out


@pytest.fixture
def open_page(browser: Browser, files: dict[str, pathlib.Path]) -> Iterator[Open]:
    """Opens a page from its file, offline, in a window of a width and a colour scheme."""
    contexts = []

    def opened(name: str, width: int = 1200, scheme: str = "light") -> Opened:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,  # type: ignore[arg-type]
            offline=True,
            permissions=["clipboard-read", "clipboard-write"],
        )
        contexts.append(context)
        found = Opened(context.new_page())

        def asked(request: Request) -> None:
            found.requests.append(request.url)

        found.page.on("console", lambda message: found.complaints.append(f"{message.type}: {message.text}"))
        found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
        found.page.on("dialog", lambda dialog: found.complaints.append(f"dialog: {dialog.message}"))
        found.page.on("request", asked)
        found.page.goto(files[name].as_uri())
        return found

    yield opened
    for context in contexts:
        context.close()
