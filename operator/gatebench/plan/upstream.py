"""The upstream that the gateway forwards to: the mock's pod, or an address that is not owned."""

from __future__ import annotations

from typing import Any

from gatebench.api import quantities
from gatebench.plan import pods
from gatebench.plan.run import Run
from gatebench.settings import Settings

CONTAINER = "mock"
PORT = 8080


def upstream_url(run: Run) -> str | None:
    """Base URL of the upstream as the gateway sees it; None where the gateway answers alone."""
    upstream = run.spec.upstream
    if upstream is None:
        return None
    if upstream.url is not None:
        return upstream.url.rstrip("/")
    return f"http://{run.names.upstream}:{PORT}"


def pod(run: Run, settings: Settings) -> dict[str, Any] | None:
    """The mock's pod; None where the run has none."""
    if run.spec.upstream is None or run.spec.upstream.mock is None:
        return None
    mock = run.spec.upstream.mock
    latency = quantities.seconds_text(mock.latency)
    args = [f"--listen=:{PORT}"]
    if mock.latency_p99 is None:
        args.append(f"--latency={latency}")
    else:
        args += [f"--latency-p50={latency}", f"--latency-p99={quantities.seconds_text(mock.latency_p99)}"]
    args += [
        f"--output-tokens={mock.output_tokens}",
        f"--tokens-per-second={mock.tokens_per_second}",
        f"--error-ratio={quantities.bound_value(mock.error_ratio, 'ratio'):g}",
    ]
    container = {
        "name": CONTAINER,
        "image": settings.images.mock,
        "imagePullPolicy": settings.image_pull_policy,
        "args": args,
        "ports": [{"name": "http", "containerPort": PORT}],
        "resources": pods.requested(mock.cpu, settings.resources.mock.memory),
        "readinessProbe": {
            "httpGet": {"path": "/health", "port": PORT},
            "periodSeconds": 2,
            "timeoutSeconds": 5,
            "failureThreshold": 30,
        },
        "securityContext": pods.container_security(),
    }
    spec: dict[str, Any] = {
        "restartPolicy": "Always",
        "securityContext": pods.pod_security(),
        "containers": [container],
    }
    return pods.pod(run, run.names.upstream, "upstream", spec, pods.scrape(PORT, "/metrics"))
