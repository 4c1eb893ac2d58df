"""What is sent to the gateway (workload) and how much of it (load)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatebench.api.fields import Key, Model, Name, Path, ShortText, StringMap, duration, rule, rules
from gatebench.api.gateway import Image
from gatebench.api.pods import EnvFromList, EnvList, KeyRef, PullSecretList, Resources, TolerationList

RequestName = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-_a-z0-9]*[a-z0-9])?$")]


class HeaderSource(Model):
    """A header whose value is a secret."""

    secret_key_ref: KeyRef
    """The key of a Secret of the run's namespace."""
    prefix: ShortText = ""
    """Put before the secret, as 'Bearer '."""


class Expect(Model):
    """What a good answer is."""

    status: Annotated[int, Field(ge=100, le=599)] = 200
    """Status code of a success; any other is a failure."""


class Request(Model):
    """One kind of request of a declared workload."""

    model_config = {
        "json_schema_extra": rules(
            rule("self.api != 'HTTP' || has(self.path)", "api HTTP needs a path, such as /v1/models"),
        )
    }

    name: RequestName
    """Its name in results and in metric names (requests.NAME.latency.p95)."""
    weight: Annotated[int, Field(ge=1, le=10_000)] = 1
    """How often it is chosen, relative to the others."""
    api: Literal["OpenAIChat", "OpenAIResponses", "AnthropicMessages", "HTTP"] = "OpenAIChat"
    """Shape of the request; it sets method, path and body where these are not given."""
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] | None = None
    """HTTP method; by default POST, and GET for api HTTP without a body."""
    path: Path | None = None
    """Path and query; by default that of the API."""
    model: ShortText = "loopback"
    """Name of the model that is asked for."""
    prompt_tokens: Annotated[int, Field(ge=1, le=200_000)] = 100
    """Length of the generated prompt, in tokens (about four characters each)."""
    stream: bool = False
    """Asks for a stream; its time to first token and its gaps are measured."""
    headers: StringMap | None = None
    """Further headers. For secrets use headersFrom."""
    headers_from: Annotated[dict[str, HeaderSource], Field(max_length=16)] | None = None
    """Headers whose values come from Secrets, by name: {Authorization: {secretKeyRef: …, prefix: 'Bearer '}}."""
    body: Annotated[str, Field(max_length=32_768)] | None = None
    """Body as text, usually JSON; it replaces the generated one. Text and not an object, since Kubernetes does not
    compare free-form objects, and a spec must not change under a run."""
    expect: Expect = Expect()
    """What a good answer is."""


class ConfigMapKey(Model):
    """A locustfile in a ConfigMap; all keys of the ConfigMap are mounted beside it."""

    name: Name
    """ConfigMap of the run's own namespace."""
    key: Key = "locustfile.py"
    """The key that is the locustfile."""


class Locustfile(Model):
    """A user's own locustfile, run unchanged and measured the same way."""

    config_map: ConfigMapKey
    """The ConfigMap that has it."""


class Workload(Model):
    """What is sent. Exactly one of requests, scenario and locustfile."""

    model_config = {
        "json_schema_extra": rules(
            rule(
                "[has(self.requests), has(self.scenario), has(self.locustfile)].filter(x, x).size() == 1",
                "set exactly one of requests, scenario and locustfile",
            ),
            rule(
                "!has(self.requests) || self.requests.all(r, self.requests.exists_one(o, o.name == r.name))",
                "names of requests must differ",
            ),
        )
    }

    requests: Annotated[list[Request], Field(min_length=1, max_length=20)] | None = None
    """Declared requests, chosen by weight."""
    scenario: Literal["gateway-mix"] | None = None
    """A built-in scenario. gateway-mix: chat 10, tools 3, stream 2, health 1, models 1."""
    locustfile: Locustfile | None = None
    """A locustfile of your own."""
    model: ShortText = "loopback"
    """Model that the built-in scenario asks for."""
    timeout: duration("100ms", "10m") = 60.0  # type: ignore[valid-type]
    """Time limit of a request; past it, it is a failure with its elapsed time. Also how long requests in flight
    may go on after the last stage."""


class ThinkTime(Model):
    """Pause of a user between an answer and its next request, uniform between min and max."""

    model_config = {
        "json_schema_extra": rules(
            rule("duration(self.min) <= duration(self.max)", "min must not be above max"),
        )
    }

    min: duration("0s", "1h")  # type: ignore[valid-type]
    """Shortest pause; 0s with max 0s: none."""
    max: duration("0s", "1h")  # type: ignore[valid-type]
    """Longest pause."""


class Stage(Model):
    """A segment of the load curve."""

    name: Annotated[str, Field(max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")] | None = None
    """Its name in results; objectives may name it. By default stage-1, stage-2, …"""
    duration: duration("1s", "168h")  # type: ignore[valid-type]
    """How long it lasts."""
    users: Annotated[int, Field(ge=1, le=1_000_000)]
    """Users at its end (and throughout, unless it is a ramp)."""
    ramp: bool = False
    """Users go linearly from the previous stage's to this one's. Ramps are not part of the top-level metrics."""


class Load(Model):
    """How much is sent, from where."""

    model_config = {
        "json_schema_extra": rules(
            rule(
                "self.stages.exists(s, !s.ramp)",
                "at least one stage must not be a ramp: only these are measured",
            ),
            rule(
                "self.stages.all(s, !has(s.name) || self.stages.exists_one(o, has(o.name) && o.name == s.name))",
                "names of stages must differ",
            ),
        )
    }

    engine: Literal["Locust"] = "Locust"
    """What generates the load: Locust's Python workers."""
    model: Literal["Closed"] = "Closed"
    """Closed: a number of users, each with at most one request in flight and a think time."""
    workers: Annotated[int, Field(ge=1, le=64)] = 4
    """Worker processes, one pod each. All must be there before the load starts."""
    spawn_rate: Annotated[int, Field(ge=1, le=100_000)] = 50
    """Users started per second, over all workers."""
    think_time: ThinkTime | None = None
    """Pause between an answer and the next request. By default that of the scenario (0.5 to 1 s)."""
    warm_up: duration("0s", "24h") = 30.0  # type: ignore[valid-type]
    """Load before the first stage, with its users, which is not measured."""
    stages: Annotated[list[Stage], Field(min_length=1, max_length=64)]
    """Segments of the load curve, one after the other."""
    worker_resources: Resources | None = None
    """CPU and memory of a worker: requests and limits. By default the operator's setting, without a CPU limit."""
    image: Image | None = None
    """Locust image of your own, with the packages that your locustfile imports; built on gatebench's."""
    env: EnvList | None = None
    """Environment variables of the fleet, for a locustfile."""
    env_from: EnvFromList | None = None
    """ConfigMaps and Secrets as environment variables of the fleet."""
    node_selector: StringMap | None = None
    """Labels that the fleet's nodes must have."""
    tolerations: TolerationList | None = None
    """Taints that the fleet tolerates."""
    image_pull_secrets: PullSecretList | None = None
    """Secrets with registry credentials for the fleet's image."""
    annotations: StringMap | None = None
    """Annotations of the fleet's pods."""
