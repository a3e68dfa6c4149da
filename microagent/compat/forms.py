"""Forms: a schema as a list of alternatives, each for values of one kind."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, product
from typing import Any, TypeAlias, cast

from microagent.compat.scopes import Scope, Undecidable, together
from microagent.schemas.jsonvalues import identity
from microagent.schemas.words import IN_PLACE, Schema

KINDS = ("null", "boolean", "number", "string", "array", "object")
"""The kinds of values: an integer is a number."""

_ALL: dict[str, list[object]] = {"null": [None], "boolean": [False, True]}

MOST_ALTERNATIVES = 128
COMPOSED = frozenset({"$ref", "allOf", "anyOf", "oneOf", "if", "then", "else"})
"""Keywords that are resolved into alternatives."""

OPAQUE = frozenset(
    {"not", "if", "oneOf", "dependentSchemas", "unevaluatedProperties", "unevaluatedItems", "$dynamicRef"}
)
"""Keywords that a form keeps as they are: it is known to fit another schema with the same ones."""

Flat: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Form:
    """
    Values of one kind that fit all of some schemas.

    :ivar flats: schemas without subschemas for the same value
    :ivar opaque: schemas that could not be resolved into flat ones
    """

    scope: Scope
    kind: str
    flats: tuple[Flat, ...] = ()
    opaque: tuple[Schema, ...] = ()

    @cached_property
    def schema(self) -> Schema:
        """The form as a schema."""
        return together([{"type": self.kind}, *self.flats, *self.opaque])

    @cached_property
    def texts(self) -> frozenset[str]:
        """The texts of the opaque schemas, which the form is known to fit."""
        return frozenset(self.scope.text(each) for each in self.opaque)

    @cached_property
    def names(self) -> dict[str, None]:
        """The properties that have a schema or are required, in their order."""
        return dict.fromkeys(chain(*self.all_of("properties"), *self.all_of("required")))

    @cached_property
    def required(self) -> frozenset[str]:
        """The required properties."""
        return frozenset(chain.from_iterable(self.all_of("required")))

    @cached_property
    def conditions(self) -> list[Flat]:
        """All schemas about its values, including those that hold under a condition only, by ``dependentSchemas``."""
        dependent = [each for each in self.opaque if isinstance(each, Mapping) and "dependentSchemas" in each]
        return self.scope.in_place(
            [*self.flats, *({"dependentSchemas": each["dependentSchemas"]} for each in dependent)]
        )

    def all_of(self, word: str) -> list[Any]:
        """The values of one keyword in all flat schemas."""
        return [flat[word] for flat in self.flats if word in flat]

    def also(self, flat: Flat) -> "Form":
        """The form of those of its values that fit another flat schema too."""
        return replace(self, flats=(*self.flats, flat))

    @cached_property
    def values(self) -> list[object] | None:
        """All of its values, if the kind has few or an ``enum`` or ``const`` lists them; otherwise None."""
        lists = [*self.all_of("enum"), *([value] for value in self.all_of("const"))]
        listed = _ALL.get(self.kind) or min(lists, key=len, default=None)
        return listed and self._among(cast("list[object]", listed), lists)

    def _among(self, listed: list[object], lists: list[list[object]]) -> list[object]:
        """The values that are in all of the lists and fit the other keywords."""
        known = [frozenset(map(identity, each)) for each in lists]
        flats = [{word: value for word, value in flat.items() if word not in {"enum", "const"}} for flat in self.flats]
        rest = together([{"type": self.kind}, *flats, *self.opaque])
        return [
            value
            for value in listed
            if all(identity(value) in each for each in known) and self.scope.accepts(rest, value)
        ]


def forms(schema: Schema, scope: Scope) -> list[Form]:
    """
    The forms of a schema: every value that fits the schema fits one of them. The reverse need not be true.

    :raises Undecidable: if they are too many
    """
    return list(_forms(schema, scope))


def simplified(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema with ``unevaluatedProperties`` and ``unevaluatedItems`` replaced where simpler keywords do."""
    if not schema.keys().isdisjoint(IN_PLACE | {"$ref", "$dynamicRef", "contains"}):
        return schema
    found = dict(schema)
    for word, plain in (("unevaluatedProperties", "additionalProperties"), ("unevaluatedItems", "items")):
        if word in found:
            found.setdefault(plain, found.pop(word))
            found.pop(word, None)
    return found


def _forms(schema: Schema, scope: Scope) -> Iterator[Form]:
    for flats, opaque in _alternatives(schema, scope):
        for kind in KINDS:
            if all(_has_kind(flat, kind) for flat in flats):
                yield Form(scope, kind, flats, opaque)


_Alternative: TypeAlias = tuple[tuple[Flat, ...], tuple[Schema, ...]]


def _alternatives(schema: Schema, scope: Scope) -> list[_Alternative]:
    if isinstance(schema, bool):
        return [((), ())] if schema else []
    schema = simplified(schema)
    flat = {word: value for word, value in schema.items() if word not in COMPOSED | OPAQUE}
    found: list[_Alternative] = [((flat,) if flat else (), _opaque(schema))]
    for choice in _choices(schema, scope):
        found = [_both(one, other) for one, other in product(found, choice)]
        if len(found) > MOST_ALTERNATIVES:
            raise Undecidable(f"there are more than {MOST_ALTERNATIVES} combinations of alternatives")
    return found


def _choices(schema: Mapping[str, Any], scope: Scope) -> Iterator[list[_Alternative]]:
    """For each keyword that is resolved, its alternatives."""
    if "$ref" in schema:
        yield _alternatives(scope.target(str(schema["$ref"])), scope)
    for part in schema.get("allOf", ()):
        yield _alternatives(part, scope)
    for word in ("anyOf", "oneOf"):
        if word in schema:
            yield [found for part in schema[word] for found in _alternatives(part, scope)]
    if "if" in schema:
        met = together([schema["if"], schema.get("then", True)])
        yield [*_alternatives(met, scope), *_alternatives(schema.get("else", True), scope)]


def _both(one: _Alternative, other: _Alternative) -> _Alternative:
    return one[0] + other[0], one[1] + other[1]


def _opaque(schema: Mapping[str, Any]) -> tuple[Schema, ...]:
    """The keywords that are not resolved, or not exactly, as schemas."""
    found: list[Schema] = [{word: schema[word]} for word in ("not", "oneOf", "dependentSchemas") if word in schema]
    if "if" in schema:
        found.append({word: schema[word] for word in ("if", "then", "else") if word in schema})
    if {"unevaluatedProperties", "unevaluatedItems", "$dynamicRef"} & schema.keys():
        found.append(schema)
    return tuple(found)


def _has_kind(flat: Flat, kind: str) -> bool:
    kinds: str | list[str] = flat.get("type", kind)
    listed = [kinds] if isinstance(kinds, str) else kinds
    return kind in listed or (kind == "number" and "integer" in listed)
