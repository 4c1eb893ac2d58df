"""Locust's side: FastHttpUsers that post the chat completion, as fast as they can or at a rate of their own each."""

# Locust is typed in part only.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import json
import os
import pathlib
import time
from typing import Any

from locust import FastHttpUser, constant, constant_throughput, events, task

BODY = pathlib.Path(os.environ["CHAT_BODY"]).read_text()
RATE = float(os.environ.get("RATE_PER_USER", "0"))
MARK: dict[str, float] = {}


class Client(FastHttpUser):
    wait_time = constant_throughput(RATE) if RATE else constant(0)

    @task
    def chat(self) -> None:
        self.client.post("/v1/chat/completions", data=BODY, headers={"Content-Type": "application/json"})


@events.spawning_complete.add_listener
def begin(**_: Any) -> None:
    MARK["begin"], MARK["cpu"] = time.monotonic(), time.process_time()


@events.request.add_listener
def count(exception: Exception | None = None, **_: Any) -> None:
    if "begin" in MARK:
        outcome = "failures" if exception else "requests"
        MARK[outcome] = MARK.get(outcome, 0) + 1


@events.test_stop.add_listener
def end(environment: Any, **_: Any) -> None:
    seconds, cpu = time.monotonic() - MARK["begin"], time.process_time() - MARK["cpu"]
    total = environment.stats.total
    done = int(MARK.get("requests", 0))
    result = {
        "requests": done,
        "failures": int(MARK.get("failures", 0)),
        "perSecond": done / seconds,
        "cpuSeconds": cpu,
        "p50": total.get_response_time_percentile(0.5) / 1e3,
        "p99": total.get_response_time_percentile(0.99) / 1e3,
    }
    pathlib.Path(os.environ["LOCUST_RESULT"]).write_text(json.dumps(result))
