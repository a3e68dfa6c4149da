"""The JSON Schemas that most people write, recognised without jsonschema's own, slow check."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType, field

from microagent.schema import Schema, every_schema

TypeName: TypeAlias = Literal["string", "number", "integer", "boolean", "array", "object", "null"]
"""The types that JSON Schema has."""

_Number: TypeAlias = int | float | UnsetType
_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0)] | UnsetType
_Text: TypeAlias = str | UnsetType
_Flag: TypeAlias = bool | UnsetType


class PlainSchema(msgspec.Struct, forbid_unknown_fields=True):
    """The usual words of 2020-12 and what its metaschema says of them; any other word makes a schema not plain."""

    ref: _Text = field(name="$ref", default=UNSET)
    defs: "dict[str, bool | PlainSchema] | UnsetType" = field(name="$defs", default=UNSET)
    type: TypeName | Annotated[list[TypeName], msgspec.Meta(min_length=1)] | UnsetType = UNSET
    properties: "dict[str, bool | PlainSchema] | UnsetType" = UNSET
    required: list[str] | UnsetType = UNSET
    additional: "bool | PlainSchema | UnsetType" = field(name="additionalProperties", default=UNSET)
    items: "bool | PlainSchema | UnsetType" = UNSET
    enum: list[Any] | UnsetType = UNSET
    const: Any = UNSET
    minimum: _Number = UNSET
    maximum: _Number = UNSET
    min_length: _Count = field(name="minLength", default=UNSET)
    max_length: _Count = field(name="maxLength", default=UNSET)
    min_items: _Count = field(name="minItems", default=UNSET)
    max_items: _Count = field(name="maxItems", default=UNSET)
    unique_items: _Flag = field(name="uniqueItems", default=UNSET)
    format: _Text = UNSET
    title: _Text = UNSET
    description: _Text = UNSET
    default: Any = UNSET
    examples: list[Any] | UnsetType = UNSET
    deprecated: _Flag = UNSET


def is_plain(schema: Schema) -> bool:
    """Whether the schema has only usual words, and is a valid one of 2020-12."""
    try:
        msgspec.convert(schema, bool | PlainSchema)
    except (msgspec.ValidationError, RecursionError, UnicodeError):
        return False
    return not any(_repeats(found) for _, found in every_schema(schema) if isinstance(found, Mapping))


def _repeats(schema: Mapping[str, Any]) -> bool:
    lists = [schema[word] for word in ("type", "required") if isinstance(schema.get(word), list)]
    return any(len(set(each)) < len(each) for each in lists)


def is_normal(schema: Schema) -> bool:
    """Whether the schema is plain and refers to nothing: it means the same wherever it stands."""
    return is_plain(schema) and not any(
        "$ref" in found for _, found in every_schema(schema) if isinstance(found, Mapping)
    )
