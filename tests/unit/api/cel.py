"""As much of CEL, and of what the API server does with a schema, as the rules of the CRD use.

`problems` fills defaults in and evaluates every rule on the object that it belongs to, so that rules are tested where
they stand, without a cluster. What a rule uses and this does not know raises NotImplementedError: no rule is skipped.
"""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gatebench.api.quantities import duration_seconds

Values = Mapping[str, Any]
Term = Callable[[Values], Any]
_TOKEN = re.compile(r"""\s*(?:(\d+\.?\d*)|('(?:[^'\\]|\\.)*')|([A-Za-z_]\w*)|(&&|\|\||[=!<>]=|[-+!<>?:().,\[\]]))""")
_RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "in": lambda a, b: a in b,
}
_FUNCTIONS: dict[str, Callable[[Any], Any]] = {"duration": duration_seconds, "string": str}
_METHODS: dict[str, Callable[..., Any]] = {
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": lambda text, part: part in text,
    "matches": lambda text, pattern: re.search(pattern, text) is not None,
    "size": len,
}
_MACROS: dict[str, Callable[[list[Any], Callable[[Any], Any]], Any]] = {
    "all": lambda items, holds: all(holds(item) for item in items),
    "exists": lambda items, holds: any(holds(item) for item in items),
    "exists_one": lambda items, holds: sum(bool(holds(item)) for item in items) == 1,
    "filter": lambda items, holds: [item for item in items if holds(item)],
}


class Expression:
    """A parsed rule."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0
        self._term = self._ternary()
        if self._at != len(self._tokens):
            raise NotImplementedError(f"{self._tokens[self._at]} in {text}")

    def holds(self, value: Any) -> bool:
        """Whether the rule holds on `self`."""
        return bool(self._term({"self": value}))

    def _next(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, *wanted: str) -> str | None:
        if self._at < len(self._tokens) and self._tokens[self._at] in wanted:
            return self._next()
        return None

    def _must(self, wanted: str) -> None:
        if self._take(wanted) is None:
            raise NotImplementedError(f"{wanted} is missing at {self._tokens[self._at :]}")

    def _ternary(self) -> Term:
        condition = self._or()
        if not self._take("?"):
            return condition
        yes = self._ternary()
        self._must(":")
        no = self._ternary()
        return lambda values: yes(values) if condition(values) else no(values)

    def _or(self) -> Term:
        terms = [self._and()]
        while self._take("||"):
            terms.append(self._and())
        return terms[0] if len(terms) == 1 else lambda values: any(term(values) for term in terms)

    def _and(self) -> Term:
        terms = [self._relation()]
        while self._take("&&"):
            terms.append(self._relation())
        return terms[0] if len(terms) == 1 else lambda values: all(term(values) for term in terms)

    def _relation(self) -> Term:
        left = self._sum()
        while (word := self._take(*_RELATIONS)) is not None:
            left = _binary(_RELATIONS[word], left, self._sum())
        return left

    def _sum(self) -> Term:
        left = self._unary()
        while self._take("+"):
            left = _binary(lambda a, b: a + b, left, self._unary())
        return left

    def _unary(self) -> Term:
        if self._take("!"):
            term = self._unary()
            return lambda values: not term(values)
        term = self._primary()
        while self._take("."):
            term = self._member(term)
        return term

    def _member(self, owner: Term) -> Term:
        name = self._next()
        if not self._take("("):
            return lambda values: owner(values)[name]
        if name in _MACROS:
            return self._macro(owner, _MACROS[name])
        method, arguments = _METHODS[name], self._arguments()
        return lambda values: method(owner(values), *(argument(values) for argument in arguments))

    def _macro(self, owner: Term, macro: Callable[[list[Any], Callable[[Any], Any]], Any]) -> Term:
        name = self._next()
        self._must(",")
        inner = self._ternary()
        self._must(")")
        return lambda values: macro(owner(values), lambda item: inner({**values, name: item}))

    def _arguments(self) -> list[Term]:
        out: list[Term] = []
        while not self._take(")", "]"):
            out.append(self._ternary())
            self._take(",")
        return out

    def _primary(self) -> Term:
        token = self._next()
        if token == "(":
            term = self._ternary()
            self._must(")")
            return term
        if token == "[":
            items = self._arguments()
            return lambda values: [item(values) for item in items]
        if token[0] == "'":
            text = re.sub(r"\\(.)", r"\1", token[1:-1])
            return lambda values: text
        if token[0].isdigit():
            number = float(token)
            return lambda values: number
        if token in ("true", "false"):
            return lambda values: token == "true"
        if token == "has" and self._take("("):
            return self._has()
        if self._take("("):
            function, (argument,) = _FUNCTIONS[token], self._arguments()
            return lambda values: function(argument(values))
        return lambda values: values[token]

    def _has(self) -> Term:
        owner = self._primary()
        self._must(".")
        names = [self._next()]
        while self._take("."):
            names.append(self._next())
        self._must(")")

        def there(values: Values) -> bool:
            value = owner(values)
            for name in names[:-1]:
                value = value[name]
            return names[-1] in value

        return there


def _binary(operation: Callable[[Any, Any], Any], left: Term, right: Term) -> Term:
    return lambda values: operation(left(values), right(values))


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise NotImplementedError(text[at:])
        yield next(group for group in found.groups() if group is not None)
        at = found.end()


def defaulted(schema: Mapping[str, Any], value: Any) -> Any:
    """The value with the schema's defaults, as the API server stores it."""
    if isinstance(value, dict):
        inner = dict(value)
        for name, part in (schema.get("properties") or {}).items():
            if name not in inner and "default" in part:
                inner[name] = copy.deepcopy(part["default"])
            if name in inner:
                inner[name] = defaulted(part, inner[name])
        return inner
    if isinstance(value, list) and "items" in schema:
        return [defaulted(schema["items"], item) for item in value]
    return value


_parsed = functools.cache(Expression)


def problems(schema: Mapping[str, Any], value: Any) -> list[str]:
    """The messages of the rules that do not hold on a value or on what is in it."""
    return list(_problems(schema, defaulted(schema, value)))


def _problems(schema: Mapping[str, Any], value: Any) -> Iterator[str]:
    for rule in schema.get("x-kubernetes-validations") or ():
        if "oldSelf" not in rule["rule"] and not _parsed(rule["rule"]).holds(value):
            yield rule["message"]
    if isinstance(value, dict):
        others = schema.get("additionalProperties") or {}
        for name, item in value.items():
            yield from _problems((schema.get("properties") or {}).get(name, others), item)
    if isinstance(value, list):
        for item in value:
            yield from _problems(schema.get("items") or {}, item)
