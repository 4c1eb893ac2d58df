from __future__ import annotations

import pytest
from rich.console import Console

from gatebench.cli import figures, render
from gatebench.cli.board import draw, styled
from unit.cli import statuses
from unit.cli.test_view import of


def text(status: dict) -> str:  # type: ignore[type-arg]
    return "\n".join(render.verdict(of(status)))


def test_verdict_of_a_run_that_passed() -> None:
    assert (
        text(statuses.passed())
        == """\
demo: PASSED

  isolation       proven: 1 exclusive CPU, in no other set
  node            gb0, a CPU, 6.1, v1.35.0
  generators      on the gateway's node
  measured        65 s, 3,790 requests, 6 failures (warm-up apart: 412)
  throughput      58.2 requests/s of at most 60.3: think time sets it
  latency         p50 81.2 ms  p90 110 ms  p95 143 ms  p99 231 ms  p99.9 -  max 1.02 s
  gateway CPU     0.61 cores mean, 0.71 max
  gateway memory  412 MiB peak, 410 MiB end
  gateway cores   others 0.31 %
    chat          58.2 requests/s, p50 81.2 ms, p95 -, p99 -, errors 0 %

  OUTCOME        METRIC                  OBSERVED  BOUND
  Good           throughput              58.2/s    targetAbove 50
  Warn           latency.p95 (hold)      143 ms    warnAbove 100ms
  NotApplicable  gateway.throttledRatio  -         -                no quota

  missing: latency.p99.9
  warning: a hyper-thread sibling of CPU 1 is shared"""
    )


def test_invalid_run_shows_its_reason_and_no_figure() -> None:
    shown = text(statuses.invalid())
    assert shown.startswith("demo: INVALID\n")
    assert "Valid=False CoresDisturbed: others took 9 %" in shown
    assert "throughput" not in shown
    assert "latency" not in shown


@pytest.mark.parametrize(
    ("status", "first", "why"),
    [
        (statuses.failed(), "demo: FAILED", "Passed=False ObjectivesFailed: latency.p95 is 143 ms"),
        (
            statuses.undecided(),
            "demo: UNDECIDED",
            "Passed=Unknown ObjectivesUnknown: gateway.cpu.mean is missing",
        ),
        (statuses.refused(), "demo: REFUSED", "Accepted=False TargetNotAllowed"),
        (statuses.gateway_failed(), "demo: NOT MEASURED", "GatewayReady=False GatewayFailed: exit code 3"),
        (statuses.starting(), "demo: under way, step Starting", "GatewayReady=Unknown Starting"),
    ],
)
def test_headline_and_reason(status: dict, first: str, why: str) -> None:  # type: ignore[type-arg]
    lines = text(status).splitlines()
    assert lines[0] == first
    assert any(line.startswith(f"  {why}") for line in lines)


def test_changes_are_the_step_and_the_conditions_that_moved() -> None:
    before, after = of(statuses.starting()), of(statuses.measuring())
    assert render.changes(None, before) == ["step Starting", "Accepted=True Valid"]
    assert render.changes(before, after) == [
        "step Measuring",
        "GatewayReady=True Ready",
        "Isolated=True Exclusive: CPU 1 is in no other container's set",
        "FleetReady=True Joined: 2 of 2 workers",
    ]
    assert render.changes(after, after) == []


def test_what_two_conditions_say_is_said_once() -> None:
    ended = statuses.conditions(
        Complete="True/Finished: others took 9 %", Valid="False/CoresDisturbed: others took 9 %"
    )
    assert render.changes(None, of({"step": "Done", "conditions": ended})) == [
        "step Done",
        "Valid=False CoresDisturbed: others took 9 %",
        "Complete=True Finished",
    ]


def test_bad_news_while_a_condition_is_unknown_is_shown() -> None:
    waiting = of({"conditions": statuses.conditions(Accepted="Unknown/ScriptNotFound: ConfigMap x")})
    assert "Accepted=Unknown ScriptNotFound: ConfigMap x" in render.changes(None, waiting)


