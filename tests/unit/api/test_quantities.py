"""Bounds in the unit of their metric; slopes are bounded an hour, and nothing else is."""

from __future__ import annotations

import re

import pytest

from gatebench.api.quantities import OBJECTIVE_PATTERN, bound_value


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("5Mi/h", "bytes/h", 5 * 2.0**20),
        ("10ms/h", "s/h", 0.01),
        ("1%/h", "ratio/h", 0.01),
        ("100/h", "count/h", 100.0),
        ("6Gi", "bytes", 6 * 2.0**30),
        ("10Mi", "bytes/s", 10 * 2.0**20),
    ],
)
def test_a_bound_in_the_unit_of_its_metric(text: str, unit: str, value: float) -> None:
    assert re.match(OBJECTIVE_PATTERN, text)
    assert bound_value(text, unit) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "unit", "words"),
    [
        ("5Mi", "bytes/h", "write it an hour, as 5Mi/h"),
        ("1%/h", "bytes/h", "a percentage bounds only a ratio"),
        ("5Mi/h", "bytes", "leave out /h"),
        ("5Mi/h", "bytes/s", "leave out /h"),
        ("/h", "bytes/h", "is not a bound"),
    ],
)
def test_a_bound_of_another_kind_is_refused_with_the_form_wanted(text: str, unit: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        bound_value(text, unit)


@pytest.mark.parametrize("text", ["5Mi/s", "5Mi/d", "5Mi / h", "5Mi/h/h", "-5Mi/h"])
def test_other_forms_are_no_bounds(text: str) -> None:
    assert not re.match(OBJECTIVE_PATTERN, text)
