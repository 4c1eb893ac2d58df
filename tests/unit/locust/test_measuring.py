"""Recorder, collector and series: what a worker records is what the master adds up."""

from __future__ import annotations

import collections
import random
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatebench_locust.classify import Failure
from gatebench_locust.collector import Collector
from gatebench_locust.histogram import Histogram
from gatebench_locust.recorder import MAX_NAMES, OTHER_NAME, Moment, Recorder, Sample
from gatebench_locust.series import MAX_ROWS, Series


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def recorder(clock: Clock | None = None) -> Recorder:
    return Recorder(lambda text: text.replace("secret", "****"), clock or Clock())


def report(taken: dict[str, Any], sequence: int = 1, **changes: Any) -> dict[str, Any]:
    head = {
        "attempt": "a",
        "sequence": sequence,
        "tick": sequence,
        "final": False,
        "phase": 1,
        "settled": True,
        "steady": True,
        "allowed": 0.5,
        "wall": 1.0,
        "cpu": 0.1,
        "onCpu": 0.1,
        "waited": 0.3,
    }
    packed = msgpack.dumps(head | taken | changes)
    out: dict[str, Any] = msgpack.loads(packed, strict_map_key=False)
    return out


def test_a_request_belongs_to_the_phase_in_which_it_was_started() -> None:
    clock = Clock()
    rec = recorder(clock)
    rec.enter(Moment(0, False))
    clock.now = 1010.0
    rec.enter(Moment(1, False))
    clock.now = 1012.0
    rec.enter(Moment(1, True))
    clock.now = 1020.0
    rec.on_request("GET", "a", 15_000.0, 1, start_time=1005.0)
    rec.on_request("GET", "a", 9_000.0, 1, start_time=1011.0)
    rec.on_request("GET", "a", 1_000.0, 1, start_time=1019.0)
    rec.on_request("GET", "a", 15_000.0, 1)  # an event without a start: its end minus its length
    rec.on_request("GET", "a", None, 1, start_time=1019.0)
    rec.on_request("GET", "a", float("nan"), 1, start_time=1019.0)
    counts = {tuple(row[:2]): (row[6], row[8][0]) for row in rec.take()["rows"]}
    assert counts == {(0, False): (2, 2), (1, False): (1, 1), (1, True): (3, 1)}
    assert rec.take() == {"rows": [], "errors": [], "delay": []}


def test_errors_are_masked_bounded_and_none_is_dropped() -> None:
    rec = recorder()
    for number in range(500):
        rec.on_request("GET", "a", 1.0, 0, exception=Failure("other", f"secret {number}"))
    rec.on_request("GET", "a", 1.0, 0, exception=Failure("http", "status 500", 500))
    collector = Collector()
    collector.add("w", report(rec.take()), 1, 1000.0)
    assert len(collector.errors) <= 100
    assert sum(collector.errors.values()) == collector.failures == 501
    assert not any("secret" in key[5] for key in collector.errors)


