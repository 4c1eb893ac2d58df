"""This process with another plan: it executes itself in its place, so that nothing of one measurement is in memory at
the next. The process, its container and what is mounted stay."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import pathlib
import sys
from collections.abc import Mapping
from typing import NoReturn

logger = logging.getLogger(__name__)

FAILED_EXIT = 1


@dataclasses.dataclass(frozen=True)
class Successor:
    """How this process was started, before anything was changed in it: `environment` and the `working` directory.
    `folder` is where the next plan is written."""

    environment: Mapping[str, str]
    working: str
    folder: str

    @property
    def plan(self) -> str:
        """The path of the next plan."""
        return os.path.join(self.folder, "plan.json")

    def store(self, text: str) -> None:
        """Writes the next plan, whole or not at all. Raises OSError."""
        part = f"{self.plan}.part"
        pathlib.Path(part).write_text(text, encoding="utf-8")
        os.replace(part, self.plan)

    def begin(self) -> NoReturn:
        """Begins again with the plan that was stored."""
        logger.info("begins again with another plan")
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        try:
            _close_on_exec()
            os.chdir(self.working)  # a locustfile's folder would be the first that modules are looked for in
            arguments = [sys.executable, *sys.orig_argv[1:]]
            environment = {**self.environment, "GATEBENCH_PLAN": self.plan}
            os.execve(sys.executable, arguments, environment)  # noqa: S606 - by the arguments that it has
        except OSError as error:
            logger.error("cannot begin again: %s", error)
            logging.shutdown()
            os._exit(FAILED_EXIT)


def _close_on_exec() -> None:
    """Whatever a library has opened without it: what the successor inherits would be more with every plan."""
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir("/proc/self/fd"):
            if int(name) > 2:
                with contextlib.suppress(OSError):  # the listing's own is closed by now
                    os.set_inheritable(int(name), False)
