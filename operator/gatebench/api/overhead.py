"""What the gateway adds to its upstream: how it is measured."""

from __future__ import annotations

from gatebench.api import fields
from gatebench.api.fields import Model

SETTLE_SECONDS = 3.0
"""Of the direct leg, before it is measured: connections are made then."""


class Overhead(Model):
    """After all repeats the fleet sends the same requests straight to the upstream, at the rate that the gateway has
    reached; overhead.p50, overhead.p95 and overhead.p99 are the gateway's latency minus that one. The upstream must
    serve the APIs of the requests, as the mock does all of OpenAIChat, OpenAIResponses and AnthropicMessages; headers
    go to it as they go to the gateway."""

    enabled: bool = False
    """Whether it is measured (engine Go, model Closed or Open)."""
    duration: fields.duration("5s", "5m") = 20.0  # type: ignore[valid-type]
    """How long the direct leg is measured. A percentile needs samples: p99 459."""