def test_names_are_bounded() -> None:
    rec = recorder()
    for number in range(200):
        rec.on_request("GET", f"/item/{number}", 1.0, 0)
    collector = Collector()
    collector.add("w", report(rec.take()), 1, 1000.0)
    names = {key[2] for key in collector.rows}
    assert len(names) == MAX_NAMES + 1
    assert OTHER_NAME in names
    assert collector.requests == 200


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.booleans(), st.sampled_from(["a", "b"]), st.booleans(), st.floats(0, 900_000)),
        max_size=60,
    ),
    st.integers(1, 4),
)
def test_nothing_is_lost_between_workers_and_master(events: list[tuple[Any, ...]], workers: int) -> None:
    recorders = [recorder() for _ in range(workers)]
    collector = Collector()
    for number, (phase, settled, name, good, milliseconds) in enumerate(events):
        sample = Sample(Moment(phase, settled), True, 0.1, [0.01, 0.02], 3)
        failure = None if good else Failure("timeout", "late")
        recorders[number % workers].on_request("POST", name, milliseconds, 2, failure, gatebench=sample)
        if number % 7 == 0:
            taken = recorders[number % workers].take()
            collector.add(str(number % workers), report(taken, number + 1), 1, 1000.0 + number)
    for number, rec in enumerate(recorders):
        collector.add(str(number), report(rec.take(), 1000), 1, 2000.0)
    assert collector.requests == sum(row.count for row in collector.rows.values()) == len(events)
    assert sum(row.latency.count for row in collector.rows.values()) == len(events)
    assert sum(row.bytes for row in collector.rows.values()) == 2 * len(events)
    assert collector.failures == sum(collector.errors.values()) == sum(not good for *_, good, _ in events)
    for key, row in collector.rows.items():
        matching = [e for e in events if (e[0], e[1], e[2], e[3]) == (key[0], key[1], key[2], key[4])]
        assert row.count == len(matching)
        assert row.gaps is not None
        assert (row.tokens, row.gaps.count) == (3 * row.count, 2 * row.count)
    collector.series.finish()
    assert sum(r[2] for r in collector.series.document()["rows"]) == len(events)


def test_percentiles_of_eight_workers_are_those_of_one_histogram_over_all_requests() -> None:
    chance = random.Random(8)
    workers = [recorder() for _ in range(8)]
    whole: dict[tuple[str, bool], Histogram] = collections.defaultdict(Histogram)
    collector = Collector()
    for tick in range(1, 6):
        for number, rec in enumerate(workers):
            for _ in range(chance.randrange(400)):
                name, good = chance.choice(["chat", "models", "embed"]), chance.random() > 0.1
                # Workers that are not alike, as on nodes that are not: the mean of their percentiles is nobody's.
                milliseconds = chance.lognormvariate(2 + 0.5 * number, 1.0)
                rec.on_request("POST", name, milliseconds, 1, None if good else Failure("http", "500", 500))
                whole[name, good].record(milliseconds / 1e3)
            collector.add(f"w{number}", report(rec.take(), tick), 8, 1000.0 + tick)
    assert len(whole) == 6
    assert {(key[2], key[4]) for key in collector.rows} == whole.keys()
    for key, row in collector.rows.items():
        one = whole[key[2], key[4]]
        assert (row.count, row.latency.count, row.latency.counts) == (one.count, one.count, one.counts)
        for q in (0.5, 0.9, 0.95, 0.99, 0.999):
            assert row.latency.quantile(q) == one.quantile(q)
        assert (row.latency.minimum, row.latency.maximum) == (one.minimum, one.maximum)
        assert row.latency.total == pytest.approx(one.total, rel=1e-12)
        assert row.latency.document()["data"] == one.document()["data"]


def test_gaps_in_the_numbers_of_reports_are_missing_reports() -> None:
    collector = Collector()
    empty = recorder().take()
    collector.note("w", report(empty, 3), 1000.0)
    for sequence in (4, 5, 8):
        collector.add("w", report(empty, sequence), 1, 1000.0 + sequence)
    assert (collector.workers["w"].missing, collector.workers["w"].reports) == (2, 3)
    with pytest.raises(ValueError, match="comes after"):
        collector.add("w", report(empty, 8), 1, 1010.0)


def test_cpu_is_of_what_may_be_used_in_measured_phases() -> None:
    collector = Collector()
    empty = recorder().take()
    for sequence in range(1, 11):
        cpu = 0.4 if sequence > 5 else 0.1
        collector.add("w", report(empty, sequence, cpu=cpu), 1, 1000.0 + sequence)
    collector.add("w", report(empty, 11, phase=0, cpu=0.5), 1, 1011.0)
    usage = collector.workers["w"].over({1})
    assert usage.cpu_ratio == pytest.approx(0.5)
    assert usage.peak == pytest.approx(0.8)
    assert usage.wait_ratio == pytest.approx(0.75)
    assert (usage.gc_pause, usage.in_flight) == (None, None), "a Python worker does not say"
    assert collector.workers["w"].ratio == pytest.approx(1.0)
    assert collector.workers["w"].over({7}).cpu_ratio is None


