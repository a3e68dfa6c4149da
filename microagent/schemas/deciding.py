"""The decision which keywords of a payload msgspec checks and which jsonschema, for the generator and the runtime."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from microagent.schemas.claims import Checker, Claims
from microagent.schemas.conjunctions import Place
from microagent.schemas.judging import Judge, names, reference_to
from microagent.schemas.references import Target, readdressed
from microagent.schemas.runtime_types import AnyValue, Builder, DictOf, Record, Reference, Type, inside
from microagent.schemas.words import Schema, every_schema

_SCOPED = frozenset({"$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor", "$anchor", "$id", "id"})


@dataclass(frozen=True, slots=True)
class Decision:
    """
    How a value is checked.

    :ivar type: what msgspec checks
    :ivar types: the types that it refers to, by place
    :ivar rest: what jsonschema checks if msgspec accepts a value; True for nothing
    :ivar definitions: what the rest refers to
    :ivar whole: the whole schema, which jsonschema checks if msgspec refuses a value: to JSON Schema, 1.0 is an integer
    :ivar checked: who checks each keyword, by the place of its schema; keywords that nothing checks are missing
    """

    type: Type
    types: Mapping[Place, Type]
    rest: Schema
    definitions: Mapping[str, Any]
    whole: Schema
    checked: Mapping[tuple[Place, str], tuple[Checker, ...]]

    def for_msgspec(self) -> Any:
        """The type for msgspec; None if it checks nothing."""
        return None if self.type == AnyValue() else Builder(self.types).build(self.type)

    def record(self) -> Record | None:
        """The type if it is that of an object and decides alone; otherwise None."""
        found: Type | None = self.type
        while isinstance(found, Reference):
            found = self.types.get(found.place)
        if self.rest is not True:
            return None
        return Record(()) if found == DictOf(AnyValue()) else found if isinstance(found, Record) else None


def decide(schema: Schema, definitions: Mapping[str, Any], *, formats: bool = False) -> Decision:
    """
    Decide who checks which keyword.

    :param definitions: of the declaration
    :param formats: whether ``format`` is checked
    """
    if any(map(_is_scoped, (schema, *definitions.values()))):
        return _left_to_jsonschema(schema, definitions, formats)
    document = next(name for name in names("payload") if name not in definitions)
    moved = _moved(schema, definitions, document)
    if moved != schema:
        definitions = {**definitions, document: moved}
    found = _decided(moved, definitions, formats)
    checked = {(_place_in(place, document), word): who for (place, word), who in found.checked.items()}
    return replace(found, checked=checked)


def _left_to_jsonschema(schema: Schema, definitions: Mapping[str, Any], formats: bool) -> Decision:
    """The decision for schemas with dynamic references or other drafts: jsonschema checks everything."""
    claims = Claims(formats=formats)
    claims.leave(schema, (False, ()))
    return Decision(AnyValue(), {}, schema, definitions, schema, claims.everywhere(schema, definitions))


def _decided(schema: Schema, definitions: Mapping[str, Any], formats: bool) -> Decision:
    """
    The decision for a schema without dynamic references.

    Whether msgspec checks a definition completely depends on the definitions that it refers to. So this is a
    fixed-point iteration: at first, all are assumed to be checked completely, and each round corrects that.
    """
    inexact, opaque = frozenset[Place](), frozenset[Place]()
    while True:
        claims = Claims(formats=formats)
        judge = Judge(schema, definitions, claims, inexact, opaque)
        verdict = judge.whole()
        types = {place: found.type for place, found in judge.found.items()}
        left = {place for place, found in judge.found.items() if found.rest is not True}
        circles = _circles(types)
        if left <= inexact and circles <= opaque:
            checked = claims.everywhere(schema, definitions)
            return Decision(verdict.type, types, verdict.rest, {**definitions, **judge.rests()}, schema, checked)
        inexact, opaque = inexact | left, opaque | circles


def _is_scoped(schema: Schema) -> bool:
    return any(
        not isinstance(each, bool) and (_SCOPED & each.keys() or _is_foreign(each)) for _, each in every_schema(schema)
    )


def _is_foreign(schema: Mapping[str, Any]) -> bool:
    return "2020-12" not in schema.get("$schema", "2020-12")


def _moved(schema: Schema, definitions: Mapping[str, Any], document: str) -> Schema:
    """The payload with references into itself replaced by references to a definition that holds it."""

    def address(_: str, target: Target) -> Mapping[str, str]:
        return {} if target.in_file else {"$ref": reference_to("$defs", document, *target.steps)}

    return readdressed(schema, schema, definitions, address)


def _place_in(place: Place, document: str) -> Place:
    in_file, steps = place
    return (False, steps[2:]) if in_file and steps[:2] == ("$defs", document) else place


def _circles(types: Mapping[Place, Type]) -> set[Place]:
    """The places of recursive types that are not objects, which msgspec does not support."""
    named = {place: set(_named_in(found)) for place, found in types.items()}
    return {start for start in named if start in _reached(start, named)}


def _reached(start: Place, named: Mapping[Place, set[Place]]) -> set[Place]:
    seen: set[Place] = set()
    waiting = [*named[start]]
    while waiting:
        place = waiting.pop()
        if place not in seen:
            seen.add(place)
            waiting += named.get(place, ())
    return seen


def _named_in(found: Type) -> Iterator[Place]:
    """The places whose types must exist before this type can be built; those in an object may come later."""
    if isinstance(found, Reference):
        yield found.place
    for inner in inside(found):
        yield from _named_in(inner)
