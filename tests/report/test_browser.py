"""The report in a real browser: charts are drawn, values appear, and it reads well dark, narrow and printed."""

from __future__ import annotations

import json
import pathlib
import time
from typing import Any

import pytest
from playwright.sync_api import Page

from report import samples
from report.conftest import PAGES, SHOTS, VARIANTS, Open

# The colours of an element's canvas, by how many pixels have them; faint ones and text apart.
COLOURS = """plot => {
  const canvas = plot.querySelector("canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const found = {};
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3] < 255) continue;
    const hex = "#" + [0, 1, 2].map((c) => data[i + c].toString(16).padStart(2, "0")).join("");
    found[hex] = (found[hex] || 0) + 1;
  }
  return found;
}"""
LIGHT_BLUE, DARK_BLUE = "#56b4e9", "#0072b2"  # on dark ground, and on light
NOTHING = "\N{EN DASH}"


def data(page: Page) -> dict[str, Any]:
    """The charts' data as the page carries them."""
    return {chart["id"]: chart for chart in json.loads(page.locator("#data").inner_text() or "[]")}


def until(page: Page, true: str, seconds: float = 30.0) -> None:
    """Waits for an expression to be true. The page's policy forbids what Playwright's own wait does from its second
    look on: to evaluate text within the page."""
    end = time.monotonic() + seconds
    while not page.evaluate(true):
        assert time.monotonic() < end, true
        page.wait_for_timeout(20)


def near(colours: dict[str, int], wanted: str) -> int:
    """How many pixels have a colour, or nearly: smoothed edges do not."""

    def parts(text: str) -> list[int]:
        return [int(text[at : at + 2], 16) for at in (1, 3, 5)]

    return sum(
        count
        for colour, count in colours.items()
        if max(abs(one - other) for one, other in zip(parts(colour), parts(wanted), strict=True)) < 24
    )


def charts(page: Page) -> list[str]:
    return page.eval_on_selector_all(".plot", "plots => plots.map((plot) => plot.id)")  # type: ignore[no-any-return]


def legend(page: Page, chart: str) -> dict[str, str]:
    """Names and values beside a chart."""
    rows = page.eval_on_selector_all(
        f"#plot-{chart} .u-series",
        'rows => rows.map((row) => [".u-label", ".u-value"].map((part) => row.querySelector(part).textContent))',
    )
    return dict(rows)


def hover(page: Page, chart: str, share: float) -> None:
    """Points at a place of a chart, as a share of its width."""
    over = page.locator(f"#plot-{chart} .u-over")
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_pages_open_without_a_complaint_and_all_charts_are_drawn(open_page: Open, name: str, scheme: str) -> None:
    opened = open_page(name, scheme=scheme)
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith(("file:", "data:"))] == []
    blue = DARK_BLUE if scheme == "light" else LIGHT_BLUE
    drawn = charts(opened.page)
    assert drawn
    for plot in drawn:
        colours = opened.page.eval_on_selector(f"#{plot}", COLOURS)
        if plot != "plot-failures":
            assert near(colours, blue) > 20, (plot, colours)
        assert len(colours) >= 2, (plot, colours)
    opened.shot(f"{name}-{scheme}")


@pytest.mark.parametrize("name", [*PAGES, *VARIANTS])
def test_nothing_is_wider_than_a_phone(open_page: Open, name: str) -> None:
    opened = open_page(name, width=360)
    wide = opened.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide == [360, 360]
    for plot in charts(opened.page):
        assert opened.page.eval_on_selector(f"#{plot} canvas", "c => c.getBoundingClientRect().right") <= 360
    assert opened.complaints == []
    opened.shot(f"{name}-phone")


