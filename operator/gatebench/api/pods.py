"""The curated subset of a pod that a run may shape: no PodSpec, no host path, no privilege."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatebench.api.fields import EnvName, Key, Model, Name, Path, Quantity, ShortText, Text, rule, rules


class KeyRef(Model):
    """A key of a ConfigMap or Secret in the run's own namespace."""

    name: Name
    """Name of the object, in the run's own namespace."""
    key: Key
    """The key in it."""


class NameRef(Model):
    """An object of the run's own namespace."""

    name: Name
    """Name of the object, in the run's own namespace."""


class EnvSource(Model):
    """Where the value of an environment variable comes from."""

    model_config = {
        "json_schema_extra": rules(
            rule(
                "has(self.configMapKeyRef) != has(self.secretKeyRef)",
                "set exactly one of configMapKeyRef and secretKeyRef",
            )
        )
    }

    config_map_key_ref: KeyRef | None = None
    """A key of a ConfigMap."""
    secret_key_ref: KeyRef | None = None
    """A key of a Secret. It is taken by reference and never read by the operator."""


class EnvVar(Model):
    """One environment variable."""

    model_config = {
        "json_schema_extra": rules(
            rule("!(has(self.value) && has(self.valueFrom))", "set only one of value and valueFrom"),
            rule(
                "!self.name.startsWith('GATEBENCH_')",
                "names that start with GATEBENCH_ are the operator's own",
            ),
        )
    }

    name: EnvName
    """Name of the variable."""
    value: Text | None = None
    """Its value; $(NAME) refers to earlier variables, such as $(GATEBENCH_UPSTREAM_URL) in the gateway."""
    value_from: EnvSource | None = None
    """A ConfigMap or Secret that has the value."""


class EnvFrom(Model):
    """All keys of a ConfigMap or Secret as environment variables."""

    model_config = {
        "json_schema_extra": rules(
            rule(
                "has(self.configMapRef) != has(self.secretRef)",
                "set exactly one of configMapRef and secretRef",
            )
        )
    }

    prefix: Annotated[str, Field(max_length=64)] | None = None
    """Put before each key."""
    config_map_ref: NameRef | None = None
    """The ConfigMap."""
    secret_ref: NameRef | None = None
    """The Secret. It is taken by reference and never read by the operator."""


class File(Model):
    """A ConfigMap or Secret mounted read-only."""

    model_config = {
        "json_schema_extra": rules(
            rule("has(self.configMap) != has(self.secret)", "set exactly one of configMap and secret"),
            rule(
                "self.mountPath != '/' && !self.mountPath.contains('..')"
                " && !self.mountPath.startsWith('/proc') && !self.mountPath.startsWith('/sys')",
                "must be an absolute path below / without '..', and not in /proc or /sys",
            ),
        )
    }

    mount_path: Path
    """Directory of the container in which the keys appear as files."""
    config_map: NameRef | None = None
    """The ConfigMap with the files."""
    secret: NameRef | None = None
    """The Secret with the files."""


class Toleration(Model):
    """A taint that the pod tolerates, as in a pod."""

    key: ShortText | None = None
    """Key of the taint; none tolerates every key (with operator Exists)."""
    operator: Literal["Exists", "Equal"] | None = None
    """How key and value are compared; Equal by default."""
    value: ShortText | None = None
    """Value of the taint."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect of the taint; none tolerates every effect."""
    toleration_seconds: Annotated[int, Field(ge=0)] | None = None
    """How long a NoExecute taint is tolerated, in seconds."""


class Resources(Model):
    """CPU and memory of a container."""

    cpu: Quantity | None = None
    """CPU, as 500m or 1; request and limit."""
    memory: Quantity | None = None
    """Memory, as 512Mi; request and limit."""


EnvList = Annotated[list[EnvVar], Field(max_length=64)]
EnvFromList = Annotated[list[EnvFrom], Field(max_length=16)]
FileList = Annotated[list[File], Field(max_length=16)]
TolerationList = Annotated[list[Toleration], Field(max_length=16)]
PullSecretList = Annotated[list[NameRef], Field(max_length=8)]
