"""How documents are read: what is absent, or not of its type, is missing; what a newer writer added is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel

T = TypeVar("T")


class Document(BaseModel):
    """A part of a document: camelCase outside, never changed after parsing."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="allow",
        frozen=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )

    @field_validator("*", mode="wrap")
    @classmethod
    def _or_missing(cls, value: Any, handler: Callable[[Any], Any], info: ValidationInfo) -> Any:
        """A value that cannot be one is as good as absent: a document is read as far as it can be."""
        try:
            return handler(value)
        except ValidationError:
            return cls.model_fields[info.field_name or ""].get_default(call_default_factory=True)


def _only_objects(value: Any) -> Any:
    return [item for item in value if isinstance(item, dict | BaseModel)] if isinstance(value, list | tuple) else value


def _only_rows(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        return value
    return [[_number(cell) for cell in row] for row in value if isinstance(row, list | tuple)]


def _number(cell: Any) -> float | None:
    """A finite number, or None; a boolean is no number."""
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return None
    try:
        number = float(cell)
    except OverflowError:
        return None
    return number if abs(number) < float("inf") else None  # NaN is not below infinity either


Objects = Annotated[list[T], BeforeValidator(_only_objects)]
"""Objects; whatever else is among them is left out."""
Rows = Annotated[list[list[float | None]], BeforeValidator(_only_rows)]
"""Rows of numbers; a cell that is none is None."""
Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0)]
