"""What one Locust process can send: users without think time, posting the same chat completion as wrk does."""

from __future__ import annotations

import json
import os
import pathlib
import time
from typing import Any

from locust import FastHttpUser, constant, events, task

BODY = json.loads(pathlib.Path(os.environ["CHAT_BODY"]).read_text())
MARK: dict[str, Any] = {}


class Client(FastHttpUser):
    wait_time = constant(0)

    @task
    def chat(self) -> None:
        self.client.post("/v1/chat/completions", json=BODY)


@events.spawning_complete.add_listener
def begin(**_: Any) -> None:
    MARK["begin"], MARK["cpu"] = time.monotonic(), time.process_time()


@events.request.add_listener
def count(exception: Exception | None = None, **_: Any) -> None:
    if "begin" in MARK:
        MARK["failed" if exception else "done"] = MARK.get("failed" if exception else "done", 0) + 1


@events.test_stop.add_listener
def end(**_: Any) -> None:
    seconds = time.monotonic() - MARK["begin"]
    done, cpu = MARK.get("done", 0), time.process_time() - MARK["cpu"]
    result = {"perSecond": done / seconds, "perCpuSecond": done / cpu, "failures": MARK.get("failed", 0)}
    pathlib.Path(os.environ["LOCUST_RESULT"]).write_text(json.dumps(result))
