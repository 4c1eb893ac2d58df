"""Every condition type and every reason, once. An event's reason equals its condition's."""

from __future__ import annotations

from enum import StrEnum

from gatebench_analysis import remedies


class ConditionType(StrEnum):
    """The conditions of a run, in the order of its life."""

    ACCEPTED = "Accepted"
    GATEWAY_READY = "GatewayReady"
    ISOLATED = "Isolated"
    FLEET_READY = "FleetReady"
    COMPLETE = "Complete"
    VALID = "Valid"
    PASSED = "Passed"
    SUCCEEDED = "Succeeded"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"


class Reason(StrEnum):
    """Why a condition is as it is."""

    # Accepted
    ACCEPTED = "Valid"
    QUEUED = "Queued"
    SUSPENDED = "Suspended"
    SCRIPT_NOT_FOUND = "ScriptNotFound"
    REFERENCE_NOT_FOUND = "ReferenceNotFound"
    BASELINE_NOT_FOUND = "BaselineNotFound"
    BASELINE_INVALID = "BaselineInvalid"
    TARGET_NOT_ALLOWED = "TargetNotAllowed"
    QUERIES_NOT_ALLOWED = "QueriesNotAllowed"
    NAME_CONFLICT = "NameConflict"
    INVALID_SPEC = "InvalidSpec"
    FORBIDDEN = "Forbidden"

    # GatewayReady
    READY = "Ready"
    NOT_OWNED = "NotOwned"
    STARTING = "Starting"
    IMAGE_PULL_FAILED = "ImagePullFailed"
    UNSCHEDULABLE = "Unschedulable"
    SCHEDULE_TIMEOUT = "ScheduleTimeout"
    NODE_ADMISSION_REJECTED = "NodeAdmissionRejected"
    NODE_LOST = "NodeLost"
    GATEWAY_FAILED = "GatewayFailed"
    UPSTREAM_FAILED = "UpstreamFailed"
    QUOTA_EXCEEDED = "QuotaExceeded"
    POD_SECURITY_VIOLATION = "PodSecurityViolation"

    # Isolated
    EXCLUSIVE = "Exclusive"
    PROVING = "Proving"
    NOT_REQUIRED = "NotRequired"
    CPU_NOT_PINNED = "CPUNotPinned"
    QOS_NOT_GUARANTEED = "QoSNotGuaranteed"

    # FleetReady
    JOINED = "Joined"
    JOINING = "Joining"
    WORKERS_TIMEOUT = "WorkersTimeout"
    SCRIPT_INVALID = "ScriptInvalid"
    MASTER_LOST = "MasterLost"

    # Valid
    MEASURED = "Measured"
    NO_TRAFFIC = "NoTraffic"
    WORKER_LOST = "WorkerLost"
    GATEWAY_RESTARTED = "GatewayRestarted"
    CPU_SET_CHANGED = "CPUSetChanged"
    CORES_DISTURBED = "CoresDisturbed"
    THROTTLED = "Throttled"
    SWAPPED = "Swapped"
    GENERATOR_SATURATED = "GeneratorSaturated"
    UPSTREAM_BOUND = "UpstreamBound"
    NOT_STEADY = "NotSteady"
    TOO_FEW_SAMPLES = "TooFewSamples"
    RUN_DISTURBED = "RunDisturbed"
    ENVIRONMENT_CHANGED = "EnvironmentChanged"
    METRICS_UNAVAILABLE = "MetricsUnavailable"
    METRICS_INCOMPLETE = "MetricsIncomplete"
    NOT_MEASURED = "NotMeasured"

    # Passed
    OBJECTIVES_MET = "ObjectivesMet"
    OBJECTIVES_FAILED = "ObjectivesFailed"
    ABORTED = "Aborted"
    OBJECTIVES_UNKNOWN = "ObjectivesUnknown"
    LEAK_SUSPECTED = "LeakSuspected"
    REGRESSED = "Regressed"

    # Complete
    RUNNING = "Running"
    FINISHED = "Finished"
    CANCELLED = "Cancelled"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    FAILED = "Failed"

    # Events without a condition
    CHILD_RECREATED = "ChildRecreated"
    FLEET_RENEWED = "FleetRenewed"
    SUSPEND_IGNORED = "SuspendIgnored"

    # Succeeded, Reconciling, Stalled
    SUCCEEDED = "Succeeded"
    NOT_SUCCEEDED = "NotSucceeded"
    PROGRESSING = "Progressing"


REMEDIES: dict[Reason, str] = {
    Reason.SCRIPT_NOT_FOUND: "create the ConfigMap with that key in the run's namespace",
    Reason.REFERENCE_NOT_FOUND: "create the ConfigMap or Secret with that key in the run's namespace",
    Reason.BASELINE_NOT_FOUND: "name a run of this namespace, or a ConfigMap of gatebench baseline save",
    Reason.BASELINE_INVALID: "measure the baseline again, and name that in a run of another name",
    Reason.TARGET_NOT_ALLOWED: "add the URL's scheme, host and port to allowedTargets of the operator's settings",
    Reason.QUERIES_NOT_ALLOWED: "remove metrics.queries, or set prometheus.userQueries in the operator's settings",
    Reason.NAME_CONFLICT: "delete or rename the object that has the child's name; it is not this run's",
    Reason.INVALID_SPEC: "correct the field that the message names, in a run of another name",
    Reason.FORBIDDEN: "give the operator's role the verb that the message names (helm upgrade restores it)",
    Reason.IMAGE_PULL_FAILED: "check the image's name, its registry and imagePullSecrets",
    Reason.UNSCHEDULABLE: "free CPU or memory on a node, or lower gateway.cpus; gatebench doctor shows what fits",
    Reason.SCHEDULE_TIMEOUT: "free CPU or memory on a node, or lower gateway.cpus; gatebench doctor shows what fits",
    Reason.NODE_ADMISSION_REJECTED: "ask for CPUs that the node's policies can give: whole cores with SMT alignment",
    Reason.UPSTREAM_FAILED: "read the upstream's log",
    Reason.QUOTA_EXCEEDED: "raise the namespace's quota, or lower cpus and memory",
    Reason.POD_SECURITY_VIOLATION: "lower the namespace's Pod Security level, or run the gateway as non-root",
    Reason.QOS_NOT_GUARANTEED: "keep sidecar injection and LimitRanges away from the run's namespace",
    Reason.WORKERS_TIMEOUT: "read the workers' events: images, quota, network policies between worker and master",
    Reason.SCRIPT_INVALID: "correct the locustfile; the message ends with its traceback",
    Reason.REGRESSED: "see what changed in the gateway; where that is meant, save this run as the next baseline",
    Reason.DEADLINE_EXCEEDED: "raise activeDeadlineSeconds, or shorten the load",
    **{Reason(name): remedy for name, remedy in remedies.REMEDIES.items()},
}
"""What a person can do about it, in the words of docs/troubleshooting.md."""
