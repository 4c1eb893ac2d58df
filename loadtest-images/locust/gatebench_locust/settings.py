"""The environment that the fleet reads; everything else is in the plan."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class Settings:
    """Where things are. Ports and paths have the values of the containers unless they are set."""

    plan: str
    token: str
    master_host: str
    locust_port: int
    api_port: int
    web_port: int
    termination_log: str
    folder: str
    pod_uid: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Reads GATEBENCH_*."""
        return cls(
            plan=environment.get("GATEBENCH_PLAN", "/etc/gatebench/plan.json"),
            token=environment.get("GATEBENCH_TOKEN", ""),
            master_host=environment.get("GATEBENCH_MASTER_HOST", "127.0.0.1"),
            locust_port=int(environment.get("GATEBENCH_LOCUST_PORT", "5557")),
            api_port=int(environment.get("GATEBENCH_API_PORT", "8090")),
            web_port=int(environment.get("GATEBENCH_WEB_PORT", "8089")),
            termination_log=environment.get("GATEBENCH_TERMINATION_LOG", "/dev/termination-log"),
            folder=environment.get("TMPDIR", "/tmp"),  # noqa: S108 - the container's own
            pod_uid=environment.get("GATEBENCH_POD_UID", ""),
        )
