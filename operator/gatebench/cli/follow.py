"""Follows a run to its end: reads it again and again and shows what changed.

Reading beats watching here: a watch can stall without an error, and one small GET a second costs nothing. The
clock and the reading are arguments, so that tests need neither a cluster nor time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from gatebench.cli import figures, render
from gatebench.cli.errors import ApiError, CliError
from gatebench.cli.view import View

INTERVAL = 1.0
LOAD_LINE_EVERY = 10.0
UNREACHABLE_FOR = 120.0


class Screen(Protocol):
    """Where a run is shown while it is under way."""

    def show(self, view: View) -> None:
        """Takes note of the run as it is now."""

    def note(self, text: str) -> None:
        """Says something that is not about the run, such as an API server that does not answer."""

    def close(self) -> None:
        """Leaves the terminal as it was."""


class Lines:
    """One line on each change of step or condition, and one every ten seconds of load."""

    def __init__(
        self, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic,
        stamp: Callable[[], str] = lambda: time.strftime("%H:%M:%S"),
    ) -> None:  # fmt: skip
        self._write, self._clock, self._stamp = write, clock, stamp
        self._last: View | None = None
        self._load_line_at: float | None = None

    def show(self, view: View) -> None:
        for line in render.changes(self._last, view):
            self.note(line)
        self._last = view
        now = self._clock()
        if not render.is_loaded(view):
            return
        if self._load_line_at is None or now - self._load_line_at >= LOAD_LINE_EVERY:
            self._load_line_at = now
            self.note(render.load_line(view))

    def note(self, text: str) -> None:
        self._write(f"{self._stamp()}  {text}")

    def close(self) -> None:
        pass


def follow(
    read: Callable[[], View | None],
    screen: Screen,
    *,
    name: str,
    timeout: float | None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> View:
    """The run once it is complete. Raises CliError when it is deleted, or after `timeout` seconds."""
    begun, uid, lost_at = clock(), None, None
    step = "unknown"
    while True:
        try:
            view = read()
            lost_at = None
        except ApiError as error:
            if not _passing(error):
                raise
            if lost_at is None:
                lost_at = clock()
                screen.note(f"{error}; trying again")
            if clock() - lost_at > UNREACHABLE_FOR:
                raise
        else:
            if view is None or (uid is not None and view.uid != uid):
                raise CliError(f"run {name} was deleted while it was followed")
            uid, step = view.uid, view.step
            screen.show(view)
            if view.complete:
                return view
        if timeout is not None and clock() - begun >= timeout:
            raise CliError(
                f"run {name} is not complete after {figures.duration(timeout)} (step {step}): it goes on;"
                f" gatebench wait {name} follows it again, gatebench cancel {name} ends it"
            )
        sleep(INTERVAL)


def _passing(error: ApiError) -> bool:
    """Whether it may be better in a moment: no answer, too many requests, or the server's own trouble."""
    return error.code is None or error.code == 429 or error.code >= 500
