"""The page of a comparison without a browser: its words, its places, and documents that are none."""

from __future__ import annotations

import html
import json
import math
import re
from typing import Any

import pytest
import yaml

from gatebench_analysis import record, report, standing
from gatebench_analysis.record import Delta, Record
from gatebench_analysis.report import deltas, drift, intervals, scales
from report import compared, samples
from unit.analysis.test_report import _Page


def page(source: tuple[str, dict[str, Any]], with_status: bool = True) -> _Page:
    return _Page(report.variants(record.read(source[0]), source[1] if with_status else None))


@pytest.fixture(scope="module")
def slower() -> tuple[str, dict[str, Any]]:
    return compared.slower()


def test_the_verdict_and_what_is_left_out_are_said_in_words(slower: tuple[str, dict[str, Any]]) -> None:
    words = page(slower).words
    for one in (
        "Failed",
        "latency.p95 of litellm is worse by",
        "9 of 10 runs are valid",
        "Regressed",
        "litellm, round 3",
    ):
        assert one.lower() in words.lower(), one
    assert "GeneratorSaturated What to do: use more workers" in words
    assert words.index("Failed") < words.index("Objectives") < words.index("Figures") < words.index("Environment")


def test_the_table_is_that_of_the_document(slower: tuple[str, dict[str, Any]]) -> None:
    kept = compared.record(slower)
    table = intervals.table(kept)
    assert table is not None
    rows = {row[0]: row for row in table.rows}
    p50 = next(row for row in kept.table if row.metric == "latency.p50")
    assert p50.ratio is not None
    assert rows["latency.p50"][1:8] == [
        "litellm",
        intervals.words("latency.p50", p50.median),
        intervals.words("latency.p50", p50.reference_median),
        f"{p50.ratio:.3f} (+{100 * (p50.ratio - 1):.1f} %)",
        f"{p50.low:.3f} to {p50.high:.3f}",
        "± 3 %",
        "Regressed",
    ]
    assert rows["latency.p50"][8] == "worse by more than 3 %"
    assert rows["errorRatio"][6] == "± 1 points"


def test_without_the_status_the_page_says_what_it_cannot_know(slower: tuple[str, dict[str, Any]]) -> None:
    alone = page(compared.without_status(slower), with_status=False).words
    assert "Failed" in alone
    assert "gatebench report bcmp/impact shows it" in alone
    kept = compared.record(slower)
    met = [one for one in kept.objectives if one.outcome == "Pass"]
    assert standing.headline(kept.model_copy(update={"objectives": met}), None).word == "Objectives met"
    open_ = [one.model_copy(update={"outcome": "Unknown"}) for one in met]
    assert standing.headline(kept.model_copy(update={"objectives": open_}), None).word == "Undecided"
    assert standing.headline(kept.model_copy(update={"objectives": []}), None).word == "No objectives"


def test_the_document_alone_gives_the_same_page_as_with_the_status(slower: tuple[str, dict[str, Any]]) -> None:
    both = [page(each, with_status).words for each in (slower, compared.unmeasured()) for with_status in (True, False)]
    assert both[0] == both[1]
    assert both[2] == both[3]
    assert "9 of 10 runs are valid and count" in both[1]


@pytest.mark.parametrize("with_status", [True, False])
def test_a_variant_without_a_run_that_counts_makes_it_invalid(with_status: bool) -> None:
    words = page(compared.unmeasured(), with_status).words
    assert "Not valid" in words
    assert "no run of on" in words
    assert "They are no measurement of the variants" in words


def test_one_that_was_cancelled_or_goes_on_has_no_verdict(slower: tuple[str, dict[str, Any]]) -> None:
    def head(**conditions: tuple[str, str]) -> str:
        each = [{"type": kind, "status": status, "reason": why} for kind, (status, why) in conditions.items()]
        return standing.headline(Record(), record.Standing.model_validate({"conditions": each})).word

    assert head(Complete=("True", "x"), Valid=("Unknown", "x"), Succeeded=("False", "Cancelled")) == "Ended early"
    assert head(Complete=("False", "Running"), Valid=("True", "x"), Passed=("True", "x")) == "Under way"
    assert head(Complete=("True", "x"), Valid=("True", "x"), Passed=("True", "x")) == "Passed"
    assert head(Complete=("True", "x"), Valid=("True", "x"), Passed=("Unknown", "x")) == "Undecided"


