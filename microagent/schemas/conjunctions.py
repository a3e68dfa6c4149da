"""All that checks the same value as a schema: what it refers to, what it is made of, and how each is called."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from microagent.schemas.drafts import SHARED
from microagent.schemas.references import resolve
from microagent.schemas.shapes import Called
from microagent.schemas.words import Schema, is_annotation

Place: TypeAlias = tuple[bool, tuple[str, ...]]

OF_OBJECTS = frozenset({"properties", "required", "additionalProperties", "patternProperties"})
SHAPING = OF_OBJECTS | {"type", "enum", "const", "items", "prefixItems"}
ALTERNATIVES = ("anyOf", "oneOf")

_NOTHING: Mapping[str, Any] = {}
_OF_NO_WEIGHT = frozenset({"type", "format", "$schema", "$defs", "definitions"})
_STEPS = {"items": ("[]",), "additionalProperties": ("{}",)}
_LONGEST_CHAIN = 1_000  # references from place to place; a circle of them is refused before


@dataclass(frozen=True, slots=True)
class Source:
    """A schema at its place: below the payload (False) or among the definitions (True)."""

    schema: Schema
    place: Place
    ways: tuple[Called, ...]
    by_reference: bool = False

    @property
    def called(self) -> Called:
        """By what it is called, and all inside it."""
        return self.ways[0]

    @property
    def said(self) -> Mapping[str, Any]:
        return _NOTHING if isinstance(self.schema, bool) else self.schema

    def inner(self, schema: Schema, *steps: str, called: Called) -> "Source":
        """A schema inside this one."""
        in_file, above = self.place
        return source(schema, (in_file, (*above, *steps)), called)

    def without(self, *words: str) -> "Source":
        return replace(self, schema={word: value for word, value in self.said.items() if word not in words})


def source(schema: Schema, place: Place, called: Called) -> Source:
    """A schema that is called by its own title, where it has one, or else as its place is."""
    found = named_source(schema, place, called)
    title = found.said.get("title")
    if not isinstance(title, str) or not title.strip():
        return found
    *chosen, called = found.ways
    return replace(found, ways=tuple(dict.fromkeys([*chosen, called.titled(title), called])))


def named_source(schema: Schema, place: Place, called: Called) -> Source:
    """A schema that has a name already, which only its ``class_name`` can change."""
    name = None if isinstance(schema, bool) else schema.get("class_name")
    chosen = (Called((name,), is_class_name=True),) if isinstance(name, str) else ()
    return Source(schema, place, tuple(dict.fromkeys([*chosen, called])))


class Conjunctions:
    """
    Finds what checks the same value.

    :param schema: the payload
    :param definitions: the definitions of its declaration
    :param called: what these are called, where it is not by their own names
    """

    def __init__(self, schema: Schema, definitions: Mapping[str, Any], called: Mapping[str, tuple[str, ...]]) -> None:
        self._schema = schema
        self._definitions = definitions
        self._called = called

    def of(self, sources: Iterable[Source]) -> list[Source]:
        """The sources, what they refer to and what ``allOf`` puts together, each before what it leads to."""
        found: dict[Place, Source] = {}
        waiting = [*sources][::-1]
        while waiting and len(found) < _LONGEST_CHAIN:
            each = waiting.pop()
            if each.place not in found:
                found[each.place] = each
                waiting += [*self._beside(each)][::-1]
        return list(found.values())

    def _beside(self, each: Source) -> Iterator[Source]:
        target = self.target(each)
        if target is not None:
            yield target
        for index, member in enumerate(each.said.get("allOf", ())):
            yield each.inner(member, "allOf", str(index), called=each.called)

    def target(self, each: Source) -> Source | None:
        """What a schema refers to, called by its definition."""
        reference = each.said.get("$ref")
        if not isinstance(reference, str):
            return None
        found = resolve(reference, None if each.place[0] else self._schema, self._definitions)
        if found is None:
            return None
        names = self._called.get(found.steps[1], found.steps[1:2]) if found.in_file else ("",)
        is_definition = len(found.steps) == 2 and found.steps[0] in SHARED  # noqa: PLR2004 - a word and a name
        made = (named_source if is_definition else source)(
            found.schema, (found.in_file, found.steps), _called(found.steps, names)
        )
        return replace(made, by_reference=True)


def is_transparent(each: Source) -> bool:
    """Whether a schema holds nothing of its own: it refers to another one, or is made of a single one."""
    words = {word for word in each.said if not is_annotation(word) and word not in _OF_NO_WEIGHT}
    return words <= {"$ref"} or (words == {"allOf"} and len(each.said["allOf"]) == 1)


def alternatives(each: Source) -> Iterator[list[Source]]:
    """Each list of schemas of which one has to fit."""
    for word in ALTERNATIVES:
        options = each.said.get(word)
        if options:
            labels = _labels(options)
            yield [
                each.inner(option, word, str(index), called=each.called.below(*label))
                for index, (option, label) in enumerate(zip(options, labels, strict=True))
            ]


def _labels(options: list[Schema]) -> list[tuple[str, ...]]:
    """A path for each alternative: none if just one of them can be an object, or by what tells them apart."""
    mappings = [option for option in options if not isinstance(option, bool)]
    objects = sum("properties" in option or "$ref" in option or "allOf" in option for option in mappings)
    if objects < 2:  # noqa: PLR2004 - one alone is told apart from nothing
        return [()] * len(options)
    return [("|", _word(option) or f"Option{number}") for number, option in enumerate(options, 1)]


def _word(option: Schema) -> str | None:
    properties: Mapping[str, Schema] = _NOTHING if isinstance(option, bool) else option.get("properties", {})
    for inner in properties.values():
        if not isinstance(inner, bool) and isinstance(word := _only_value(inner), str) and word:
            return word
    return None


def _only_value(schema: Mapping[str, Any]) -> object:
    listed = schema.get("enum", [])
    return schema["const"] if "const" in schema else listed[0] if len(listed) == 1 else None


def _called(steps: tuple[str, ...], names: tuple[str, ...]) -> Called:
    """
    How the target of a reference is called.

    :param names: those of the definition that it is in; an empty one for what is in the payload
    """
    called, rest = Called(), [*steps]
    if names[0]:
        called, rest = Called(names), rest[2:]
    elif names[1:]:
        called, rest = Called().defined(*names[1:]), rest[2:]
    while rest:
        word = rest.pop(0)
        if word in SHARED and rest:
            called = called.defined(rest.pop(0))
        elif word == "properties" and rest:
            called = called.below(rest.pop(0))
        else:
            called = called.below(*_STEPS.get(word, ("|", word)))
    return called
