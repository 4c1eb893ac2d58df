"""Comparisons on the command line: named as kubectl names them, bcmp/NAME; listed by bcmp alone."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gatebench.api import API_VERSION, COMPARISON_KIND
from gatebench.cli import commands, figures, follow, render, view
from gatebench.cli.cluster import Cluster
from gatebench.cli.errors import CliError
from gatebench.cli.view import View

_WORDS = ("bcmp", "benchmarkcomparison", "benchmarkcomparisons")


def reference(name: str | None) -> str | None:
    """NAME of bcmp/NAME, '' of bcmp (all of them); None of anything else, which names a run."""
    kind, slash, rest = (name or "").partition("/")
    if kind.lower() not in _WORDS or (slash and not rest):
        return None
    return rest


def one(cluster: Cluster, name: str, namespace: str | None) -> dict[str, Any]:
    """The comparison. Raises CliError where no name is given, ApiError where there is none."""
    if not name:
        raise CliError("which comparison? Name it: bcmp/NAME")
    return cluster.get(COMPARISON_KIND, name, namespace or cluster.namespace)


def get(cluster: Cluster, name: str, namespace: str | None, everywhere: bool, form: str | None) -> list[str]:
    """The lines that `gatebench get bcmp[/NAME]` prints; `form` is json, yaml, wide or None."""
    if name:
        found = one(cluster, name, namespace)
        return [commands.dump(found, form)] if form in ("json", "yaml") else verdict(view.of(found))
    listed = cluster.runs(None if everywhere else namespace or cluster.namespace, COMPARISON_KIND)
    if form in ("json", "yaml"):
        document = {"apiVersion": API_VERSION, "kind": f"{COMPARISON_KIND}List", "items": listed}
        return [commands.dump(document, str(form))]
    return listing([view.of(body) for body in listed], time.time(), namespaces=everywhere) or ["no comparisons"]


def cancel(cluster: Cluster, name: str, namespace: str | None) -> str:
    """Ends a comparison; what it says to the user. Raises CliError where it has ended."""
    found = view.of(one(cluster, name, namespace))
    if found.complete:
        raise CliError(f"comparison {name} is complete already: {found.conditions['Complete'].reason}")
    cluster.patch(COMPARISON_KIND, found.name, found.namespace, {"spec": {"cancel": True}})
    return f"comparison {found.namespace}/{found.name} is being cancelled; gatebench wait bcmp/{name} sees it end"


def watch(cluster: Cluster, name: str, namespace: str, timeout: float | None) -> int:
    """Follows the comparison, prints its verdict; the exit code."""

    def read() -> View | None:
        found = cluster.find(COMPARISON_KIND, name, namespace)
        return None if found is None else view.of(found)

    try:
        screen = Progress(lambda line: print(line, flush=True))
        done = follow.follow(read, screen, name=f"bcmp/{name}", timeout=timeout)
    except KeyboardInterrupt:
        print(
            f"gatebench: the comparison goes on: gatebench wait bcmp/{name} follows it,"
            f" gatebench cancel bcmp/{name} ends it",
            file=sys.stderr,
        )
        return commands.INTERRUPTED
    print("\n".join(["", *verdict(done)]), flush=True)
    code = done.exit_code
    assert code is not None  # follow returns what is complete
    return int(code)


class Progress(follow.Lines):
    """One line on each change of a condition, and one for each run."""

    _run: object = None

    def show(self, view: View) -> None:
        super().show(view)
        progress = view.part("progress")
        if progress.get("run") is not None and progress["run"] != self._run:
            self._run = progress["run"]
            self.note(_progress(progress))


def _progress(progress: Mapping[str, Any]) -> str:
    done = f", {progress['display']} runs are done" if progress.get("display") else ""
    return (
        f"round {progress.get('round')} of {progress.get('rounds')}: {progress.get('variant')}, {progress['run']}{done}"
    )


def verdict(shown: View) -> list[str]:
    """Everything that the status says about a comparison: its verdict or where it stands, table and objectives."""
    lines = [render.headline(shown), *(render.banner(shown) if shown.complete else [])]
    if not shown.complete and shown.part("progress").get("run"):
        lines.append(f"  {_progress(shown.part('progress'))}")
    if shown.status.get("node"):
        lines.append(f"  on node {shown.status['node']}")
    if rows := list(shown.status.get("table") or []):
        lines += ["", *render.columns(_table(rows), "  ")]
    if objectives := list(shown.status.get("objectives") or []):
        lines += ["", *render.columns(_objectives(objectives), "  ")]
    warnings = [f"  warning: {warning}" for warning in shown.status.get("warnings") or []]
    result = shown.part("artifacts").get("result")
    kept = [f"  all values: ConfigMap {result}"] if result else []
    return lines + ([""] if warnings or kept else []) + warnings + kept


def _table(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    yield "VERDICT", "VARIANT", "METRIC", "MEDIAN", "AGAINST", "CHANGE (95 % BOUNDS)"
    for row in rows:
        metric, unit = str(row.get("metric")), str(row.get("unit") or "")
        against = f"{_value(row.get('referenceMedian'), unit, metric)} of {row.get('reference')}"
        change = str(row.get("display") or "") or _ratio(row)
        yield (
            str(row.get("verdict")),
            str(row.get("variant")),
            metric,
            _value(row.get("median"), unit, metric),
            against,
            change,
        )


def _value(value: float | None, unit: str, metric: str) -> str:
    from gatebench_analysis import quantities

    return quantities.text(value, unit, metric)


def _ratio(row: Mapping[str, Any]) -> str:
    if row.get("ratio") is None:
        return figures.MISSING
    bounds = f" ({row['low']} to {row['high']})" if row.get("low") is not None and row.get("high") is not None else ""
    return f"x {row['ratio']}{bounds}"


def _objectives(objectives: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    yield "OUTCOME", "METRIC", "VARIANT", "WORSE BY (95 % BOUNDS)", "MAX DELTA", ""
    for told in objectives:
        yield (
            str(told.get("outcome")),
            str(told.get("metric")),
            f"{told.get('variant')} than {told.get('reference')}",
            str(told.get("observed") or figures.MISSING),
            str(told.get("bound")),
            str(told.get("message") or ""),
        )


def listing(views: Sequence[View], now: float, *, namespaces: bool = False) -> list[str]:
    """The comparisons as `kubectl get bcmp` lists them."""
    if not views:
        return []
    header = ["NAME", "STEP", "RUNS", "VARIANT", "VALID", "PASSED", "AGE"]
    rows = [["NAMESPACE", *header] if namespaces else header]
    for each in views:
        progress = each.part("progress")
        row = [
            each.name,
            each.step,
            str(progress.get("display") or ""),
            str(progress.get("variant") or ""),
            *(each.conditions[kind].status if kind in each.conditions else "" for kind in ("Valid", "Passed")),
            figures.age(each.created, now),
        ]
        rows.append([each.namespace, *row] if namespaces else row)
    return render.columns(rows)
