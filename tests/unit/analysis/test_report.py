"""The report without a browser: what stands on it, that it is one safe file, that thin curves keep their peaks."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import math
import pathlib
import re
import statistics
import subprocess
import sys

import pytest
import yaml

from gatebench_analysis import report
from gatebench_analysis.document import Result
from gatebench_analysis.histograms import of_values
from gatebench_analysis.load import Series
from gatebench_analysis.report import assets, bullets, charts, distributions, grid, headline, spread, tables, timelines
from report import samples
from unit.analysis import builders, test_against

pytestmark = pytest.mark.slow

VENDOR = pathlib.Path(report.__file__).parent / "vendor"
MOST_BYTES = 2_000_000
_UPPER = ("p50_upper_seconds", "p95_upper_seconds", "p99_upper_seconds")


class _Page(html.parser.HTMLParser):
    """The elements of a page, and the text of its scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.text: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in self.raw:
            self.raw[tag].append("")
            self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.raw[self._inside][-1] += data
        else:
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())

    @property
    def data(self) -> dict[str, dict]:  # type: ignore[type-arg]
        return {chart["id"]: chart for chart in json.loads(self.raw["script"][0])}


@pytest.fixture(scope="module")
def mixed() -> _Page:
    return _Page(report.page(samples.mixed()))


def test_vendored_files_are_as_they_were_published() -> None:
    sums = dict(line.split()[::-1] for line in (VENDOR / "SHA256SUMS").read_text().splitlines())
    assert sums
    for name, digest in sums.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest, name
    assert "MIT" in (VENDOR / "uPlot.LICENSE").read_text()
    assert "1.6.32" in (VENDOR / "uPlot.iife.min.js").read_text()[:200]


def test_page_is_one_small_file_that_fetches_nothing(mixed: _Page) -> None:
    text = report.page(samples.mixed())
    assert len(text.encode()) < MOST_BYTES
    loading = {"src", "href", "action", "data", "srcset", "poster", "xlink:href"}
    for tag, attributes in mixed.elements:
        assert not {name for name in attributes if name.startswith("on") or name == "style"}, (tag, attributes)
        for name in loading & attributes.keys():
            assert attributes[name] == "data:,", (tag, attributes)


def test_policy_allows_exactly_the_scripts_and_styles_of_the_page(mixed: _Page) -> None:
    policy = next(a["content"] for tag, a in mixed.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    runs = mixed.raw["script"][1:]  # the first one is data
    for text in (*runs, *mixed.raw["style"]):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_all_that_comes_from_outside_is_escaped() -> None:
    evil = samples.HOSTILE
    page = report.page(samples.hostile())
    found = _Page(page)
    assert [tag for tag, _ in found.elements].count("script") == 3
    assert not [attributes for tag, attributes in found.elements if tag == "img"]
    assert "</script><script>document" not in page
    assert evil in found.words
    assert any(evil in curve["label"] for chart in found.data.values() for curve in chart["curves"])


def test_embedded_json_survives_and_cannot_end_its_element() -> None:
    given = {"a": "</script><!--<script>\u2028&amp;", "b": [1, None]}
    text = assets.embedded(given)
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == given
    with pytest.raises(ValueError):
        assets.embedded([math.nan])


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (samples.mixed, ["Passed", "The measurement can be trusted."]),
        (samples.failed, ["Failed", "latency.p95 is"]),
        (samples.invalid, ["Not valid", "WorkerLost", "workers were lost", "What to do:", "no measurement"]),
        (samples.search, ["Capacity", "75 req/s", "80 req/s did not hold"]),
        (samples.repeated, ["Repeats", "latency.p95", "Overhead", "93.8 %"]),
    ],
)
def test_verdict_and_reasons_come_first(result, words) -> None:  # type: ignore[no-untyped-def]
    text = _Page(report.page(result())).words
    for one in words:
        assert one in text, one
    assert text.index(words[0]) < text.index("Environment")


def test_page_shows_figures_environment_and_the_yaml(mixed: _Page) -> None:
    for words in ("75.5 req/s", "litellm:1.106.2", "AMD EPYC 7B13", "chat", "tools", "stream", "boom", "gap p99"):
        assert words in mixed.words, words
    text = report.page(samples.mixed())
    block = re.search(r'<pre id="manifest"[^>]*>(.*?)</pre>', text, re.DOTALL)
    assert block is not None
    manifest = yaml.safe_load(html.unescape(block[1]))
    assert manifest["spec"] == samples.SPEC
    assert manifest["metadata"] == {"name": "litellm-1-106", "namespace": "team"}


def test_every_chart_has_a_sentence_and_a_table(mixed: _Page) -> None:
    assert set(mixed.data) == {"throughput", "latency", "failures", "cpu", "memory", "distribution", "streams"}
    plots = {a["id"]: a for _, a in mixed.elements if (a.get("id") or "").startswith("plot-")}
    assert set(plots) == {f"plot-{name}" for name in mixed.data}
    for attributes in plots.values():
        assert attributes["role"] == "img"
        assert len(attributes["aria-label"] or "") > 30
    assert sum(tag == "details" and a.get("class") == "values" for tag, a in mixed.elements) == len(plots)


