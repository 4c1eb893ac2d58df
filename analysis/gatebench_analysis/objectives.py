"""Objectives: bounds on metrics, and what a result makes of them."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from gatebench_analysis import abort, metrics, quantities
from gatebench_analysis.document import ObjectiveOutcome, OutcomeName, Result, Verdict
from gatebench_analysis.observation import Measured, Missing, NotApplicable, Observation

DEFAULT_ERROR_RATIO = 0.01
# Without a limit on errors a gateway that refuses everything at once would pass.


@dataclasses.dataclass(frozen=True)
class Objective:
    """A bound on a metric; bounds in the metric's unit, None where there is none."""

    metric: str
    stage: str | None = None
    optional: bool = False
    target_above: float | None = None
    target_below: float | None = None
    warn_above: float | None = None
    warn_below: float | None = None
    fail_above: float | None = None
    fail_below: float | None = None
    abort_above: float | None = None
    abort_below: float | None = None
    texts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """The bounds as written, by their names in the spec: {"failAbove": "900ms"}."""
    implied: bool = False
    """Not in the spec."""


@dataclasses.dataclass(frozen=True)
class _Bound:
    """One bound of an objective, and whether a value is on its named side."""

    name: str
    value: float
    text: str

    @property
    def is_above(self) -> bool:
        return self.name.endswith("Above")

    def holds(self, seen: Measured) -> bool | None:
        """Whether the value is beyond the bound, strictly; None where only a lower bound of it is known."""
        if self.is_above:
            return True if seen.value > self.value else (None if seen.above else False)
        if seen.above:
            return False if seen.value >= self.value else None
        return seen.value < self.value

    def __str__(self) -> str:
        return f"{self.name} {self.text}"


_FIELDS = {
    "targetAbove": "target_above",
    "targetBelow": "target_below",
    "warnAbove": "warn_above",
    "warnBelow": "warn_below",
    "failAbove": "fail_above",
    "failBelow": "fail_below",
    "abortAbove": "abort_above",
    "abortBelow": "abort_below",
}


_TIERS = ("target", "warn", "fail", "abort")


def _bounds(objective: Objective, tier: str) -> list[_Bound]:
    unit = _unit(objective)
    found = []
    for name, field in _FIELDS.items():
        value: float | None = getattr(objective, field)
        if name.startswith(tier) and value is not None:
            text = objective.texts.get(name) or quantities.text(value, unit)
            found.append(_Bound(name, value, text))
    return found


def _unit(objective: Objective) -> str:
    metric = metrics.find(objective.metric)
    return metric.unit if metric is not None else "number"


def with_default(objectives: Iterable[Objective]) -> tuple[Objective, ...]:
    """The objectives, and errorRatio below 1 % where none is about errorRatio of the whole run.

    One about a stage or a request name does not count: the others could fail unseen.
    """
    given = tuple(objectives)
    if any(one.metric == "errorRatio" and one.stage is None for one in given):
        return given
    implied = Objective("errorRatio", fail_above=DEFAULT_ERROR_RATIO, texts={"failAbove": "1%"}, implied=True)
    return (*given, implied)


def check(objectives: Sequence[Objective], stages: Collection[str] | None = None) -> list[str]:
    """What is wrong with them, in words that name the objective; nothing is wrong where it is empty.

    `stages` are the names that an objective may use, where they are known.
    """
    return [
        f"[{index}] {objective.metric}: {problem}"
        for index, objective in enumerate(objectives)
        for problem in _problems(objective, stages)
    ]


def _problems(objective: Objective, stages: Collection[str] | None) -> Iterable[str]:
    metric = metrics.find(objective.metric)
    if metric is None:
        yield "it is no metric"
        return
    if objective.stage is not None and not metric.staged:
        yield "it covers the whole measured window and cannot be about a stage: remove stage"
    elif objective.stage is not None and stages is not None and objective.stage not in stages:
        yield f"there is no stage {objective.stage}; there are {', '.join(stages)}"
    aborts = objective.abort_above is not None or objective.abort_below is not None
    if aborts and (objective.stage is not None or not abort.can_abort(objective.metric)):
        yield "the load cannot be ended by it while it runs: take failAbove or failBelow"
    tiers = [bound for tier in _TIERS for bound in _bounds(objective, tier)]
    if not tiers:
        yield "it has no bound"
    less = [b for b in tiers if b.name in ("targetBelow", "warnAbove", "failAbove", "abortAbove")]
    more = [b for b in tiers if b.name in ("targetAbove", "warnBelow", "failBelow", "abortBelow")]
    if less and more:
        yield f"{less[0].name} and {more[0].name} contradict each other: one says less is better, the other more"
    for one, next_one in itertools.pairwise(less):
        if one.value > next_one.value:
            yield f"{one} is above {next_one}"
    for one, next_one in itertools.pairwise(more):
        if one.value < next_one.value:
            yield f"{one} is below {next_one}"
    if metric.unit == "ratio":
        for bound in tiers:
            if bound.value > 1:
                yield f"{bound} is more than all: write a percentage as 5% or 0.05"


