"""The fleet's metrics: which requests belong to the measured window, and what they come to.

The window is that of all stages that are neither ramps nor spikes, from the moment their users are there; of one stage
or ramp where it is named; of one step of a capacity search where its phase is given. A request belongs to the phase in
which it was started. What cannot be known is Missing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from gatebench_analysis import histograms
from gatebench_analysis.histograms import Samples
from gatebench_analysis.load import Histogram, Load, Phase, Requests
from gatebench_analysis.observation import Measured, Missing, NotApplicable, Observation

_THOUSANDTHS = {"p50": 500, "p90": 900, "p95": 950, "p99": 990, "p99.9": 999}
ABOVE = "> 10 min"
_FIELDS: dict[str, Callable[[Requests], Histogram | None]] = {
    "latency": lambda row: row.latency,
    "ttft": lambda row: row.ttft,
    "interToken": lambda row: row.inter_token,
    "serviceTime": lambda row: row.service_time,
}
Stage = str | int | None
"""Which window: that of all measured stages, of the stages of a name, or of the phase of an index."""


class _Unknown(Exception):
    """The figure cannot be known; the message says why."""


class _TooFew(_Unknown):
    """There are too few samples for it."""


@dataclasses.dataclass(frozen=True)
class Window:
    """The requests of a window, and its length."""

    seconds: float | None
    rows: tuple[Requests, ...]
    phases: tuple[Phase, ...]

    def total(self, outcome: str | None = None) -> int:
        """How many, or how many of an outcome."""
        return sum(row.count or 0 for row in self.rows if outcome in (None, row.outcome))


def seconds_of(phase: Phase) -> float | None:
    """Measured seconds of a phase: of a ramp all, of a stage those with all its users; None where it has none."""
    start = phase.started_at if phase.kind == "Ramp" else phase.full_at
    if phase.kind not in ("Stage", "Ramp", "Search", "Direct", "Ceiling") or start is None or phase.ended_at is None:
        return None
    return phase.ended_at - start if phase.ended_at > start else None


def counts(phase: Phase) -> bool:
    """Whether it is part of the top-level metrics."""
    return phase.kind == "Stage" and not phase.spike


def span(load: Load) -> tuple[float, float] | None:
    """From the first measured moment to the last, in unix seconds; between stages there may be more."""
    return _span([phase for phase in load.phases if counts(phase)])


def search_span(load: Load) -> tuple[float, float] | None:
    """The same of a search for a capacity that has found none, so that nothing else was measured."""
    return _span([phase for phase in load.phases if phase.kind == "Search"])


def _span(among: Sequence[Phase]) -> tuple[float, float] | None:
    phases = [phase for phase in among if seconds_of(phase) is not None]
    starts = [phase.full_at for phase in phases if phase.full_at is not None]
    ends = [phase.ended_at for phase in phases if phase.ended_at is not None]
    return (min(starts), max(ends)) if starts and ends else None


class Account:
    """The requests of a load document by window and name. Histograms are decoded and merged once."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self._windows: dict[Stage, Window] = {}
        self._decoded: dict[int, Samples] = {}
        self._merged: dict[tuple[str, str | None, Stage], Samples] = {}

    def window(self, stage: Stage = None) -> Window:
        """All measured stages, the stages and ramps of a name, or the phase of an index."""
        if stage not in self._windows:
            self._windows[stage] = self._window(stage)
        return self._windows[stage]

    def _window(self, stage: Stage) -> Window:
        if stage is None:
            phases = [phase for phase in self.load.phases if counts(phase)]
        elif isinstance(stage, int):
            phases = [phase for phase in self.load.phases if phase.index == stage]
        else:
            phases = [phase for phase in self.load.phases if phase.name == stage and phase.kind in ("Stage", "Ramp")]
        measured = {phase.index: phase for phase in phases if seconds_of(phase) is not None}
        rows = tuple(
            row
            for row in self.load.requests
            if row.phase in measured and (row.settled or measured[row.phase].kind == "Ramp")
        )
        known = [seconds for phase in measured.values() if (seconds := seconds_of(phase)) is not None]
        return Window(sum(known) if known else None, rows, tuple(measured.values()))

    def names(self) -> list[str]:
        """Names of the requests in the measured window, the most frequent first."""
        counts: dict[str, int] = {}
        for row in self.window().rows:
            counts[row.name] = counts.get(row.name, 0) + (row.count or 0)
        return sorted(counts, key=lambda name: (-counts[name], name))

    def streams(self) -> bool:
        """Whether a request of the measured window streams."""
        return any(row.stream and row.count for row in self.window().rows)

    def observe(self, name: str, request: str | None = None, stage: Stage = None) -> Observation:
        """A metric by its name without requests.NAME. Never raises."""
        try:
            return self._observe(name, request, stage)
        except _Unknown as error:
            return Missing(str(error), too_few=isinstance(error, _TooFew))

    def samples(self, rows: Sequence[Requests], field: str) -> Samples:
        """The merged histogram of some rows; `field` is latency, ttft, interToken or serviceTime. Raises ValueError."""
        found = [histogram for row in rows if (histogram := _FIELDS[field](row)) is not None]
        return histograms.merge(self._decode(histogram) for histogram in found)

    def _decode(self, histogram: Histogram) -> Samples:
        if id(histogram) not in self._decoded:
            self._decoded[id(histogram)] = histograms.decode(histogram)
        return self._decoded[id(histogram)]

    def _observe(self, name: str, request: str | None, stage: Stage) -> Observation:
        if name == "capacity.requestsPerSecond":
            return self._capacity()
        window = self.window(stage)
        if window.seconds is None:
            raise _Unknown(self._unmeasured(stage))
        self._check(window)
        if name == "dropped":
            return self._dropped(window)
        rows = tuple(row for row in window.rows if request in (None, row.name))
        window = dataclasses.replace(window, rows=rows)
        if not window.total():
            raise _Unknown(f"no request{f' named {request}' if request is not None else ''} in the measured window")
        if name == "throughput":
            return Measured(window.total("success") / _positive(window.seconds))
        if name == "errorRatio":
            return Measured(window.total("failure") / window.total())
        successes = tuple(row for row in rows if row.outcome == "success" and row.count)
        if name == "tokensPerSecond":
            return _tokens(successes, _positive(window.seconds))
        field, _, statistic = name.partition(".")
        if field not in _FIELDS:
            raise _Unknown(f"{name} is no metric of the fleet")
        key = (field, request, stage)
        if key not in self._merged:
            self._merged[key] = self._distribution(successes, field, request)
        return self._statistic(self._merged[key], statistic)

    def _unmeasured(self, stage: Stage) -> str:
        if stage is not None:
            return f"stage {stage} was not measured: there is none of that name, or it did not reach its users"
        capacity = self.load.capacity
        if capacity is not None and capacity.requests_per_second is None:
            return f"only the rate that a search has found is measured, and it found none: {capacity.message}"
        return "no stage was measured: none reached its users"

    def _capacity(self) -> Observation:
        found = self.load.capacity
        if found is None:
            return NotApplicable("only model Capacity looks for it")
        if found.requests_per_second is None:
            raise _Unknown(found.message or "the search ended without it")
        return Measured(found.requests_per_second)

    def dropped(self, window: Window) -> int | None:
        """Arrivals that were dropped in a window; None where that is not known."""
        known = self.load.dropped
        if known is None or any(one.count is None for one in known):
            return None
        phases = {phase.index for phase in window.phases}
        return sum(one.count or 0 for one in known if one.phase in phases)

    def _dropped(self, window: Window) -> Observation:
        if not self.load.is_open:
            return NotApplicable("closed load drops nothing: its users wait for their answers")
        found = self.dropped(window)
        return Missing("the load document does not say") if found is None else Measured(float(found))

    def _check(self, window: Window) -> None:
        """A damaged row makes every figure of its window wrong, not smaller."""
        damaged = any(row.count is None or row.outcome is None for row in window.rows)
        if damaged or any(row.phase is None for row in self.load.requests):
            raise _Unknown("the load document is damaged: requests without phase, outcome or count")

    def _distribution(self, successes: Sequence[Requests], field: str, request: str | None) -> Samples:
        if not successes:
            raise _Unknown("no request succeeded in the measured window")
        if field == "latency":
            rows = [row for row in successes if request is not None or not row.stream]
            if not rows:
                raise _Unknown("all requests stream: see requests.NAME.latency, ttft and interToken")
            if any(row.latency is None for row in rows):
                raise _Unknown("the load document is damaged: successes without a histogram")
        else:
            rows = [row for row in successes if row.stream]
            if not rows:
                raise _Unknown("no request streams")
        try:
            found = self.samples(rows, field)
        except histograms.Undecodable as error:
            raise _Unknown(f"a {field} histogram cannot be read: {error}") from error
        if not found.count:
            raise _Unknown(f"no sample of {field}")
        return found

    def _statistic(self, samples: Samples, statistic: str) -> Observation:
        if statistic == "mean":
            mean = samples.mean()
            return Missing("no sample") if mean is None else Measured(mean)
        if statistic == "max":
            if samples.clamped:
                return Measured(histograms.CLAMP_SECONDS, ABOVE, above=True)
            highest = samples.max_seconds if samples.max_seconds is not None else samples.at_rank(samples.count)
            return Missing("no sample") if highest is None else Measured(highest)
        quantile = statistic.removesuffix(".upper")
        if quantile not in _THOUSANDTHS:
            raise _Unknown(f"{statistic} is no statistic")
        thousandths = _THOUSANDTHS[quantile]
        found = samples.upper(thousandths) if statistic.endswith(".upper") else samples.quantile(thousandths)
        if found is None:
            needed = histograms.floor(thousandths / 1000)
            raise _TooFew(f"{quantile} needs {needed:,} samples, there are {samples.count:,}")
        seconds, above = found
        return Measured(seconds, ABOVE if above else "", above)


def _positive(seconds: float | None) -> float:
    assert seconds is not None  # seconds_of gives nothing else
    assert seconds > 0
    return seconds


def _tokens(successes: Sequence[Requests], seconds: float) -> Observation:
    counted = [row.output_tokens for row in successes if row.output_tokens is not None]
    return Measured(sum(counted) / seconds) if counted else Missing("no output tokens were counted")


def observe(load: Load, name: str, request: str | None = None, stage: Stage = None) -> Observation:
    """A metric of the fleet by its name without requests.NAME. Never raises."""
    return Account(load).observe(name, request, stage)
