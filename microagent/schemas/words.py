"""The keywords of JSON Schema: those that hold schemas, annotations and formats; and walks over schemas."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias, TypeGuard, cast

Schema: TypeAlias = Mapping[str, Any] | bool

NAMED = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"})
LISTED = frozenset({"allOf", "anyOf", "oneOf", "prefixItems", "items"})
SINGLE = frozenset(
    {
        "items", "additionalItems", "unevaluatedItems", "contains",
        "additionalProperties", "unevaluatedProperties", "propertyNames",
        "not", "if", "then", "else", "contentSchema",
    }
)  # fmt: skip
IN_PLACE = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies"})
ANNOTATIONS = frozenset(
    {"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment", "class_name"}
)
FORMATS = frozenset(
    {
        "date", "date-time", "duration", "email", "hostname", "idn-email", "idn-hostname", "ipv4", "ipv6",
        "json-pointer", "regex", "relative-json-pointer", "time", "uri", "uri-reference", "uri-template", "uuid",
    }
)  # fmt: skip
"""The values of ``format`` that can be checked: all of JSON Schema except those of IRIs."""


_LETTERS = re.compile("[^a-z0-9]")
_FORMATS_BY_LETTERS = {_LETTERS.sub("", name): name for name in FORMATS}


def meant_format(name: str) -> str:
    """The known format that differs only in case and punctuation: ``date-time`` for ``datetime``; else the name."""
    return name if name in FORMATS else _FORMATS_BY_LETTERS.get(_LETTERS.sub("", name.lower()), name)


def unlisted(schema: Mapping[str, Any]) -> set[str]:
    """The required names that are missing in ``properties``; none if there are no ``properties``."""
    properties: Mapping[str, Any] = schema.get("properties", {})
    return set(schema.get("required", ())).difference(properties) if properties else set()


def is_schema(value: object) -> TypeGuard[Schema]:
    """Whether a value can be a schema: an object or a boolean."""
    return isinstance(value, (Mapping, bool))


def is_annotation(keyword: str) -> bool:
    """Whether the keyword has no effect on validation."""
    return keyword in ANNOTATIONS or keyword.startswith("x-")


def rebuilt(schema: Mapping[str, Any], change: Callable[[Schema], Schema]) -> dict[str, Any]:
    """A copy of the schema with every schema directly inside it changed."""
    return {key: _rebuilt_value(key, value, change) for key, value in schema.items()}


def _rebuilt_value(key: str, value: object, change: Callable[[Schema], Schema]) -> object:
    if key in NAMED and isinstance(value, Mapping):
        named = cast("Mapping[str, object]", value)
        return {name: change(inner) if is_schema(inner) else inner for name, inner in named.items()}
    if key in LISTED and isinstance(value, list):
        return [change(inner) if is_schema(inner) else inner for inner in cast("list[object]", value)]
    if key in SINGLE and is_schema(value):
        return change(value)
    return value


def every_schema(schema: Schema, steps: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Schema]]:
    """The schema and every schema inside it, each with the steps of a JSON Pointer that lead to it."""
    yield steps, schema
    if not isinstance(schema, bool):
        for key, value in schema.items():
            for further, inner in _inner(key, value):
                yield from every_schema(inner, (*steps, *further))


def _inner(key: str, value: object) -> Iterator[tuple[tuple[str, ...], Schema]]:
    if key in NAMED and isinstance(value, Mapping):
        items = cast("Mapping[str, object]", value).items()
        yield from (((key, name), inner) for name, inner in items if is_schema(inner))
    elif key in LISTED and isinstance(value, list):
        numbered = enumerate(cast("list[object]", value))
        yield from (((key, str(index)), inner) for index, inner in numbered if is_schema(inner))
    elif key in SINGLE and is_schema(value):
        yield (key,), value


def as_object(payload: Schema) -> Schema:
    """The schema of a payload with ``type`` object, which is implied."""
    if isinstance(payload, bool):
        return {"type": "object"} if payload else False
    kinds = payload.get("type", ["object"])
    is_open = isinstance(kinds, list) and "object" in kinds and "$ref" not in payload
    return {**payload, "type": "object"} if is_open else payload


def schemas_in_place(schema: Schema) -> Iterator[tuple[tuple[str, ...], Schema]]:
    """The schemas directly inside that check the same value rather than a part of it."""
    if not isinstance(schema, bool):
        for key in IN_PLACE & schema.keys():
            yield from _inner(key, schema[key])


def is_schema_at(schema: Schema, steps: tuple[str, ...]) -> bool:
    """Whether the steps lead to a schema, and not to a value that only looks like one."""
    if not steps or isinstance(schema, bool):
        return not steps
    inner = _inner(steps[0], schema.get(steps[0]))
    return any(
        is_schema_at(found, steps[len(further) :]) for further, found in inner if steps[: len(further)] == further
    )


def canonical(schema: Schema) -> Schema:
    """The schema without annotations, and with the order of lists normalised where it has no meaning."""
    if isinstance(schema, bool):
        return schema
    decisive = {key: _normalised(key, value) for key, value in schema.items() if not is_annotation(key)}
    return rebuilt({key: value for key, value in decisive.items() if not _has_no_effect(key, value)}, canonical)


def canonical_text(value: object) -> str:
    """The value as compact JSON, keys sorted, in ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _normalised(key: str, value: object) -> object:
    """A list whose order has no meaning, sorted; a list of one type becomes the type."""
    if key not in {"type", "required", "enum"} or not isinstance(value, list):
        return value
    ordered = sorted({canonical_text(item): item for item in cast("list[object]", value)}.items())
    return ordered[0][1] if key == "type" and len(ordered) == 1 else [item for _, item in ordered]


def _has_no_effect(key: str, value: object) -> bool:
    return key in {"properties", "required"} and not value