def test_phases_that_do_not_count_are_shaded(mixed: _Page) -> None:
    bands = mixed.data["throughput"]["bands"]
    assert [(band["label"], band["counted"]) for band in bands] == [
        ("warm-up", False),
        ("hold · 50 users", True),
        ("", False),  # until all users of the second stage were there
        ("more · 80 users", True),
        ("drain", False),
    ]


def test_limits_are_drawn_or_named(mixed: _Page) -> None:
    assert [line["y"] for line in mixed.data["cpu"]["lines"]] == [1]
    assert [line["y"] for line in mixed.data["memory"]["lines"]] == [2**30]
    far = samples.mixed()
    far.run.spec["gateway"] = {**samples.SPEC["gateway"], "memory": "64Gi"}
    page = _Page(report.page(far))
    assert not page.data["memory"]["lines"]
    assert "The limit, 64 GiB, is " in page.words


def test_an_empty_result_makes_a_page() -> None:
    page = _Page(report.page(Result()))
    assert "a run without a name" in page.words
    assert not page.data
    assert not [a for _, a in page.elements if (a.get("id") or "").startswith("plot-")]


def test_a_document_without_histograms_shows_the_percentiles_that_stayed() -> None:
    result = samples.mixed()
    data = result.model_dump(by_alias=True)
    for row in data["load"]["requests"]:
        for key in ("latency", "ttft", "interToken"):
            if row.get(key):
                row[key]["data"] = None
    page = _Page(report.page(Result.model_validate(data)))
    assert len(page.data["distribution"]["x"]) == 5
    assert "were left out" in page.words


def test_a_peak_of_one_second_in_a_day_is_drawn() -> None:
    result = samples.day(20_000)
    line = timelines.timeline(result)
    assert line is not None
    assert line.grid.count <= grid.MOST_CELLS
    latency = next(chart for chart in timelines.charts(line) if chart.id == "latency")
    assert max(charts.known(latency.curves[2].values)) == 9.87
    assert "9.87 s" in latency.summary
    throughput = next(chart for chart in timelines.charts(line) if chart.id == "throughput")
    rates = [row[2] - row[3] for row in result.load.series.rows]  # type: ignore[operator]
    lowest, highest = (charts.known(curve.values) for curve in throughput.curves[1:])
    assert (min(lowest), max(highest)) == (min(rates), max(rates))
    assert statistics.fmean(charts.known(throughput.curves[0].values)) == pytest.approx(
        statistics.fmean(rates), rel=0.01
    )


def test_a_gap_stays_a_gap_and_sparse_series_hold() -> None:
    made = grid.grid(100.0, 160.0, 1.0)
    dense = Series(step_seconds=1, columns=["at", "a"], rows=[[100.0, 1.0], [101.0, 2.0], [110.0, 3.0], [999.0, 9.0]])
    values = made.lay(dense).column("a")
    assert values[:3] == [1.0, 2.0, None]
    assert values[10] == 3.0
    assert len(values) == 60
    sparse = Series(columns=["at", "b"], rows=[[100.0, 1.0], [110.0, 2.0], [120.0, 2.5], [150.0, 3.0]])
    held = made.lay(sparse).column("b")
    assert held[5] == 1.0
    assert held[12] == 2.0
    assert held[45] is None  # one was due at 130: by 145 it is missing
    assert made.lay(sparse).column("none") == [None] * 60


def test_distribution_is_that_of_the_histogram() -> None:
    samples_of = of_values([0.001 * n for n in range(1, 1001)])
    x = [0.0, math.log10(2), 1.0, 2.0, 3.0, 3.5]
    values = distributions.values(samples_of, x)
    for place, share in zip(x[1:4], (0.5, 0.9, 0.99), strict=True):
        assert values[x.index(place)] == samples_of.at_rank(round(1000 * share))
    assert values[4] == samples_of.at_rank(999)
    assert values[5] == 1.0  # a curve ends at the largest sample
    assert distributions.values(samples_of, [*x, 4.0])[6] is None


@pytest.mark.parametrize(
    ("place", "words"),
    [(0, "p0"), (math.log10(2), "p50"), (1, "p90"), (math.log10(20), "p95"), (2, "p99"), (3, "p99.9")],
)
def test_places_on_the_axis_of_percentiles(place: float, words: str) -> None:
    assert charts.x_text("quantile", place) == words


