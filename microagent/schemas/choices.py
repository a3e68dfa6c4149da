"""Unions that msgspec can check: any value fits at most one of the alternatives."""

from collections.abc import Mapping
from typing import Any, cast

from microagent.schemas.conjunctions import Place
from microagent.schemas.jsonvalues import is_of, kinds_of, listed_values
from microagent.schemas.limits import is_field, is_literal, without_integer
from microagent.schemas.references import resolve
from microagent.schemas.runtime_types import AnyValue, Options, Record, Reference, Tagged, Type
from microagent.schemas.words import Schema

_DISJOINT = ("object", "array", "string", "number", "boolean", "null")
WITHOUT_PATTERN = {"array", "object"}  # in a union with one of these, msgspec 0.22 reads invalid memory for a pattern
_FURTHEST = 20


_UNEVALUATED = frozenset({"unevaluatedProperties", "unevaluatedItems"})


class Choices:
    """
    Examines alternatives.

    :param opaque: places that are known to have no type for msgspec
    """

    def __init__(self, schema: Schema, definitions: Mapping[str, Any], opaque: frozenset[Place]) -> None:
        self._schema = schema
        self._definitions = definitions
        self._opaque = opaque

    def united(self, options: list[Schema], types: list[Type], in_file: bool) -> Type | None:
        """The union of these types; None if a value might fit several of the alternatives."""
        return _united(types, [self.kinds(option, in_file) for option in options], self._tags(options, in_file))

    def kinds(self, schema: Schema, in_file: bool, depth: int = 0) -> set[str]:
        """The kinds of values that may fit; an integer counts as a number."""
        if isinstance(schema, bool) or depth > _FURTHEST:
            return set(_DISJOINT)
        if isinstance(reference := schema.get("$ref"), str):
            target = resolve(reference, None if in_file else self._schema, self._definitions)
            return set(_DISJOINT) if target is None else self.kinds(target.schema, target.in_file, depth + 1)
        kinds = set(without_integer(kinds_of(schema)))
        if (listed := listed_values([schema])) is not None:
            kinds &= {kind for value in listed for kind in _DISJOINT if is_of(value, kind)}
        for word in ("anyOf", "oneOf"):
            if options := schema.get(word):
                kinds &= set().union(*(self.kinds(option, in_file, depth + 1) for option in options))
        return kinds

    def has_pattern(self, schema: Schema, in_file: bool, depth: int = 0) -> bool:
        """Whether some string may have to match a pattern."""
        if isinstance(schema, bool) or depth > _FURTHEST:
            return False
        if isinstance(reference := schema.get("$ref"), str):
            target = resolve(reference, None if in_file else self._schema, self._definitions)
            return target is not None and self.has_pattern(target.schema, target.in_file, depth + 1)
        inner = (each for word in ("anyOf", "oneOf", "allOf") for each in schema.get(word, ()))
        return "pattern" in schema or any(self.has_pattern(each, in_file, depth + 1) for each in inner)

    def _tags(self, options: list[Schema], in_file: bool) -> Mapping[int, Mapping[str, str]]:
        """For each alternative that is an object: its required properties with only one possible value."""
        found: dict[int, Mapping[str, str]] = {}
        for index, option in enumerate(options):
            schema, place = option, None
            if not isinstance(option, bool) and isinstance(reference := option.get("$ref"), str):
                target = resolve(reference, None if in_file else self._schema, self._definitions)
                schema = True if target is None else target.schema
                place = None if target is None else (target.in_file, target.steps)
            if not isinstance(schema, bool) and _is_record(schema) and place not in self._opaque:
                found[index] = _tags_of(schema)
        return found


def _is_record(schema: Mapping[str, Any]) -> bool:
    """Whether the schema is only an object with named properties."""
    others = {"$ref", "enum", "const", *_UNEVALUATED} & schema.keys()
    names = [*schema.get("properties", ()), *schema.get("required", ())]
    return schema.get("type") == "object" and bool(names) and not others and all(map(is_field, names))


def _tags_of(schema: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, inner in schema.get("properties", {}).items():
        listed = None if isinstance(inner, bool) else listed_values([inner])
        if name in schema.get("required", ()) and listed is not None and len(listed) == 1:
            value = listed[0]
            if isinstance(value, str) and is_literal(value):
                found[name] = value
    return found


def _united(types: list[Type], taken: list[set[str]], tags: Mapping[int, Mapping[str, str]]) -> Type | None:
    """The union of alternatives; None if a value might fit several of them."""
    objects = [index for index, kinds in enumerate(taken) if "object" in kinds]
    others = [index for index in range(len(taken)) if index not in objects]
    found: list[Type] = [types[index] for index in others]
    kinds = [taken[index] for index in others]
    if len(objects) > 1:
        if (tagged := _tagged(objects, types, tags)) is None or any(taken[index] != {"object"} for index in objects):
            return None
        found.insert(0, tagged)
        kinds.insert(0, {"object"})
    elif objects:
        found.insert(0, types[objects[0]])
        kinds.insert(0, taken[objects[0]])
    if AnyValue() in found or sum(map(len, kinds)) > len({kind for each in kinds for kind in each}):
        return None
    return found[0] if len(found) == 1 else Options(tuple(found))


def _tagged(objects: list[int], types: list[Type], tags: Mapping[int, Mapping[str, str]]) -> Tagged | None:
    if not all(index in tags for index in objects):
        return None
    for name in tags[objects[0]]:
        values = [tags[index].get(name) for index in objects]
        options = [types[index] for index in objects]
        if None not in values and len(set(values)) == len(values):
            records = [option for option in options if isinstance(option, Record | Reference)]
            if len(records) == len(options):
                return Tagged(name, tuple(zip(cast("list[str]", values), records, strict=True)))
    return None
