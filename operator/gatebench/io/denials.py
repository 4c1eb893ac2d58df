"""A refusal of the API server -> which of the kinds that a person can mend it is. Pure."""

from __future__ import annotations

from gatebench.decide.snapshot import Denial
from gatebench.io import errors

TERMINATING = "Terminating"
_BEING_TERMINATED = "because it is being terminated"


def of(error: errors.ApiError) -> Denial:
    """The denial. Its message names the verb and the resource."""
    return Denial(_kind(error), error.message)


def _kind(error: errors.ApiError) -> str:
    if isinstance(error, errors.Forbidden):
        return _forbidden(error)
    if isinstance(error, errors.NotFound):
        # The object is not there yet, so what was not found is its namespace.
        return TERMINATING
    if isinstance(error, errors.Invalid):
        return "Invalid"
    return "Other"


def _forbidden(error: errors.ApiError) -> str:
    """403 is for rights and for every admission plugin; only their words tell them apart."""
    if "NamespaceTerminating" in error.causes or _BEING_TERMINATED in error.message:
        return TERMINATING
    if "exceeded quota" in error.message or "failed quota" in error.message:
        return "Quota"
    if "violates PodSecurity" in error.message:
        return "PodSecurity"
    return "Forbidden"
