"""Conjunctions: all schemas that check the same value, because ``$ref`` or ``allOf`` connects them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from microagent.schemas.drafts import SHARED
from microagent.schemas.jsonvalues import common_kinds
from microagent.schemas.references import resolve
from microagent.schemas.shapes import TypeName
from microagent.schemas.words import Schema, is_annotation

Place: TypeAlias = tuple[bool, tuple[str, ...]]
"""Where a schema stands: the steps to it below the payload (False), or below the declaration's definitions (True)."""

OF_OBJECTS = frozenset({"properties", "required", "additionalProperties", "patternProperties"})
SHAPING = OF_OBJECTS | {"type", "enum", "const", "items", "prefixItems"}
ALTERNATIVES = ("anyOf", "oneOf")

_NO_KEYWORDS: Mapping[str, Any] = {}
_NOT_CONSTRAINING = frozenset({"type", "format", "$schema", "$defs", "definitions"})
_STEPS = {"items": ("[]",), "additionalProperties": ("{}",)}
_LONGEST_CHAIN = 1_000  # references in a row; a cycle of them is refused before


@dataclass(frozen=True, slots=True)
class Source:
    """
    A schema at its place.

    :ivar names: what a type that is made of it can be called, the best name first
    :ivar by_reference: whether a ``$ref`` led to it
    """

    schema: Schema
    place: Place
    names: tuple[TypeName, ...]
    by_reference: bool = False

    @property
    def type_name(self) -> TypeName:
        """The best name, which the names of nested types begin with."""
        return self.names[0]

    @property
    def keywords(self) -> Mapping[str, Any]:
        """The schema as an object; none for true and false."""
        return _NO_KEYWORDS if isinstance(self.schema, bool) else self.schema

    def inner(self, schema: Schema, *steps: str, type_name: TypeName) -> "Source":
        """A schema inside this one."""
        in_file, above = self.place
        return source(schema, (in_file, (*above, *steps)), type_name)

    def without(self, *words: str) -> "Source":
        """The same schema without some of its keywords."""
        return replace(self, schema={word: value for word, value in self.keywords.items() if word not in words})


def source(schema: Schema, place: Place, type_name: TypeName) -> Source:
    """A schema that is named by its ``class_name``, its title or its place, in this order."""
    found = named_source(schema, place, type_name)
    title = found.keywords.get("title")
    if not isinstance(title, str) or not title.strip():
        return found
    *chosen, type_name = found.names
    return replace(found, names=tuple(dict.fromkeys([*chosen, type_name.titled(title), type_name])))


def named_source(schema: Schema, place: Place, type_name: TypeName) -> Source:
    """A schema with a name of its own, such as a definition: only a ``class_name`` goes before it, no title does."""
    name = None if isinstance(schema, bool) else schema.get("class_name")
    chosen = (TypeName((name,), is_class_name=True),) if isinstance(name, str) else ()
    return Source(schema, place, tuple(dict.fromkeys([*chosen, type_name])))


class Conjunctions:
    """
    Finds the schemas that check the same value as a given one.

    :param schema: the payload, or the schema of an answer
    :param definitions: the definitions of its declaration
    :param definition_names: the names of definitions that go by others than their keys, see ``bundling``
    """

    def __init__(
        self, schema: Schema, definitions: Mapping[str, Any], definition_names: Mapping[str, tuple[str, ...]]
    ) -> None:
        self._schema = schema
        self._definitions = definitions
        self._definition_names = definition_names

    def of(self, sources: Iterable[Source]) -> list[Source]:
        """The sources with all that their ``$ref`` and ``allOf`` lead to, each before what it leads to."""
        found: dict[Place, Source] = {}
        waiting = [*sources][::-1]
        while waiting and len(found) < _LONGEST_CHAIN:
            each = waiting.pop()
            if each.place not in found:
                found[each.place] = each
                waiting += [*self._connected(each)][::-1]
        return list(found.values())

    def _connected(self, each: Source) -> Iterator[Source]:
        target = self.target(each)
        if target is not None:
            yield target
        for index, member in enumerate(each.keywords.get("allOf", ())):
            yield each.inner(member, "allOf", str(index), type_name=each.type_name)

    def target(self, each: Source) -> Source | None:
        """The schema that a ``$ref`` leads to, named by its definition; None if there is none."""
        reference = each.keywords.get("$ref")
        if not isinstance(reference, str):
            return None
        found = resolve(reference, None if each.place[0] else self._schema, self._definitions)
        if found is None:
            return None
        names = self._definition_names.get(found.steps[1], found.steps[1:2]) if found.in_file else ("",)
        is_definition = len(found.steps) == 2 and found.steps[0] in SHARED  # noqa: PLR2004 - a word and a name
        made = (named_source if is_definition else source)(
            found.schema, (found.in_file, found.steps), _target_name(found.steps, names)
        )
        return replace(made, by_reference=True)


