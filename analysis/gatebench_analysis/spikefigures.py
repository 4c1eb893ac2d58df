"""The figures of the stages that are marked as spikes: over all of them the worst, or of the one that is named."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from gatebench_analysis import quantities, spikes
from gatebench_analysis.load import Load, Phase
from gatebench_analysis.observation import Measured, Missing, NotApplicable, Observation
from gatebench_analysis.spikes import Second, Spike

UNITS = {"spike.errorRatio": "ratio", "spike.p99": "s", "spike.recoverySeconds": "s", "spike.shed": "count"}
SHED = (429, 503)
"""Answers with which a gateway refuses load."""


@dataclasses.dataclass(frozen=True)
class Seen:
    """A spike, and for how long the load was watched after it, in seconds."""

    phase: Phase
    spike: Spike
    watched: float


def observe(load: Load, name: str, stage: str | None = None) -> Observation:
    """A metric of spike.*; None of `stage`: over all spikes. Never raises."""
    found = [one for one in of_load(load) if stage in (None, one.phase.name)]
    if not found:
        none = NotApplicable("no stage is a spike (spike: true)")
        return none if stage is None else Missing(f"stage {stage} is no spike, or did not begin")
    seen = [_OF[name](one) for one in found]
    missing = next((one for one in seen if isinstance(one, Missing)), None)
    if missing is not None:
        return missing
    known = [one for one in seen if isinstance(one, Measured)]
    if name == "spike.shed":
        return Measured(sum(one.value for one in known))
    # At the same value the one that is only known to be above it is the worse.
    return max(known, key=lambda one: (one.value, one.above))


def of_load(load: Load) -> list[Seen]:
    """Every spike that began, with the steady stage before it and what came after, up to the next spike."""
    out: list[Seen] = []
    for index, phase in enumerate(load.phases):
        if phase.kind != "Stage" or not phase.spike or phase.started_at is None or phase.ended_at is None:
            continue
        steady = [one for one in load.phases[:index] if one.kind == "Stage" and not one.spike and _same(one, phase)]
        later = [one for one in load.phases[index + 1 :] if one.kind in ("Stage", "Ramp") and _same(one, phase)]
        following = later[: next((i for i, one in enumerate(later) if one.spike), len(later))]
        before = _seconds(load, steady[-1].full_at, steady[-1].ended_at) if steady else []
        during = _seconds(load, phase.started_at, phase.ended_at)
        after = _seconds(load, phase.ended_at, following[-1].ended_at) if following else []
        found = spikes.spike(before, during, after)
        watched = after[-1].at - after[0].at if after else 0.0
        out.append(Seen(phase, dataclasses.replace(found, shed=_shed(load, phase)), watched))
    return out


def _same(one: Phase, other: Phase) -> bool:
    """Of the same repeat."""
    return one.repeat == other.repeat


def _seconds(load: Load, start: float | None, end: float | None) -> list[Second]:
    """The rows of the series that begin between two moments."""
    if start is None or end is None:
        return []
    names = load.series.columns
    out = []
    for row in load.series.rows:
        cells = dict(zip(names, row, strict=False))
        at = cells.get("at")
        if at is None or not start <= at < end:
            continue
        out.append(
            Second(
                at=at,
                requests=_whole(cells.get("requests")),
                failures=_whole(cells.get("failures")),
                p95_seconds=cells.get("p95Seconds"),
                p99_seconds=cells.get("p99Seconds"),
            )
        )
    return out


def _whole(cell: float | None) -> int | None:
    return None if cell is None else int(cell)


def _shed(load: Load, phase: Phase) -> int | None:
    """Requests of the spike that were refused with 429 or 503, and arrivals that were dropped."""
    refused = [one.count for one in load.errors if one.phase == phase.index and one.status in SHED]
    dropped = [one.count for one in load.dropped or () if one.phase == phase.index]
    parts = [*refused, *dropped]
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _recovery(seen: Seen) -> Observation:
    spike = seen.spike
    if spike.recovery_seconds is not None:
        return Measured(spike.recovery_seconds)
    if spike.before_p95_seconds is None or not seen.watched:
        return Missing(spike.why)
    return Measured(seen.watched, f"> {quantities.seconds(seen.watched)}: {spike.why}", above=True)


def _or_missing(value: float | None, why: str) -> Observation:
    return Missing(why) if value is None else Measured(float(value))


_NO_SECOND = "no second of the spike has it"
_OF: dict[str, Callable[[Seen], Observation]] = {
    "spike.errorRatio": lambda seen: _or_missing(seen.spike.error_ratio, _NO_SECOND),
    "spike.p99": lambda seen: _or_missing(seen.spike.p99_seconds, _NO_SECOND),
    "spike.recoverySeconds": _recovery,
    "spike.shed": lambda seen: _or_missing(seen.spike.shed, "the load document does not count them"),
}
