"""Whether the run may be carried out at all: its bounds, its targets, the ConfigMaps that it names.

The API server has checked the shape already; what is here needs the operator's settings or other objects.
"""

from __future__ import annotations

import urllib.parse

from gatebench.api.reasons import ConditionType, Reason
from gatebench.decide import objectives
from gatebench.decide.draft import Draft, Outcome, Stop, Wait
from gatebench.decide.snapshot import Snapshot
from gatebench.decide.world import World
from gatebench.measure import queries
from gatebench.plan.run import Run
from gatebench_analysis import objectives as judged


def target_of(url: str) -> str:
    """scheme://host:port of a URL, with the port written out."""
    parts = urllib.parse.urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"


def admit(run: Run, snap: Snapshot, world: World, draft: Draft) -> Outcome:
    """Accepted, or the reason why not."""
    for check in (_targets, _queries, _objectives):
        refused = check(run, world)
        if refused is not None:
            return _refuse(draft, *refused)
    if (waits := _references(run, snap, world, draft)) is not None:
        return waits
    if draft.reason_of(ConditionType.ACCEPTED) != Reason.QUEUED:
        draft.condition(ConditionType.ACCEPTED, "True", Reason.ACCEPTED, "The run is accepted.")
    return None


def _refuse(draft: Draft, reason: Reason, message: str) -> Stop:
    draft.condition(ConditionType.ACCEPTED, "False", reason, message)
    return Stop(Reason.FAILED, reason, message)


def _targets(run: Run, world: World) -> tuple[Reason, str] | None:
    allowed = {target_of(url) for url in world.settings.allowed_targets}
    upstream = run.spec.upstream
    named = {
        "spec.gateway.url": run.spec.gateway.url,
        "spec.upstream.url": upstream.url if upstream else None,
    }
    for field, url in named.items():
        if url is not None and target_of(url) not in allowed:
            return (
                Reason.TARGET_NOT_ALLOWED,
                f"{field}: {target_of(url)} is not in the operator's allowedTargets",
            )
    return None


def _queries(run: Run, world: World) -> tuple[Reason, str] | None:
    given = (run.spec.metrics.queries if run.spec.metrics else None) or []
    if given and not world.settings.prometheus.user_queries:
        return Reason.QUERIES_NOT_ALLOWED, "spec.metrics.queries: the operator does not take queries of runs"
    for index, query in enumerate(given):
        problem = queries.check(query.promql)
        if problem is not None:
            return Reason.INVALID_SPEC, f"spec.metrics.queries[{index}].promql: {problem}"
    return None


def _objectives(run: Run, world: World) -> tuple[Reason, str] | None:
    try:
        parsed = objectives.parse(run)
    except ValueError as error:
        return Reason.INVALID_SPEC, str(error)
    problems = judged.check(parsed)
    if problems:
        return Reason.INVALID_SPEC, f"spec.objectives: {problems[0]}"
    return None


def _references(run: Run, snap: Snapshot, world: World, draft: Draft) -> Outcome:
    """Waits for ConfigMaps that the run names; no pod is made before they exist."""
    if snap.missing_script is not None:
        reason, what = Reason.SCRIPT_NOT_FOUND, snap.missing_script
    elif snap.missing_references:
        reason, what = Reason.REFERENCE_NOT_FOUND, ", ".join(snap.missing_references)
    else:
        return None
    limit = world.settings.deadlines.script
    begun = draft.since(ConditionType.ACCEPTED) if draft.status_of(ConditionType.ACCEPTED) else snap.now
    if snap.now - begun >= limit:
        return _refuse(draft, reason, f"{what} does not exist; waited {limit:g} s for it")
    draft.condition(ConditionType.ACCEPTED, "Unknown", reason, f"{what} does not exist yet")
    return Wait("Pending")
