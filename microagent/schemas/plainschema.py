"""A fast check that recognises most valid JSON Schemas, so that the slow one of jsonschema is rarely needed."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeAlias, cast

import msgspec
from msgspec import UNSET, UnsetType, field

from microagent.schemas.words import Schema, every_schema, meant_format, unlisted

TypeName: TypeAlias = Literal["string", "number", "integer", "boolean", "array", "object", "null"]
"""The types that JSON Schema has."""

_Number: TypeAlias = int | float | UnsetType
_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0)] | UnsetType
_Text: TypeAlias = str | UnsetType
_Flag: TypeAlias = bool | UnsetType


_Name: TypeAlias = Annotated[str, msgspec.Meta(pattern="^[A-Za-z_][-A-Za-z0-9._]*$")] | UnsetType
_Single: TypeAlias = "bool | Words | UnsetType"
_Named: TypeAlias = "dict[str, bool | Words] | UnsetType"
_Listed: TypeAlias = "Annotated[list[bool | Words], msgspec.Meta(min_length=1)] | UnsetType"


class Words(msgspec.Struct):
    """What the metaschemas of 2020-12, 2019-09, draft 7 and draft 6 have in common; unknown keywords are allowed."""

    schema: _Text = field(name="$schema", default=UNSET)
    id: Annotated[str, msgspec.Meta(pattern="^[^#]*#?$")] | UnsetType = field(name="$id", default=UNSET)
    anchor: _Name = field(name="$anchor", default=UNSET)
    ref: _Text = field(name="$ref", default=UNSET)
    dynamic_ref: _Text = field(name="$dynamicRef", default=UNSET)
    dynamic_anchor: _Name = field(name="$dynamicAnchor", default=UNSET)
    comment: _Text = field(name="$comment", default=UNSET)
    defs: _Named = field(name="$defs", default=UNSET)
    definitions: _Named = UNSET
    type: TypeName | Annotated[list[TypeName], msgspec.Meta(min_length=1)] | UnsetType = UNSET
    enum: Annotated[list[Any], msgspec.Meta(min_length=1)] | UnsetType = UNSET
    const: Any = UNSET
    multiple_of: Annotated[int, msgspec.Meta(gt=0)] | Annotated[float, msgspec.Meta(gt=0)] | UnsetType = field(
        name="multipleOf", default=UNSET
    )
    minimum: _Number = UNSET
    maximum: _Number = UNSET
    above: _Number = field(name="exclusiveMinimum", default=UNSET)
    below: _Number = field(name="exclusiveMaximum", default=UNSET)
    min_length: _Count = field(name="minLength", default=UNSET)
    max_length: _Count = field(name="maxLength", default=UNSET)
    pattern: _Text = UNSET
    items: "bool | Words | Annotated[list[bool | Words], msgspec.Meta(min_length=1)] | UnsetType" = UNSET
    more_items: _Single = field(name="additionalItems", default=UNSET)
    prefix_items: _Listed = field(name="prefixItems", default=UNSET)
    unevaluated_items: _Single = field(name="unevaluatedItems", default=UNSET)
    contains: _Single = UNSET
    min_contains: _Count = field(name="minContains", default=UNSET)
    max_contains: _Count = field(name="maxContains", default=UNSET)
    min_items: _Count = field(name="minItems", default=UNSET)
    max_items: _Count = field(name="maxItems", default=UNSET)
    unique_items: _Flag = field(name="uniqueItems", default=UNSET)
    properties: _Named = UNSET
    pattern_properties: _Named = field(name="patternProperties", default=UNSET)
    additional: _Single = field(name="additionalProperties", default=UNSET)
    unevaluated: _Single = field(name="unevaluatedProperties", default=UNSET)
    property_names: _Single = field(name="propertyNames", default=UNSET)
    min_properties: _Count = field(name="minProperties", default=UNSET)
    max_properties: _Count = field(name="maxProperties", default=UNSET)
    required: list[str] | UnsetType = UNSET
    dependent_schemas: _Named = field(name="dependentSchemas", default=UNSET)
    all_of: _Listed = field(name="allOf", default=UNSET)
    any_of: _Listed = field(name="anyOf", default=UNSET)
    one_of: _Listed = field(name="oneOf", default=UNSET)
    not_: _Single = field(name="not", default=UNSET)
    if_: _Single = field(name="if", default=UNSET)
    then: _Single = UNSET
    else_: _Single = field(name="else", default=UNSET)
    format: _Text = UNSET
    content_encoding: _Text = field(name="contentEncoding", default=UNSET)
    content_type: _Text = field(name="contentMediaType", default=UNSET)
    content_schema: _Single = field(name="contentSchema", default=UNSET)
    title: _Text = UNSET
    description: _Text = UNSET
    default: Any = UNSET
    examples: list[Any] | UnsetType = UNSET
    deprecated: _Flag = UNSET
    read_only: _Flag = field(name="readOnly", default=UNSET)
    write_only: _Flag = field(name="writeOnly", default=UNSET)


_USUAL = frozenset(
    {
        "$ref", "$defs", "type", "properties", "required", "additionalProperties", "items", "enum", "const", "minimum",
        "maximum", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "format", "title", "description",
        "default", "examples", "deprecated",
    }
)  # fmt: skip
_NORMAL = _USUAL - {"$ref"}
_ODD = frozenset(
    {"dependencies", "dependentRequired", "$vocabulary", "$recursiveRef", "$recursiveAnchor"}
)  # they differ between drafts


def is_valid(schema: Schema, draft: str, *, takes_lists: bool) -> bool:
    """
    Whether the schema is certainly valid in a draft; False means that it is not known.

    :param takes_lists: whether ``items`` may be a list
    """
    if draft not in {"2020-12", "2019-09", "draft 7"} or not _has_valid_keywords(schema):
        return False
    found = [(steps, each) for steps, each in every_schema(schema) if isinstance(each, Mapping)]
    return not any(_is_odd(each, bool(steps), takes_lists) or _repeats(each) for steps, each in found)


def _has_valid_keywords(schema: Schema) -> bool:
    try:
        msgspec.convert(schema, bool | Words)
    except (msgspec.ValidationError, RecursionError, UnicodeError):
        return False
    return True


def _is_odd(schema: Mapping[str, Any], is_inside: bool, takes_lists: bool) -> bool:
    if not _ODD.isdisjoint(schema) or (is_inside and "$schema" in schema):
        return True
    return not takes_lists and isinstance(schema.get("items"), list)


def is_plain(schema: Schema) -> bool:
    """Whether the schema is valid in 2020-12, has only the usual keywords, and no probable mistakes."""
    return _has_only(_USUAL, schema)


def is_normal(schema: Schema) -> bool:
    """Whether the schema is plain and has no references: then it is in normal form already."""
    return _has_only(_NORMAL, schema)


def _has_only(words: frozenset[str], schema: Schema) -> bool:
    return _has_valid_keywords(schema) and all(
        words.issuperset(each)
        and not isinstance(each.get("items"), list)
        and not _repeats(each)
        and not unlisted(each)
        and ("format" not in each or meant_format(each["format"]) == each["format"])
        for each in _every_plain(schema)
    )


def _every_plain(schema: Schema) -> Iterator[Mapping[str, Any]]:
    """Every schema in one that has only the usual keywords."""
    waiting = [schema]
    while waiting:
        each = waiting.pop()
        if isinstance(each, bool):
            continue
        yield each
        for word in ("properties", "$defs"):
            if word in each:
                waiting += each[word].values()
        waiting += (each[word] for word in ("items", "additionalProperties") if word in each)


def _repeats(schema: Mapping[str, Any]) -> bool:
    for word in ("type", "required"):
        found = schema.get(word)
        if isinstance(found, list) and len(set(cast("list[str]", found))) < len(cast("list[str]", found)):
            return True
    return False
