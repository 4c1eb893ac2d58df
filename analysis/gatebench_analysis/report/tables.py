"""The report's tables as rows of words: requests, stages, steps of a search, errors, environment, the run's YAML."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from gatebench_analysis import cells, generator, quantities, summary, text
from gatebench_analysis.document import Result
from gatebench_analysis.loadfigures import Performance
from gatebench_analysis.measured import Account

MOST_NAMES = 40
MOST_ERRORS = 20
_LATENCY = ("p50", "p95", "p99", "max")
# As a person writes a run; what is new comes at the end.
_ORDER = ("gateway", "upstream", "workload", "load", "repeats", "overhead", "objectives", "baseline", "metrics")


@dataclasses.dataclass(frozen=True)
class Table:
    """Cells of words. The first `words` columns are text, the others figures; `note` says what is not in it."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 1
    note: str = ""
    last_is_words: bool = False

    def numeric(self, column: int) -> bool:
        """Whether a column holds figures."""
        return column >= self.words and not (self.last_is_words and column == len(self.head) - 1)


def requests(result: Result) -> Table | None:
    """One row a request name, the most frequent first."""
    names = summary.request_names(result)
    if not names:
        return None
    streams = any(f"requests.{name}.ttft.p50" in result.metrics for name in names)
    suffixes = ["throughput", "errorRatio", *(f"latency.{one}" for one in _LATENCY)]
    suffixes += ["ttft.p95", "interToken.p99"] if streams else []
    head = ["Request", "Throughput", "Errors", *_LATENCY, *(["first token p95", "gap p99"] if streams else [])]

    def cell(name: str, suffix: str) -> str:
        if suffix.startswith(("ttft", "interToken")) and f"requests.{name}.{suffix}" not in result.metrics:
            return quantities.MISSING
        if suffix.startswith("latency.p"):
            return cells.percentile(result, f"requests.{name}.{suffix}")
        return text.value(result, f"requests.{name}.{suffix}")

    rows = [[name, *(cell(name, suffix) for suffix in suffixes)] for name in names[:MOST_NAMES]]
    rest = len(names) - MOST_NAMES
    return _bounded(head, rows, f"and {rest} more" if rest > 0 else "")


def stages(result: Result) -> Table | None:
    """One row a stage or ramp, where there are several."""
    if len(result.stages) < 2:
        return None
    is_open = result.load.is_open
    head = ["Stage", "Rate" if is_open else "Users", "Measured", "Throughput", "Errors", "p50", "p95", "p99"]
    repeated = any(getattr(stage, "repeat", 0) for stage in result.stages)
    rows = []
    for stage in result.stages:
        kind = "ramp" if stage.kind == "Ramp" else "spike" if stage.spike else ""
        number = f"repeat {getattr(stage, 'repeat', 0) + 1}" if repeated else ""
        name = ", ".join(part for part in (stage.name, kind, number) if part)
        asked = quantities.text(stage.rate, "1/s") if is_open else quantities.text(stage.users, "count")
        row = [name, asked, quantities.seconds(stage.seconds), *_rates(stage), *cells.of_stage(stage)]
        rows.append([*row, quantities.text(stage.dropped, "count")] if is_open else row)
    return _bounded([*head, "Dropped"] if is_open else head, rows)


