"""What msgspec can check of schemas, and what that leaves to jsonschema."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, cast
from urllib.parse import quote

from microagent.pointers import pointer_to
from microagent.schemas import scalars
from microagent.schemas.choices import WITHOUT_PATTERN, Choices
from microagent.schemas.claims import Claims, Said
from microagent.schemas.conjunctions import Place
from microagent.schemas.jsonvalues import kinds_of
from microagent.schemas.limits import (
    BOUNDS,
    OF_ARRAYS,
    OF_OBJECTS,
    OF_STRINGS,
    is_field,
    pointless_words,
    without_integer,
    without_integer_beside_number,
)
from microagent.schemas.references import resolve
from microagent.schemas.runtime_types import (
    AnyValue,
    DictOf,
    ListOf,
    Options,
    Plain,
    Record,
    Reference,
    TupleOf,
    Type,
)
from microagent.schemas.words import Schema

_UNEVALUATED = frozenset({"unevaluatedProperties", "unevaluatedItems"})
_WORDS = frozenset(
    {
        "type", "properties", "required", "additionalProperties", "patternProperties", "items", "prefixItems",
        "multipleOf", "pattern", *OF_STRINGS, *OF_ARRAYS, *OF_OBJECTS, *BOUNDS,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one schema: its type for msgspec, and what is left."""

    type: Type
    rest: Schema


