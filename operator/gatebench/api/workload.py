"""What is sent to the gateway."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatebench.api.fields import Key, Model, Name, Path, ShortText, StringMap, duration, rule, rules
from gatebench.api.pods import KeyRef

RequestName = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-_a-z0-9]*[a-z0-9])?$")]
JsonPath = Annotated[
    str,
    Field(min_length=1, max_length=253, pattern=r"^(\$\.?)?([^.\[\]$]+|\[[0-9]+\])(\.[^.\[\]]+|\[[0-9]+\])*$"),
]
VolumePath = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[^/]")]


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


class Check(Model):
    """What the JSON of a good answer has. One that lacks it is a failure of the kind check."""

    json_path: JsonPath
    """Names and indices of the value, as choices[0].finish_reason. Without equals it must be there and not null."""
    equals: ShortText | None = None
    """The value: the content of a string, or a number, true, false. As text: quote what is no string ("3")."""


class Request(Model):
    """One kind of request of a declared workload."""

    model_config = {
        "json_schema_extra": rules(
            rule("self.api != 'HTTP' || has(self.path)", "api HTTP needs a path, such as /v1/models"),
            rule("!has(self.check) || !self.stream", "a stream cannot be checked: remove check or stream"),
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
    """Body as text, usually JSON; it replaces the generated one. With engine Go it may have places that are filled for
    each request: {{prompt N}} (N tokens), {{choice "a" "b"}}, {{sequence}} (the request's number), {{dataset}} (the
    next prompt), {{env NAME}} (a variable of load.env). Text and not an object, since Kubernetes does not compare
    free-form objects, and a spec must not change under a run."""
    expect: Expect = Expect()
    """What a good answer is."""
    check: Check | None = None
    """What its JSON must have besides (engine Go)."""


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


class VolumeFile(Model):
    """A file of a volume."""

    model_config = {
        "json_schema_extra": rules(rule("!self.path.contains('..')", "path must not have '..' in it")),
    }

    name: Name
    """PersistentVolumeClaim of the run's own namespace. It is mounted read-only by every worker."""
    path: VolumePath
    """The file, relative to the root of the volume."""


class Dataset(Model):
    """Prompts in a file of JSON lines: the text of "prompt" of an object, a string, or the line itself. {{dataset}} in
    a body takes the next one; after the last comes the first again."""

    model_config = {
        "json_schema_extra": rules(
            rule(
                "has(self.configMap) != has(self.persistentVolumeClaim)",
                "set exactly one of configMap and persistentVolumeClaim",
            ),
        )
    }

    config_map: KeyRef | None = None
    """A key of a ConfigMap (at most 1 MiB)."""
    persistent_volume_claim: VolumeFile | None = None
    """A file of a volume (at most 64 MiB)."""
    order: Literal["Sequential", "Shuffled"] = "Sequential"
    """Sequential: as in the file. Shuffled: in an order that follows from load.seed."""


class CertificateAuthority(Model):
    """Certificates that are trusted."""

    config_map: KeyRef
    """The key of a ConfigMap that has them, as PEM."""


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
    dataset: Dataset | None = None
    """Prompts for {{dataset}} in the requests' bodies (engine Go)."""
    ca: CertificateAuthority | None = None
    """Whom to trust besides the well-known authorities, for a gateway given by an https url (engine Go)."""
    http2: bool = False
    """Speaks HTTP/2 where the gateway does (engine Go). Each user, or request in flight, stands for a client of its own
    and has its own connection, as with HTTP/1.1. Without https the gateway must speak it."""
