"""Before the load: every child is there, and is ours; one that vanished is made again, and that is said."""

from __future__ import annotations

from gatebench.api.reasons import ConditionType, Reason
from gatebench.decide import lending
from gatebench.decide.actions import Announce, Create
from gatebench.decide.draft import Draft, Outcome, Wait
from gatebench.decide.placement import held_node
from gatebench.decide.snapshot import Denial, Snapshot
from gatebench.decide.world import World
from gatebench.plan import children, names
from gatebench.plan.run import Run


def ensure(run: Run, snap: Snapshot, world: World, draft: Draft) -> Outcome:
    """All children exist and belong to this run."""
    foreign = [child for child in snap.children.values() if not child.ours]
    if foreign:
        message = f"{foreign[0].kind} {foreign[0].name} exists and is not this run's; it was left alone"
        return draft.fail(ConditionType.ACCEPTED, Reason.NAME_CONFLICT, message)
    for denial in snap.denials:
        outcome = _denied(denial, snap, world, draft)
        if outcome is not None:
            _create_missing(run, snap, world, draft)
            return outcome
    if lending.renew(run, snap, draft):
        return Wait("Starting")
    if _create_missing(run, snap, world, draft):
        return Wait("Starting")
    return None


def _create_missing(run: Run, snap: Snapshot, world: World, draft: Draft) -> bool:
    """Wants what does not exist; returns whether anything was missing."""
    if any(child.deleting for child in snap.children.values()):
        return True  # a name is free only when its object is gone
    wanted = children.desired(
        run,
        world.settings,
        node=held_node(run, snap),
        operator_namespace=world.operator_namespace,
        key=world.key,
    )
    # Secrets cannot be read: the token is made with the plan, which can.
    planned = snap.child("ConfigMap", run.fleet.plan) is not None
    begun = planned if run.lender is None else any(not child.lent for child in snap.children.values())
    missing = []
    for manifest in wanted:
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        exists = planned if kind == "Secret" else snap.child(kind, name) is not None
        if not exists:
            missing.append(manifest)
    for manifest in missing:
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        again = begun if names.is_owned(manifest["metadata"], run.uid) else planned
        if again and not snap.denials:
            draft.act(Announce(Reason.CHILD_RECREATED.value, f"{kind} {name} was missing and is made again", True))
        draft.act(Create(manifest))
    return bool(missing)


def _denied(denial: Denial, snap: Snapshot, world: World, draft: Draft) -> Outcome:
    """What the API server refused: waits where it may change its mind, ends where it will not."""
    if denial.kind == "Terminating":
        return Wait("Pending")
    if denial.kind == "Forbidden":
        draft.condition(ConditionType.ACCEPTED, "Unknown", Reason.FORBIDDEN, denial.message)
        return Wait("Pending")
    if denial.kind in ("Quota", "PodSecurity"):
        quota = denial.kind == "Quota"
        reason = Reason.QUOTA_EXCEEDED if quota else Reason.POD_SECURITY_VIOLATION
        begun = draft.since(ConditionType.GATEWAY_READY)
        if draft.status_of(ConditionType.GATEWAY_READY) and snap.now - begun >= world.settings.deadlines.schedule:
            return draft.fail(ConditionType.GATEWAY_READY, reason, denial.message)
        draft.condition(ConditionType.GATEWAY_READY, "Unknown", reason, denial.message)
        return Wait("Starting")
    if denial.kind == "Invalid":
        return draft.fail(ConditionType.ACCEPTED, Reason.INVALID_SPEC, denial.message)
    return None
