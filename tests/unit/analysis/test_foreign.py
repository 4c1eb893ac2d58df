"""Files that Locust, Vegeta and hey wrote, as our figures; and what is no such file."""

from __future__ import annotations

import contextlib
import csv
import json
import pathlib
import random

import pytest

from gatebench_analysis import foreign
from gatebench_analysis.foreign import Figures, Unreadable

DATA = pathlib.Path(__file__).parents[2] / "data" / "foreign"


def read(name: str) -> Figures:
    return foreign.read(name, (DATA / name).read_bytes())


def complete(figures: Figures) -> bool:
    """Each metric is a value, or missing with a reason."""
    assert not figures.values.keys() & figures.missing.keys()
    assert all(figures.missing.values())
    return figures.values.keys() | figures.missing.keys() == set(foreign.METRICS)


def test_locust_statistics() -> None:
    found = read("locust_stats.csv")
    assert (found.tool, found.requests, found.failures) == ("Locust", 1369, 22)
    assert found.values["throughput"] == pytest.approx(136.7394 - 2.1974, rel=1e-4), "failures are no throughput"
    assert found.values["errorRatio"] == 22 / 1369
    assert [found.values[f"latency.{p}"] for p in ("p50", "p90", "p95", "p99")] == [0.022, 0.028, 0.031, 0.042]
    assert found.values["latency.max"] == pytest.approx(0.1667, rel=1e-3)
    assert found.missing["latency.p99.9"] == "latency.p99.9 needs 4,603 samples, there are 1,369"
    assert "direct path" in found.missing["overhead.p50"]
    assert complete(found)


def test_locust_history_of_all_requests_has_the_percentiles_of_the_run() -> None:
    found = read("locust_stats_history.csv")
    assert [found.values[f"latency.{p}"] for p in ("p50", "p95", "p99")] == [0.022, 0.031, 0.042]
    assert found.values["throughput"] == pytest.approx((1369 - 22 - (123 - 1)) / (1795550289 - 1795550280))
    assert complete(found)


def test_locust_full_history_has_percentiles_of_its_last_seconds_which_are_not_the_runs() -> None:
    found = read("locust_full_stats_history.csv")
    assert "give _stats.csv" in found.missing["latency.p95"]
    assert found.values["latency.p50"] == 0.023, "the total median is of the whole run"
    assert found.values["errorRatio"] == 26 / 1253
    assert complete(found)


def rows_of(name: str) -> list[dict[str, str]]:
    return foreign.rows((DATA / name).read_bytes())


def as_csv(rows: list[dict[str, str]]) -> bytes:
    head = list(rows[0])
    lines = [head, *([row[column] for column in head] for row in rows)]
    return "\n".join(",".join(line) for line in lines).encode()


def test_locust_rows_that_are_no_requests_are_left_out() -> None:
    chat, models, whole = rows_of("locust_stats.csv")
    custom = {**models, "Type": "Custom", "Name": "own overhead"}
    one = foreign.read("x_stats.csv", as_csv([chat, custom, whole]))
    assert one.requests == 1043
    assert one.values["latency.p99"] == 0.044
    two = foreign.read("x_stats.csv", as_csv([chat, models, custom, whole]))
    assert two.requests == 1369
    assert two.values["throughput"] == pytest.approx(136.7394 - 2.1974, rel=1e-4)
    assert "mixes requests with rows of type Custom" in two.missing["latency.p50"]
    assert complete(two)


def test_locust_without_requests_has_no_figure() -> None:
    (*_, whole) = rows_of("locust_stats.csv")
    empty = {**whole, "Request Count": "0", "Failure Count": "0", "Requests/s": "0.0", "50%": "N/A", "99%": "N/A"}
    found = foreign.read("x_stats.csv", as_csv([empty]))
    assert found.values == {}
    assert found.missing["throughput"] == "there was no request"
    assert complete(found)


def test_vegeta() -> None:
    found, raw = read("vegeta.json"), json.loads((DATA / "vegeta.json").read_text())
    assert (found.tool, found.requests, found.failures) == ("Vegeta", 640, raw["status_codes"]["500"])
    assert found.values["latency.p95"] == pytest.approx(0.032294, rel=1e-4)
    assert found.values["throughput"] == raw["throughput"]
    assert found.values["errorRatio"] == pytest.approx(14 / 640)
    assert found.missing["latency.p99.9"] == "latency.p99.9 needs 4,603 samples, there are 640"
    assert complete(found)


def test_vegeta_without_requests_has_no_figure() -> None:
    raw = {"latencies": {"50th": 0}, "requests": 0, "success": 0, "throughput": 0}
    found = foreign.read("v.json", json.dumps(raw).encode())
    assert found.values == {}
    assert complete(found)


def test_hey_percentiles_are_those_of_its_successes() -> None:
    found = read("hey.csv")
    with (DATA / "hey.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    good = sorted(float(row["response-time"]) for row in rows if row["status-code"] == "200")
    assert (found.requests, found.failures) == (600, 600 - len(good))
    # Nearest rank, within the three digits of a histogram.
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        rank = -int(-len(good) * share // 1)
        assert found.values[f"latency.{name}"] == pytest.approx(good[rank - 1], rel=2e-3)
    assert found.values["latency.max"] == pytest.approx(good[-1])
    assert found.values["errorRatio"] == (600 - len(good)) / 600
    span = max(float(r["offset"]) + float(r["response-time"]) for r in rows) - min(float(r["offset"]) for r in rows)
    assert found.values["throughput"] == pytest.approx(len(good) / span)
    assert complete(found)


def test_hey_of_failures_alone() -> None:
    content = b"response-time,status-code,offset\n0.01,503,0.0\n0.02,503,0.1\n"
    found = foreign.read("hey.csv", content)
    assert found.values == {"throughput": 0.0, "errorRatio": 1.0}
    assert found.missing["latency.p50"] == "no request succeeded"
    nothing = foreign.read("hey.csv", content.partition(b"\n")[0] + b"\n")
    assert nothing.values == {}
    assert complete(nothing)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "it is no result"),
        (b"\x00\xff", "it is no text"),
        (b"a,b\n1,2\n", "hey's CSV"),
        (b"{", "cut off, or no JSON"),
        (b'{"a": 1}', "neither a result of gatebench nor a report of Vegeta"),
        (b"response-time,status-code,offset\n0.1,200\n", "line 2 of hey's CSV is cut off"),
        (
            b"Type,Name,Request Count,Failure Count,Requests/s,Failures/s\nGET,a,1,0,1,0\n",
            "row Aggregated is not in it",
        ),
    ],
)
def test_what_cannot_be_read_says_why(content: bytes, says: str) -> None:
    with pytest.raises(Unreadable, match=says):
        foreign.read("x", content)


@pytest.mark.parametrize("name", ["locust_stats.csv", "locust_full_stats_history.csv", "vegeta.json", "hey.csv"])
def test_damage_is_refused_or_missing_and_never_another_error(name: str) -> None:
    source, content = random.Random(1), (DATA / name).read_bytes()[:3000]
    for _ in range(300):
        damaged = bytearray(content)
        for _ in range(source.randint(1, 40)):
            damaged[source.randrange(len(damaged))] = source.choice(b'0,9-"\nN.{}x')
        with contextlib.suppress(Unreadable):
            assert complete(foreign.read(name, bytes(damaged)))
