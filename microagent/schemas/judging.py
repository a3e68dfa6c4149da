"""Split schemas into a type that msgspec checks and a rest for jsonschema."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, cast
from urllib.parse import quote

from microagent.pointers import pointer_to
from microagent.schemas import scalars
from microagent.schemas.choices import WITHOUT_PATTERN, Choices
from microagent.schemas.claims import Claims, Keywords
from microagent.schemas.conjunctions import Place
from microagent.schemas.jsonvalues import kinds_of
from microagent.schemas.limits import (
    BOUNDS,
    OF_ARRAYS,
    OF_OBJECTS,
    OF_STRINGS,
    ineffective_keywords,
    is_field,
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
    """How one schema is split: the type for msgspec, and the rest for jsonschema, True if nothing is left."""

    type: Type
    rest: Schema


class Judge:
    """
    Splits a schema and all definitions that it refers to.

    :param inexact: places that are known to leave a rest
    :param opaque: places that are known to have no type for msgspec
    :ivar found: the verdict on each place that is referred to
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
        """The verdict on the schema; it is final if ``inexact`` and ``opaque`` were complete."""
        verdict = self.verdict(self._schema, (False, ()))
        while self._waiting:
            place, schema = self._waiting.pop()
            if place not in self.found:
                self.found[place] = Verdict(AnyValue(), True)
                self.found[place] = self._left(schema, place) if place in self._opaque else self.verdict(schema, place)
        return verdict

    def rests(self) -> Mapping[str, Schema]:
        """The rests of the places that are referred to, by the names of the definitions that hold them."""
        return {name: self.found[place].rest for place, name in self._names.items() if place in self.found}

    # -- one schema

    def verdict(self, schema: Schema, place: Place) -> Verdict:
        if isinstance(schema, bool):
            return Verdict(AnyValue(), schema)
        if _UNEVALUATED & schema.keys():
            return self._left(schema, place)
        keywords = self._claims.keywords(schema, place)
        found = self._type(keywords)
        self._claims.leave_rest(keywords)
        return Verdict(found, keywords.left or True)

    def _left(self, schema: Schema, place: Place) -> Verdict:
        self._claims.leave(schema, place)
        return Verdict(AnyValue(), schema)

    def _together(
        self, keywords: Keywords, word: str, schemas: list[Schema], make: Callable[[list[Type]], Type | None]
    ) -> Type | None:
        """The type made of these schemas if msgspec can check them completely; otherwise None, and all are left."""
        waiting = len(self._waiting)
        verdicts = [self.verdict(each, keywords.inner(word, str(index))) for index, each in enumerate(schemas)]
        found = make([each.type for each in verdicts]) if all(each.rest is True for each in verdicts) else None
        if found is None:
            del self._waiting[waiting:]
            self._claims.leave({word: schemas}, keywords.place)
        return found

    def _type(self, keywords: Keywords) -> Type:
        if "$ref" in keywords.left:
            return self._reference(keywords)
        if (listed := scalars.values(keywords, self._claims)) is not None:
            return listed
        words = _WORDS & keywords.left.keys()
        if not words - {"type"} and (found := self._chosen(keywords)) is not None:
            return found
        if not words:
            return self._combined(keywords)
        kinds = without_integer_beside_number(kinds_of(keywords.schema))
        options = tuple(self._kind(kind, keywords) for kind in kinds)
        self._claims.claim(keywords, "type", *ineffective_keywords(kinds))
        return options[0] if len(options) == 1 else Options(options)

    def _kind(self, kind: str, keywords: Keywords) -> Type:
        match kind:
            case "object":
                return self._object(keywords)
            case "array":
                return self._array(keywords)
            case "string":
                return scalars.text(keywords, self._claims)
            case "integer" | "number":
                return scalars.number(kind, keywords, self._claims)
            case "boolean":
                return Plain("boolean")
            case _:
                return Plain("null")

    # -- references and alternatives

    def _reference(self, keywords: Keywords) -> Type:
        target = resolve(keywords.left["$ref"], None if keywords.place[0] else self._schema, self._definitions)
        if target is None:
            return AnyValue()
        place = (target.in_file, target.steps)
        self._waiting.append((place, target.schema))
        if place in self._inexact or place in self._opaque:
            self._claims.keep(keywords, "$ref", reference_to("$defs", self._name(place)))
        else:
            self._claims.claim(keywords, "$ref")
        return Reference(place)

    def _name(self, place: Place) -> str:
        """The name of the definition that holds the rest of a place."""
        if place not in self._names:
            taken = {*self._definitions, *self._names.values()}
            stem = f"rest of {pointer_to(place[1])}"
            self._names[place] = next(name for name in names(stem) if name not in taken)
        return self._names[place]

    def _combined(self, keywords: Keywords) -> Type:
        """The type of ``allOf``: msgspec checks the first schema that it can, jsonschema the others."""
        members: list[Schema] = keywords.left.get("allOf", [])
        for index, member in enumerate(members):
            waiting = len(self._waiting)
            found = self.verdict(member, keywords.inner("allOf", str(index)))
            if found.type != AnyValue():
                others = {str(number): other for number, other in enumerate(members) if number != index}
                for number, other in others.items():
                    self._claims.leave(other, keywords.inner("allOf", number))
                rests = [*others.values(), *([] if found.rest is True else [found.rest])]
                self._claims.keep(keywords, "allOf", rests or True)
                return found.type
            del self._waiting[waiting:]
        return AnyValue()

    def _chosen(self, keywords: Keywords) -> Type | None:
        """The type of ``anyOf`` or ``oneOf`` if no value fits two of the alternatives; otherwise None."""
        words = {"anyOf", "oneOf"} & keywords.left.keys()
        if len(words) != 1:
            return None
        word = words.pop()
        options: list[Schema] = keywords.left[word]
        if not self._is_choice(keywords, options):
            return None
        found = self._together(
            keywords, word, options, lambda types: self._choices.united(options, types, keywords.place[0])
        )
        if found is not None:
            self._claims.claim(keywords, word, "type")
        return found

    def _is_choice(self, keywords: Keywords, options: list[Schema]) -> bool:
        """Whether the alternatives alone decide the kinds of a value, and msgspec can check patterns among them."""
        in_file, kinds = keywords.place[0], kinds_of(keywords.schema)
        taken = {kind for each in options for kind in self._choices.kinds(each, in_file)}
        if not taken <= {*without_integer(kinds)} or ("integer" in kinds and "number" not in kinds):
            return False
        return not (WITHOUT_PATTERN & taken and any(self._choices.has_pattern(each, in_file) for each in options))

    # -- arrays and objects

    def _array(self, keywords: Keywords) -> Type:
        if "prefixItems" in keywords.left:
            return self._tuple(keywords)
        items: Type = AnyValue()
        if "items" in keywords.left:
            found = self.verdict(keywords.left["items"], keywords.inner("items"))
            items = found.type
            self._claims.keep(keywords, "items", found.rest)
        return ListOf(items, scalars.lengths(keywords, OF_ARRAYS, self._claims))

    def _tuple(self, keywords: Keywords) -> Type:
        heads: list[Schema] = keywords.left["prefixItems"]
        least, most = keywords.left.get("minItems"), keywords.left.get("maxItems")
        is_closed = keywords.left.get("items") is False or most == len(heads)
        if not heads or least != len(heads) or most not in {None, least} or not is_closed:
            return ListOf(AnyValue(), scalars.lengths(keywords, OF_ARRAYS, self._claims))
        found = self._together(keywords, "prefixItems", heads, lambda types: TupleOf(tuple(types)))
        if found is None:
            return ListOf(AnyValue(), scalars.lengths(keywords, OF_ARRAYS, self._claims))
        self._claims.claim(keywords, "prefixItems", "items", "minItems", "maxItems")
        return found

    def _object(self, keywords: Keywords) -> Type:
        names = [*keywords.left.get("properties", ()), *keywords.left.get("required", ())]
        if not all(map(is_field, names)):
            return DictOf(AnyValue())
        if not names:
            self._claims.claim(keywords, "properties", "required")
            return self._dictionary(keywords)
        required = dict.fromkeys(cast("list[str]", keywords.left.get("required", ())))
        properties: Mapping[str, Schema] = keywords.left.get("properties", {})
        found = {name: self.verdict(inner, keywords.inner("properties", name)) for name, inner in properties.items()}
        types: dict[str, Type] = dict.fromkeys(required, AnyValue())
        types.update({name: each.type for name, each in found.items()})
        rests = {name: each.rest for name, each in found.items()}
        extra = keywords.left.get("additionalProperties", True)
        is_named = required.keys() <= properties.keys()
        is_simple = (extra is True or (extra is False and is_named)) and "patternProperties" not in keywords.left
        if is_simple:  # otherwise the rest needs all names
            self._claims.claim(keywords, "additionalProperties")
            rests = {name: rest for name, rest in rests.items() if rest is not True}
        if rests:
            self._claims.keep(keywords, "properties", rests)
        self._claims.claim(keywords, "required", *([] if rests else ["properties"]))
        fields = tuple((name, type_, name in required) for name, type_ in types.items())
        return Record(fields, closed=is_simple and not extra)

    def _dictionary(self, keywords: Keywords) -> Type:
        extra = keywords.left.get("additionalProperties", True)
        if "patternProperties" in keywords.left:
            return DictOf(AnyValue(), scalars.lengths(keywords, OF_OBJECTS, self._claims))
        if extra is False:
            self._claims.claim(keywords, "additionalProperties")
            return Record((), closed=True)
        found = self.verdict(extra, keywords.inner("additionalProperties"))
        if "additionalProperties" in keywords.left:
            self._claims.keep(keywords, "additionalProperties", found.rest)
        return DictOf(found.type, scalars.lengths(keywords, OF_OBJECTS, self._claims))


def names(stem: str) -> Iterator[str]:
    """Candidates for the name of a definition, the best one first."""
    yield stem
    yield from (f"{stem} {number}" for number in count(2))


def reference_to(*steps: str) -> str:
    """A ``$ref`` to a place in the same document."""
    return f"#{quote(pointer_to(steps))}"
