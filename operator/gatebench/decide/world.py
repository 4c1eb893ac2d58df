"""What a decision knows besides the run: the operator's settings, its namespace and its key."""

from __future__ import annotations

import dataclasses

from gatebench.settings import Settings


@dataclasses.dataclass(frozen=True)
class World:
    """The operator's own side."""

    settings: Settings
    operator_namespace: str
    key: bytes
    operator_version: str
