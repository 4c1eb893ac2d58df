"""The gateway (the system under test) and the upstream that it forwards to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatebench.api.fields import Bound, Model, Name, Path, Quantity, StringMap, Url, duration, rule, rules
from gatebench.api.pods import EnvFromList, EnvList, FileList, PullSecretList, TolerationList

Image = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[A-Za-z0-9][-A-Za-z0-9._/:@]*$")]
Arguments = Annotated[list[Annotated[str, Field(max_length=4096)]], Field(max_length=64)]


class Readiness(Model):
    """When the gateway counts as ready."""

    path: Path = "/health"
    """Path that answers 2xx or 3xx once the gateway can serve."""
    timeout: duration("1s", "1h") = 120.0  # type: ignore[valid-type]
    """How long it may take from the start of its container; then the run ends GatewayFailed."""


class Gateway(Model):
    """The system under test: an image that gatebench runs, or a URL of one that it does not own."""

    model_config = {
        "json_schema_extra": rules(
            rule("has(self.image) != has(self.url)", "set exactly one of image and url"),
            rule(
                "!has(self.url) || !(has(self.command) || has(self.args) || has(self.env) || has(self.envFrom)"
                " || has(self.files) || has(self.nodeSelector) || has(self.tolerations))",
                "a gateway given by url is not owned: remove the fields of its pod, or set image",
            ),
        )
    }

    image: Image | None = None
    """Image of the gateway, which then runs as a Guaranteed pod on cores of its own."""
    url: Url | None = None
    """Address of a gateway that is not owned: no isolation is claimed. The operator's allow-list must have it."""
    port: Annotated[int, Field(ge=1, le=65535)] = 8080
    """Port on which the gateway listens."""
    cpus: Annotated[int, Field(ge=1, le=256)] = 4
    """Whole cores that the gateway gets for itself under the static CPU manager."""
    memory: Quantity = "8Gi"
    """Memory of the gateway: request and limit."""
    isolation: Literal["Required", "Preferred", "None"] = "Required"
    """Required: no load before exclusive cores are proven. Preferred: the run goes on without, marked.
    None: nothing is claimed, and runs may share a node."""
    max_foreign_time: Bound = "5%"
    """Share of the measured window that others may spend on the gateway's cores; above it the run is invalid
    (CoresDisturbed)."""
    command: Arguments | None = None
    """Replaces the image's entry point. An argument list: no shell."""
    args: Arguments | None = None
    """Arguments; $(GATEBENCH_UPSTREAM_URL) stands for the address of the upstream."""
    env: EnvList | None = None
    """Environment variables."""
    env_from: EnvFromList | None = None
    """ConfigMaps and Secrets whose keys become environment variables."""
    files: FileList | None = None
    """ConfigMaps and Secrets mounted as files."""
    readiness: Readiness = Readiness()
    """When the gateway counts as ready."""
    metrics_path: Path | None = None
    """Path of the gateway's own Prometheus metrics; scraped where Prometheus finds annotated pods."""
    node_selector: StringMap | None = None
    """Labels that the gateway's node must have."""
    tolerations: TolerationList | None = None
    """Taints of the node that are tolerated."""
    image_pull_secrets: PullSecretList | None = None
    """Secrets of the run's namespace with registry credentials."""
    runtime_class_name: Name | None = None
    """RuntimeClass of the pod."""
    service_account_name: Name | None = None
    """ServiceAccount of the gateway's pod, whose token is then mounted. None: no token."""
    annotations: StringMap | None = None
    """Annotations of the gateway's pod."""
    run_as_user: Annotated[int, Field(ge=0, le=2147483647)] = 65532
    """User ID of the gateway's processes. 0 (root, still without capabilities) needs a namespace whose Pod Security
    level is baseline."""
    read_only_root_filesystem: bool = True
    """Mounts the image read-only; /tmp is always writable."""


class Mock(Model):
    """The built-in upstream: it answers like an LLM API after a latency that is known."""

    latency: duration("0s", "10m") = 0.05  # type: ignore[valid-type]
    """Time until the answer (for streams: until the first token). The median where latencyP99 is set."""
    latency_p99: duration("0s", "10m") | None = None  # type: ignore[valid-type]
    """Makes the latency log-normal with this 99th percentile."""
    output_tokens: Annotated[int, Field(ge=1, le=100_000)] = 128
    """Tokens of an answer."""
    tokens_per_second: Annotated[int, Field(ge=1, le=100_000)] = 100
    """Rate at which a stream sends its tokens."""
    error_ratio: Bound = "0"
    """Share of the requests that are answered with an error, as 1% or '0.01'."""
    cpu: Quantity = "150m"
    """CPU request of the mock; it has no limit."""


class Upstream(Model):
    """What the gateway forwards to; its address is $(GATEBENCH_UPSTREAM_URL) in the gateway."""

    model_config = {
        "json_schema_extra": rules(rule("has(self.mock) != has(self.url)", "set exactly one of mock and url"))
    }

    mock: Mock | None = None
    """A mock LLM API that gatebench runs beside the gateway."""
    url: Url | None = None
    """Address of an upstream that is not owned. The operator's allow-list must have it."""
