"""A run's verdict against its baseline: what the operator knows of the baseline, and what follows from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from gatebench_analysis import regression, summary
from gatebench_analysis.baseline import Baseline, BaselineMetric
from gatebench_analysis.document import Result, Verdict

REGRESSED = "Regressed"
_FULL_LOADS = (None, "Finished")
# Of a verdict's words in a warning or in the message of a condition.
_LONGEST = 400


@dataclasses.dataclass(frozen=True)
class Reference:
    """The baseline of a spec. `tolerances` are shares by metric; `gone` says why there is no result any more."""

    source: str
    tolerances: Mapping[str, float]
    result: Result | None = None
    gone: str = ""
    fails: bool = True


def unfit(result: Result) -> str | None:
    """Why a result can be no baseline; None where it can."""
    against = next((one for one in result.validity if one.status == "False" or one.reason == "NotMeasured"), None)
    if against is not None:
        return f"its measurement is not valid: {against.reason}: {against.message}"
    if result.load_outcome() not in _FULL_LOADS:
        return f"its load was not gone through to its end: {result.load_outcome()}"
    if result.capacity is not None:
        return "it is a search for a capacity, which has no repeats"
    return None


def compared(reference: Reference | None, current: Result) -> Baseline | None:
    """The comparison; None where the spec names no baseline. Never raises."""
    if reference is None:
        return None
    found = Baseline(source=reference.source, fails=reference.fails)
    before = reference.result
    if before is None:
        return found.model_copy(update={"why": f"the baseline is gone: {reference.gone or 'it was not read'}"})
    info = before.run
    found = found.model_copy(
        update={"run": f"{info.namespace}/{info.name}", "uid": info.uid, "finished_at": before.finished_at}
    )
    if why := unfit(before):
        return found.model_copy(update={"why": f"{reference.source}: {why}"})
    if not summary.holds(current):
        return found.model_copy(update={"why": "this run's own measurement does not hold"})
    names = list(reference.tolerances)
    old, new = (
        regression.side(name, [one], names) for name, one in ((reference.source, before), ("this run", current))
    )
    seen = regression.compare(old, new, reference.tolerances)
    return found.model_copy(
        update={
            "verdict": seen.verdict,
            "why": seen.why,
            "differences": list(seen.differences),
            "metrics": [BaselineMetric.model_validate(dataclasses.asdict(one)) for one in seen.metrics],
        }
    )


def judged(otherwise: Verdict, found: Baseline | None) -> Verdict:
    """The verdict of the objectives and of the baseline together: what failed before stands, and both are told."""
    if found is None:
        return otherwise
    said = f"{found.verdict} against {found.source}: {_short(found.why)}"
    message = f"{otherwise.message.rstrip('. ')}; {said}" if otherwise.message else said
    if found.verdict == REGRESSED and found.fails and otherwise.status != "False":
        return Verdict(status="False", reason=REGRESSED, message=said)
    return otherwise.model_copy(update={"message": message})


def remarks(found: Baseline | None) -> Iterator[str]:
    """What a reader should know and what does not fail the run."""
    if found is None:
        return
    if found.verdict == REGRESSED and not found.fails:
        yield f"Regressed against {found.source}: {_short(found.why)}"
    if found.verdict == "Inconclusive":
        yield f"Whether it is slower than {found.source} cannot be told: {_short(found.why)}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 2]} …"
