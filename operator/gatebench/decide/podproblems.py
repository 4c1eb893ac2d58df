"""What is wrong with a pod before the load: an ordered chain of small checks, the first that finds something speaks."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable

from gatebench.api.reasons import ConditionType, Reason
from gatebench.decide.actions import Announce, Delete
from gatebench.decide.draft import Draft, Outcome, Wait
from gatebench.decide.snapshot import Container, Pod
from gatebench.settings import Deadlines

_ADMISSION = (
    "SMTAlignmentError",
    "TopologyAffinityError",
    "UnexpectedAdmissionError",
    "NodeAffinity",
    "InPlacePodVerticalScaling",
)
_PULL = ("ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable")
_CONFIG = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
_TAIL = 1024
ANEW_SECONDS = 30.0
"""After so long a pod that waits for pods of another run is made again."""

_REFUSED_PAUSE = 5.0
"""Seconds until a pod that its node has refused is made again; twice as long each time."""


@dataclasses.dataclass(frozen=True)
class Problem:
    """`reason` and `message` for the condition; `limit` seconds after which it ends the run (0: at once)."""

    reason: Reason
    message: str
    limit: float
    limit_reason: Reason | None = None
    """The reason at the limit, where it differs."""


Check = Callable[[Pod, Deadlines], Problem | None]


def answer(
    kind: ConditionType, step: str, pod: Pod, now: float, limits: Deadlines, draft: Draft, *, anew: bool = True
) -> Outcome:
    """What comes of a pod's first problem; None: it has none. Without `anew` the pod is never made again."""
    found = _problem(pod, limits)
    if found is None:
        return None
    if anew and found.reason == Reason.NODE_ADMISSION_REJECTED:
        return _refused(kind, step, pod, found, now, limits, draft)
    if anew:
        _schedule_anew(pod, now, draft)
    return _limited(kind, step, found, now - pod.created_at, draft)


def _problem(pod: Pod, deadlines: Deadlines) -> Problem | None:
    """The first problem of a pod, or None."""
    for check in _CHECKS:
        found = check(pod, deadlines)
        if found is not None:
            return found
    return None


def _waits_for_others(pod: Pod) -> bool:
    """Whether pods of another run keep it off the nodes that it may run on."""
    return pod.node is None and "anti-affinity" in (pod.unschedulable or "")


def _schedule_anew(pod: Pod, now: float, draft: Draft) -> None:
    """Has such a pod made again from time to time.

    Kubernetes' scheduler does not look at it when the others go (kubernetes/kubernetes#134393 up to 1.34, and #141953
    with a namespaceSelector), but only five minutes later; at a new one it looks at once.
    """
    if _waits_for_others(pod) and not pod.deleting and now - pod.created_at >= ANEW_SECONDS:
        message = f"pod {pod.name} waits for pods of another run; it is made again for the scheduler to look at it anew"
        draft.act(Announce(Reason.UNSCHEDULABLE.value, message, False), Delete("Pod", pod.name))


def _refused(
    kind: ConditionType, step: str, pod: Pod, found: Problem, now: float, limits: Deadlines, draft: Draft
) -> Outcome:
    """A pod that its node refused is made again a bounded number of times, each with an event and after a longer pause:
    what has the CPUs may be on its way out."""
    progress = draft.get("progress")
    before = (progress.admission_rejections if progress is not None else None) or 0
    if before >= limits.admission_retries:
        return draft.fail(kind, found.reason, f"{found.message} ({before + 1} times)")
    if not pod.deleting and now - pod.created_at >= _REFUSED_PAUSE * 2**before:
        draft.set(progress=draft.progress(admission_rejections=before + 1))
        draft.act(Announce(found.reason.value, found.message, True), Delete("Pod", pod.name))
    draft.condition(kind, "Unknown", found.reason, found.message)
    return Wait(step)


def _rejected(pod: Pod, deadlines: Deadlines) -> Problem | None:
    if pod.phase != "Failed" or not (pod.reason or "").startswith((*_ADMISSION, "OutOf")):
        return None  # where the kubelet refused it, it is not scheduled again by itself
    hint = f"{pod.reason}: {pod.message or 'no message'}"
    return Problem(Reason.NODE_ADMISSION_REJECTED, f"node {pod.node} refused pod {pod.name}: {hint}", 0)


def _unschedulable(pod: Pod, deadlines: Deadlines) -> Problem | None:
    if pod.node is not None or pod.unschedulable is None:
        return None
    return Problem(
        Reason.UNSCHEDULABLE,
        f"pod {pod.name}: {pod.unschedulable}",
        # Another run is there, and goes by its own deadline: this is a queue, not a cluster too small.
        math.inf if _waits_for_others(pod) else deadlines.schedule,
        Reason.SCHEDULE_TIMEOUT,
    )


def _image(pod: Pod, deadlines: Deadlines) -> Problem | None:
    for container in pod.containers:
        if container.waiting_reason in _PULL:
            why = container.waiting_message or container.waiting_reason or ""
            return Problem(
                Reason.IMAGE_PULL_FAILED,
                f"container {container.name} of pod {pod.name}: {container.waiting_reason}: {why[:400]}",
                deadlines.pull,
            )
    return None


def _configuration(pod: Pod, deadlines: Deadlines) -> Problem | None:
    for container in pod.containers:
        if container.waiting_reason in _CONFIG:
            why = container.waiting_message or ""
            missing = container.waiting_reason == "CreateContainerConfigError"
            return Problem(
                Reason.REFERENCE_NOT_FOUND if missing else Reason.GATEWAY_FAILED,
                f"container {container.name} of pod {pod.name}: {container.waiting_reason}: {why[:400]}",
                deadlines.script if missing else deadlines.ready,
            )
    return None


_CHECKS: tuple[Check, ...] = (_rejected, _unschedulable, _image, _configuration)


def exit_words(container: Container) -> str:
    """How a container ended, in words: reason, exit code and the end of its message."""
    code = f"exit code {container.exit_code}" if container.exit_code is not None else "ended"
    reason = f"{container.terminated_reason}, " if container.terminated_reason else ""
    tail = (container.termination_message or "").strip()[-_TAIL:]
    return f"{reason}{code}" + (f": {tail}" if tail else "")


def script_error(container: Container | None) -> str | None:
    """The traceback that the fleet left when a locustfile could not be loaded; None where that is not the cause."""
    if container is None or not container.termination_message:
        return None
    try:
        left = json.loads(container.termination_message)
    except ValueError:
        return None
    if not isinstance(left, dict) or left.get("reason") != Reason.SCRIPT_INVALID:
        return None
    return str(left.get("message", ""))[-_TAIL:]


def _limited(kind: ConditionType, step: str, found: Problem, waited: float, draft: Draft) -> Outcome:
    """The condition is Unknown with the reason until the limit, then False, and the run ends."""
    if waited >= found.limit:
        waited_for = f"; waited {found.limit:g} s" if found.limit else ""
        return draft.fail(kind, found.limit_reason or found.reason, found.message + waited_for)
    draft.condition(kind, "Unknown", found.reason, found.message)
    return Wait(step)
