"""A comparison of variants as comparison.json keeps it, with what its object's status says besides."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from gatebench_analysis.models import Document, Objects

SCHEMA = "gatebench.dev/comparison/v1alpha1"
_FAMILY = "gatebench.dev/comparison/"

Verdict = Literal["Better", "Same", "Regressed", "Inconclusive"]


class Unreadable(ValueError):
    """These bytes are no comparison; the message says why."""


def _only_numbers(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {str(name): float(number) for name, number in value.items() if _is_number(number)}


def _is_number(value: Any) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def _only_words(value: Any) -> Any:
    return {str(k): str(v) for k, v in value.items() if v is not None} if isinstance(value, Mapping) else value


Numbers = Annotated[dict[str, float], BeforeValidator(_only_numbers)]
Words = Annotated[dict[str, str], BeforeValidator(_only_words)]


class Identity(Document):
    """Which comparison it is."""

    name: str = ""
    namespace: str = ""
    uid: str = ""


class Values(Document):
    """What one valid run measured, by metric, in its unit."""

    round: int = 0
    values: Numbers = {}


class Variant(Document):
    """One of the things that were compared."""

    medians: Numbers = {}
    runs: Objects[Values] = []
    environment: Words = {}
    """By dotted names, of its first run that counts."""


class Run(Document):
    """One of the runs, in the order in which they were made."""

    name: str = ""
    round: int = 0
    variant: str = ""
    valid: Literal["True", "False", "Unknown"] | None = None
    reason: str = ""


class Row(Document):
    """A metric of a variant beside the reference's. Of shares `ratio`, `low` and `high` are differences."""

    metric: str = ""
    reference: str = ""
    variant: str = ""
    unit: str = ""
    reference_median: float | None = None
    median: float | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    verdict: Verdict = "Inconclusive"
    display: str = ""


class Delta(Document):
    """An objective: how much worse the variant is, in `unit`; below 0 it is better."""

    metric: str = ""
    reference: str = ""
    variant: str = ""
    outcome: Literal["Pass", "Fail", "Unknown"] = "Unknown"
    bound: str = ""
    delta: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    observed: str = ""
    message: str = ""


class Condition(Document):
    """A condition of the object's status."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""


class Standing(Document):
    """The object's status: its verdict, and what a reader should know."""

    conditions: Objects[Condition] = []
    warnings: list[str] = []
    node: str = ""
    started_at: str = ""

    def of(self, kind: str) -> Condition:
        """The condition of that type; one without a status where there is none."""
        return next((one for one in self.conditions if one.type == kind), Condition(type=kind))


class Record(Document):
    """All that a comparison came to."""

    comparison: Identity = Identity()
    finished_at: str = ""
    spec: dict[str, Any] = {}
    variants: dict[str, Variant] = {}
    runs: Objects[Run] = []
    table: Objects[Row] = []
    objectives: Objects[Delta] = []
    status: Standing | None = None
    """How it ended; None in documents of an operator that did not keep it."""

    @property
    def names(self) -> list[str]:
        """The variants in the order of the spec, of which the first is the reference."""
        listed = self.spec.get("variants")
        told = [one.get("name") for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
        return list(dict.fromkeys([*(name for name in told if isinstance(name, str)), *self.variants]))

    @property
    def metrics(self) -> list[str]:
        """What was compared: the rows of the table, then what only objectives name."""
        return list(dict.fromkeys([*(row.metric for row in self.table), *(one.metric for one in self.objectives)]))

    def values(self, variant: str, metric: str) -> list[tuple[int, float]]:
        """(round, value) of the runs that count, in the order of their rounds."""
        found = self.variants.get(variant, Variant()).runs
        return sorted((one.round, one.values[metric]) for one in found if metric in one.values)

    def counted(self, run: Run) -> bool:
        """Whether a run's values are in the figures."""
        return run.round in {one.round for one in self.variants.get(run.variant, Variant()).runs}


def is_record(content: bytes) -> bool:
    """Whether these bytes are meant as a comparison, by their schema."""
    if _FAMILY.encode() not in content:
        return False  # without reading a large result for it
    try:
        return _schema(json.loads(content)).startswith(_FAMILY)
    except (ValueError, RecursionError):
        return False


def read(content: bytes | str) -> Record:
    """The comparison from its JSON. Raises Unreadable (a ValueError)."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Unreadable("it is not JSON") from error
    if not _schema(found).startswith(_FAMILY):
        raise Unreadable(f"its schema is {_schema(found) or None!r}, not {SCHEMA}")
    return Record.model_validate(found)


def _schema(found: Any) -> str:
    given = found.get("schema") if isinstance(found, dict) else None
    return given if isinstance(given, str) else ""
