"""YAML as the tests read it: by libyaml where the package has it, and each text only once."""

from __future__ import annotations

import functools
import pathlib
import pickle
from typing import Any

import yaml

_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@functools.cache
def _parsed(text: str) -> bytes:
    return pickle.dumps([document for document in yaml.load_all(text, _LOADER) if document])


def load_all(text: str) -> list[Any]:
    """The documents of a text, without the empty ones; a caller may change them."""
    found: list[Any] = pickle.loads(_parsed(text))
    return found


def load(text: str) -> Any:
    """The one document of a text."""
    (document,) = load_all(text)
    return document


def documents(path: pathlib.Path) -> list[Any]:
    """The documents of a file, without the empty ones."""
    return load_all(path.read_text(encoding="utf-8"))