def test_dots_and_intervals_stand_on_one_line(slower: tuple[str, dict[str, Any]]) -> None:
    plots = {plot.metric: plot for plot in intervals.plots(compared.record(slower))}
    assert list(plots) == compared.METRICS
    reference, litellm = plots["latency.p50"].lines
    assert (len(reference.dots), len(litellm.dots)) == (5, 4)
    assert [words.split(":")[0] for *_, words in litellm.dots] == ["round 1", "round 2", "round 4", "round 5"]
    band = plots["latency.p50"].band
    assert band is not None
    assert band[0] < plots["latency.p50"].zero < band[0] + band[1]
    assert litellm.low is not None
    assert litellm.middle is not None
    assert litellm.high is not None
    assert band[0] + band[1] < litellm.low < litellm.middle < litellm.high
    assert min(at for at, *_ in litellm.dots) <= litellm.high
    throughput = plots["throughput"].lines[1]
    assert throughput.low is not None
    assert throughput.high is not None
    same = plots["throughput"].band
    assert same is not None
    assert same[0] < throughput.low < throughput.high < same[0] + same[1]


@pytest.mark.parametrize(
    ("metric", "shifts", "ticks"),
    [
        ("latency.p50", [math.log(0.98), math.log(1.04)], ["-2 %", "0 %", "+2 %", "+4 %"]),
        (
            "latency.p50",
            [math.log(9.5)],
            ["\N{MULTIPLICATION SIGN} 1", "\N{MULTIPLICATION SIGN} 2", "\N{MULTIPLICATION SIGN} 5"],
        ),
        (
            "latency.p50",
            [math.log(4e6)],
            [
                "\N{MULTIPLICATION SIGN} 1",
                "\N{MULTIPLICATION SIGN} 100",
                "\N{MULTIPLICATION SIGN} 10000",
                "\N{MULTIPLICATION SIGN} 1e+06",
            ],
        ),
        ("errorRatio", [-0.01, 0.01], ["-1", "-0.5", "0", "+0.5", "+1"]),
        ("throughput", [], ["-0.5 %", "0 %", "+0.5 %", "+1 %"]),
    ],
)
def test_ticks_are_round_and_have_the_reference(metric: str, shifts: list[float], ticks: list[str]) -> None:
    line = scales.scale(metric, shifts)
    assert [words for _, words in line.ticks()] == ticks
    places = [at for at, _ in line.ticks()]
    assert places == sorted(places)
    assert line.place(0.0) in places


def test_values_without_a_ratio_have_no_place() -> None:
    assert scales.shift("latency.p50", 0.0, 1.0) is None
    assert scales.shift("latency.p50", 1e300, 1e-300) is None
    assert scales.shift("errorRatio", 0.0, 0.01) == -0.01


def _delta(delta: float, low: float | None = None, high: float | None = None, bound: str = "5ms") -> Delta:
    return Delta(metric="latency.p50", bound=bound, delta=delta, low=low, high=high, unit="s")


def test_bars_of_differences() -> None:
    within = deltas.bar(_delta(0.003, 0.002, 0.004))
    assert within is not None
    assert within.low is not None
    assert within.high is not None
    assert within.zero < within.low < within.value < within.high < within.bound
    better = deltas.bar(_delta(-0.002, -0.003, -0.001))
    assert better is not None
    assert better.value < better.zero < better.bound
    far, farther = deltas.bar(_delta(0.5, 0.4, 0.6)), deltas.bar(_delta(-0.5))
    assert far is not None
    assert farther is not None
    assert (far.beyond, far.value) == ("right", 100.0)
    assert (farther.beyond, farther.value) == ("left", 0.0)
    assert 20 < far.bound < 80
    none = deltas.bar(_delta(0.001, bound="0"))
    assert none is not None
    assert none.zero == none.bound < none.value
    assert deltas.bar(_delta(0.1, bound="much")) is None
    assert deltas.bar(Delta(metric="latency.p50", bound="5ms")) is None


