"""From a run to lines of text: the verdict, the changes while it is under way, and the list of runs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gatebench.cli import figures
from gatebench.cli.view import Condition, Exit, View

HEADLINES = {Exit.PASSED: "PASSED", Exit.FAILED: "FAILED", Exit.INVALID: "INVALID", Exit.ERROR: "REFUSED"}
# Conditions that repeat what others say, or that say no more than "not yet".
_QUIET = ("Reconciling", "Stalled", "Succeeded")
_WAITING = ("Starting", "Proving", "Joining", "Running", "Progressing", "NotMeasured")
_LOADED = ("WarmUp", "Measuring", "Pausing", "Restarting", "Draining")


def columns(rows: Iterable[Sequence[str]], indent: str = "") -> list[str]:
    """Rows of cells as aligned lines."""
    table = [list(row) for row in rows]
    if not table:
        return []
    widths = [max(len(row[i]) for row in table if i < len(row)) for i in range(max(len(row) for row in table))]
    return [indent + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=False)).rstrip() for row in table]


def changes(before: View | None, after: View) -> list[str]:
    """One line for the step if it changed, and one for each condition that did."""
    lines: list[str] = []
    moved: list[Condition] = []
    if before is None or before.step != after.step:
        lines.append(f"step {after.step}")
    for condition in after.conditions.values():
        old = before.conditions.get(condition.type) if before else None
        if old is not None and (old.status, old.reason) == (condition.status, condition.reason):
            continue
        if condition.type in _QUIET or (condition.status != "True" and condition.reason in _WAITING):
            continue
        moved.append(condition)
    return lines + condition_lines(moved)


def condition_lines(conditions: Iterable[Condition]) -> list[str]:
    """Conditions in a line each, Complete last: its message is left out where another one says the same."""
    lines: list[str] = []
    said: list[str] = []
    for condition in sorted(conditions, key=lambda one: one.type == "Complete"):
        again = any(condition.message in message for message in said)
        lines.append(condition_line(condition, not again))
        said.append(condition.message)
    return lines


def condition_line(condition: Condition, with_message: bool = True) -> str:
    """A condition in one line."""
    line = f"{condition.type}={condition.status} {condition.reason}"
    message = " ".join(condition.message.split())
    return f"{line}: {message}" if message and with_message else line


def is_loaded(view: View) -> bool:
    """Whether load is being sent, so that live figures are worth a line."""
    return view.step in _LOADED


def load_line(view: View) -> str:
    """The live figures in one line."""
    progress, live = view.part("progress"), view.part("live")
    elapsed, total = progress.get("elapsedSeconds"), progress.get("totalSeconds")
    parts = [f"{progress.get('stage') or view.step}{repeat(progress)}"]
    if elapsed is not None:
        parts.append(f"{figures.duration(elapsed)} of {figures.duration(total)}")
    return ", ".join([*parts, *live_figures(live)])


def repeat(progress: Mapping[str, Any]) -> str:
    """Which repeat is under way; empty where there is one."""
    known = progress.get("repeat") is not None and (progress.get("repeats") or 0) > 1
    return f" (repeat {progress['repeat']} of {progress['repeats']})" if known else ""


def live_figures(live: Mapping[str, Any]) -> list[str]:
    """The live figures that are there, each with its name."""
    shown = (
        ("users", "{} users", figures.number),
        ("rate", "{} arrivals/s", figures.number),
        ("requestsPerSecond", "{} requests/s", figures.number),
        ("p95Seconds", "p95 {}", figures.seconds),
        ("errorRatio", "errors {}", figures.ratio),
        ("inFlight", "{} in flight", figures.number),
        ("dropped", "{} dropped", figures.number),
        ("gatewayCpuCores", "CPU {} cores", figures.number),
        ("gatewayMemoryBytes", "memory {}", figures.size),
    )
    return [form.format(text(live[key])) for key, form, text in shown if live.get(key) is not None]


def headline(view: View) -> str:
    """Name and outcome: the first line of a verdict."""
    code = view.exit_code
    if code is None:
        return f"{view.name}: under way, step {view.step}"
    words = HEADLINES[code]
    if code is Exit.INVALID and view.is_("Valid", "True"):
        words = "UNDECIDED"
    elif code is Exit.INVALID and not view.is_("Valid", "False"):
        measured = view.conditions.get("Valid") and view.conditions["Valid"].reason != "NotMeasured"
        words = "NOT VALID" if measured else "NOT MEASURED"
    return f"{view.name}: {words}"


def banner(view: View) -> list[str]:
    """Why the headline is what it is: the conditions that speak against success."""
    against: list[Condition] = []
    for kind in ("Accepted", "GatewayReady", "Isolated", "FleetReady", "Valid", "Passed", "Complete"):
        condition = view.conditions.get(kind)
        if condition is None:
            continue
        bad = condition.reason not in ("Finished", "Running") if kind == "Complete" else condition.status != "True"
        if bad and condition.reason not in ("NotMeasured", "NotRequired", "NotOwned"):
            against.append(condition)
    lines = [f"  {line}" for line in condition_lines(against)]
    if view.is_("Valid", "False"):
        lines.insert(0, "  The measurement does not hold: its figures are in the result document alone.")
    return lines


def verdict(view: View) -> list[str]:
    """Everything that the status says about a run that is complete, or where it stands."""
    lines = [headline(view), *(banner(view) if view.complete else [])]
    if not view.complete:
        lines += ["  " + condition_line(c) for c in view.conditions.values() if c.type not in _QUIET]
    facts = [*_environment(view.part("environment")), *_summary(view)]
    if facts:
        lines += ["", *columns(facts, "  ")]
    if objectives := list(view.status.get("objectives") or []):
        lines += ["", *objective_table(objectives)]
    lines += baseline_table(view)
    if missing := view.status.get("missing"):
        lines += ["", f"  missing: {', '.join(map(str, missing))}"]
    lines += [f"  warning: {warning}" for warning in view.status.get("warnings") or []]
    return lines


def objective_table(objectives: Iterable[Mapping[str, Any]]) -> list[str]:
    """Outcome, metric, observed value and bound of each objective."""
    rows = [("OUTCOME", "METRIC", "OBSERVED", "BOUND", "")]
    for one in objectives:
        metric = f"{one.get('metric')} ({one['stage']})" if one.get("stage") else str(one.get("metric"))
        rows.append(
            (
                str(one.get("outcome")),
                metric,
                str(one.get("observed") or figures.MISSING),
                str(one.get("bound") or figures.MISSING),
                str(one.get("message") or ""),
            )
        )
    return columns(rows, "  ")


def baseline_table(view: View) -> list[str]:
    """The run beside its baseline; empty where it has none."""
    found = view.part("baseline")
    if not found:
        return []
    lines = ["", f"  {found.get('verdict')} against {found.get('source')}"]
    if metrics := list(found.get("metrics") or []):
        header = ("VERDICT", "METRIC", "BASELINE", "THIS RUN", "CHANGE", "INTERVAL", "TOLERANCE")
        lines += columns([header, *(figures.compared(one) for one in metrics)], "  ")
    if found.get("verdict") == "Inconclusive" and found.get("why"):
        lines.append(f"  {found['why']}")
    return lines


def _environment(environment: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    isolation = environment.get("isolation")
    if isolation:
        words = {"Proven": "proven", "NotProven": "not proven", "NotClaimed": "not claimed"}.get(isolation, isolation)
        how = environment.get("isolationProof") or (environment.get("cpuset") and f"CPU {environment['cpuset']}")
        rows.append(("isolation", f"{words}: {how}" if how else words))
    if environment.get("node"):
        details = [str(environment[key]) for key in ("cpuModel", "kernel", "kubelet") if environment.get(key)]
        rows.append(("node", ", ".join([str(environment["node"]), *details])))
    if environment.get("colocated"):
        rows.append(("generators", "on the gateway's node"))
    return rows


def _summary(view: View) -> list[tuple[str, str]]:
    summary = view.part("summary")
    if not summary:
        return []
    latency, gateway = view.part("summary", "latencySeconds"), view.part("summary", "gateway")
    warm_up, ceiling = view.part("summary", "warmUp"), view.part("summary", "ceiling")
    measured = f"{figures.seconds(summary.get('windowSeconds'))}, {figures.number(summary.get('requests'))} requests"
    measured += f", {figures.number(summary.get('failures'))} failures"
    if warm_up.get("requests") is not None:
        measured += f" (warm-up apart: {figures.number(warm_up['requests'])})"
    throughput = f"{figures.number(summary.get('throughput'))} requests/s"
    if summary.get("offeredRate") is not None:
        throughput += f" of {figures.number(summary['offeredRate'])} that were asked for"
    if ceiling.get("requestsPerSecond") is not None:
        throughput += f" of at most {figures.number(ceiling['requestsPerSecond'])}"
        throughput += ": think time sets it" if ceiling.get("thinkTimeBound") else ""
    names = (
        ("p50", "p50"),
        ("p90", "p90"),
        ("p95", "p95"),
        ("p99", "p99"),
        ("p999", "p99.9"),
        ("max", "max"),
    )
    rows = [
        *_capacity(view.part("summary", "capacity")),
        ("measured", measured),
        ("throughput", throughput),
        ("latency", "  ".join(f"{label} {figures.seconds(latency.get(key))}" for key, label in names)),
        *_upper(latency),
        *_repeats(view),
        *_overhead(view.part("summary", "overhead")),
        *_streams(view.part("summary", "streams")),
    ]
    if summary.get("dropped") is not None:
        rows.append(("dropped", f"{figures.number(summary['dropped'])} arrivals"))
    if gateway:
        rows += _gateway(gateway)
    rows += [(f"  {one.get('name')}", _request(one)) for one in summary.get("byRequest") or []]
    return rows


def _upper(latency: Mapping[str, Any]) -> list[tuple[str, str]]:
    bounds = [(p, latency.get(f"{p}Upper")) for p in ("p95", "p99")]
    known = "  ".join(f"{p} {figures.seconds(bound)}" for p, bound in bounds if bound is not None)
    return [("at most", f"{known} (99 % confidence)")] if known else []


def _repeats(view: View) -> list[tuple[str, str]]:
    """How far the repeats lie apart; the other figures are their medians."""
    count = view.part("summary").get("repeats")
    throughput, p95 = (view.part("summary", "spread", key) for key in ("throughput", "p95Seconds"))
    parts = []
    if throughput:
        ends = [figures.number(throughput.get(end)) for end in ("low", "high")]
        parts.append(f"throughput {ends[0]} to {ends[1]} requests/s")
    if p95:
        parts.append(f"p95 {figures.seconds(p95.get('low'))} to {figures.seconds(p95.get('high'))}")
    return [("repeats", ": ".join([str(count), *([", ".join(parts)] if parts else [])]))] if count else []


def _overhead(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the gateway adds to the direct path, and what is possible without it."""
    added = [f"{p} {_between(found, p)}" for p in ("p50", "p95", "p99")]
    if found.get("note"):
        added.append(f"({found['note']})")
    if (ceiling := found.get("ceilingRequestsPerSecond")) is not None:
        added.append(f"(mock and fleet without the gateway: at most {figures.number(ceiling)} requests/s)")
    return [("overhead", "  ".join(added))] if found else []