def test_what_only_go_workers_report() -> None:
    collector = Collector()
    rec = recorder()
    rec.on_request("GET", "a", 3.0, 1, gatebench=Sample(Moment(1, True)))
    old = rec.take()
    collector.add("python", report(old), 1, 1001.0)
    key = (1, True, "a", "GET", True, False)
    assert collector.rows[key].service is None
    service = Histogram()
    service.record(0.002)
    new = {**old, "rows": [[*old["rows"][0], service.to_wire()]], "dropped": [[1, 3], [2, 4]]}
    collector.add("go", report(new, 1, gcPause=0.25, inFlight=7), 1, 1001.0)
    collector.add("go", report(new, 2, gcPause=0.5, inFlight=5), 1, 1002.0)
    row = collector.rows[key]
    assert row.service is not None
    assert (row.count, row.service.count) == (3, 2)
    assert row.service.quantile(0.5) == pytest.approx(0.002, rel=0.001)
    assert collector.dropped == {1: 6, 2: 8}
    usage = collector.workers["go"].over({1})
    assert (usage.gc_pause, usage.in_flight) == (0.75, 7)
    assert collector.in_flight == 5
    with pytest.raises(ValueError):
        collector.add("go", report({**old, "rows": [[*old["rows"][0], None, None]]}, 3), 1, 1003.0)


def test_a_worker_is_quiet_when_a_report_from_within_the_phase_says_so() -> None:
    collector = Collector()
    empty = recorder().take()
    cases = [
        ({"steady": False, "inFlight": 0}, None),  # it began in the phase before
        ({"steady": True, "inFlight": 2}, None),
        ({"steady": True, "inFlight": 0}, 4),
        ({"steady": True}, 4),  # it does not know
    ]
    for sequence, (changes, quiet) in enumerate(cases, 1):
        collector.add("w", report(empty, sequence, phase=4, **changes), 1, 1000.0 + sequence)
        assert collector.workers["w"].quiet == quiet


def test_answers_are_counted_where_they_came_in_reports_from_within_a_phase() -> None:
    collector = Collector()
    rec = recorder()
    for sequence, steady in enumerate([False, True, True, False], 1):
        for _ in range(10 * sequence):
            rec.on_request("GET", "a", 3.0, 1, gatebench=Sample(Moment(1, True)))
        collector.add("w", report(rec.take(), sequence, steady=steady), 1, 1000.0 + sequence)
    usage = collector.workers["w"].over({1})
    assert (usage.answered, usage.seconds) == (50, 2.0)


def test_series_are_thinned_by_merging_neighbours() -> None:
    series = Series()
    for second in range(MAX_ROWS + 500):
        histogram = Histogram()
        histogram.record(0.5 if second == 1234 else 0.1)
        series.add(10_000 + second, 5, 2, 1, [histogram])
    series.finish()
    out = series.document()
    assert out["stepSeconds"] == 2
    assert len(out["rows"]) <= MAX_ROWS
    assert sum(row[2] for row in out["rows"]) == 2 * (MAX_ROWS + 500)
    assert max(row[6] for row in out["rows"]) == pytest.approx(0.5, rel=0.001)
    ats = [row[0] for row in out["rows"]]
    assert ats == sorted(set(ats))


def test_live_figures_are_of_the_last_ten_seconds_and_else_missing() -> None:
    series = Series()
    assert set(series.live(1000.0).values()) == {None}
    histogram = Histogram()
    histogram.record(0.1)
    for second in range(1000, 1040):
        series.add(second, 5, 10, 1 if second >= 1030 else 10, [histogram])
    live = series.live(1041.5)
    assert live["requestsPerSecond"] == 10.0
    assert live["errorRatio"] == pytest.approx(0.1)
    assert live["p50Seconds"] == pytest.approx(0.1, rel=0.001)
    assert series.live(1100.0)["requestsPerSecond"] is None
