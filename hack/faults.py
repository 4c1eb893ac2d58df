"""Prints every row of the table of faults with the tests that show it, and which rows have none.

The rows are those of docs/faults.md; a test is tied to one by `@pytest.mark.fault(N)`.
"""

from __future__ import annotations

import contextlib
import io
import pathlib
import re
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROW = re.compile(r"^\|\s*(\d+)\s*\|\s*(.*?)\s*\|")


class Collected:
    """Remembers the tests of each row; runs none."""

    def __init__(self) -> None:
        self.rows: dict[int, set[str]] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            for mark in item.iter_markers("fault"):
                for row in mark.args:
                    self.rows.setdefault(int(row), set()).add(item.nodeid.partition("[")[0])


def table(text: str) -> dict[int, str]:
    """Row number to what is tried, from the Markdown table."""
    return {int(m[1]): m[2] for line in text.splitlines() if (m := ROW.match(line))}


def main() -> int:
    """Exit 1 where a mark names no row, 0 otherwise: rows may wait for the feature that they are about."""
    collected = Collected()
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = pytest.main(["--collect-only", str(ROOT / "tests")], [collected])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        print(f"{said.getvalue()}\nthe tests cannot be collected", file=sys.stderr)
        return 1
    rows = table((ROOT / "docs" / "faults.md").read_text())
    for number, what in rows.items():
        tests = sorted(collected.rows.get(number, ()))
        print(f"{number:3}  {what}")
        for test in tests or ["(no test)"]:
            print(f"       {test}")
    without = [number for number in rows if number not in collected.rows]
    unknown = sorted(set(collected.rows) - set(rows))
    named = ", ".join(map(str, without)) or "none"
    print(f"\n{len(rows) - len(without)} of {len(rows)} rows have tests; without: {named}")
    if unknown:
        print(f"marks that name no row: {', '.join(map(str, unknown))}", file=sys.stderr)
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
