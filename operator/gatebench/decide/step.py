"""One look at a run: which steps of its life are done, and what the next one wants.

`decide` is total: for every run and every snapshot it gives a decision, the same one each time.
"""

from __future__ import annotations

from collections.abc import Callable

from gatebench.api.reasons import ConditionType, Reason
from gatebench.api.status import BenchmarkRunStatus
from gatebench.decide import admission, children, ending, fleet, gateway, isolation, judge, lending, load, placement
from gatebench.decide.actions import Announce
from gatebench.decide.describe import environment_of
from gatebench.decide.draft import Decision, Draft, Outcome, Stop, Wait
from gatebench.decide.snapshot import Snapshot
from gatebench.decide.world import World
from gatebench.plan.run import Run

Step = Callable[[Run, Snapshot, World, Draft], Outcome]

_BEFORE_LOAD: tuple[Step, ...] = (
    ending.before_load,
    admission.admit,
    placement.place,
    children.ensure,
    lending.hand_over,
    gateway.ready,
    isolation.prove,
    fleet.joined,
    fleet.start,
)
_UNDER_LOAD: tuple[Step, ...] = (ending.under_load, load.run_load, judge.collect, judge.judge)


def decide(run: Run, snap: Snapshot, world: World) -> Decision:
    """What to do for the run now, and what its status says."""
    draft = Draft(run, snap.now)
    if run.deleting:
        return Decision((), run.status, idle=True)  # its children go by their owner reference
    if ending.is_complete(run):
        return ending.after(run, snap, world, draft)
    _begin(run, draft)
    started = run.status.progress is not None and run.status.progress.attempt is not None
    if started and run.spec.suspend:
        _ignore_suspend(run, draft)
    outcome = _first(_UNDER_LOAD if started else _BEFORE_LOAD, run, snap, world, draft)
    draft.set(environment=environment_of(run, snap, world))
    if isinstance(outcome, Stop):
        draft.set(step="CleaningUp")
        ending.stop(run, snap, world, draft, outcome)
        draft.set(environment=environment_of(run.with_status(draft.decision().status), snap, world))
    elif isinstance(outcome, Wait):
        draft.set(step=outcome.step)
        _progressing(draft)
    return draft.decision()


def forbidden(run: Run, now: float, message: str) -> BenchmarkRunStatus:
    """The status of a run whose world may not be read: it waits for the right to come back."""
    draft = Draft(run, now)
    if ending.is_complete(run):
        return run.status
    draft.condition(ConditionType.ACCEPTED, "Unknown", Reason.FORBIDDEN, message)
    _progressing(draft)
    return draft.decision().status


def _first(steps: tuple[Step, ...], run: Run, snap: Snapshot, world: World, draft: Draft) -> Outcome:
    for step in steps:
        outcome = step(run, snap, world, draft)
        if outcome is not None:
            return outcome
    return None


def _begin(run: Run, draft: Draft) -> None:
    """Conditions that every run has from its first moment."""
    draft.default(ConditionType.COMPLETE, "False", Reason.RUNNING, "The run is not complete.")
    draft.default(ConditionType.VALID, "Unknown", Reason.RUNNING, "Nothing is measured yet.")
    draft.default(ConditionType.PASSED, "Unknown", Reason.RUNNING, "Nothing is judged yet.")
    draft.default(ConditionType.STALLED, "False", Reason.PROGRESSING, "")
    draft.default(ConditionType.RECONCILING, "True", Reason.PROGRESSING, "The run is being carried out.")


_WAITS = (
    ConditionType.ACCEPTED,
    ConditionType.GATEWAY_READY,
    ConditionType.ISOLATED,
    ConditionType.FLEET_READY,
)


def _progressing(draft: Draft) -> None:
    draft.progressing(_WAITS, "The run is being carried out.")


def _ignore_suspend(run: Run, draft: Draft) -> None:
    message = "spec.suspend is ignored: the load has started. Use spec.cancel to end it."
    if message not in (run.status.warnings or []):
        draft.set(warnings=[*(run.status.warnings or []), message])
        draft.act(Announce(Reason.SUSPEND_IGNORED.value, message, True))
