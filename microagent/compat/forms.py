"""The alternatives of a schema: what it lets pass, one kind of value at a time."""

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
"""Words that are taken apart."""

OPAQUE = frozenset(
    {"not", "if", "oneOf", "dependentSchemas", "unevaluatedProperties", "unevaluatedItems", "$dynamicRef"}
)
"""Words of which an alternative remembers that it has them: another schema with the same is known to be fulfilled."""

Flat: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Form:
    """
    Values of one kind that fit all of ``flats``, which hold no further schema for the same value.

    ``opaque`` are further schemas that they fit, as they stand in the scope.
    """

    scope: Scope
    kind: str
    flats: tuple[Flat, ...] = ()
    opaque: tuple[Schema, ...] = ()

    @cached_property
    def schema(self) -> Schema:
        """All of it as one schema."""
        return together([{"type": self.kind}, *self.flats, *self.opaque])

    @cached_property
    def texts(self) -> frozenset[str]:
        """What the form is known to fit, as it stands."""
        return frozenset(self.scope.text(each) for each in self.opaque)

    @cached_property
    def names(self) -> dict[str, None]:
        """The properties that have a schema of their own or have to be there, in their order."""
        return dict.fromkeys(chain(*self.said("properties"), *self.said("required")))

    @cached_property
    def required(self) -> frozenset[str]:
        """The properties that are always there."""
        return frozenset(chain.from_iterable(self.said("required")))

    @cached_property
    def conditions(self) -> list[Flat]:
        """All that is said of its values, also of those alone that have a property: by ``dependentSchemas``."""
        dependent = [each for each in self.opaque if isinstance(each, Mapping) and "dependentSchemas" in each]
        return self.scope.in_place(
            [*self.flats, *({"dependentSchemas": each["dependentSchemas"]} for each in dependent)]
        )

    def said(self, word: str) -> list[Any]:
        """All that is said by one keyword."""
        return [flat[word] for flat in self.flats if word in flat]

    def also(self, flat: Flat) -> "Form":
        """Those of its values that fit this too."""
        return replace(self, flats=(*self.flats, flat))

    @cached_property
    def values(self) -> list[object] | None:
        """All of its values, where the kind has few or an ``enum`` or ``const`` lists them."""
        lists = [*self.said("enum"), *([value] for value in self.said("const"))]
        listed = _ALL.get(self.kind) or min(lists, key=len, default=None)
        return listed and self._among(cast("list[object]", listed), lists)

    def _among(self, listed: list[object], lists: list[list[object]]) -> list[object]:
        """Those that are in all of the lists, however long these are, and fit all else that is said."""
        known = [frozenset(map(identity, each)) for each in lists]
        flats = [{word: said for word, said in flat.items() if word not in {"enum", "const"}} for flat in self.flats]
        rest = together([{"type": self.kind}, *flats, *self.opaque])
        return [
            value
            for value in listed
            if all(identity(value) in each for each in known) and self.scope.accepts(rest, value)
        ]


def forms(schema: Schema, scope: Scope) -> list[Form]:
    """
    All forms of a schema: whatever fits it fits one of them, and more may.

    :raises Undecidable: if they are too many
    """
    return list(_forms(schema, scope))


def plainly(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema with ``additionalProperties`` and ``items`` for ``unevaluated...``, where these mean the same."""
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
    schema = plainly(schema)
    flat = {word: value for word, value in schema.items() if word not in COMPOSED | OPAQUE}
    found: list[_Alternative] = [((flat,) if flat else (), _opaque(schema))]
    for choice in _choices(schema, scope):
        found = [_both(one, other) for one, other in product(found, choice)]
        if len(found) > MOST_ALTERNATIVES:
            raise Undecidable(f"there are more than {MOST_ALTERNATIVES} combinations of alternatives")
    return found


def _choices(schema: Mapping[str, Any], scope: Scope) -> Iterator[list[_Alternative]]:
    """For each word that is taken apart, the alternatives of which it takes one."""
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
    """What the schema says by words that are not taken apart, or not exactly."""
    said: list[Schema] = [{word: schema[word]} for word in ("not", "oneOf", "dependentSchemas") if word in schema]
    if "if" in schema:
        said.append({word: schema[word] for word in ("if", "then", "else") if word in schema})
    if {"unevaluatedProperties", "unevaluatedItems", "$dynamicRef"} & schema.keys():
        said.append(schema)
    return tuple(said)


def _has_kind(flat: Flat, kind: str) -> bool:
    kinds: str | list[str] = flat.get("type", kind)
    listed = [kinds] if isinstance(kinds, str) else kinds
    return kind in listed or (kind == "number" and "integer" in listed)
