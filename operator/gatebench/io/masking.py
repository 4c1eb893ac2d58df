"""Takes credentials out of text that is kept: logs, messages. Pure.

It knows the forms in which clients and gateways write credentials, and the values that the operator has
itself. It errs on the side of masking too much.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "***"
# A value in quotes, or up to a blank or what ends a field.
_VALUE = r"(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s,;&\"'}\])]+)"
# Names of credentials. Not "tokens", which counts the words of a model. Every repetition here is bounded: who
# writes a log must not be able to keep the operator busy with it.
_NAMES = (
    r"[a-z0-9_.-]{0,40}(?:authorization|api[_-]?keys?|apikey|secrets?|token|passwords?|passwd|pwd|credentials?"
    r"|cookie|private[_-]?key|access[_-]?key|master[_-]?key)"
)

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # https://user:password@host
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,20}://)[^\s/@:]{0,256}:[^\s/@]{0,512}@"), rf"\1{MASK}@"),
    # Authorization: Bearer abc, also inside JSON and Python dicts
    (re.compile(r"(?i)\b(bearer|basic|digest|negotiate)(\s+)[A-Za-z0-9._~+/=:-]{6,}"), rf"\1\2{MASK}"),
    # sk-…, sk-ant-…, as OpenAI, Anthropic and LiteLLM write keys
    (re.compile(r"\b(sk|pk|rk|xox[abp]|gh[pousr]|glpat)[-_][A-Za-z0-9_-]{6,}"), rf"\1-{MASK}"),
    # JSON web tokens
    (re.compile(r"\beyJ[A-Za-z0-9_-]{5,1024}\.[A-Za-z0-9_-]{5,2048}\.[A-Za-z0-9_-]*"), MASK),
    # name=value, "name": "value", --name value; a scheme that is left over stays readable
    (
        re.compile(rf"(?i)(\b{_NAMES}[\"']?\s{{0,8}}[=:]\s{{0,8}})(?![\"']?(?:bearer|basic)\s+\*\*\*){_VALUE}"),
        rf"\1{MASK}",
    ),
    (re.compile(rf"(?i)(--{_NAMES}\s{{1,8}}){_VALUE}"), rf"\1{MASK}"),
)


def mask(text: str, known: Iterable[str] = ()) -> str:
    """The text without credentials; `known` are values that must not be in it, whatever is around them."""
    for value in known:
        if value:
            text = text.replace(value, MASK)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text
