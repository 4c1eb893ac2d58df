"""The result beside published figures, as `gatebench analyze` sets it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from gatebench_analysis import inputs, options, quantities, rating, reference
from gatebench_analysis.document import Result
from gatebench_analysis.report.tables import Table


@dataclasses.dataclass(frozen=True)
class Beside:
    """`status` is that of the whole, in the words of the reference's authors."""

    heading: str
    status: str
    why: str
    table: Table
    per_instance: str
    about: Sequence[tuple[str, str]]


def published(result: Result, name: str = options.DEFAULT_REFERENCE) -> Beside | None:
    """None where the measurement does not hold: it has nothing to be set beside."""
    reading, found = inputs.of_result(result), reference.get(name)
    if reading.doubt or found is None:
        return None
    rated = rating.rate(reading.figures, found)
    rows = [
        [row.label, row.words, row.reference_words or quantities.MISSING, row.factor_words, row.status]
        for row in rated.rows
    ]
    each = rated.per_instance
    per_instance = ""
    if each is not None:
        own, other = (quantities.text(value, "1/s") for value in (each.value, each.reference))
        per_instance = f"Per instance: {own} against {other}, {rating.times(each.factor) or 'not comparable'}."
    return Beside(
        heading=found.heading,
        status=rated.status,
        why=rated.why,
        table=Table(["Figure", "Here", found.heading, "Factor", "Status"], rows, last_is_words=True),
        per_instance=per_instance,
        about=[
            ("source", found.source),
            ("read", found.date),
            ("environment", found.environment),
            ("note", found.note),
        ],
    )
