"""Variables in the PromQL that runs bring: $pod, $namespace, $range, filled in so that nothing else changes.

A small scanner tells strings, comments and the rest apart, as Prometheus' own lexer does: a value is escaped
for the kind of string that it stands in, and `$1` of label_replace is left alone.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping

VARIABLES = ("pod", "namespace", "range")
_VARIABLE = re.compile(r"\$(?:\{(?P<braced>[^}]*)\}|(?P<plain>[A-Za-z_][A-Za-z0-9_]*))")
_QUANTILE = re.compile(r"(?P<call>histogram_quantile\s*\(\s*)(?P<number>0?\.[0-9]+|0)(?=\s*,)")
_BOOLEAN = re.compile(r"\bbool\b")


class InvalidQuery(ValueError):
    """The query cannot be filled in; the message says why."""


@dataclasses.dataclass(frozen=True)
class _Piece:
    """A part of a query: quote is a string's quote, '#' for a comment, and empty for what is between."""

    text: str
    quote: str = ""


def _pieces(promql: str) -> Iterator[_Piece]:
    """The query in pieces. Raises InvalidQuery for a string without an end."""
    start = position = 0
    while position < len(promql):
        mark = promql[position]
        if mark not in "\"'`#":
            position += 1
            continue
        if start < position:
            yield _Piece(promql[start:position])
        end = _end_of_comment(promql, position) if mark == "#" else _end_of_string(promql, position)
        yield _Piece(promql[position:end], mark)
        start = position = end
    if start < position:
        yield _Piece(promql[start:])


def _end_of_comment(promql: str, position: int) -> int:
    end = promql.find("\n", position)
    return len(promql) if end < 0 else end


def _end_of_string(promql: str, position: int) -> int:
    quote = promql[position]
    end = position + 1
    while end < len(promql):
        if promql[end] == "\\" and quote != "`":
            end += 2
        elif promql[end] == quote:
            return end + 1
        else:
            end += 1
    raise InvalidQuery(f"a string is not closed: {promql[position : position + 40]}")


def uses(promql: str, variable: str) -> bool:
    """Whether the query has the variable. Raises InvalidQuery."""
    return any(variable in (m["braced"], m["plain"]) for p in _pieces(promql) for m in _matches(p))


def _matches(piece: _Piece) -> Iterator[re.Match[str]]:
    return iter(()) if piece.quote == "#" else _VARIABLE.finditer(piece.text)


def fill(promql: str, values: Mapping[str, str]) -> str:
    """The query with its variables replaced. Raises InvalidQuery for a variable that does not exist."""
    return "".join(_filled(piece, values) for piece in _pieces(promql))


def _filled(piece: _Piece, values: Mapping[str, str]) -> str:
    if piece.quote == "#":
        return piece.text

    def replaced(match: re.Match[str]) -> str:
        name = match["plain"] if match["plain"] is not None else match["braced"]
        if piece.quote and name.isdigit():  # ${1} of label_replace
            return match[0]
        if name not in values:
            raise InvalidQuery(f"{match[0]} is unknown; there are {', '.join(f'${v}' for v in VARIABLES)}")
        if not piece.quote and name != "range":
            raise InvalidQuery(f'{match[0]} has to stand in quotes, as in {{{name}="${name}"}}')
        return escaped(values[name], piece.quote)

    filled = _VARIABLE.sub(replaced, piece.text)
    if not piece.quote and "$" in filled:
        raise InvalidQuery(f"$ outside of a string: {filled.strip()[:40]}")
    return filled


def escaped(value: str, quote: str = '"') -> str:
    """A label's value as it stands between such quotes. Raises InvalidQuery where that cannot be."""
    if quote == "":
        return value
    if quote == "`":
        if "`" in value:
            raise InvalidQuery("a value with a backtick cannot stand between backticks")
        return value
    return value.replace("\\", "\\\\").replace(quote, f"\\{quote}").replace("\n", "\\n").replace("\r", "\\r")


def check(promql: str) -> str | None:
    """What is wrong with the query's variables, or nothing. Whether it is PromQL only Prometheus knows."""
    try:
        fill(promql, {"pod": "pod", "namespace": "namespace", "range": "1s"})
    except InvalidQuery as error:
        return str(error)
    return None


def top_quantile(promql: str) -> str | None:
    """The same query with every histogram_quantile asked for quantile 1; None where there is none to compare.

    histogram_quantile answers with the highest finite bound when its quantile lies in the +Inf bucket. A
    value below that bucket is interpolated, and so below that of quantile 1: where both are equal, it is only
    known to be above the bound.
    """
    pieces = list(_pieces(promql))
    if any(not piece.quote and _BOOLEAN.search(piece.text) for piece in pieces):
        return None
    top = "".join(
        piece.text if piece.quote else _QUANTILE.sub(lambda match: f"{match['call']}1", piece.text) for piece in pieces
    )
    return top if top != promql else None
