"""What this process is, for the locustfile of the built-in workloads, which Locust loads without arguments."""

from __future__ import annotations

import socket

from gatebench_locust.plan import Plan
from gatebench_locust.recorder import Recorder

plan: Plan
recorder: Recorder | None = None
node: str = socket.gethostname()
