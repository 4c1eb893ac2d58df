"""The figures of the page about measuring."""

from __future__ import annotations

import pytest
from bench.engine import page

TOLD = {"p50Seconds": 0.0103, "p99Seconds": None, "perSecond": 1234.5}
DOCUMENT = {
    "machine": {"cpus": 2, "model": "some CPU"},
    "parts": {
        "stall": {
            "rate": 400,
            "oneCpu": False,
            "seconds": 10.0,
            "baseSeconds": 0.01,
            "reckonedP99Seconds": 0.91875,
            "rounds": [{}] * 5,
            "othersCpuRatio": 0.014,
            "told": {**dict.fromkeys(page.KINDS, TOLD), "record": {"p50Seconds": 0.0102, "p99Seconds": 0.92}},
        }
    },
}


def test_the_table_has_every_load_generator() -> None:
    text = page.table(DOCUMENT)
    assert "| every arrival, reckoned without the server's own work | 400 | 10.0 ms | 918.8 ms |" in text
    assert "by the server's record | 400 | 10.2 ms | 920.0 ms |" in text
    assert text.count("| 1,234 | 10.3 ms | - |") == len(page.KINDS)
    assert "Medians of 5 rounds of 10 s each; 2 CPUs of the kind some CPU, one for the server and one for" in text
    assert "others took 1% of all CPUs" in text


def test_what_was_not_measured_is_not_written() -> None:
    with pytest.raises(ValueError, match="no stall part"):
        page.table({"parts": {"stall": {"failed": "wrk is gone"}}})


def test_only_what_is_between_the_marks_changes() -> None:
    assert page.put(f"a\n{page.BEGIN}old\n{page.END}b\n", "new\n") == f"a\n{page.BEGIN}new\n{page.END}b\n"
    with pytest.raises(ValueError, match="marks"):
        page.put(f"a\n{page.BEGIN}old\n", "new\n")


def test_the_page_has_its_marks() -> None:
    text = page.PAGE.read_text()
    assert page.put(text, text.partition(page.BEGIN)[2].partition(page.END)[0]) == text
