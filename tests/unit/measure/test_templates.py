"""Variables in the queries of runs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatebench.measure.templates import InvalidQuery, check, fill, top_quantile, uses

VALUES = {"pod": "demo-gateway", "namespace": "team-a", "range": "60s"}


@pytest.mark.parametrize(
    ("promql", "filled"),
    [
        ("x{pod=\"$pod\",namespace='$namespace'}", "x{pod=\"demo-gateway\",namespace='team-a'}"),
        ("rate(x{pod=`$pod`}[$range])", "rate(x{pod=`demo-gateway`}[60s])"),
        ("rate(x[${range}])", "rate(x[60s])"),
        ('x{pod="${pod}_1"}', 'x{pod="demo-gateway_1"}'),
        ("max_over_time(x[$range:15s])", "max_over_time(x[60s:15s])"),
        # label_replace has $1 of its own, and $ ends a regular expression
        ('label_replace(x, "a", "$1-${2}", "b", "(.*)$")', 'label_replace(x, "a", "$1-${2}", "b", "(.*)$")'),
        ("x # costs $5 a $month\n+ y", "x # costs $5 a $month\n+ y"),
        ('x{a="# $pod"}', 'x{a="# demo-gateway"}'),
        (r'x{a="\"$pod"}', r'x{a="\"demo-gateway"}'),
        ("", ""),
    ],
)
def test_filled(promql: str, filled: str) -> None:
    assert fill(promql, VALUES) == filled
    assert check(promql) is None


@pytest.mark.parametrize(
    ("promql", "words"),
    [
        ('x{pod="$pods"}', "$pods is unknown; there are $pod, $namespace, $range"),
        ('x{pod="${job}"}', "${job} is unknown"),
        ("x{pod=$pod}", '$pod has to stand in quotes, as in {pod="$pod"}'),
        ("x[$interval]", "$interval is unknown"),
        ("x[$__range]", "$__range is unknown"),
        ("x[$]", "$ outside of a string"),
        ("x[$5m]", "$ outside of a string"),
        ('x{pod="$pod}', "a string is not closed"),
        ('x{pod="a\\', "a string is not closed"),
    ],
)
def test_refused(promql: str, words: str) -> None:
    problem = check(promql)
    assert problem is not None
    assert words in problem


@pytest.mark.fault(38)
@given(st.text(max_size=30), st.sampled_from("\"'"))
def test_a_value_stays_in_its_string(value: str, quote: str) -> None:
    filled = fill(f"x{{pod={quote}$pod{quote}}}", {"pod": value, "namespace": "", "range": ""})
    body = filled.removeprefix(f"x{{pod={quote}").removesuffix(f"{quote}}}")
    position = 0
    while position < len(body):
        assert body[position] != quote
        position += 2 if body[position] == "\\" else 1
    assert position == len(body)


@pytest.mark.fault(38)
def test_a_value_that_cannot_be_escaped_is_refused() -> None:
    with pytest.raises(InvalidQuery):
        fill("x{pod=`$pod`}", {"pod": "a`} or y{a=`"})


def test_uses_ignores_comments() -> None:
    assert uses("rate(x[$range])", "range")
    assert uses("rate(x[${range}])", "range")
    assert not uses("x # [$range]", "range")


@pytest.mark.parametrize(
    ("promql", "top"),
    [
        ("histogram_quantile(0.95, x)", "histogram_quantile(1, x)"),
        ("1000 * histogram_quantile( .5 , x)", "1000 * histogram_quantile( 1 , x)"),
        ("max(histogram_quantile(0.9, x)) / 2", "max(histogram_quantile(1, x)) / 2"),
        ("histogram_quantile(1, x)", None),
        ("histogram_quantile(0.9, x) > bool 1", None),
        ('y{a="histogram_quantile(0.9, x)"}', None),
        ("rate(x[1m])", None),
    ],
)
def test_top_quantile(promql: str, top: str | None) -> None:
    assert top_quantile(promql) == top
