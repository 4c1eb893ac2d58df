"""The places {{ }} of a declared body, as the Go engine fills them: what is wrong with them, before any pod is made.

In a body that is JSON, places are looked for in its strings; in other text, anywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any

_MOST_TOKENS = 200_000
_QUOTED = r'"(?:[^"\\]|\\["\\])*"'
_WORD = re.compile(rf'\s*(?:({_QUOTED})|([^\s"}}]+))')
_END = re.compile(r"\s*\}\}")
_WRITTEN = {
    "prompt": "prompt N",
    "choice": 'choice "a" "b"',
    "sequence": "sequence",
    "dataset": "dataset",
    "env": "env NAME",
}


class Wrong(ValueError):
    """A place cannot be filled; the message says which and why."""


def uses_dataset(body: str) -> bool:
    """Whether a place takes a line of the dataset. Raises Wrong."""
    return any(words == ["dataset"] for words in _places(body))


def check(body: str, env: Collection[str], dataset: bool) -> None:
    """Raises Wrong for the first place that cannot be filled: `env` are the variables of load.env."""
    for name, *arguments in _places(body):
        place = "{{" + " ".join((name, *arguments)) + "}}"
        quoted = [argument.startswith('"') for argument in arguments]
        if name not in _WRITTEN:
            raise Wrong(f"{place}: there is only prompt, choice, sequence, dataset and env")
        right = {
            "prompt": quoted == [False],
            "choice": bool(quoted) and all(quoted),
            "sequence": not quoted,
            "dataset": not quoted,
            "env": quoted == [False],
        }
        if not right[name]:
            raise Wrong(f"{place} is written {{{{{_WRITTEN[name]}}}}}")
        if name == "prompt" and not _is_length(arguments[0]):
            raise Wrong(f"{place}: the number must be from 1 to {_MOST_TOKENS:,}")
        if name == "env" and arguments[0] not in env:
            raise Wrong(f"{place}: load.env has no variable of that name")
        if name == "dataset" and not dataset:
            raise Wrong(f"{place}: workload.dataset is not set")


def _is_length(text: str) -> bool:
    return bool(re.fullmatch("[0-9]{1,6}", text)) and 1 <= int(text) <= _MOST_TOKENS


def _places(body: str) -> Iterator[list[str]]:
    """The words of each place; quoted ones keep their quotes."""
    for text in _texts(body):
        at = text.find("{{")
        while at >= 0:
            begin, words = at, []
            at += 2
            while not (end := _END.match(text, at)):
                word = _WORD.match(text, at)
                if word is None:
                    raise Wrong(f"{text[begin : begin + 40]} is not closed by }}}}, or has a quote that is not")
                words.append(word[1] or word[2])
                at = word.end()
            if not words:
                raise Wrong("{{ }} needs prompt, choice, sequence, dataset or env")
            yield words
            at = text.find("{{", end.end())


def _texts(body: str) -> Iterator[str]:
    try:
        document = json.loads(body)
    except ValueError:
        yield body
    else:
        yield from _strings(document)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)
