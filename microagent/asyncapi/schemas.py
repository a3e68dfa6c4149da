"""The schemas of declarations as an AsyncAPI document has them."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any, TypeAlias, cast

from microagent.declarations import QueueDeclaration, SignalDeclaration
from microagent.pointers import pointer_to
from microagent.schemas.references import Target, readdressed, references, resolve
from microagent.schemas.words import Schema, every_schema, is_annotation

FORMAT = "application/schema+json;version=draft-2020-12"
NAME = "x-microagent-name"
"""The name of a definition in its declaration, where it cannot be the key of the component."""
REFERENCE = "x-microagent-ref"
"""A reference as it is written in its declaration, where this differs from the usual form."""

Identity: TypeAlias = str
AnyDeclaration: TypeAlias = SignalDeclaration | QueueDeclaration

_KEY = re.compile(r"[A-Za-z0-9._-]+")
_EXTENSION = re.compile(r"x-[A-Za-z0-9._-]+")
_COMMON = frozenset(
    {
        "$ref", "$defs", "$comment", "type", "enum", "const", "properties", "required", "additionalProperties",
        "patternProperties", "propertyNames", "minProperties", "maxProperties", "items", "minItems", "maxItems",
        "uniqueItems", "contains", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
        "minLength", "maxLength", "pattern", "format", "contentEncoding", "contentMediaType",
        "allOf", "anyOf", "oneOf", "not", "if", "then", "else",
        "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly",
    }
)  # fmt: skip


class Schemas:
    """
    The schemas of all declarations of a document.

    AsyncAPI's Schema Object is a superset of draft 7. A schema that means the same there is written as one; any other
    is written as a Multi Format Schema Object, as are all schemas that it refers to, because a reference cannot lead
    from one format to another.
    """

    def __init__(self, declarations: Iterable[AnyDeclaration]) -> None:
        listed = list(declarations)
        identities = _Identities()
        self._identities = {_identity(each): identities.of(each.definitions) for each in listed}
        self._definitions = {
            identity: (name, each) for each in listed for name, identity in self._identities[_identity(each)].items()
        }
        self._keys = _keys({identity: name for identity, (name, _) in self._definitions.items()})
        self._formatted = self._with_format(listed)

    def _with_format(self, declarations: Iterable[AnyDeclaration]) -> set[Identity]:
        """The declarations and definitions that are written as Multi Format Schema Objects."""
        groups = [({_identity(each), *self._identities[_identity(each)].values()}, each) for each in declarations]
        commons: dict[int, bool] = {}
        found = [group for group, each in groups if not _is_common(each, commons)]
        formatted: set[Identity] = set()
        while found:
            formatted.update(*found)
            found = [group for group, _ in groups if group & formatted and not group <= formatted]
        return formatted

    def components(self) -> dict[str, object]:
        """All definitions, for ``#/components/schemas``."""
        return {key: self._component(identity, key) for identity, key in self._keys.items()}

    def payload(self, declaration: AnyDeclaration, place: str) -> object:
        """The payload, for the pointer ``place``; None if the declaration has none."""
        found = declaration.payload
        return None if found is None else self._written(declaration, found, lambda schema: schema, place)

    def answers(self, declaration: SignalDeclaration, place: str) -> object:
        """The payload of a reply, which maps the names of handlers to their answers."""
        returns = True if declaration.returns is None else declaration.returns
        return self._written(declaration, returns, _reply, f"{place}/additionalProperties", "/additionalProperties")

    def _written(
        self,
        declaration: AnyDeclaration,
        schema: Schema,
        around: Callable[[Schema], Schema],
        place: str,
        tail: str = "",
    ) -> object:
        if _identity(declaration) not in self._formatted:
            return around(self._pointing(schema, schema, place, declaration))
        root = place.removesuffix(tail)
        inner = self._pointing(schema, schema, f"{root}/schema{tail}", declaration)
        return {"schemaFormat": FORMAT, "schema": around(inner)}

    def _component(self, identity: Identity, key: str) -> object:
        name, declaration = self._definitions[identity]
        schema = self._pointing(declaration.definitions[name], None, "", declaration)
        named = {} if name == key else {NAME: name}
        if identity in self._formatted:
            return {"schemaFormat": FORMAT, "schema": schema, **named}
        return {**schema, **named} if isinstance(schema, Mapping) else schema

    def _pointing(self, schema: Schema, own: Schema | None, place: str, declaration: AnyDeclaration) -> Schema:
        """The schema with its references made relative to the whole document."""
        definitions, identities = declaration.definitions, self._identities[_identity(declaration)]

        def address(reference: str, target: Target) -> Mapping[str, str]:
            if not target.in_file:
                return {"$ref": f"#{place}{reference[1:]}"}
            identity = identities[target.steps[1]]
            pointer = f"#/components/schemas/{self._keys[identity]}{'/schema' if identity in self._formatted else ''}"
            usual = f"#{pointer_to(target.steps)}"
            odd = {} if reference == usual else {REFERENCE: reference}
            return {"$ref": pointer + pointer_to(target.steps[2:]), **odd}

        return readdressed(schema, own, definitions, address)


