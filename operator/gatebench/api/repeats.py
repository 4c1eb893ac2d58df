"""How often a run measures: each repeat is a measurement of its own."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gatebench.api.fields import Model, duration


class Repeats(Model):
    """Measurements of one run, each with the warm-up and all stages. The run's figures are medians over them, with the
    spread; percentiles' upper bounds, and largest values, are the largest of any repeat."""

    count: Annotated[int, Field(ge=1, le=50)]
    """How many. Five tell a regression of a few percent from chance."""
    pause: duration("0s", "1h") = 10.0  # type: ignore[valid-type]
    """Time without load between two of them, after all requests are answered."""
    restart_gateway: bool | None = None
    """Makes the gateway's pod anew before each but the first, so that each measures a process of its own: only such
    repeats are independent, as a comparison with a baseline needs them. Isolation is proven each time. By default true
    where there is a baseline and the gateway is given by image, else false."""
