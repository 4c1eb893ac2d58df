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
from gatebench.plan.names import FleetNames, Owner


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
    """The comparison that it is part of."""
    lent_seconds: int | None = None
    """For how long the pods of the fleet may be there that its comparison lends it; None: it has one of its own."""

    @functools.cached_property
    def names(self) -> names.Names:
        """Names of its children."""
        return names.of(self.name, self.uid)

    @property
    def owner(self) -> Owner:
        """Whose its own children are."""
        return Owner(self.name, self.uid)

    @property
    def lender(self) -> Owner | None:
        """The comparison whose fleet it uses; None: it has one of its own."""
        return self.comparison if self.lent_seconds is not None else None

    @property
    def fleet_owner(self) -> Owner:
        """Whose the fleet is. The token is that of the fleet's owner."""
        return self.lender or self.owner

    @functools.cached_property
    def fleet(self) -> FleetNames:
        """Names of the fleet's parts."""
        lender = self.lender
        return self.names if lender is None else names.of_comparison(lender.name, lender.uid)

    @property
    def owners(self) -> tuple[str, ...]:
        """UIDs of those whose children it may use."""
        return tuple({self.uid, self.fleet_owner.uid})

    def owner_of(self, component: str) -> Owner:
        """Whose a child of that component is."""
        return self.fleet_owner if component in names.FLEET else self.owner

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
