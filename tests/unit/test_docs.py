"""The documentation says what the code says: reasons, remedies, generated pages, commands and links."""

from __future__ import annotations

import inspect
import pathlib
import re

import pytest
from typer.main import get_command

from gatebench.api import reference
from gatebench.api.reasons import REMEDIES, Reason
from gatebench.cli.main import app
from gatebench_analysis import remedies, validity

ROOT = pathlib.Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_explained_in_the_words_of_its_remedy(reason: Reason) -> None:
    lines = (DOCS / "troubleshooting.md").read_text().splitlines()
    about = [line for line in lines if f"`{reason}`" in line]
    assert about, f"docs/troubleshooting.md does not mention {reason}"
    assert any(REMEDIES.get(reason, "") in line for line in about)


def test_trust_has_every_reason_of_validity_with_its_remedy_and_no_other() -> None:
    text = (DOCS / "trust.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (?:False|Unknown|False, Unknown) \| [^|]+ \| ([^|]+) \|$", text, re.M)
    assert dict(rows) == {reason: remedy for reason, remedy in remedies.REMEDIES.items() if reason != "LeakSuspected"}
    assert len(rows) == len(dict(rows))
    assert f"Remedy: {remedies.REMEDIES['LeakSuspected']}." in (DOCS / "endurance.md").read_text()


def test_trust_has_the_reasons_in_the_order_in_which_they_are_looked_for() -> None:
    text = (DOCS / "trust.md").read_text()
    source = "".join(inspect.getsource(check) for check in validity.CHAIN)
    checked = list(dict.fromkeys(re.findall(r"finding\(\s*\"(\w+)\"", source)))
    checked = [reason for reason in checked if reason in remedies.REMEDIES]
    told = [reason for reason in re.findall(r"^\| `(\w+)`", text, re.M) if reason in checked]
    assert len(checked) > 10
    assert told == checked


def test_reference_is_not_stale() -> None:
    assert (DOCS / "reference.md").read_text() == reference.page(), "run make generate"
    assert (DOCS / "metrics.md").read_text() == reference.metrics_page(), "run make generate"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: pathlib.Path) -> None:
    text = page.read_text()
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page: pathlib.Path) -> None:
    for path in re.findall(r"\b((?:examples|docs|charts|hack|tests|crds)/[\w./-]*\w)", page.read_text()):
        assert (ROOT / path).exists(), f"{page.name} names {path}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_that_are_shown_exist(page: pathlib.Path) -> None:
    commands = getattr(get_command(app), "commands")  # noqa: B009 - click's own type is not public
    for line in page.read_text().splitlines():
        for command, rest in re.findall(r"(?:^|[`(\s])(?:kubectl )?gatebench ([a-z]+)([^`#|]*)", line):
            if command not in commands:
                # Prose, such as "gatebench is"; a command line begins its line or stands in backquotes.
                assert not re.search(rf"(^ {{4}}|`)(?:kubectl )?gatebench {command}", line), f"{page.name}: {line}"
                continue
            known = {option for p in commands[command].params for option in (*p.opts, *p.secondary_opts)}
            shown = re.findall(r"(?<!\S)(--?[a-zA-Z][a-z-]*)", rest)
            assert not set(shown) - known - {"--help"}, f"{page.name}: {line}"


def test_every_example_is_mentioned() -> None:
    text = "".join(page.read_text() for page in PAGES)
    for path in sorted((ROOT / "examples").glob("*.yaml")):
        assert f"examples/{path.name}" in text, f"no page mentions examples/{path.name}"