def _bounded(head: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> Table:
    """A table of percentiles that says what stands in brackets."""
    told = cells.headed(head, rows, "at most")
    bounds = cells.BOUNDED if told != list(head) else ""
    return Table(told, rows, note=". ".join(part for part in (note, bounds) if part))


def frontier(result: Result) -> Table | None:
    """The steps of a capacity search, by rate."""
    if not result.frontier:
        return None
    rows = []
    for point in result.frontier:
        outcome = f"{point.outcome or '?'}{', confirmed' if point.confirmation else ''}"
        latency = [quantities.seconds(one) for one in (point.p50_seconds, point.p95_seconds, point.p99_seconds)]
        row = [quantities.text(point.rate, "1/s"), outcome, *_rates(point), *latency]
        rows.append([*row, quantities.text(point.gateway_cpu_cores, "cores"), point.why])
    head = ["Rate", "Outcome", "Throughput", "Errors", "p50", "p95", "p99", "Gateway CPU", "Why"]
    return Table(head, rows, words=2, last_is_words=True)


def errors(result: Result) -> Table | None:
    """What failed in the whole load, the most frequent first."""
    counts: dict[tuple[str, ...], int] = {}
    for one in result.load.errors:
        status = "" if one.status is None else str(one.status)
        key = (one.name, one.kind, status, " ".join(one.message.split()))
        counts[key] = counts.get(key, 0) + (one.count or 0)
    if not counts:
        return None
    worst = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rows = [
        [name, kind, status or quantities.MISSING, f"{count:,}", message]
        for (name, kind, status, message), count in worst[:MOST_ERRORS]
    ]
    rest = len(worst) - MOST_ERRORS
    head = ["Request", "Kind", "Status", "Count", "Message"]
    return Table(head, rows, words=2, note=f"and {rest} more kinds" if rest > 0 else "", last_is_words=True)


def gateway(result: Result) -> Table | None:
    """The gateway's figures with what each was made from."""
    if not result.gateway:
        return None
    rows = []
    for name in sorted(result.gateway):
        figure = result.gateway[name]
        if figure.value is not None:
            about = "; ".join(part for part in (figure.note, figure.source) if part)
        else:
            about = figure.not_applicable or f"missing: {figure.missing or 'not measured'}"
        rows.append([name, text.value(result, name), about])
    return Table(["Figure", "Value", "From"], rows, last_is_words=True)


def course(result: Result) -> Table | None:
    """Slopes and spikes: what the load did to the gateway in the course of time."""
    figures = getattr(result, "course", None) or {}
    known = [(name, figure) for name, figure in figures.items() if figure.value is not None]
    rows = [[name, quantities.text(figure.value, figure.unit, name), figure.note] for name, figure in known]
    leak = getattr(result, "leak", None)
    words = f"Does memory leak? {leak.why}" if leak is not None and leak.suspected is not None else ""
    return Table(["Figure", "Value", "Interval"], rows, note=words, last_is_words=True) if rows else None


def environment(result: Result) -> list[tuple[str, str]]:
    """Where the numbers come from."""
    load, probe = result.load, result.probe
    rows = list(_leaves(result.environment))
    if probe is not None:
        rows.append(("isolation seen by the probe", f"{'proven' if probe.proven else 'not proven'}: {probe.proof}"))
        shares = (
            ("others", probe.window.foreign_ratio),
            ("hypervisor", probe.window.steal_ratio),
            ("interrupts", probe.window.interrupt_ratio),
            ("its threads waited to run", probe.window.wait_ratio),
        )
        told = [f"{words} {quantities.ratio(share)}" for words, share in shares if share is not None]
        rows += [("time on its cores", ", ".join(told))] if told else []
    engine = " ".join(part for part in (load.engine, load.engine_version) if part)
    rows += [("engine", engine)] if engine else []
    if load.workers:
        rows.append(("workers", f"{len(load.workers)}"))
    rows += [(f"generator, {name}", words) for name, words in generator.conduct(Account(load))]
    return [(name, words) for name, words in rows if words]


def manifest(result: Result) -> str:
    """The run as YAML, to be applied again."""
    run = result.run
    metadata = {"name": run.name or "again", **({"namespace": run.namespace} if run.namespace else {})}
    ranks = {name: rank for rank, name in enumerate(_ORDER)}
    spec = dict(sorted(run.spec.items(), key=lambda item: ranks.get(item[0], len(ranks))))
    whole = {"apiVersion": "gatebench.dev/v1alpha1", "kind": "BenchmarkRun", "metadata": metadata, "spec": spec}
    return str(yaml.safe_dump(whole, sort_keys=False, width=100, allow_unicode=True))


def _rates(one: Performance) -> list[str]:
    return [quantities.text(one.throughput, "1/s"), quantities.ratio(one.error_ratio)]


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        elif isinstance(value, bool):
            yield f"{prefix}{key}", "yes" if value else "no"
        elif value is not None:
            yield f"{prefix}{key}", ", ".join(map(str, value)) if isinstance(value, list) else str(value)
