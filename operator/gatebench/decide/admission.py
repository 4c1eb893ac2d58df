"""Whether the run may be carried out at all: its bounds, its targets, the ConfigMaps that it names.

The API server has checked the shape already; what is here needs the operator's settings or other objects.
"""

from __future__ import annotations

import re
import urllib.parse

from gatebench.api import quantities
from gatebench.api.reasons import ConditionType, Reason
from gatebench.decide import baseline, objectives
from gatebench.decide.draft import Draft, Outcome, Wait
from gatebench.decide.snapshot import Snapshot
from gatebench.decide.world import World
from gatebench.measure import queries
from gatebench.plan import document, templates
from gatebench.plan.run import Run
from gatebench_analysis import objectives as judged

# By how many samples above it the fleet's master judges a percentile of a step.
_SAMPLES_ABOVE = 10
_QUANTILE = re.compile(r"\.p([0-9.]+)$")


def target_of(url: str) -> str:
    """scheme://host:port of a URL, with the port written out."""
    parts = urllib.parse.urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"


def admit(run: Run, snap: Snapshot, world: World, draft: Draft) -> Outcome:
    """Accepted, or the reason why not."""
    for check in (_targets, _queries, _objectives, _baseline, _bodies, _capacity):
        refused = check(run, world)
        if refused is not None:
            return draft.fail(ConditionType.ACCEPTED, *refused)
    if (waits := _references(run, snap, world, draft)) is not None:
        return waits
    if (waits := baseline.admit(run, snap, world, draft)) is not None:
        return waits
    if draft.reason_of(ConditionType.ACCEPTED) != Reason.QUEUED:
        draft.condition(ConditionType.ACCEPTED, "True", Reason.ACCEPTED, "The run is accepted.")
    return None


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


def _baseline(run: Run, world: World) -> tuple[Reason, str] | None:
    try:
        baseline.tolerances(run)
    except ValueError as error:
        return Reason.INVALID_SPEC, str(error)
    return None


def _bodies(run: Run, world: World) -> tuple[Reason, str] | None:
    """Places {{ }} that the engine could not fill; Locust's bodies have none."""
    workload, load = run.spec.workload, run.spec.load
    if load.engine != "Go":
        return None
    env = {variable.name for variable in load.env or ()}
    used = False
    for index, request in enumerate(workload.requests or ()):
        try:
            templates.check(request.body or "", env, workload.dataset is not None)
            used = used or templates.uses_dataset(request.body or "")
        except templates.Wrong as wrong:
            return Reason.INVALID_SPEC, f"spec.workload.requests[{index}].body: {wrong}"
    if workload.dataset is not None and not used:
        return Reason.INVALID_SPEC, "spec.workload.dataset: no body has {{dataset}}"
    return None


def _capacity(run: Run, world: World) -> tuple[Reason, str] | None:
    """A search that could judge no step."""
    if run.spec.load.model != "Capacity":
        return None
    search = run.spec.load.search
    try:
        tolerance = quantities.bound_value(search.tolerance, "ratio")
    except ValueError as error:
        return Reason.INVALID_SPEC, f"spec.load.capacity.tolerance: {error}"
    if not 0.001 <= tolerance <= 0.5:
        return Reason.INVALID_SPEC, "spec.load.capacity.tolerance: must be from 0.1% to 50%"
    samples = search.max_rate * search.step
    for bound in document.search_bounds(run):
        quantile = _QUANTILE.search(bound["metric"])
        needed = round(_SAMPLES_ABOVE / (1 - float(quantile[1]) / 100)) if quantile else 0
        if samples < needed:
            return (
                Reason.INVALID_SPEC,
                f"spec.load.capacity: {bound['metric']} needs {needed:,} requests a step, and even maxRate has only"
                f" {samples:,.0f} in {search.step:g} s: raise step or maxRate",
            )
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
        return draft.fail(ConditionType.ACCEPTED, reason, f"{what} does not exist; waited {limit:g} s for it")
    draft.condition(ConditionType.ACCEPTED, "Unknown", reason, f"{what} does not exist yet")
    return Wait("Pending")
