"""What a person can do about each reason that speaks against a measurement or a gateway; conditions say the same."""

from __future__ import annotations

REMEDIES = {
    "NoTraffic": "check that the locustfile sends requests, and that the stages are long enough",
    "WorkerLost": "give the workers more memory or a calmer node, and run again",
    "MasterLost": "read the master's log; run again: a load is never restarted silently",
    "GatewayFailed": "read the gateway's log in the result (gatebench artifacts, or cleanup: Never)",
    "GatewayRestarted": "read the gateway's log: it ended and came back during the load",
    "NodeLost": "run it again on a healthy node",
    "EnvironmentChanged": "keep node, kernel and images as they are meanwhile: name images by digest",
    "CPUNotPinned": "give the node's kubelet cpuManagerPolicy: static, or set isolation: Preferred",
    "CPUSetChanged": "keep other tools from changing cpusets or resizing the gateway while it is measured",
    "CoresDisturbed": "keep other processes off the gateway's cores, or raise gateway.maxForeignTime",
    "Throttled": "use isolation: Required on a static CPU manager, where no quota applies",
    "Swapped": "switch swap off on the node, or raise gateway.memory",
    "GeneratorSaturated": "use more workers, on other nodes than the gateway's, or fewer users or a lower rate",
    "UpstreamBound": "give the mock more CPU (upstream.mock.cpu) or a node of its own, or offer less load",
    "NotSteady": "lengthen warmUp until rate and latency stay level, or offer less than the gateway can take",
    "TooFewSamples": "lengthen the stages, offer more load, or name a lower percentile",
    "RunDisturbed": "leave the run's pods alone while it measures",
    "MetricsUnavailable": "check prometheus.url of the operator's settings, and that Prometheus answers",
    "MetricsIncomplete": "check the scrape of the kubelet's cAdvisor; shorten its interval for short runs",
    "LeakSuspected": "find what the gateway keeps, or bound gateway.memory.slope where growth is meant",
}