def test_hover_shows_the_values_of_that_moment_in_all_charts(open_page: Open) -> None:
    page = open_page("mixed").page
    assert legend(page, "latency")["p95"] == NOTHING
    hover(page, "throughput", 0.5)
    after = legend(page, "throughput")["after"]
    minutes, seconds = map(int, after.split(":"))
    at = data_index(page, "throughput", 60 * minutes + seconds)
    assert legend(page, "throughput")["successes"] == f"{data(page)['throughput']['curves'][0]['values'][at]:,.0f}/s"
    p95 = data(page)["latency"]["curves"][1]["values"][at]
    assert legend(page, "latency")["after"] == after
    assert float(legend(page, "latency")["p95"].removesuffix(" ms")) == pytest.approx(1000 * p95, rel=0.01)
    assert legend(page, "memory")["resident"].endswith("MiB")


def data_index(page: Page, chart: str, x: float) -> int:
    found: list[float] = data(page)[chart]["x"]
    return found.index(x)


def test_hover_over_a_distribution_shows_percentiles(open_page: Open) -> None:
    page = open_page("mixed").page
    hover(page, "distribution", 0.5)
    seen = legend(page, "distribution")
    assert seen["percentile"].startswith("p9")
    assert seen["chat"].endswith(" ms")
    assert seen["stream"].endswith(" s")


def test_a_curve_is_hidden_by_a_click_on_its_name(open_page: Open) -> None:
    page = open_page("mixed").page
    before = page.eval_on_selector("#plot-latency", COLOURS)
    page.locator("#plot-latency .u-series th", has_text="p50").click()
    after = page.eval_on_selector("#plot-latency", COLOURS)
    assert after.get(DARK_BLUE, 0) < before[DARK_BLUE] / 4


def test_dragging_zooms_all_charts_over_time(open_page: Open) -> None:
    page = open_page("mixed").page
    hover(page, "throughput", 0.2)
    page.mouse.down()
    hover(page, "throughput", 0.4)
    page.mouse.up()
    hover(page, "latency", 0.98)
    minutes, seconds = map(int, legend(page, "latency")["after"].split(":"))
    assert 60 * minutes + seconds < 50


def test_another_colour_scheme_is_followed_at_once(open_page: Open) -> None:
    opened = open_page("mixed")
    page = opened.page
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="dark")
    until(page, "getComputedStyle(document.body).backgroundColor !== 'rgb(255, 255, 255)'")
    assert light == "rgb(255, 255, 255)"
    assert page.eval_on_selector("#plot-throughput", COLOURS).get(LIGHT_BLUE, 0) > 5
    assert len(page.query_selector_all("#plot-throughput canvas")) == 1
    assert opened.complaints == []


def test_print_is_light_whatever_the_screen_is(open_page: Open) -> None:
    opened = open_page("repeated", scheme="dark")
    page = opened.page
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(27, 31, 36)"
    until(page, "document.querySelector('#plot-throughput canvas').getBoundingClientRect().width <= 680")
    assert page.eval_on_selector("#plot-throughput", COLOURS).get(DARK_BLUE, 0) > 5
    assert not page.locator("button").first.is_visible()
    assert page.locator("pre#manifest").is_visible()
    opened.shot("repeated-print")
    made = page.pdf(
        path=SHOTS / "repeated.pdf", format="A4", margin=dict.fromkeys(("top", "bottom", "left", "right"), "14mm")
    )
    assert made.startswith(b"%PDF")
    page.emulate_media(media="screen")
    until(page, "document.querySelector('#plot-throughput canvas').getBoundingClientRect().width > 900")
    assert opened.complaints == []


def test_narrower_windows_redraw_the_charts(open_page: Open) -> None:
    page = open_page("mixed").page
    page.set_viewport_size({"width": 500, "height": 800})
    until(page, "document.querySelector('#plot-latency canvas').getBoundingClientRect().width < 500")
    assert page.evaluate("document.documentElement.scrollWidth") <= 500


def test_markup_from_outside_stays_text(open_page: Open) -> None:
    opened = open_page("hostile")
    page = opened.page
    assert page.title().startswith(samples.HOSTILE[:20])
    assert page.locator("h1").inner_text().count("<script>") == 2
    assert page.locator("img").count() == 0
    assert samples.HOSTILE in legend(page, "distribution")
    assert opened.complaints == []