def _between(found: Mapping[str, Any], percentile: str) -> str:
    """3.1 ms (2.9 ms to 3.4 ms)."""
    ends = [(found.get(f"{percentile}Interval") or {}).get(end) for end in ("low", "high")]
    words = figures.seconds(found.get(f"{percentile}Seconds"))
    return words if None in ends else f"{words} ({figures.seconds(ends[0])} to {figures.seconds(ends[1])})"


def _added(found: Mapping[str, Any]) -> str:
    """The median's, in a cell; whether it is the latency itself."""
    median = found.get("p50Seconds")
    if median is None:
        return ""
    return f"{figures.seconds(median)}{' (alone)' if found.get('note') else ''}"


def _capacity(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    if not found:
        return []
    bracket, limits = found.get("bracket") or {}, found.get("limitedBy") or []
    low, high = figures.number(bracket.get("low")), figures.number(bracket.get("high"))
    if found.get("requestsPerSecond") is None:
        text = f"not found: {low} requests/s held, {high} did not"
    elif bracket.get("high") is None:
        text = f"at least {figures.number(found['requestsPerSecond'])} requests/s (maxRate)"
    else:
        text = f"{figures.number(found['requestsPerSecond'])} requests/s, {high} did not hold"
    return [("capacity", f"{text} ({'; '.join(map(str, limits))})" if limits else text)]


def _streams(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    if not found:
        return []
    # Answers have tokens without being streams, too.
    rows = [
        (title, "  ".join(f"{p} {figures.seconds(found.get(f'{name}{p.upper()}Seconds'))}" for p in shown))
        for title, name, shown in (
            ("first token", "ttft", ("p50", "p95", "p99")),
            ("token gaps", "interToken", ("p50", "p99")),
        )
        if any(key.startswith(name) for key in found)
    ]
    if found.get("tokensPerSecond") is not None:
        rows.append(("tokens", f"{figures.number(found['tokensPerSecond'])} tokens/s"))
    return rows


def _request(one: Mapping[str, Any]) -> str:
    latency = [f"{p} {figures.seconds(one.get(f'{p}Seconds'))}" for p in ("p50", "p95", "p99")]
    throughput, errors = figures.number(one.get("throughput")), figures.ratio(one.get("errorRatio"))
    return ", ".join([f"{throughput} requests/s", *latency, f"errors {errors}"])


def _gateway(gateway: Mapping[str, Any]) -> list[tuple[str, str]]:
    mean, peak = (figures.number(gateway.get(f"cpuCores{which}")) for which in ("Mean", "Max"))
    top, end = (figures.size(gateway.get(f"memory{which}Bytes")) for which in ("Peak", "End"))
    cores = [
        f"{label} {figures.ratio(gateway[key])}"
        for key, label in (
            ("foreignTimeRatio", "others"),
            ("stealRatio", "hypervisor"),
            ("runQueueWaitRatio", "waited to run"),
            ("throttledRatio", "throttled"),
        )
        if gateway.get(key) is not None
    ]
    rows = [("gateway CPU", f"{mean} cores mean, {peak} max"), ("gateway memory", f"{top} peak, {end} end")]
    if cores:
        rows.append(("gateway cores", ", ".join(cores)))
    if gateway.get("restarts"):
        rows.append(("gateway restarts", str(gateway["restarts"])))
    return rows


def listing(views: Sequence[View], now: float, *, namespaces: bool = False, wide: bool = False) -> list[str]:
    """The runs as `kubectl get brun` lists them."""
    header = ["NAME", "STEP", "RPS", "P95", "VALID", "PASSED", "AGE"]
    if wide:
        header += ["OVERHEAD", "NODE", "ISOLATION", "REASON"]
    rows = [["NAMESPACE", *header] if namespaces else header]
    for view in views:
        display = view.part("summary", "display")
        row = [
            view.name,
            view.step,
            str(display.get("throughput") or ""),
            str(display.get("p95") or ""),
            *(view.conditions[kind].status if kind in view.conditions else "" for kind in ("Valid", "Passed")),
            figures.age(view.created, now),
        ]
        if wide:
            environment, succeeded = view.part("environment"), view.conditions.get("Succeeded")
            row += [
                _added(view.part("summary", "overhead")),
                str(environment.get("node") or ""),
                str(environment.get("isolation") or ""),
                succeeded.reason if succeeded else "",
            ]
        rows.append([view.namespace, *row] if namespaces else row)
    return columns(rows)