def open_load(**summary: object) -> dict:  # type: ignore[type-arg]
    status = statuses.passed()
    known = {key: item for key, item in status["summary"].items() if key != "ceiling"}
    return {**status, "summary": {**known, "offeredRate": 60, "dropped": 0, **summary}}


def test_open_load_is_shown_with_its_rate_and_its_streams() -> None:
    streams = {
        "ttftP50Seconds": 0.05,
        "ttftP95Seconds": 0.0612,
        "interTokenP50Seconds": 0.02,
        "interTokenP99Seconds": 0.0234,
        "tokensPerSecond": 4510,
    }
    shown = text(open_load(streams=streams))
    assert "throughput      58.2 requests/s of 60 that were asked for\n" in shown
    assert "dropped         0 arrivals\n" in shown
    assert "first token     p50 50 ms  p95 61.2 ms  p99 -\n" in shown
    assert "token gaps      p50 20 ms  p99 23.4 ms\n" in shown
    assert "tokens          4,510 tokens/s\n" in shown
    assert "dropped" not in text(statuses.passed())


@pytest.mark.parametrize(
    ("capacity", "line"),
    [
        (
            {"requestsPerSecond": 75, "bracket": {"low": 75, "high": 80}, "limitedBy": ["latency.p99 is above 0.05 s"]},
            "capacity        75 requests/s, 80 did not hold (latency.p99 is above 0.05 s)\n",
        ),
        ({"requestsPerSecond": 500, "bracket": {"low": 500}}, "capacity        at least 500 requests/s (maxRate)\n"),
        ({"bracket": {"high": 25}}, "capacity        not found: - requests/s held, 25 did not\n"),
    ],
)
def test_a_capacity_is_shown_with_its_bracket(capacity: dict[str, object], line: str) -> None:
    assert line in text(open_load(capacity=capacity))


def test_upper_bounds_are_shown_where_they_are_known() -> None:
    shown = text(open_load(latencySeconds={"p95": 0.081, "p99": 0.099, "p95Upper": 0.083, "p99Upper": 0.106}))
    assert "at most         p95 83 ms  p99 106 ms (99 % confidence)\n" in shown
    assert "at most         p95 83 ms (99 % confidence)\n" in text(open_load(latencySeconds={"p95Upper": 0.083}))
    assert "at most" not in text(open_load(latencySeconds={"p95": 0.081}))


def test_overhead_is_shown_where_it_was_measured() -> None:
    shown = text(open_load(overhead={"p50Seconds": 0.0031, "p95Seconds": 0.0052}))
    assert "overhead        p50 3.1 ms  p95 5.2 ms  p99 -\n" in shown
    most = text(open_load(overhead={"p50Seconds": 0.0031, "ceilingRequestsPerSecond": 8123.0}))
    assert "p99 -  (mock and fleet without the gateway: at most 8,123 requests/s)\n" in most
    between = {"p50Interval": {"low": 0.0029, "high": 0.0034}, "p95Interval": {"low": 0.005}}
    shown = text(open_load(overhead={"p50Seconds": 0.0031, "p95Seconds": 0.0052, **between}))
    assert "overhead        p50 3.1 ms (2.9 ms to 3.4 ms)  p95 5.2 ms  p99 -\n" in shown
    alone = text(open_load(overhead={"p50Seconds": 0.0031, "note": "it answers alone"}))
    assert "p99 -  (it answers alone)\n" in alone
    assert "overhead" not in text(open_load())


def test_repeats_are_shown_with_what_is_between_them() -> None:
    spread = {"throughput": {"low": 57.1, "high": 59.3}, "p95Seconds": {"low": 0.14, "high": 0.151}}
    shown = text(open_load(repeats=5, spread=spread))
    assert "repeats         5: throughput 57.1 to 59.3 requests/s, p95 140 ms to 151 ms\n" in shown
    assert "repeats         5\n" in text(open_load(repeats=5))
    assert "repeats" not in text(open_load())


