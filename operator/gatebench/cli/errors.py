"""What goes wrong for a user, said in one line that names the remedy."""

from __future__ import annotations

import json
import re
from typing import Any

# Server-side apply says it in one way, creation in another.
_UNKNOWN_FIELD = re.compile(r'(?<![\w.])\.?([\w.\[\]-]+): field not declared in schema|unknown field "([^"]+)"')


class CliError(Exception):
    """Ends the command with exit code 3; its text is all that the user sees."""


class ApiError(CliError):
    """The API server's refusal, made readable. `code` is the HTTP status, None where no answer came."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


def of_answer(code: int, body: bytes, about: str) -> ApiError:
    """The error of an answer with status `code`: the fields that it names, each with what is wrong."""
    status = _status(body)
    if code == 404 and not status:
        return ApiError(
            f"{about}: the cluster does not know this kind; install the operator's chart (docs/install.md)",
            code,
        )
    if code == 401:
        return ApiError(f"{about}: the cluster does not accept your credentials; log in, or check --context", code)
    causes = (status.get("details") or {}).get("causes") or []
    named = [f"{cause['field']}: {_tidy(cause.get('message', ''))}" for cause in causes if cause.get("field")]
    message = "; ".join(dict.fromkeys(named)) or _tidy(
        str(status.get("message") or body[:300].decode(errors="replace"))
    )
    if code == 403:
        message += "; ask for a role with this right (docs/security.md)"
    return ApiError(f"{about}: {message}", code)


def _status(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) and document.get("kind") == "Status" else {}


def _tidy(message: str) -> str:
    """One line, without the whole object that CEL errors repeat."""
    text = " ".join(message.split())
    if text.startswith('Invalid value: "object": '):
        return text.removeprefix('Invalid value: "object": ')
    if unknown := _UNKNOWN_FIELD.findall(text):
        return "; ".join(f"{applied or created}: no such field" for applied, created in unknown)
    if text.startswith("Invalid value: {") and "}: " in text:
        return text.rsplit("}: ", 1)[1]
    return text
