"""Published figures of gateways, to set a measurement beside. They were measured elsewhere: on other machines, by other
tools, and never in the same run; a comparison in one cluster says more."""

from __future__ import annotations

import functools
import importlib.resources
import json
from typing import Any

from gatebench_analysis import quantities
from gatebench_analysis.models import Document

NONE = "none"


class Published(Document):
    """A figure as it was published, in the unit of its metric."""

    value: float
    high: float | None = None
    """The upper end, of a range."""
    more: bool = False
    """It is said to be more than the value."""

    @property
    def bound(self) -> float:
        """What is asked of others: of a range the end that asks less."""
        return self.value if self.high is None else self.high

    def words(self, unit: str) -> str:
        """For people: 7,700+ req/s, 10 ms to 32 ms."""
        low = quantities.text(self.value, unit)
        if self.more:
            number, _, rest = low.partition(" ")
            return f"{number}+ {rest}".rstrip()
        return low if self.high is None else f"{low} to {quantities.text(self.high, unit)}"


class Reference(Document):
    """A bundled reference."""

    name: str
    title: str
    instances: int
    """Of the gateway, that these figures are of together."""
    source: str
    date: str
    """When it was read there, year-month-day; the sources give no date of their own."""
    environment: str
    note: str = ""
    figures: dict[str, Published]
    """By metric."""

    @property
    def heading(self) -> str:
        """LiteLLM, 4 instances."""
        return f"{self.title}, {self.instances} instance{'' if self.instances == 1 else 's'}"


@functools.cache
def _all() -> dict[str, Reference]:
    text = (importlib.resources.files(__name__) / "references.json").read_text("utf-8")
    found: list[dict[str, Any]] = json.loads(text)
    return {one["name"]: Reference.model_validate(one) for one in found}


def names() -> tuple[str, ...]:
    """Of the bundled references."""
    return tuple(_all())


def get(name: str) -> Reference | None:
    """The reference of that name; None for `none`. Raises ValueError that names those there are."""
    if name == NONE:
        return None
    found = _all().get(name)
    if found is None:
        raise ValueError(f"there is no reference {name}: use one of {', '.join(names())}, or {NONE}")
    return found
