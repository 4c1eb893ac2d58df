"""A result as a plain table for terminals: verdict and validity first, then the figures and where they come from."""

from __future__ import annotations

from gatebench_analysis import generator, metrics, overhead, quantities, segments, validity
from gatebench_analysis.cells import columns, value
from gatebench_analysis.document import Result
from gatebench_analysis.histograms import Undecodable
from gatebench_analysis.measured import Account
from gatebench_analysis.observation import Measured

__all__ = ["columns", "table", "value"]

_MOST_ERRORS = 10
_SERVICE = {"p50": 500, "p95": 950, "p99": 990}
_STATISTICS = ("mean", "p50", "p90", "p95", "p99", "p99.9", "max")


def table(result: Result) -> str:
    """The whole result in lines of text, without a line break at its end."""
    blocks = (
        _head(result),
        segments.requests(result),
        segments.stages(result),
        segments.frontier(result),
        _gateway(result),
        _objectives(result),
        _errors(result),
        _notes(result),
    )
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _head(result: Result) -> list[str]:
    run, load = result.run, result.load
    name = f"{run.namespace}/{run.name}" if run.namespace else run.name
    status, reason, message = validity.verdict(result)
    rows = [("run", " ".join(part for part in (name, run.spec_hash) if part) or quantities.MISSING)]
    if status == "True":
        verdict = {"True": "PASSED", "False": "FAILED", "Unknown": "UNDECIDED"}[result.verdict.status]
        rows.append(("verdict", f"{verdict}: {result.verdict.message}" if result.verdict.message else verdict))
        rows.append(("valid", f"yes: {message}"))
    else:
        rows.append(("verdict", "NONE: the measurement does not hold" if status == "False" else "UNDECIDED"))
        rows.append(("valid", f"{'NO' if status == 'False' else 'UNKNOWN'}, {reason}: {message}"))
    engine = " ".join(part for part in (load.engine, load.engine_version) if part)
    workers = f", {len(load.workers)} workers" if load.workers else ""
    rows.append(("load", f"{load.outcome or 'unknown outcome'}{f', {engine}' if engine else ''}{workers}"))
    rows += [("capacity", _capacity(result))] if result.capacity is not None else []
    rows.append(("measured", _measured(result)))
    rows.append(("throughput", _throughput(result)))
    rows.append(("errors", value(result, "errorRatio")))
    latency = "  ".join(f"{one} {value(result, f'latency.{one}')}" for one in _STATISTICS)
    rows.append(("latency", latency))
    bounds = {one: value(result, f"latency.{one}.upper") for one in _STATISTICS if one.startswith("p")}
    known = "  ".join(f"{one} {bound}" for one, bound in bounds.items() if bound != quantities.MISSING)
    rows += [("at most", f"{known} (99 % confidence)")] if known else []
    rows += _repeats(result)
    rows += _course(result)
    rows += [("overhead", added)] if (added := overhead.words(result.metrics, result.overhead)) else []
    if load.is_open:
        rows += _open(result)
    rows += _generator(result)
    return columns(rows)


def _repeats(result: Result) -> list[tuple[str, str]]:
    """How far the repeats lie apart; the figures above are their medians."""
    if not result.repeats:
        return []
    parts = []
    for words, name in (("throughput", "throughput"), ("p95", "latency.p95")):
        metric, seen = metrics.find(name), metrics.observe(result, name)
        if metric is not None and isinstance(seen, Measured) and seen.low is not None:
            ends = [quantities.text(end, metric.unit, name) for end in (seen.low, seen.high)]
            parts.append(f"{words} {ends[0]} to {ends[1]}")
    whole = sum(one.whole for one in result.repeats)
    cut = f" and {len(result.repeats) - whole} that was cut short" if whole < len(result.repeats) else ""
    return [("repeats", f"{whole}{cut}{': ' if parts else ''}{', '.join(parts)}")]


def _course(result: Result) -> list[tuple[str, str]]:
    """Slopes and spikes, where there are any."""
    known = {name: value(result, name) for name, one in result.course.items() if one.value is not None}
    slopes = ", ".join(f"{name.removesuffix('.slope')} {text}" for name, text in known.items() if name[-6:] == ".slope")
    spikes = ", ".join(f"{name.removeprefix('spike.')} {text}" for name, text in known.items() if name[:6] == "spike.")
    return [(words, text) for words, text in (("slopes", slopes), ("spikes", spikes)) if text]


def _open(result: Result) -> list[tuple[str, str]]:
    """What open load has besides: its latencies count from when a request was due, whenever it was sent."""
    rows = [("dropped", value(result, "dropped"))]
    account = Account(result.load)
    successes = [row for row in account.window().rows if row.outcome == "success" and not row.stream]
    try:
        service = account.samples(successes, "serviceTime")
    except Undecodable:
        return rows
    found = [(name, service.quantile(thousandths)) for name, thousandths in _SERVICE.items()]
    parts = [f"{name} {'> 10 min' if above[1] else quantities.seconds(above[0])}" for name, above in found if above]
    return [*rows, ("service time", f"{'  '.join(parts)} (from the send)")] if parts else rows


