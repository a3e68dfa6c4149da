"""Bounds, lengths, values and names of JSON Schema that msgspec can express."""

from collections.abc import Iterable, Iterator, Mapping
from math import ceil, floor
from typing import Any

OF_STRINGS = {"minLength": "min_length", "maxLength": "max_length"}
OF_ARRAYS = {"minItems": "min_length", "maxItems": "max_length"}
OF_OBJECTS = {"minProperties": "min_length", "maxProperties": "max_length"}
BOUNDS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
INT64 = 2**63


def without_integer(kinds: Iterable[str]) -> tuple[str, ...]:
    """The kinds without ``integer``, which is a number."""
    return tuple(dict.fromkeys("number" if kind == "integer" else kind for kind in kinds))


def without_integer_beside_number(kinds: tuple[str, ...]) -> tuple[str, ...]:
    """The kinds without ``integer``, if ``number`` is one of them."""
    return tuple(kind for kind in kinds if kind != "integer" or "number" not in kinds)


def ineffective_keywords(kinds: Iterable[str]) -> Iterator[str]:
    """The keywords that have no effect on values of these kinds."""
    of = {
        "string": ("minLength", "maxLength", "pattern"),
        "number": (*BOUNDS, "multipleOf"),
        "array": (
            "items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains", "minContains", "maxContains",
        ),
        "object": (
            "properties", "required", "additionalProperties", "patternProperties", "minProperties", "maxProperties",
            "propertyNames", "dependentRequired", "dependentSchemas",
        ),
    }  # fmt: skip
    wanted = set(without_integer(kinds))
    return (word for kind, words in of.items() if kind not in wanted for word in words)


def int_limits(bounds: Mapping[str, Any]) -> tuple[tuple[str, int], ...] | None:
    """The bounds of an int; None if msgspec cannot express them."""
    least = [ceil(bounds["minimum"])] if "minimum" in bounds else []
    least += [floor(bounds["exclusiveMinimum"]) + 1] if "exclusiveMinimum" in bounds else []
    most = [floor(bounds["maximum"])] if "maximum" in bounds else []
    most += [ceil(bounds["exclusiveMaximum"]) - 1] if "exclusiveMaximum" in bounds else []
    found = (*((("ge", max(least)),) if least else ()), *((("le", min(most)),) if most else ()))
    return found if all(-INT64 <= value < INT64 for _, value in found) else None


def float_limits(bounds: Mapping[str, Any]) -> tuple[tuple[str, float], ...] | None:
    """The bounds of a float; None if one cannot be represented exactly."""
    if not all(_is_float(value) for value in bounds.values()):
        return None
    found: list[tuple[str, float]] = []
    for inclusive, exclusive, names, stricter in (
        ("minimum", "exclusiveMinimum", ("ge", "gt"), max),
        ("maximum", "exclusiveMaximum", ("le", "lt"), min),
    ):
        values = [bounds[word] for word in (inclusive, exclusive) if word in bounds]
        if values:
            limit = stricter(values)
            name = names[1] if bounds.get(exclusive) == limit else names[0]
            found.append((name, float(limit)))
    return tuple(found)


def _is_float(value: float) -> bool:
    try:
        return float(value) == value
    except OverflowError:
        return False


def is_literal(value: object) -> bool:
    """Whether msgspec accepts the value in a ``Literal``."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return -INT64 <= value < INT64
    return value is None or (isinstance(value, str) and not _has_surrogate(value))


def is_field(name: str) -> bool:
    """Whether msgspec can have a field of this name."""
    return not any(each < " " or each in '"\\' for each in name) and not _has_surrogate(name)


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= each <= "\udfff" for each in text)
