"""Takes secrets out of text: the values of the environment variables that the plan names, in their usual disguises."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterable, Mapping

MASK = "****"
_SHORTEST = 3  # a shorter value would tear ordinary words apart, and is no secret


class Masker:
    """Replaces every known secret by ****."""

    def __init__(self, names: Iterable[str], environment: Mapping[str, str]) -> None:
        found: set[str] = set()
        for name in names:
            value = environment.get(name, "")
            for text in (value, value.strip(), *value.splitlines()):
                if len(text) >= _SHORTEST:
                    found |= {text, urllib.parse.quote(text, safe=""), json.dumps(text)[1:-1], repr(text)[1:-1]}
        self._secrets = sorted(found, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, MASK)
        return text
