"""What the gateway adds to its upstream: how it is measured."""

from __future__ import annotations

from gatebench.api import fields
from gatebench.api.fields import Model

SETTLE_SECONDS = 3.0
"""Of the direct leg, before it is measured: connections are made then."""


BURST_SECONDS = 5.0
"""Of the burst that finds the ceiling of mock and fleet."""
BURST_SETTLE_SECONDS = 1.0
"""Of the burst, before it is measured: connections are made then."""
BURST_USERS = 64
"""Of the burst, over all workers; without think time they keep any mock and fleet busy."""


class Overhead(Model):
    """After all repeats the fleet sends the same requests straight to the upstream, at the rate that the gateway has
    reached; overhead.p50, overhead.p95 and overhead.p99 are the gateway's latency minus that one. The upstream must
    serve the APIs of the requests, as the mock does all of OpenAIChat, OpenAIResponses and AnthropicMessages; headers
    go to it as they go to the gateway. Then it finds the ceiling of mock and fleet, by a burst of 5 s without think
    time that the mock answers at once; an upstream.url is sent none. Without an upstream the gateway answers alone, and
    its latency itself is the overhead."""

    enabled: bool = False
    """Whether it is measured; with an upstream by engine Go, model Closed or Open."""
    duration: fields.duration("5s", "5m") = 20.0  # type: ignore[valid-type]
    """How long the direct leg is measured. A percentile needs samples: p99 459."""
