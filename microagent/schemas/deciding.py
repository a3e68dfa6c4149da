"""Who checks which keyword of a payload, msgspec or jsonschema: decided once, for the generator and the runtime."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Literal, TypeAlias, cast
from urllib.parse import quote

from microagent.pointers import pointer_to
from microagent.schemas.choices import WITHOUT_PATTERN, Choices
from microagent.schemas.conjunctions import Place
from microagent.schemas.jsonvalues import is_of, kinds_of, listed_values, without_fraction
from microagent.schemas.limits import (
    BOUNDS,
    INT64,
    OF_ARRAYS,
    OF_OBJECTS,
    OF_STRINGS,
    broken_limits,
    is_field,
    is_literal,
    pointless_words,
    whole_limits,
    without_integer_beside_number,
)
from microagent.schemas.patterns import is_pattern, translated
from microagent.schemas.references import resolve
from microagent.schemas.runtime_types import (
    AnyValue,
    Builder,
    DictOf,
    ListOf,
    Options,
    Plain,
    Record,
    Reference,
    TupleOf,
    Type,
    Values,
    inside,
)
from microagent.schemas.words import FORMATS, Schema, every_schema, rebuilt

Checker: TypeAlias = Literal["msgspec", "jsonschema"]

KEYWORDS = frozenset(
    {
        "$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas",
        "type", "enum", "const", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum",
        "maxLength", "minLength", "pattern", "items", "prefixItems", "contains", "minContains", "maxContains",
        "maxItems", "minItems", "uniqueItems", "unevaluatedItems", "properties", "patternProperties",
        "additionalProperties", "unevaluatedProperties", "propertyNames", "maxProperties", "minProperties",
        "required", "dependentRequired",
    }
)  # fmt: skip
"""The words of 2020-12 that refuse something; all others only tell people something, or nothing."""

_SCOPED = frozenset({"$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor", "$anchor", "$id", "id"})
_UNEVALUATED = frozenset({"unevaluatedProperties", "unevaluatedItems"})
_WORDS = frozenset(
    {
        "type", "properties", "required", "additionalProperties", "patternProperties", "items", "prefixItems",
        "multipleOf", *OF_STRINGS, *OF_ARRAYS, *OF_OBJECTS, *BOUNDS,
    }
)  # fmt: skip
_LONGEST = 2**31


@dataclass(frozen=True, slots=True)
class Decision:
    """
    How a value is checked.

    :ivar type: what msgspec checks
    :ivar types: the types of the references in it
    :ivar rest: what is left to jsonschema when msgspec has said yes; True for nothing
    :ivar definitions: what the rest refers to
    :ivar whole: the whole schema, which decides when msgspec says no: 1.0 is an integer to JSON Schema
    :ivar checked: who checks each keyword, by the place of its schema; what is missing is checked by nobody
    """

    type: Type
    types: Mapping[Place, Type]
    rest: Schema
    definitions: Mapping[str, Any]
    whole: Schema
    checked: Mapping[tuple[Place, str], tuple[Checker, ...]]

    def for_msgspec(self) -> Any:
        """The type as msgspec takes it; None where it checks nothing."""
        return None if self.type == AnyValue() else Builder(self.types).build(self.type)


def decide(schema: Schema, definitions: Mapping[str, Any], *, formats: bool = False) -> Decision:
    """
    Who checks what.

    :param definitions: the definitions of the declaration
    :param formats: ``format`` is to be checked, too
    """
    if any(map(_is_scoped, (schema, *definitions.values()))):
        return _left_to_jsonschema(schema, definitions, formats)
    document = next(name for name in _names("payload") if name not in definitions)
    moved = _moved(schema, definitions, document)
    if moved != schema:
        definitions = {**definitions, document: moved}
    found = _Judge(moved, definitions, formats=formats).decision()
    checked = {(_place_in(place, document), word): who for (place, word), who in found.checked.items()}
    return replace(found, checked=checked)


def _left_to_jsonschema(schema: Schema, definitions: Mapping[str, Any], formats: bool) -> Decision:
    """Where references depend on who refers, or other drafts are spoken, the whole is one piece."""
    judge = _Judge(schema, definitions, formats=formats)
    judge.leave(schema, (False, ()))
    return Decision(AnyValue(), {}, schema, definitions, schema, judge.checked())


def _is_scoped(schema: Schema) -> bool:
    return any(
        not isinstance(each, bool) and (_SCOPED & each.keys() or _is_foreign(each)) for _, each in every_schema(schema)
    )


def _is_foreign(schema: Mapping[str, Any]) -> bool:
    return "2020-12" not in schema.get("$schema", "2020-12")


def _names(stem: str) -> Iterator[str]:
    yield stem
    yield from (f"{stem} {number}" for number in count(2))


def _moved(schema: Schema, definitions: Mapping[str, Any], document: str) -> Schema:
    """The payload with references into itself as references to a definition that holds it."""

    def change(inner: Schema) -> Schema:
        if isinstance(inner, bool):
            return inner
        copy = rebuilt(inner, change)
        target = resolve(copy["$ref"], schema, definitions) if isinstance(copy.get("$ref"), str) else None
        if target is not None and not target.in_file:
            copy["$ref"] = _reference_to("$defs", document, *target.steps)
        return copy

    return change(schema)


def _reference_to(*steps: str) -> str:
    return f"#{quote(pointer_to(steps))}"


def _place_in(place: Place, document: str) -> Place:
    in_file, steps = place
    return (False, steps[2:]) if in_file and steps[:2] == ("$defs", document) else place


@dataclass(frozen=True, slots=True)
class _Verdict:
    """Of one schema: its type for msgspec, and what is left."""

    type: Type
    rest: Schema


@dataclass(frozen=True, slots=True)
class _Said:
    """What is said of a schema; ``left`` shrinks to what msgspec does not check."""

    schema: Mapping[str, Any]
    place: Place
    left: dict[str, Any]

    def inner(self, *steps: str) -> Place:
        return self.place[0], (*self.place[1], *steps)


class _Judge:
    """
    Goes through a schema and all that it refers to.

    What is exact depends on what it refers to: at first all is taken for exact, and each round knows better, until one
    finds nothing new.
    """

    def __init__(self, schema: Schema, definitions: Mapping[str, Any], *, formats: bool) -> None:
        self._schema = schema
        self._definitions = definitions
        self._formats = formats
        self._inexact: set[Place] = set()
        self._opaque: set[Place] = set()
        self._choices = Choices(schema, definitions, self._opaque)
        self._begin()

    def decision(self) -> Decision:
        while True:
            self._begin()
            verdict = self._verdict(self._schema, (False, ()))
            self._follow()
            inexact = {place for place, found in self._found.items() if found.rest is not True} - self._inexact
            opaque = self._circles() - self._opaque
            if not inexact and not opaque:
                break
            self._inexact |= inexact
            self._opaque.update(opaque)
        types = {place: found.type for place, found in self._found.items()}
        rests = {name: self._found[place].rest for place, name in self._names.items() if place in self._found}
        definitions = {**self._definitions, **rests}
        return Decision(verdict.type, types, verdict.rest, definitions, self._schema, self.checked())

    def _begin(self) -> None:
        self._checked: dict[tuple[Place, str], Checker] = {}
        self._found: dict[Place, _Verdict] = {}
        self._waiting: list[tuple[Place, Schema]] = []
        self._left_references: list[tuple[Place, str]] = []
        self._names: dict[Place, str] = {}

    def _follow(self) -> None:
        while self._waiting:
            place, schema = self._waiting.pop()
            if place not in self._found:
                self._found[place] = _Verdict(AnyValue(), True)
                is_opaque = place in self._opaque
                self._found[place] = self.leave(schema, place) if is_opaque else self._verdict(schema, place)

    def _circles(self) -> set[Place]:
        """References to what is no object and comes back to itself: msgspec has no type for these."""
        named = {place: set(_named_in(found.type)) for place, found in self._found.items()}
        found: set[Place] = set()
        for start, nearest in named.items():
            seen: set[Place] = set()
            waiting = [*nearest]
            while waiting:
                place = waiting.pop()
                if place not in seen:
                    seen.add(place)
                    waiting += named.get(place, ())
            if start in seen:
                found.add(start)
        return found

    def checked(self) -> dict[tuple[Place, str], tuple[Checker, ...]]:
        """Who checks what, definitions that only jsonschema comes to included."""
        found: dict[tuple[Place, str], tuple[Checker, ...]] = {at: (who,) for at, who in self._checked.items()}
        seen: set[Place] = set()
        while self._left_references:
            (in_file, _), reference = self._left_references.pop()
            target = resolve(reference, None if in_file else self._schema, self._definitions)
            if target is None or (place := (target.in_file, target.steps)) in seen:
                continue
            seen.add(place)
            self.leave(target.schema, place)
            for at, who in self._checked.items():
                found[at] = found.get(at, ()) if who in found.get(at, ()) else (*found.get(at, ()), who)
        return found

    # -- one schema

    def _verdict(self, schema: Schema, place: Place) -> _Verdict:
        if isinstance(schema, bool):
            return _Verdict(AnyValue(), schema)
        if _UNEVALUATED & schema.keys():
            return self.leave(schema, place)
        said = _Said(schema, place, {word: value for word, value in schema.items() if self._counts(word, value)})
        found = self._type(said)
        for word, value in said.left.items():
            if (place, word) not in self._checked:
                self._leave_word(word, value, place)
        return _Verdict(found, said.left or True)

    def _counts(self, word: str, value: object) -> bool:
        if word == "format":
            return self._formats and value in FORMATS
        return word in KEYWORDS

    def leave(self, schema: Schema, place: Place) -> _Verdict:
        """All of it is for jsonschema."""
        for steps, each in every_schema(schema, place[1]):
            for word, value in () if isinstance(each, bool) else each.items():
                if self._counts(word, value):
                    self._checked[(place[0], steps), word] = "jsonschema"
                if word == "$ref" and isinstance(value, str):
                    self._left_references.append(((place[0], steps), value))
        return _Verdict(AnyValue(), schema)

    def _leave_word(self, word: str, value: object, place: Place) -> None:
        self.leave({word: value}, place)

    def _claim(self, said: _Said, *words: str) -> None:
        """Msgspec checks these words."""
        for word in words:
            if word in said.left:
                del said.left[word]
                self._checked[said.place, word] = "msgspec"

    def _keep(self, said: _Said, word: str, rest: Any) -> None:
        """Msgspec checks a word, but for a rest inside."""
        said.left[word] = rest
        self._checked[said.place, word] = "msgspec"

    def _type(self, said: _Said) -> Type:
        if "$ref" in said.left:
            return self._reference(said)
        if (listed := self._values(said)) is not None:
            return listed
        words = _WORDS & said.left.keys()
        if not words - {"type"} and (found := self._chosen(said)) is not None:
            return found
        if not words:
            return self._combined(said)
        kinds = without_integer_beside_number(kinds_of(said.schema))
        options = tuple(self._kind(kind, said) for kind in kinds)
        self._claim(said, "type", *pointless_words(kinds))
        return options[0] if len(options) == 1 else Options(options)

    def _kind(self, kind: str, said: _Said) -> Type:
        match kind:
            case "object":
                return self._object(said)
            case "array":
                return self._array(said)
            case "string":
                limits = self._lengths(said, OF_STRINGS)
                pattern = said.left.get("pattern")
                is_alone = not WITHOUT_PATTERN & {*kinds_of(said.schema)}
                if isinstance(pattern, str) and is_alone and is_pattern(pattern):
                    limits = (*limits, ("pattern", translated(pattern)))
                    self._claim(said, "pattern")
                return Plain("string", limits)
            case "integer" | "number":
                return self._number(kind, said)
            case "boolean":
                return Plain("boolean")
            case _:
                return Plain("null")

    def _lengths(self, said: _Said, words: Mapping[str, str]) -> tuple[tuple[str, Any], ...]:
        found: list[tuple[str, Any]] = []
        for word, limit in words.items():
            value = without_fraction(said.left.get(word))
            if isinstance(value, int) and value < _LONGEST and word != "pattern":
                found.append((limit, value))
                self._claim(said, word)
        return tuple(found)

    def _number(self, kind: Literal["integer", "number"], said: _Said) -> Type:
        bounds = {word: said.left[word] for word in BOUNDS if word in said.left}
        whole = whole_limits(bounds)
        broken = broken_limits(bounds)
        if whole is None or (kind == "number" and broken is None):
            return Plain(kind)
        self._claim(said, *bounds)
        if kind == "number":
            return Plain("number", (*((f"int {name}", value) for name, value in whole), *(broken or ())))
        factor = without_fraction(said.left.get("multipleOf"))
        if isinstance(factor, int) and factor < INT64:
            self._claim(said, "multipleOf")
            whole = (*whole, ("multiple_of", factor))
        return Plain("integer", whole)

    def _values(self, said: _Said) -> Type | None:
        listed = listed_values([said.left])
        if listed is None:
            return None
        kinds = kinds_of(said.schema)
        values = [without_fraction(value) for value in listed if any(is_of(value, kind) for kind in kinds)]
        if not values or not all(map(is_literal, values)):
            return None
        self._claim(said, "const", "enum", "type")
        return Values(tuple(cast("list[str | int | None]", values)))

    # -- references and alternatives

    def _reference(self, said: _Said) -> Type:
        target = resolve(said.left["$ref"], None if said.place[0] else self._schema, self._definitions)
        if target is None:
            return AnyValue()
        place = (target.in_file, target.steps)
        self._waiting.append((place, target.schema))
        if place in self._inexact or place in self._opaque:
            self._keep(said, "$ref", _reference_to("$defs", self._name(place)))
        else:
            self._claim(said, "$ref")
        return Reference(place)

    def _name(self, place: Place) -> str:
        """How the rest of a definition is called among the definitions."""
        if place not in self._names:
            taken = {*self._definitions, *self._names.values()}
            stem = f"rest of {pointer_to(place[1])}"
            self._names[place] = next(name for name in _names(stem) if name not in taken)
        return self._names[place]

    def _combined(self, said: _Said) -> Type:
        """Of schemas that all have to fit, msgspec checks the first one that it can."""
        members: list[Schema] = said.left.get("allOf", [])
        for index, member in enumerate(members):
            waiting = len(self._waiting)
            found = self._verdict(member, said.inner("allOf", str(index)))
            if found.type != AnyValue():
                others = [*members[:index], *members[index + 1 :]]
                rests = [*others, *([] if found.rest is True else [found.rest])]
                if rests:
                    self._keep(said, "allOf", rests)
                else:
                    self._claim(said, "allOf")
                for number, other in enumerate(members):
                    if number != index:
                        self.leave(other, said.inner("allOf", str(number)))
                return found.type
            del self._waiting[waiting:]
        return AnyValue()

    def _chosen(self, said: _Said) -> Type | None:
        """The type of ``anyOf`` or ``oneOf``, where no value fits two of the alternatives."""
        words = {"anyOf", "oneOf"} & said.left.keys()
        if len(words) != 1:
            return None
        word = words.pop()
        options: list[Schema] = said.left[word]
        taken = [self._choices.kinds(option, said.place[0]) for option in options]
        if not set().union(*taken) <= {"number" if kind == "integer" else kind for kind in kinds_of(said.schema)}:
            return None
        if "integer" in kinds_of(said.schema) and "number" not in kinds_of(said.schema):
            return None
        if WITHOUT_PATTERN & set().union(*taken) and any(
            self._choices.has_pattern(each, said.place[0]) for each in options
        ):
            return None
        waiting = len(self._waiting)
        verdicts = [self._verdict(option, said.inner(word, str(index))) for index, option in enumerate(options)]
        found = self._choices.united(options, [each.type for each in verdicts], said.place[0])
        if found is None or any(each.rest is not True for each in verdicts):
            del self._waiting[waiting:]
            self._leave_word(word, options, said.place)
            return None
        self._claim(said, word, "type")
        return found

    # -- arrays and objects

    def _array(self, said: _Said) -> Type:
        if "prefixItems" in said.left:
            return self._tuple(said)
        items: Type = AnyValue()
        if "items" in said.left:
            found = self._verdict(said.left["items"], said.inner("items"))
            items = found.type
            if found.rest is True:
                self._claim(said, "items")
            else:
                self._keep(said, "items", found.rest)
        return ListOf(items, self._lengths(said, OF_ARRAYS))

    def _tuple(self, said: _Said) -> Type:
        heads: list[Schema] = said.left["prefixItems"]
        least, most = said.left.get("minItems"), said.left.get("maxItems")
        is_closed = said.left.get("items") is False or most == len(heads)
        if not heads or least != len(heads) or most not in {None, least} or not is_closed:
            return ListOf(AnyValue(), self._lengths(said, OF_ARRAYS))
        waiting = len(self._waiting)
        found = [self._verdict(head, said.inner("prefixItems", str(index))) for index, head in enumerate(heads)]
        if any(each.rest is not True for each in found):
            del self._waiting[waiting:]
            self._leave_word("prefixItems", heads, said.place)
            return ListOf(AnyValue(), self._lengths(said, OF_ARRAYS))
        self._claim(said, "prefixItems", "items", "minItems", "maxItems")
        return TupleOf(tuple(each.type for each in found))

    def _object(self, said: _Said) -> Type:
        names = [*said.left.get("properties", ()), *said.left.get("required", ())]
        if not all(map(is_field, names)):
            return DictOf(AnyValue())
        if not names:
            self._claim(said, "properties", "required")
            return self._dictionary(said)
        required = dict.fromkeys(cast("list[str]", said.left.get("required", ())))
        fields: dict[str, tuple[str, Type, bool]] = {name: (name, AnyValue(), True) for name in required}
        rests: dict[str, Schema] = {}
        for name, inner in said.left.get("properties", {}).items():
            found = self._verdict(inner, said.inner("properties", name))
            fields[name] = (name, found.type, name in required)
            rests[name] = found.rest
        extra = said.left.get("additionalProperties", True)
        is_named = required.keys() <= said.left.get("properties", {}).keys()
        is_simple = (extra is True or (extra is False and is_named)) and "patternProperties" not in said.left
        if is_simple:
            self._claim(said, "additionalProperties")
            rests = {name: rest for name, rest in rests.items() if rest is not True}
        if rests:
            self._keep(said, "properties", rests)
        self._claim(said, "required", *([] if rests else ["properties"]))
        return Record(tuple(fields.values()), closed=is_simple and not extra)

    def _dictionary(self, said: _Said) -> Type:
        extra = said.left.get("additionalProperties", True)
        if "patternProperties" in said.left:
            return DictOf(AnyValue(), self._lengths(said, OF_OBJECTS))
        if extra is False:
            self._claim(said, "additionalProperties")
            return Record((), closed=True)
        found = self._verdict(extra, said.inner("additionalProperties"))
        if found.rest is True:
            self._claim(said, "additionalProperties")
        else:
            self._keep(said, "additionalProperties", found.rest)
        return DictOf(found.type, self._lengths(said, OF_OBJECTS))


def _named_in(found: Type) -> Iterator[Place]:
    """The references that have to be known before a type can be made; those of an object do not."""
    if isinstance(found, Reference):
        yield found.place
    for inner in inside(found):
        yield from _named_in(inner)