def test_a_repeat_that_is_under_way_is_named() -> None:
    progress = {"stage": "pause-2", "elapsedSeconds": 70, "totalSeconds": 300, "repeat": 2, "repeats": 5}
    view = of({"step": "Restarting", "progress": progress})
    assert render.is_loaded(view)
    assert render.load_line(view) == "pause-2 (repeat 2 of 5), 1m10s of 5m00s"
    assert render.repeat({"repeat": 1, "repeats": 1}) == render.repeat({}) == ""


def test_live_figures_of_open_load_have_no_users() -> None:
    live = {"rate": 250, "requestsPerSecond": 248.0, "inFlight": 12, "dropped": 0}
    assert render.live_figures(live) == ["250 arrivals/s", "248 requests/s", "12 in flight", "0 dropped"]


def test_load_line_has_what_is_known() -> None:
    assert render.load_line(of(statuses.measuring())) == (
        "stage-1, 12s of 1m15s, 50 users, 58.2 requests/s, p95 143 ms, errors 0 %, CPU 0.61 cores, memory 412 MiB"
    )
    assert render.load_line(of({"step": "WarmUp"})) == "WarmUp"


def test_listing_has_the_columns_of_kubectl() -> None:
    now = figures.unix("2026-11-24T12:05:30Z")
    assert now is not None
    done, new = of(statuses.passed()), of({})
    assert render.listing([done, new], now) == [
        "NAME  STEP     RPS   P95     VALID  PASSED  AGE",
        "demo  Done     58.2  143 ms  True   True    -",
        "demo  Pending                               -",
    ]
    assert render.listing([done], now, namespaces=True, wide=True)[1].split() == [
        "default", "demo", "Done", "58.2", "143", "ms", "True", "True", "-", "gb0", "Proven", "Succeeded",
    ]  # fmt: skip


def test_the_list_says_where_overhead_is_the_latency_itself() -> None:
    def cell(overhead: dict[str, object]) -> str:
        line = render.listing([of({"summary": {"overhead": overhead}})], 0.0, wide=True)[1]
        return " ".join(line.split())

    assert "3.1 ms (alone)" in cell({"p50Seconds": 0.0031, "note": "it answers alone"})
    assert "alone" not in cell({"p50Seconds": 0.0031, "ceilingRequestsPerSecond": 9000.0})
    assert "alone" not in cell({"note": "it answers alone"})


@pytest.mark.parametrize(
    ("form", "value", "shown"),
    [
        (figures.seconds, None, "-"),
        (figures.seconds, 0.0000421, "42 us"),
        (figures.seconds, 0.00512, "5.12 ms"),
        (figures.seconds, 0.3804, "380 ms"),
        (figures.seconds, 61.0, "61 s"),
        (figures.duration, 59.9, "59s"),
        (figures.duration, 125, "2m05s"),
        (figures.duration, 90061, "1d1h"),
        (figures.size, 0, "0 B"),
        (figures.size, 2040109465.6, "1.9 GiB"),
        (figures.ratio, 0.0005, "0.05 %"),
        (figures.ratio, 0, "0 %"),
        (figures.ratio, None, "-"),
        (figures.number, 1170.4, "1,170"),
        (figures.number, 3, "3"),
    ],
)
def test_figures(form, value, shown) -> None:  # type: ignore[no-untyped-def]
    assert form(value) == shown


@pytest.mark.parametrize("status", [{}, statuses.starting(), statuses.measuring(), statuses.invalid()])
def test_display_can_be_drawn_at_every_moment(status: dict) -> None:  # type: ignore[type-arg]
    console = Console(width=120, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(draw(of(status)))
    shown = console.export_text()
    assert "default/demo" in shown
    assert of(status).step in shown
    assert ("58.2 requests/s" in shown) == (status == statuses.measuring())


def test_colour_marks_outcomes_alone() -> None:
    assert styled("demo: PASSED").spans
    assert styled("  Fail  latency.p95").spans
    assert not styled("  measured  65 s").spans
