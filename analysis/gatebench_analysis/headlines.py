"""A verdict in words, as pages and tables begin with it."""

from __future__ import annotations

import dataclasses

from gatebench_analysis.document import Finding


@dataclasses.dataclass(frozen=True)
class Headline:
    """`kind` is pass, fail, invalid or unknown; it sets colour and sign."""

    kind: str
    word: str
    message: str
    valid: str
    """Whether the measurement holds, in words."""
    holds: bool
    findings: tuple[Finding, ...]


@dataclasses.dataclass(frozen=True)
class Tile:
    """A figure that people ask for."""

    label: str
    value: str
    note: str


def sentence(words: str) -> str:
    """With a capital, and a full stop."""
    if not words:
        return ""
    return f"{words[0].upper()}{words[1:]}{'' if words[-1] in '.!?' else '.'}"
