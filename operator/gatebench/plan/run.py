"""A run as the other rooms see it: parsed once, at the edge."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from gatebench.api.run import MUTABLE_FIELDS, BenchmarkRunSpec, restarts_gateway
from gatebench.api.status import BenchmarkRunStatus
from gatebench.plan import names


@dataclasses.dataclass(frozen=True)
class Owner:
    """The comparison that a run is part of."""

    name: str
    uid: str


@dataclasses.dataclass(frozen=True)
class Run:
    """One BenchmarkRun. `created_at` is in unix seconds; `raw_spec` is the spec as the API server has it."""

    namespace: str
    name: str
    uid: str
    generation: int
    resource_version: str
    created_at: float
    deleting: bool
    raw_spec: Mapping[str, Any]
    spec: BenchmarkRunSpec
    status: BenchmarkRunStatus
    comparison: Owner | None = None

    @functools.cached_property
    def names(self) -> names.Names:
        """Names of its children."""
        return names.of(self.name, self.uid)

    @functools.cached_property
    def spec_hash(self) -> str:
        """Hash of the spec without the fields that may change."""
        fixed = {key: value for key, value in self.raw_spec.items() if key not in MUTABLE_FIELDS}
        return hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def isolated(self) -> bool:
        """Whether exclusive cores are asked for, and so a node of its own."""
        return self.spec.gateway.image is not None and self.spec.gateway.isolation != "None"

    @property
    def holder(self) -> str:
        """UID under which it takes a Lease: a comparison holds its node over all of its runs, and frees it itself.

        The target of a URL is taken for each run alone: who holds one and waits for another could wait for ever.
        """
        return self.uid if self.comparison is None or self.spec.gateway.url is not None else self.comparison.uid

    @property
    def restarts_gateway(self) -> bool:
        """Whether each repeat has a gateway process of its own."""
        return restarts_gateway(self.spec)

    @property
    def attempt(self) -> str:
        """Identity of the run's only load: the same after a restart of the operator."""
        return f"{self.uid}-1"

    def with_status(self, status: BenchmarkRunStatus) -> Run:
        """The same run with another status."""
        return dataclasses.replace(self, status=status)