def evaluate(objective: Objective, observed: Observation) -> ObjectiveOutcome:
    """What an observation makes of an objective."""
    if isinstance(observed, NotApplicable):
        return _outcome(objective, "NotApplicable", None, observed.why)
    if isinstance(observed, Missing):
        return _outcome(objective, "Unknown", None, f"missing: {observed.why}")
    found = _decide(objective, observed)
    value = f"{'> ' if observed.above else ''}{quantities.text(observed.value, _unit(objective), objective.metric)}"
    if observed.above and observed.note:
        value = observed.note
    elif observed.note and objective.metric.startswith("overhead."):
        found = found.model_copy(update={"message": "; ".join(part for part in (found.message, observed.note) if part)})
    return found.model_copy(update={"observed": value, "value": observed.value})


def _decide(objective: Objective, seen: Measured) -> ObjectiveOutcome:
    metric = objective.metric
    tiers: tuple[tuple[str, OutcomeName], ...] = (("abort", "Fail"), ("fail", "Fail"), ("warn", "Warn"))
    for tier, outcome in tiers:
        for bound in _bounds(objective, tier):
            beyond = bound.holds(seen)
            if beyond is None:
                why = f"only a lower bound of {metric} is known ({seen.note or 'above'}), so {bound} cannot be told"
                return _outcome(objective, "Unknown", bound, why)
            if beyond:
                text = quantities.text(seen.value, _unit(objective), metric)
                side = "above" if bound.is_above else "below"
                return _outcome(objective, outcome, bound, f"{metric} is {text}, {side} {bound.text}")
    targets = _bounds(objective, "target")
    for bound in targets:
        met = bound.holds(seen)
        if not met:
            why = "target missed" if met is False else "whether the target is met cannot be told"
            return _outcome(objective, "Pass", bound, why)
    if targets:
        return _outcome(objective, "Good", targets[0], "")
    nearest = next((b for tier in ("warn", "fail", "abort") for b in _bounds(objective, tier)), None)
    return _outcome(objective, "Pass", nearest, "")


def _outcome(objective: Objective, outcome: OutcomeName, bound: _Bound | None, message: str) -> ObjectiveOutcome:
    written = [b for tier in _TIERS for b in _bounds(objective, tier)]
    if bound is None and len(written) == 1:
        bound = written[0]
    note = "added because no objective is about errorRatio" if objective.implied else ""
    return ObjectiveOutcome(
        metric=objective.metric,
        stage=objective.stage,
        optional=objective.optional,
        implied=objective.implied,
        bounds={b.name: b.text for b in written},
        outcome=outcome,
        unit=_unit(objective),
        bound=None if bound is None else str(bound),
        message="; ".join(part for part in (message, note) if part),
    )


def evaluate_all(
    objectives: Iterable[Objective], observe: Callable[[str, str | None], Observation]
) -> list[ObjectiveOutcome]:
    """All of them, and the default; `observe` takes metric and stage."""
    return [evaluate(one, observe(one.metric, one.stage)) for one in with_default(objectives)]


def evaluate_result(objectives: Iterable[Objective], result: Result) -> list[ObjectiveOutcome]:
    """All of them, and the default, on a result: also later, with other bounds than it was run with."""
    return evaluate_all(objectives, lambda name, stage: metrics.observe(result, name, stage))


def judge(outcomes: Sequence[ObjectiveOutcome]) -> Verdict:
    """Passed: False where one fails, Unknown where one that is not optional is, True otherwise."""
    failed = [one for one in outcomes if one.outcome == "Fail"]
    unknown = [one for one in outcomes if one.outcome == "Unknown" and not one.optional]
    warned = [one for one in outcomes if one.outcome == "Warn"]
    of_all = f"of {len(outcomes)} objective{'' if len(outcomes) == 1 else 's'}"
    if failed:
        message = f"{len(failed)} {of_all} failed: {'; '.join(map(_words, failed[:5]))}"
        return Verdict(status="False", reason="ObjectivesFailed", message=message)
    if unknown:
        message = f"{len(unknown)} {of_all} cannot be known: {'; '.join(map(_words, unknown[:5]))}"
        return Verdict(status="Unknown", reason="ObjectivesUnknown", message=message)
    held = sum(one.outcome in ("Good", "Pass", "Warn") for one in outcomes)
    message = f"{held} {of_all} held"
    if held < len(outcomes):
        message += f", {len(outcomes) - held} could not apply or are optional"
    if warned:
        message += f"; to look at: {'; '.join(map(_words, warned[:5]))}"
    return Verdict(status="True", reason="ObjectivesMet", message=message)


def _words(one: ObjectiveOutcome) -> str:
    where = f" (stage {one.stage})" if one.stage else ""
    if one.observed is None:
        return f"{one.metric}{where}: {one.message}"
    return f"{one.metric}{where} is {one.observed}, {one.bound}"
