"""Whether the judgements hold where the truth is known. Prints the table, writes build/bench/truth.json.

Usage: python -m bench.truth.table [WORD]: only the rows that have that word in their name. Exit code 1 where a row
misses its target. Rows about real runs are judged from what bench.truth.cluster has measured, if it has.
"""

from __future__ import annotations

import json
import pathlib
import sys
import time

from bench.truth import cluster, days, leaks, pairs, regressions
from bench.truth.rows import Found, Row, table

OUT = pathlib.Path(__file__).resolve().parents[2] / "build" / "bench"
GROUPS = (regressions.ROWS, leaks.ROWS, days.ROWS)
"""A new group of rows is a module with ROWS, named here."""


def main(word: str = "") -> int:
    real = pairs.rows(cluster.FOLDER)
    rows = [*(row for group in GROUPS for row in group), *real]
    done: list[tuple[Row, Found]] = []
    for row in rows:
        if word in row.name:
            began = time.monotonic()
            done.append((row, row.measure()))
            print(f"{time.monotonic() - began:4.0f} s  {row.name}", file=sys.stderr)
    print("\n".join(table(done)), "", *dict.fromkeys(f"{row.name}: {row.how}" for row, _ in done), sep="\n")
    if not real:
        print(f"\nNot in the table: rows about real runs, one to two hours on a cluster: {cluster.HOW_TO_GET}")
    content = [
        {
            **found.numbers,
            "name": row.name,
            "target": row.target,
            "figure": found.figure,
            "ok": found.ok,
            "how": row.how,
        }
        for row, found in done
    ]
    if not word:
        OUT.mkdir(parents=True, exist_ok=True)
        (OUT / "truth.json").write_text(json.dumps(content, indent=2) + "\n")
    return 0 if done and all(found.ok for _, found in done) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
