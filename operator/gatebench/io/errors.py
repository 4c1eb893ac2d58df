"""What the API server's refusals are here. They stay in this room; callers outside get documented results."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_MESSAGE_LIMIT = 1024


class ApiError(Exception):
    """The API server refused, or gave no answer.

    `status` is the HTTP status (0: no answer), `reason` the word that Kubernetes has for it, `message` its
    sentence, `retry_after` the seconds that it wants to be left alone, `causes` the reasons of its details.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        retry_after: float | None = None,
        causes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
        self.causes = causes


class NotFound(ApiError):
    """404: there is no such object, or no such namespace."""


class AlreadyExists(ApiError):
    """409 on create: the name is taken."""


class Conflict(ApiError):
    """409: the object has changed, or is not the one that a precondition names."""


class Expired(ApiError):
    """410: the continuation of a list is too old."""


class Forbidden(ApiError):
    """403: a right is missing, or an admission check refused."""


class Invalid(ApiError):
    """400, 413 or 422: the object is not accepted as it is, now or later."""


class Unavailable(ApiError):
    """429, 5xx or no answer at all: the same may work later."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: Invalid,
    403: Forbidden,
    404: NotFound,
    410: Expired,
    413: Invalid,
    422: Invalid,
    429: Unavailable,
}


def of_answer(status: int, body: bytes, about: str, retry_after: float | None = None) -> ApiError:
    """The error of an answer whose status is not 2xx. `about` names verb and object."""
    document = _status_object(body)
    reason = str(document.get("reason") or "")
    said = str(document.get("message") or body[:200].decode(errors="replace") or f"HTTP {status}")
    details = document.get("details")
    listed = details.get("causes") if isinstance(details, Mapping) else None
    causes = tuple(str(c.get("reason") or "") for c in listed or () if isinstance(c, Mapping))
    if status == 409:
        kind: type[ApiError] = AlreadyExists if reason == "AlreadyExists" else Conflict
    else:
        kind = _BY_STATUS.get(status, Unavailable if status >= 500 else ApiError)
    message = f"{about}: {said}"[:_MESSAGE_LIMIT]
    return kind(status, reason, message, retry_after=retry_after, causes=causes)


def _status_object(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, Mapping) else {}
