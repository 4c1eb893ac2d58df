"""The plan's load curve in the form in which Locust asks for it."""

# Locust is typed in part only.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

from locust import LoadTestShape

from gatebench_locust.conductor import Conductor


class PlanShape(LoadTestShape):
    """The plan's load curve, as Locust asks for it each second."""

    abstract = True  # Locust must not find it in a locustfile that imports it

    def __init__(self, conductor: Conductor) -> None:
        super().__init__()
        self._conductor = conductor
        self._last = (-1, 1.0)

    def tick(self) -> tuple[int, float]:
        """(users, users a second). Never None: the conductor ends the test, after the drain."""
        wanted = self._conductor.target()
        if wanted[0] != self._last[0]:  # another rate alone would have Locust send its jobs again
            self._last = wanted
        return self._last