@pytest.mark.parametrize(
    ("bounds", "value", "kinds", "inside"),
    [
        ({"targetBelow": "180ms", "warnAbove": "200ms", "failAbove": "300ms"}, 0.19, "good pass warn fail", "pass"),
        ({"targetAbove": "1000", "warnBelow": "800", "failBelow": "500"}, 700, "fail warn pass good", "warn"),
        ({"failAbove": "1%"}, 0.02, "pass fail", "fail"),
        ({"warnAbove": "6Gi"}, 2.0**30, "pass warn", "pass"),
        ({"targetAbove": "50"}, 80, "pass good", "good"),
    ],
)
def test_bullet_bars(bounds: dict[str, str], value: float, kinds: str, inside: str) -> None:
    made = bullets.bar(bounds, value, "s" if "ms" in str(bounds) else "number")
    assert made is not None
    assert made.value is not None
    assert [kind for *_, kind in made.zones] == kinds.split()
    assert sum(width for _, width, _ in made.zones) == pytest.approx(100, abs=0.01)
    assert [kind for start, width, kind in made.zones if start <= made.value < start + width] == [inside]


def test_bullet_bar_of_a_value_far_beyond_and_of_none() -> None:
    far = bullets.bar({"failAbove": "10ms"}, 5.0, "s")
    assert far is not None
    assert far.beyond
    assert far.value == 100
    none = bullets.bar({"failAbove": "10ms"}, None, "s")
    assert none is not None
    assert none.value is None
    assert bullets.bar({}, 1.0, "s") is None
    assert bullets.bar({"failAbove": "much"}, 1.0, "s") is None


def test_interval_of_the_median_is_exact() -> None:
    assert spread.median_interval([3, 1, 2, 5, 4]) == (1, 5, 1 - 2 / 2**5)
    low, high, confidence = spread.median_interval(list(range(1, 11)))
    assert (low, high) == (2, 9)  # ranks 2 and 9 of ten cover at 97.9 %, the usual table's
    assert confidence == pytest.approx(0.9785, abs=1e-4)
    assert spread.median_interval([7.0]) == (7.0, 7.0, 0.0)


def test_repeats_and_overhead_have_their_places() -> None:
    result = samples.repeated()
    lines = {one.name: one for one in spread.repeats(result)}
    p95 = lines["latency.p95"]
    assert len(p95.dots) == 5
    places = [at for at, _ in p95.dots]
    assert min(places) == p95.low
    assert max(places) == p95.high
    assert p95.median in places
    assert not spread.repeats(samples.repeated(count=1))
    added = spread.overhead(result)
    assert [one.quantile for one in added] == ["p50", "p95", "p99"]
    for one in added:
        assert 0 < one.direct_width + one.added_width <= 100.01


def test_upper_bounds_stand_beside_percentiles_with_repeats_too(mixed: _Page) -> None:
    found = samples.mixed()
    p95 = found.metrics["latency.p95"].model_copy(update={"low": 0.08, "high": 0.09})
    again = found.model_copy(update={"metrics": found.metrics | {"latency.p95": p95}})
    tiles = {tile.label: tile.note for tile in headline.tiles(again)}
    assert re.fullmatch(r"at most [\d.]+ ms, at 99 %; median of the repeats, 80 ms to 90 ms", tiles["Latency p95"])
    assert re.search(r"p99 \(at most\)", mixed.words)
    assert "In brackets: the upper bound at 99 % confidence" in mixed.words
    stages = [one.model_copy(update=dict.fromkeys(_UPPER)) for one in found.stages]
    old = tables.stages(found.model_copy(update={"stages": stages}))
    assert old is not None
    assert "p99" in old.head
    assert old.note == ""


def test_comparison_says_what_regressed() -> None:
    page = report.comparison(samples.repeated("before"), samples.repeated("after", 1.3))
    found = _Page(page)
    assert "after against before" in found.words
    assert "Regressed" in found.words
    assert len(found.data["distribution"]["curves"]) == 2
    assert len(found.data["throughput"]["curves"]) == 2
    assert len(page.encode()) < MOST_BYTES


def test_comparison_of_single_runs_is_inconclusive_and_of_invalid_ones_none() -> None:
    single = _Page(report.comparison(samples.mixed(), samples.mixed(1.3))).words
    assert "Inconclusive" in single
    assert "needs" in single or "need" in single
    invalid = _Page(report.comparison(samples.mixed(), samples.invalid())).words
    assert "Not comparable" in invalid
    assert "B (WorkerLost)" in invalid
    with pytest.raises(ValueError, match="tolerance"):
        report.comparison(samples.mixed(), samples.mixed(), 1.0)


def test_the_operator_does_not_load_templates() -> None:
    code = "import sys, gatebench.handlers; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_loads_of_repeats_and_builders_agree() -> None:
    """A page is made of what assemble makes, not only of documents that tests write by hand."""
    page = _Page(report.page(builders.result(load=builders.open_load())))
    assert "all, from the send" in [curve["label"] for curve in page.data["distribution"]["curves"]]
    assert "of 60 req/s that were asked for" in page.words


def test_a_run_is_shown_beside_its_baseline() -> None:
    found = test_against.measured(1.3, test_against.reference(test_against.measured()))
    shown = _Page(report.page(found)).words
    assert "Against the baseline Regressed against run old (team/demo)." in shown
    assert "+30 %" in shown
    assert "Against the baseline" not in _Page(report.page(samples.mixed())).words