def test_the_policy_stops_a_script_that_is_not_ours(open_page: Open) -> None:
    opened = open_page("mixed")
    opened.page.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "document.title = 'pwned'";
        document.body.append(script);
    }""")
    assert opened.page.title() != "pwned"
    assert any("Content Security Policy" in one for one in opened.complaints)


def test_the_yaml_is_copied(open_page: Open) -> None:
    page = open_page("mixed").page
    page.locator("button[data-copies=manifest]").click()
    until(page, "document.querySelector('button[data-copies=manifest]').textContent === 'Copied'")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#manifest").text_content()
    assert copied.startswith("apiVersion: gatebench.dev/v1alpha1")


def test_tables_say_what_the_charts_show(open_page: Open) -> None:
    page = open_page("day").page
    page.locator("#plot-latency ~ details.values summary").click()
    rows = page.locator("#plot-latency ~ details.values tbody tr")
    assert 10 < rows.count() <= 24
    assert "9.87 s" in page.locator("#plot-latency ~ details.values").inner_text()  # the peak of a single second


def test_pages_are_small(files: dict[str, pathlib.Path]) -> None:
    assert {name: path.stat().st_size for name, path in files.items() if path.stat().st_size > 2_000_000} == {}


# Signs, intervals and bars of the markup: how large each is, and its colour.
SHAPES = """selector => [...document.querySelectorAll(selector)].map((one) => {
  const { left, right, width } = one.getBoundingClientRect();
  const style = getComputedStyle(one);
  return { left, right, width, fill: style.fill, stroke: style.stroke };
})"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", VARIANTS)
def test_comparisons_open_without_a_complaint(open_page: Open, name: str, scheme: str) -> None:
    opened = open_page(name, scheme=scheme)
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith(("file:", "data:"))] == []
    assert opened.page.locator("img").count() == 0
    opened.shot(f"{name}-{scheme}")


@pytest.mark.parametrize("width", [360, 1200])
def test_each_run_of_a_comparison_is_a_sign_in_the_colour_of_its_variant(open_page: Open, width: int) -> None:
    page = open_page("slower", width=width).page
    # Four metrics: five runs of the reference, four of the other, one of which was left out.
    for variant, count, colour in (("v0", 20, "rgb(0, 114, 178)"), ("v1", 16, "rgb(213, 94, 0)")):
        for plot in (".spread .dots", ".field"):
            signs = page.evaluate(SHAPES, f"{plot} g > .{variant}")
            assert len(signs) == count
            assert {one["fill"] for one in signs} == {colour}
            assert all(8 <= one["width"] <= 14 and 0 < one["left"] < one["right"] < width for one in signs)
    assert page.locator(".field .gap").count() == 4


def test_bounds_of_differences_are_drawn_where_they_are(open_page: Open) -> None:
    page = open_page("slower").page
    bars = dict(zip(("latency.p50", "latency.p95"), page.evaluate(SHAPES, ".delta .bullet .fail"), strict=False))
    spans = dict(zip(("latency.p50", "latency.p95"), page.evaluate(SHAPES, ".delta .bullet .span"), strict=False))
    assert spans["latency.p50"]["right"] < bars["latency.p50"]["left"]  # met: all of it is allowed
    assert spans["latency.p95"]["left"] > bars["latency.p95"]["left"]  # broken: none of it is
    assert page.locator(".delta .outcome").all_inner_texts() == ["Pass", "Fail", "Pass", "Pass"]


def test_a_comparison_prints_light_with_its_plots(open_page: Open) -> None:
    opened = open_page("slower", scheme="dark")
    opened.page.emulate_media(media="print")
    assert opened.page.evaluate("getComputedStyle(document.body).color") == "rgb(27, 31, 36)"
    assert opened.page.evaluate(SHAPES, ".spread .dots g > .v0")[0]["fill"] == "rgb(0, 114, 178)"
    assert not opened.page.locator("button").first.is_visible()
    opened.shot("slower-print")
    assert opened.page.pdf(path=SHOTS / "slower.pdf", format="A4").startswith(b"%PDF")
    assert opened.complaints == []
