"""What the other load generators print, read."""

from __future__ import annotations

import json

import pytest
from bench.engine import outputs
from bench.engine.shown import Part, Table, number

WRK = """Running 2s test @ http://127.0.0.1:7777/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     3.00ms    3.79ms  52.76ms   94.55%
    Req/Sec    21.40k     3.92k   27.58k    70.00%
  Latency Distribution
     50%    2.15ms
     75%    3.24ms
     90%  504.00us
     99%    1.03s
  43997 requests in 2.10s, 15.94MB read
"""
WRK_END = "Requests/sec:  20996.38\nTransfer/sec:      7.61MB\n"

HEY = """
Summary:
  Total:\t2.0165 secs
  Slowest:\t0.1272 secs
  Average:\t0.0170 secs
  Requests/sec:\t3727.2983

Response time histogram:
  0.000 [1]\t|
  0.127 [46]\t|

Latency distribution:
  10%% in 0.0065 secs
  50%% in 0.0152 secs
  99%% in 0.0665 secs

Status code distribution:
  [200]\t7516 responses
"""


def test_wrk() -> None:
    assert outputs.wrk(WRK + WRK_END) == outputs.Report(43997, 20996.38, 0, 0.00215, 1.03)


def test_wrk_with_errors() -> None:
    errors = "  Socket errors: connect 1, read 2, write 0, timeout 4\n  Non-2xx or 3xx responses: 10\n"
    assert outputs.wrk(WRK + errors + WRK_END).errors == 17


def test_hey() -> None:
    assert outputs.hey(HEY) == outputs.Report(7516, 3727.2983, 0, 0.0152, 0.0665)
    assert outputs.hey(HEY.replace("%%", "%")).p99 == 0.0665


def test_hey_with_errors() -> None:
    errors = "  [503]\t4 responses\n\nError distribution:\n  [3]\tPost http://127.0.0.1: EOF\n  [2]\tPost: refused\n"
    assert outputs.hey(HEY + errors) == outputs.Report(7520, 3727.2983, 9, 0.0152, 0.0665)


def test_vegeta() -> None:
    told = {
        "latencies": {"50th": 12_650_593, "99th": 58_194_602},
        "requests": 5975,
        "rate": 2992.2,
        "throughput": 2977.9,
        "status_codes": {"200": 5970, "0": 5},
    }
    assert outputs.vegeta(json.dumps(told)) == outputs.Report(5975, 2977.9, 5, 0.012650593, 0.058194602)


def test_locust() -> None:
    told = {"requests": 10, "failures": 1, "perSecond": 5.0, "cpuSeconds": 1.5, "p50": 0.01, "p99": 0.1}
    assert outputs.locust(json.dumps(told)) == (outputs.Report(10, 5.0, 1, 0.01, 0.1), 1.5)


@pytest.mark.parametrize("reader", [outputs.wrk, outputs.hey, outputs.vegeta, outputs.locust])
@pytest.mark.parametrize("text", ["", "{}", "[]", "Requests/sec:  many\n"])
def test_what_cannot_be_read_is_said(reader: object, text: str) -> None:
    with pytest.raises(outputs.Unreadable, match="says nothing"):
        reader(text)  # type: ignore[operator]


def test_a_table_lines_up() -> None:
    table = Table("title", ["", "p99"], [["wrk", "1 ms"], ["engine"], ["hey", "10 ms"]])
    assert table.text() == "title\n            p99\n  wrk      1 ms\n  engine\n  hey     10 ms"
    assert number(None) == "-"
    assert Part({}, [table], []).text() == table.text()