class Judge:
    """
    Goes once through a schema and all that it refers to.

    :ivar found: the verdict on each place that something refers to
    :param inexact: places of which msgspec is known to leave something
    :param opaque: places for which msgspec is known to have no type
    """

    def __init__(
        self,
        schema: Schema,
        definitions: Mapping[str, Any],
        claims: Claims,
        inexact: frozenset[Place] = frozenset(),
        opaque: frozenset[Place] = frozenset(),
    ) -> None:
        self._schema = schema
        self._definitions = definitions
        self._claims = claims
        self._inexact = inexact
        self._opaque = opaque
        self._choices = Choices(schema, definitions, opaque)
        self._waiting: list[tuple[Place, Schema]] = []
        self._names: dict[Place, str] = {}
        self.found: dict[Place, Verdict] = {}

    def whole(self) -> Verdict:
        """The verdict on the schema, which is final if all that it refers to is what it was taken for."""
        verdict = self.verdict(self._schema, (False, ()))
        while self._waiting:
            place, schema = self._waiting.pop()
            if place not in self.found:
                self.found[place] = Verdict(AnyValue(), True)
                self.found[place] = self._left(schema, place) if place in self._opaque else self.verdict(schema, place)
        return verdict

    def rests(self) -> Mapping[str, Schema]:
        """What is left of the places that something refers to, by the name that the definition of it has."""
        return {name: self.found[place].rest for place, name in self._names.items() if place in self.found}

    # -- one schema

    def verdict(self, schema: Schema, place: Place) -> Verdict:
        if isinstance(schema, bool):
            return Verdict(AnyValue(), schema)
        if _UNEVALUATED & schema.keys():
            return self._left(schema, place)
        said = self._claims.said(schema, place)
        found = self._type(said)
        self._claims.leave_rest(said)
        return Verdict(found, said.left or True)

    def _left(self, schema: Schema, place: Place) -> Verdict:
        self._claims.leave(schema, place)
        return Verdict(AnyValue(), schema)

    def _together(
        self, said: Said, word: str, schemas: list[Schema], make: Callable[[list[Type]], Type | None]
    ) -> Type | None:
        """What is made of the types of these schemas; None, and all are left, if msgspec does not check all of each."""
        waiting = len(self._waiting)
        verdicts = [self.verdict(each, said.inner(word, str(index))) for index, each in enumerate(schemas)]
        found = make([each.type for each in verdicts]) if all(each.rest is True for each in verdicts) else None
        if found is None:
            del self._waiting[waiting:]
            self._claims.leave({word: schemas}, said.place)
        return found

    def _type(self, said: Said) -> Type:
        if "$ref" in said.left:
            return self._reference(said)
        if (listed := scalars.values(said, self._claims)) is not None:
            return listed
        words = _WORDS & said.left.keys()
        if not words - {"type"} and (found := self._chosen(said)) is not None:
            return found
        if not words:
            return self._combined(said)
        kinds = without_integer_beside_number(kinds_of(said.schema))
        options = tuple(self._kind(kind, said) for kind in kinds)
        self._claims.claim(said, "type", *pointless_words(kinds))
        return options[0] if len(options) == 1 else Options(options)

    def _kind(self, kind: str, said: Said) -> Type:
        match kind:
            case "object":
                return self._object(said)
            case "array":
                return self._array(said)
            case "string":
                return scalars.text(said, self._claims)
            case "integer" | "number":
                return scalars.number(kind, said, self._claims)
            case "boolean":
                return Plain("boolean")
            case _:
                return Plain("null")

    # -- references and alternatives

    def _reference(self, said: Said) -> Type:
        target = resolve(said.left["$ref"], None if said.place[0] else self._schema, self._definitions)
        if target is None:
            return AnyValue()
        place = (target.in_file, target.steps)
        self._waiting.append((place, target.schema))
        if place in self._inexact or place in self._opaque:
            self._claims.keep(said, "$ref", reference_to("$defs", self._name(place)))
        else:
            self._claims.claim(said, "$ref")
        return Reference(place)

    def _name(self, place: Place) -> str:
        """How the rest of a definition is called among the definitions."""
        if place not in self._names:
            taken = {*self._definitions, *self._names.values()}
            stem = f"rest of {pointer_to(place[1])}"
            self._names[place] = next(name for name in names(stem) if name not in taken)
        return self._names[place]

    def _combined(self, said: Said) -> Type:
        """Of schemas that all have to fit, msgspec checks the first one that it can."""
        members: list[Schema] = said.left.get("allOf", [])
        for index, member in enumerate(members):
            waiting = len(self._waiting)
            found = self.verdict(member, said.inner("allOf", str(index)))
            if found.type != AnyValue():
                others = {str(number): other for number, other in enumerate(members) if number != index}
                for number, other in others.items():
                    self._claims.leave(other, said.inner("allOf", number))
                rests = [*others.values(), *([] if found.rest is True else [found.rest])]
                self._claims.keep(said, "allOf", rests or True)
                return found.type
            del self._waiting[waiting:]
        return AnyValue()

    def _chosen(self, said: Said) -> Type | None:
        """The type of ``anyOf`` or ``oneOf``, where no value fits two of the alternatives."""
        words = {"anyOf", "oneOf"} & said.left.keys()
        if len(words) != 1:
            return None
        word = words.pop()
        options: list[Schema] = said.left[word]
        if not self._is_choice(said, options):
            return None
        found = self._together(said, word, options, lambda types: self._choices.united(options, types, said.place[0]))
        if found is not None:
            self._claims.claim(said, word, "type")
        return found

    def _is_choice(self, said: Said, options: list[Schema]) -> bool:
        """Whether the alternatives alone say of which kinds a value is, and msgspec can look at texts among them."""
        in_file, kinds = said.place[0], kinds_of(said.schema)
        taken = {kind for each in options for kind in self._choices.kinds(each, in_file)}
        if not taken <= {*without_integer(kinds)} or ("integer" in kinds and "number" not in kinds):
            return False
        return not (WITHOUT_PATTERN & taken and any(self._choices.has_pattern(each, in_file) for each in options))

    # -- arrays and objects

    def _array(self, said: Said) -> Type:
        if "prefixItems" in said.left:
            return self._tuple(said)
        items: Type = AnyValue()
        if "items" in said.left:
            found = self.verdict(said.left["items"], said.inner("items"))
            items = found.type
            self._claims.keep(said, "items", found.rest)
        return ListOf(items, scalars.lengths(said, OF_ARRAYS, self._claims))

    def _tuple(self, said: Said) -> Type:
        heads: list[Schema] = said.left["prefixItems"]
        least, most = said.left.get("minItems"), said.left.get("maxItems")
        is_closed = said.left.get("items") is False or most == len(heads)
        if not heads or least != len(heads) or most not in {None, least} or not is_closed:
            return ListOf(AnyValue(), scalars.lengths(said, OF_ARRAYS, self._claims))
        found = self._together(said, "prefixItems", heads, lambda types: TupleOf(tuple(types)))
        if found is None:
            return ListOf(AnyValue(), scalars.lengths(said, OF_ARRAYS, self._claims))
        self._claims.claim(said, "prefixItems", "items", "minItems", "maxItems")
        return found

    def _object(self, said: Said) -> Type:
        names = [*said.left.get("properties", ()), *said.left.get("required", ())]
        if not all(map(is_field, names)):
            return DictOf(AnyValue())
        if not names:
            self._claims.claim(said, "properties", "required")
            return self._dictionary(said)
        required = dict.fromkeys(cast("list[str]", said.left.get("required", ())))
        properties: Mapping[str, Schema] = said.left.get("properties", {})
        found = {name: self.verdict(inner, said.inner("properties", name)) for name, inner in properties.items()}
        types: dict[str, Type] = dict.fromkeys(required, AnyValue())
        types.update({name: each.type for name, each in found.items()})
        rests = {name: each.rest for name, each in found.items()}
        extra = said.left.get("additionalProperties", True)
        is_named = required.keys() <= properties.keys()
        is_simple = (extra is True or (extra is False and is_named)) and "patternProperties" not in said.left
        if is_simple:  # or the rest has to know all names
            self._claims.claim(said, "additionalProperties")
            rests = {name: rest for name, rest in rests.items() if rest is not True}
        if rests:
            self._claims.keep(said, "properties", rests)
        self._claims.claim(said, "required", *([] if rests else ["properties"]))
        fields = tuple((name, type_, name in required) for name, type_ in types.items())
        return Record(fields, closed=is_simple and not extra)

    def _dictionary(self, said: Said) -> Type:
        extra = said.left.get("additionalProperties", True)
        if "patternProperties" in said.left:
            return DictOf(AnyValue(), scalars.lengths(said, OF_OBJECTS, self._claims))
        if extra is False:
            self._claims.claim(said, "additionalProperties")
            return Record((), closed=True)
        found = self.verdict(extra, said.inner("additionalProperties"))
        if "additionalProperties" in said.left:
            self._claims.keep(said, "additionalProperties", found.rest)
        return DictOf(found.type, scalars.lengths(said, OF_OBJECTS, self._claims))


def names(stem: str) -> Iterator[str]:
    """Names for a definition, the best one first."""
    yield stem
    yield from (f"{stem} {number}" for number in count(2))


def reference_to(*steps: str) -> str:
    return f"#{quote(pointer_to(steps))}"