def _generator(result: Result) -> list[tuple[str, str]]:
    """What the generator itself did, so that it can be told from the gateway."""
    found = generator.conduct(Account(result.load))
    return [("generator", "; ".join(f"{name} {words}" for name, words in found))] if found else []


def _capacity(result: Result) -> str:
    found = result.capacity
    if found is None:
        return quantities.MISSING
    low, high = (quantities.text(end, "1/s") for end in (found.low, found.high))
    if found.requests_per_second is None:
        return f"none found, between {low} and {high}: {found.message}"
    if found.open_ended:
        return f"at least {quantities.text(found.requests_per_second, '1/s')} (maxRate)"
    above = f"; {high} did not hold: {'; '.join(found.limited_by)}"
    return f"{quantities.text(found.requests_per_second, '1/s')}{above}"


def _measured(result: Result) -> str:
    counts = result.counts
    seconds = quantities.MISSING if result.window_seconds is None else f"{result.window_seconds:.1f} s"
    apart = [
        f"{words} {totals.requests:,}"
        for words, totals in (
            ("warm-up", counts.warm_up),
            ("before all users were there", counts.settling),
            ("ramps", counts.ramps),
            ("spikes", counts.spikes),
            ("search", counts.search),
            ("pauses", counts.pauses),
            ("direct leg", counts.direct),
            ("burst", counts.burst),
            ("drain", counts.drain),
            ("other", counts.other),
        )
        if totals.requests
    ]
    measured = f"{seconds}, {counts.measured.requests:,} requests, {counts.measured.failures:,} failures"
    return f"{measured} (apart: {', '.join(apart)})" if apart else measured


def _throughput(result: Result) -> str:
    most = result.ceiling.requests_per_second
    text = value(result, "throughput")
    if result.offered_rate is not None:
        return f"{text} of {quantities.digits(result.offered_rate)} that were asked for"
    if most is None:
        return text
    bound = ": think time sets it" if result.ceiling.think_time_bound else ""
    return f"{text} of at most {quantities.digits(most)} with these users{bound}"


def _gateway(result: Result) -> list[str]:
    rows: list[tuple[str, str, str]] = []
    for name in sorted(result.gateway):
        figure = result.gateway[name]
        text = value(result, name)
        if figure.value is not None:
            about = "; ".join(part for part in (figure.note, figure.source) if part)
        else:
            about = figure.not_applicable or f"missing: {figure.missing or 'not measured'}"
        rows.append((name, text, about))
    lines = columns(rows)
    if lines:
        lines.insert(0, "GATEWAY")
    lines += _isolation(result)
    return lines


def _isolation(result: Result) -> list[str]:
    probe, environment = result.probe, result.environment
    rows: list[tuple[str, str]] = []
    if probe is not None:
        rows.append(("isolation", f"{'proven' if probe.proven else 'not proven'}: {probe.proof}"))
        window = probe.window
        parts = [
            f"{words} {quantities.ratio(share)}"
            for words, share in (
                ("others", window.foreign_ratio),
                ("hypervisor", window.steal_ratio),
                ("interrupts", window.interrupt_ratio),
                ("its threads waited to run", window.wait_ratio),
            )
            if share is not None
        ]
        if parts:
            rows.append(("cores", ", ".join(parts)))
    elif environment.get("isolation"):
        rows.append(("isolation", str(environment["isolation"])))
    keys = ("node", "cpuModel", "kernel", "kubelet", "os")
    node = [str(environment[key]) for key in keys if environment.get(key)]
    if node:
        rows.append(("node", ", ".join(node)))
    if environment.get("colocated"):
        rows.append(("generators", "on the gateway's node"))
    return columns(rows)


def _objectives(result: Result) -> list[str]:
    if not result.objectives:
        return []
    rows = [["OBJECTIVE", "OUTCOME", "OBSERVED", "BOUND", ""]]
    for one in result.objectives:
        name = f"{one.metric} ({one.stage})" if one.stage else one.metric
        bound = one.bound or ", ".join(f"{key} {text}" for key, text in one.bounds.items())
        observed = one.observed or quantities.MISSING
        rows.append([name, one.outcome, observed, bound or quantities.MISSING, one.message])
    return columns(rows)


def _errors(result: Result) -> list[str]:
    counts: dict[tuple[str, str, str, str], int] = {}
    for error in result.load.errors:
        key = (error.name, error.kind, "" if error.status is None else str(error.status), error.message)
        counts[key] = counts.get(key, 0) + (error.count or 0)
    if not counts:
        return []
    worst = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rows = [["ERROR", "KIND", "STATUS", "COUNT", ""]]
    for (name, kind, status, message), count in worst[:_MOST_ERRORS]:
        rows.append([name, kind, status or quantities.MISSING, f"{count:,}", " ".join(message.split())])
    return columns(rows)


def _notes(result: Result) -> list[str]:
    lines = [f"also: {one.reason}: {one.message}" for one in result.validity[1:]]
    if result.validity and result.validity[0].remedy:
        lines.append(f"remedy: {result.validity[0].remedy}")
    if result.missing:
        lines.append(f"missing: {', '.join(result.missing)}")
    lines += [f"warning: {warning}" for warning in result.warnings]
    lines += [f"left out to fit: {what}" for what in result.dropped]
    return lines
