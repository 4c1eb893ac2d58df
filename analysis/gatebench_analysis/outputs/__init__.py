"""What is printed of results: text for terminals, CSV and JSON for programs, Markdown for people, JUnit for a CI.

`analysis(analyzed, form)` and `comparison(contrast, form)` are all of it; the modules below hold a form each.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from gatebench_analysis.contrast import Contrast
from gatebench_analysis.inputs import Reading
from gatebench_analysis.options import Form
from gatebench_analysis.rating import Rating

__all__ = ["Analyzed", "Form", "analysis", "comparison"]


@dataclasses.dataclass(frozen=True)
class Analyzed:
    """A result, and what it is beside a reference; None: beside none."""

    reading: Reading
    rating: Rating | None


def analysis(found: Sequence[Analyzed], form: Form, *, unicode: bool = False) -> str:
    """Results, without a line break at the end. `unicode`: lines may be drawn with more than ASCII."""
    from gatebench_analysis.outputs import junit, markdown, records, terminal

    if form is Form.CSV:
        return records.analysis_csv(found)
    if form is Form.JSON:
        return records.analysis_json(found)
    if form is Form.MARKDOWN:
        return markdown.analysis(found)
    if form is Form.JUNIT:
        return junit.analysis(found)
    return terminal.analysis(found, unicode=unicode)


def comparison(found: Contrast, form: Form, *, unicode: bool = False) -> str:
    """A comparison, in the same forms."""
    from gatebench_analysis.outputs import junit, markdown, records, terminal

    if form is Form.CSV:
        return records.comparison_csv(found)
    if form is Form.JSON:
        return records.comparison_json(found)
    if form is Form.MARKDOWN:
        return markdown.comparison(found)
    if form is Form.JUNIT:
        return junit.comparison(found)
    return terminal.comparison(found, unicode=unicode)