def _reply(returns: Schema) -> Schema:
    errors = {
        "description": "What handlers have failed with.",
        "type": "object",
        "additionalProperties": {"type": "string"},
    }
    return {"type": "object", "properties": {"#errors": errors}, "additionalProperties": returns}


def _identity(declaration: AnyDeclaration) -> Identity:
    return f"{type(declaration).__name__} {declaration.name}"


class _Identities:
    """
    Digests of definitions and all that they refer to: definitions with equal digests become one component.

    Declarations of one file share definition objects, so each object is examined once.
    """

    def __init__(self) -> None:
        self._direct: dict[int, set[str]] = {}
        self._digests: dict[tuple[tuple[str, int], ...], Identity] = {}
        self._known: dict[frozenset[tuple[str, int]], dict[str, Identity]] = {}

    def of(self, definitions: Mapping[str, Any]) -> dict[str, Identity]:
        """The identity of each definition of a declaration."""
        key = frozenset((name, id(schema)) for name, schema in definitions.items())
        if key not in self._known:
            self._known[key] = {name: self._identity(name, definitions) for name in definitions}
        return self._known[key]

    def _identity(self, name: str, definitions: Mapping[str, Any]) -> Identity:
        found, waiting = {name}, [name]
        while waiting:
            more = self._referred(definitions[waiting.pop()], definitions) - found
            found |= more
            waiting += more
        names = [name, *sorted(found)]
        key = tuple((each, id(definitions[each])) for each in names)
        if key not in self._digests:
            self._digests[key] = _digest([[each, definitions[each]] for each in names])
        return self._digests[key]

    def _referred(self, schema: Schema, definitions: Mapping[str, Any]) -> set[str]:
        """The names of the definitions that a definition refers to directly."""
        if id(schema) not in self._direct:
            targets = (resolve(reference, None, definitions) for _, reference in references(schema))
            self._direct[id(schema)] = {target.steps[1] for target in targets if target is not None}
        return self._direct[id(schema)]


def _digest(value: object) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _keys(names: Mapping[Identity, str]) -> dict[Identity, str]:
    """The component key of each definition: its name if that is a valid key and free, or a variant of it."""
    keys: dict[Identity, str] = {}
    taken: set[str] = set()
    for identity, name in sorted(names.items(), key=lambda item: (not _KEY.fullmatch(item[1]), item[1], item[0])):
        wanted = name if _KEY.fullmatch(name) else re.sub(r"[^A-Za-z0-9._-]+", "_", name) or "_"
        keys[identity] = next(key for key in _variants(wanted) if key not in taken)
        taken.add(keys[identity])
    return dict(sorted(keys.items(), key=lambda item: item[1]))


def _variants(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}_{number}"
        number += 1


def _is_common(declaration: AnyDeclaration, known: dict[int, bool]) -> bool:
    """
    Whether all schemas of the declaration mean the same in draft 7.

    :param known: a cache of answers by ``id``, because declarations share definitions
    """
    roots = [declaration.payload, *declaration.definitions.values()]
    if any(isinstance(root, bool) for root in roots):
        return False  # AsyncAPI's metaschema does not allow them where a Multi Format Schema Object may be
    returns = declaration.returns if isinstance(declaration, SignalDeclaration) else None
    schemas = [cast("Schema", schema) for schema in (*roots, returns) if isinstance(schema, Mapping)]
    for schema in schemas:
        if id(schema) not in known:
            known[id(schema)] = all(_means_the_same(inner) for _, inner in every_schema(schema))
    return all(known[id(schema)] for schema in schemas)


def _means_the_same(schema: Schema) -> bool:
    if isinstance(schema, bool):
        return True
    decisive = [key for key in schema if not is_annotation(key)]
    if "$ref" in schema and decisive != ["$ref"] and set(decisive) != {"$ref", "$defs"}:
        return False  # draft 7 ignores keywords beside a reference
    return all(key in _COMMON or _EXTENSION.fullmatch(key) for key in schema)