def test_the_runs_stand_in_their_order_with_their_gaps(slower: tuple[str, dict[str, Any]]) -> None:
    kept = compared.record(slower)
    p50 = next(one for one in drift.courses(kept) if one.metric == "latency.p50")
    assert [dot.words.split(":")[0] for dot in p50.dots[:4]] == [
        "loopback, round 1",
        "litellm, round 1",
        "litellm, round 2",
        "loopback, round 2",
    ]
    assert [dot.x for dot in p50.dots] == sorted(dot.x for dot in p50.dots)
    assert [words.partition(" does not count: ")[2] for _, words in p50.gaps] == ["no: GeneratorSaturated"]
    assert [number for _, number in p50.rounds] == ["1", "2", "3", "4", "5"]
    assert len(p50.links) == len(p50.dots) - 2
    assert max(p50.dots, key=lambda dot: dot.y).variant == 0  # the smallest latency is at the bottom
    (_, first), *_, (_, last) = kept.values("loopback", "latency.p50")
    assert f"loopback +{100 * (last / first - 1):.2f} %" in p50.summary
    assert [row[-1] for row in drift.table(kept).rows].count("no: GeneratorSaturated") == 1


def test_the_yaml_makes_the_same_comparison(slower: tuple[str, dict[str, Any]]) -> None:
    kept = compared.record(slower)
    ended = kept.model_copy(update={"spec": {**kept.spec, "cancel": True, "suspend": True}})
    block = re.search(r'<pre id="manifest"[^>]*>(.*?)</pre>', report.variants(ended), re.DOTALL)
    assert block is not None
    manifest = yaml.safe_load(html.unescape(block[1]))
    assert manifest["spec"] == kept.spec
    assert (manifest["kind"], manifest["metadata"]) == ("BenchmarkComparison", {"name": "impact", "namespace": "team"})


def test_all_that_comes_from_outside_is_escaped_and_nothing_is_fetched() -> None:
    found = page(compared.hostile())
    assert [tag for tag, _ in found.elements].count("script") == 3
    assert samples.HOSTILE in found.words
    for tag, attributes in found.elements:
        assert tag != "img"
        assert not {name for name in attributes if name.startswith("on") or name in ("style", "src")}, attributes
    drawn = [a for tag, a in found.elements if tag == "svg" and a.get("role") == "img"]
    assert drawn
    assert all(len(a["aria-label"] or "") > 30 for a in drawn)


@pytest.mark.parametrize(
    ("content", "words"),
    [("hello", "it is not JSON"), ("{}", "its schema is None"), ("[1]", "its schema is None")],
)
def test_what_is_no_comparison_is_refused(content: str, words: str) -> None:
    with pytest.raises(record.Unreadable, match=words):
        record.read(content)
    assert not record.is_record(content.encode())


def test_a_document_is_read_as_far_as_it_can_be() -> None:
    odd = {
        "schema": record.SCHEMA,
        "spec": {"variants": [{"name": "a"}, 3, {"overlay": {}}], "tolerance": "much", "tolerances": 4},
        "variants": {"a": {"runs": [{"round": 1, "values": {"latency.p50": 0.1, "throughput": "x", "z": 10**400}}]}},
        "runs": [{"name": "r", "round": 1, "variant": "a", "valid": "True"}, {"round": "x"}],
        "table": [{"metric": "latency.p50", "variant": "a", "ratio": 1e308, "low": 0, "verdict": "Odd"}, None],
        "objectives": [{"metric": "no.such", "bound": "5ms", "delta": 1.0}],
        "new": 1,
    }
    kept = record.read(json.dumps(odd))
    assert kept.values("a", "latency.p50") == [(1, 0.1)]
    assert kept.values("a", "throughput") == []
    assert kept.table[0].verdict == "Inconclusive"
    assert "latency.p50" in _Page(report.variants(kept)).words
    assert "There is no table" in _Page(report.variants(Record())).words
