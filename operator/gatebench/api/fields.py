"""The field types that the API's models share: each carries its bounds, its CEL rule and its remedy."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

from gatebench.api import quantities


class Model(BaseModel):
    """A part of the API: camelCase outside, unknown fields refused, never changed after parsing."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
    )


def rule(cel: str, message: str) -> dict[str, str]:
    """A CEL validation as the CRD carries it; the message names the remedy (the server names the field)."""
    return {"rule": cel, "message": message}


def rules(*each: dict[str, str]) -> dict[str, Any]:
    """For `json_schema_extra` of a model."""
    return {"x-kubernetes-validations": list(each)}


def duration(least: str, most: str) -> Any:
    """Annotated type of a duration within bounds; parsed into seconds (float)."""
    low, high = quantities.duration_seconds(least), quantities.duration_seconds(most)
    message = f"must be a duration such as 500ms, 30s or 1m30s, from {least} to {most}"

    def parse(value: object) -> float:
        if isinstance(value, int | float):
            return float(value)
        return quantities.duration_seconds(str(value))

    def bounded(seconds: float) -> float:
        if not low <= seconds <= high:
            raise ValueError(message)
        return seconds

    cel = f"self.matches('{quantities.DURATION_PATTERN}')".replace("\\", "\\\\")
    bounds = f"duration(self) >= duration('{least}') && duration(self) <= duration('{most}')"
    return Annotated[
        float,
        BeforeValidator(parse),
        AfterValidator(bounded),
        WithJsonSchema(
            {
                "type": "string",
                "maxLength": 32,
                "x-kubernetes-validations": [rule(f"{cel} && {bounds}", message)],
            }
        ),
    ]


def _text(value: object) -> str:
    return str(value)


def quantity(pattern: str, message: str) -> Any:
    """Annotated type of a quantity or bound: a string or an integer in YAML, text here."""
    cel = f"string(self).matches('{pattern}')".replace("\\", "\\\\")
    return Annotated[
        str,
        BeforeValidator(_text),
        Field(pattern=pattern),
        WithJsonSchema(
            {
                "x-kubernetes-int-or-string": True,
                "maxLength": 32,
                "x-kubernetes-validations": [rule(cel, message)],
            }
        ),
    ]


Quantity = quantity(quantities.QUANTITY_PATTERN, "must be a quantity such as 8Gi, 512Mi, 2 or 500m")
Bound = quantity(
    quantities.BOUND_PATTERN, "must be a number or a quantity such as 180ms, 10%, 6Gi (quote decimals: '0.5')"
)
ObjectiveBound = quantity(
    quantities.OBJECTIVE_PATTERN,
    "must be a number or a quantity such as 180ms, 10%, 6Gi, or 5Mi/h of a slope (quote decimals: '0.5')",
)
Name = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
Key = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")]
EnvName = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Url = Annotated[
    str, Field(min_length=8, max_length=512, pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[^?#@\s]*)?$")
]
Text = Annotated[str, Field(max_length=4096)]
ShortText = Annotated[str, Field(max_length=253)]
Path = Annotated[str, Field(max_length=512, pattern=r"^/")]
StringMap = Annotated[dict[str, Annotated[str, Field(max_length=1024)]], Field(max_length=32)]
