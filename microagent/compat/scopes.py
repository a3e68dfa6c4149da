"""Self-contained schemas: references keep their meaning when parts are moved or recombined."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, cast
from urllib.parse import quote

from jsonschema.protocols import Validator
from referencing.exceptions import Unresolvable
from referencing.jsonschema import SchemaRegistry

from microagent.pointers import follow, fragment_steps, pointer_to
from microagent.schemas.jsonvalues import identity
from microagent.schemas.references import Target, readdressed, references
from microagent.schemas.validator import registry, validator
from microagent.schemas.words import FORMATS, Schema, canonical, canonical_text, rebuilt, schemas_in_place

_OWN = "urn:microagent:own"
_FILE = "urn:microagent:file"
_LONG = 50  # values of an enum beyond which a hash table is faster than a linear search


class Undecidable(Exception):
    """Something cannot be decided from the schemas; the message says why."""


class Scope:
    """
    A schema with the definitions of its file.

    :param formats: whether ``format`` is a constraint; otherwise it is dropped
    :ivar schema: the canonical schema with absolute references, so that its parts can be moved and recombined
    """

    def __init__(self, schema: Schema, definitions: Mapping[str, Any], *, formats: bool = False) -> None:
        self._formats = FORMATS if formats else frozenset[str]()
        self._definitions = {
            name: _absolute(canonical(found), None, definitions, self._formats) for name, found in definitions.items()
        }
        self.schema = _absolute(canonical(schema), schema, definitions, self._formats)
        self._validators: dict[str, Validator] = {}
        self._texts: dict[str, str] = {}
        self._enums: dict[int, tuple[Mapping[str, Any], frozenset[object]]] = {}  # by identity, and kept for it

    def target(self, reference: str) -> Schema:
        """
        The schema that a reference leads to.

        :raises Undecidable: if it cannot be resolved
        """
        address, _, fragment = reference.partition("#")
        document = {_OWN: self.schema, _FILE: {"$defs": self._definitions}}.get(address)
        try:
            return cast("Schema", follow(document, fragment_steps(fragment)))
        except (LookupError, ValueError):
            raise Undecidable(f"the reference {reference} cannot be resolved") from None

    def accepts(self, schema: Schema, value: object) -> bool:
        """
        Whether a value fits a schema that consists of parts of this one.

        :raises Undecidable: if the value cannot be checked
        """
        if isinstance(schema, bool):
            return schema
        try:
            if len(schema.get("enum", ())) > _LONG:
                return self._is_listed(schema, value) and self.accepts(_without_enum(schema), value)
            return self._validator(schema).is_valid(cast("Any", value))
        except (Unresolvable, ValueError, RecursionError) as exc:
            raise Undecidable(f"a value cannot be checked: {exc}") from None

    def _is_listed(self, schema: Mapping[str, Any], value: object) -> bool:
        """Whether a value is in the long enum of a schema; the hash table for it is built once."""
        if id(schema) not in self._enums:
            self._enums[id(schema)] = schema, frozenset(map(identity, schema["enum"]))
        return identity(value) in self._enums[id(schema)][1]

    def in_place(self, schemas: Iterable[Schema]) -> list[Mapping[str, Any]]:
        """These schemas and all subschemas for the same value, even if they apply under a condition only."""
        found: dict[str, Mapping[str, Any]] = {}
        waiting = list(schemas)
        while waiting:
            schema = waiting.pop()
            if isinstance(schema, bool) or (text := self.text(schema)) in found:
                continue
            found[text] = schema
            waiting += [inner for _, inner in schemas_in_place(schema)]
            if "$ref" in schema:
                waiting.append(self.target(str(schema["$ref"])))
        return list(found.values())

    def text(self, schema: Schema) -> str:
        """The schema with all that it refers to, as text: equal texts mean equal schemas."""
        own = canonical_text(schema)
        if own not in self._texts:
            held = self._referred(schema)
            everything = [self.schema, self._definitions] if "$dynamicRef" in canonical_text(held) + own else []
            self._texts[own] = canonical_text([schema, held, *everything])
        return self._texts[own]

    def _referred(self, schema: Schema) -> dict[str, Schema | None]:
        held: dict[str, Schema | None] = {}
        waiting = [schema]
        while waiting:
            for _, reference in references(waiting.pop()):
                if reference not in held:
                    try:
                        held[reference] = self.target(reference)
                    except Undecidable:
                        held[reference] = None
                    waiting.append(held[reference] or True)
        return held

    def _validator(self, schema: Mapping[str, Any]) -> Validator:
        key = canonical_text(schema)
        if key not in self._validators:
            self._validators[key] = validator(schema, self._known, formats=bool(self._formats))
        return self._validators[key]

    @cached_property
    def _known(self) -> SchemaRegistry:
        return registry({_OWN: self.schema, _FILE: {"$defs": self._definitions}})


def _without_enum(schema: Mapping[str, Any]) -> Schema:
    return {word: value for word, value in schema.items() if word != "enum"}


def together(schemas: Iterable[Schema]) -> Schema:
    """The conjunction of schemas."""
    found = {canonical_text(schema): schema for schema in schemas if schema is not True and schema != {}}
    if False in found.values():
        return False
    listed = list(found.values())
    return {"allOf": listed} if len(listed) > 1 else next(iter(listed), True)


def _absolute(schema: Schema, own: Schema | None, definitions: Mapping[str, Any], formats: frozenset[str]) -> Schema:
    """The schema with absolute references, and without formats other than these."""

    def address(_: str, target: Target) -> Mapping[str, str]:
        return {"$ref": f"{_FILE if target.in_file else _OWN}#{quote(pointer_to(target.steps))}"}

    def change(inner: Schema) -> Schema:
        if isinstance(inner, bool):
            return inner
        left_out = {"$id", *(() if inner.get("format") in formats else ("format",))}
        return rebuilt({word: value for word, value in inner.items() if word not in left_out}, change)

    return readdressed(change(schema), own, definitions, address)