def is_transparent(each: Source) -> bool:
    """Whether a schema constrains nothing itself: it is only a ``$ref``, or an ``allOf`` of a single schema."""
    words = {word for word in each.keywords if not is_annotation(word) and word not in _NOT_CONSTRAINING}
    return words <= {"$ref"} or (words == {"allOf"} and len(each.keywords["allOf"]) == 1)


def visible(conjunction: Iterable[Source]) -> list[Source]:
    """The schemas that constrain something themselves."""
    return [each for each in conjunction if not is_transparent(each)]


def deciding(conjunction: list[Source]) -> list[Source]:
    """The visible schemas, and those that only narrow the types which the visible ones allow."""
    found = visible(conjunction)
    if not found or len(found) == len(conjunction):
        return found
    constraints = [each.keywords for each in found]
    kinds = common_kinds(constraints)
    return [
        each
        for each in conjunction
        if not is_transparent(each)
        or ("type" in each.keywords and common_kinds([*constraints, each.keywords]) != kinds)
    ]


def alternatives(each: Source) -> Iterator[list[Source]]:
    """The alternatives of ``anyOf`` and of ``oneOf``: one of each list has to fit."""
    for word in ALTERNATIVES:
        options = each.keywords.get(word)
        if options:
            labels = _labels(options)
            yield [
                each.inner(option, word, str(index), type_name=each.type_name.below(*label))
                for index, (option, label) in enumerate(zip(options, labels, strict=True))
            ]


def _labels(options: list[Schema]) -> list[tuple[str, ...]]:
    """
    A path for each alternative: by the constant that tells it apart, or by its number.

    Empty paths if only one of them can be an object, whose name then needs no such part.
    """
    mappings = [option for option in options if not isinstance(option, bool)]
    objects = sum("properties" in option or "$ref" in option or "allOf" in option for option in mappings)
    if objects < 2:  # noqa: PLR2004 - a single one needs no label
        return [()] * len(options)
    return [("|", _discriminator(option) or f"Option{number}") for number, option in enumerate(options, 1)]


def _discriminator(option: Schema) -> str | None:
    """The text that a property of the alternative must have, such as its ``type``."""
    properties: Mapping[str, Schema] = _NO_KEYWORDS if isinstance(option, bool) else option.get("properties", {})
    for inner in properties.values():
        if not isinstance(inner, bool) and isinstance(value := _only_value(inner), str) and value:
            return value
    return None


def _only_value(schema: Mapping[str, Any]) -> object:
    listed = schema.get("enum", [])
    return schema["const"] if "const" in schema else listed[0] if len(listed) == 1 else None


def _target_name(steps: tuple[str, ...], names: tuple[str, ...]) -> TypeName:
    """
    The name of a reference's target, from the steps to it.

    :param names: of the definition that it is in; the first one is empty for a place in the payload
    """
    type_name, rest = TypeName(), [*steps]
    if names[0]:
        type_name, rest = TypeName(names), rest[2:]
    elif names[1:]:
        type_name, rest = TypeName().defined(*names[1:]), rest[2:]
    while rest:
        word = rest.pop(0)
        if word in SHARED and rest:
            type_name = type_name.defined(rest.pop(0))
        elif word == "properties" and rest:
            type_name = type_name.below(rest.pop(0))
        else:
            type_name = type_name.below(*_STEPS.get(word, ("|", word)))
    return type_name
