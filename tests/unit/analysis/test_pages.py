"""Pages of the documentation that name a number of the analysis name the one that it has."""

from __future__ import annotations

import pathlib
import re

from gatebench_analysis import trends

DOCS = pathlib.Path(__file__).parents[3] / "docs"


def test_endurance_names_how_many_medians_a_series_is_reduced_to() -> None:
    named = re.findall(r"at most ([\d,]+) medians", (DOCS / "endurance.md").read_text())
    assert [int(one.replace(",", "")) for one in named] == [trends.MOST_BINS]
