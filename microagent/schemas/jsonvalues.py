"""Kinds and equality of values as JSON Schema defines them: 1.0 is the integer 1, and true is not a number."""

import json
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, cast

KINDS = ("object", "array", "string", "number", "integer", "boolean", "null")
_text_of = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=repr).encode


def kinds_of(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The kinds in ``type``; all kinds if there is no ``type``."""
    kinds = schema.get("type", KINDS)
    return (kinds,) if isinstance(kinds, str) else tuple(dict.fromkeys(cast("list[str]", kinds)))


def common_kinds(schemas: Iterable[Mapping[str, Any]]) -> tuple[str, ...] | None:
    """The kinds that every ``type`` of these schemas has, in the order of the first; None if none has a ``type``."""
    found: tuple[str, ...] | None = None
    for schema in schemas:
        if "type" in schema:
            kinds = kinds_of(schema)
            found = kinds if found is None else tuple(_common(found, kinds))
    return found


def _common(first: Iterable[str], second: tuple[str, ...]) -> Iterable[str]:
    for kind in first:
        if kind in second or (kind == "integer" and "number" in second):
            yield kind
        elif kind == "number" and "integer" in second:
            yield "integer"


def is_of(value: object, kind: str) -> bool:
    """Whether the value is of this kind."""
    match value:
        case None:
            return kind == "null"
        case bool():
            return kind == "boolean"
        case int():
            return kind in {"integer", "number"}
        case float():
            return kind == "number" or (kind == "integer" and value.is_integer())
        case str():
            return kind == "string"
        case list():
            return kind == "array"
        case _:
            return kind == "object"


def without_fraction(value: object) -> object:
    """The value, as an int if it is a number without a fraction."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def exactly(number: float) -> Fraction:
    """The exact value of the number as JSON writes it: 0.1 is one tenth."""
    return Fraction(number) if isinstance(number, int) else Fraction(repr(number))


def identity(value: object) -> str:
    """A text that is the same for values that are equal in JSON Schema."""
    return _text_of(_without_fractions(value))


def _without_fractions(value: object) -> object:
    match value:
        case list():
            return [_without_fractions(inner) for inner in cast("list[object]", value)]
        case Mapping():
            return {name: _without_fractions(inner) for name, inner in cast("Mapping[str, object]", value).items()}
        case _:
            return without_fraction(value)


def listed_values(schemas: Iterable[Mapping[str, Any]]) -> list[object] | None:
    """The values that every ``const`` and ``enum`` of these schemas allows; None if there is neither."""
    found: dict[str, object] | None = None
    for schema in schemas:
        lists: list[list[object]] = [schema["enum"]] if "enum" in schema else []
        lists += [[schema["const"]]] if "const" in schema else []
        for listed in lists:
            named = {identity(value): value for value in listed}
            found = named if found is None else {key: value for key, value in found.items() if key in named}
    return None if found is None else list(found.values())
