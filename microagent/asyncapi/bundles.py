"""Schemas from an AsyncAPI document, each bundled with the definitions that it refers to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from microagent.asyncapi.schemas import NAME, REFERENCE
from microagent.jsontext import Complaint, Steps
from microagent.names import shown
from microagent.pointers import find, fragment_steps, pointer_to
from microagent.schemas.words import Schema, every_schema, is_annotation, is_schema, rebuilt

_DIALECTS = {
    "2020-12": "https://json-schema.org/draft/2020-12/schema",
    "2019-09": "https://json-schema.org/draft/2019-09/schema",
    "07": "http://json-schema.org/draft-07/schema#",
    "06": "http://json-schema.org/draft-06/schema#",
    "04": "http://json-schema.org/draft-04/schema#",
}
_JSON_SCHEMA = re.compile(r"application/schema(?:\+json)?;version=(?:draft-)?(2020-12|2019-09|0[467])")
_ASYNCAPI = re.compile(r"application/vnd\.aai\.asyncapi(?:\+json)?;version=3\.\d+\.\d+")
_ASIDE = ("discriminator", "externalDocs")
_HOPS = 10  # references in a row
_COMPONENTS = ("components", "schemas")
_COMPONENT = 3  # steps to one of the component schemas


LEFT_OUT = "left out: declarations cannot express it"


class UnsayableError(Exception):
    """Something that declarations cannot express; ``complaint`` says what and where."""

    def __init__(self, message: str, steps: Steps) -> None:
        super().__init__(message)
        self.complaint = Complaint(message, steps)


@dataclass(frozen=True, slots=True)
class Place:
    """A schema, the steps to it, and its ``dialect`` as ``$schema`` names it; empty for AsyncAPI's own."""

    schema: Schema
    steps: Steps
    dialect: str = ""


def schema_at(document: object, value: object, steps: Steps) -> Place:
    """
    The schema of a Schema Object or a Multi Format Schema Object.

    :raises UnsayableError: if it is not a JSON Schema
    """
    value, steps = _formatted(document, value, steps)
    if not _has_format(value):
        if not is_schema(value):
            raise UnsayableError("not a valid schema", steps)
        return Place(value, steps)
    formatted = cast("Mapping[str, Any]", value)
    inner, at = formatted.get("schema"), (*steps, "schema")
    dialect = _dialect(str(formatted.get("schemaFormat", "")), (*steps, "schemaFormat"))
    if not is_schema(inner):
        raise UnsayableError("not a valid schema", at)
    return Place(inner, at, dialect)


def referred_place(document: object, place: Place) -> Place:
    """
    The place itself, or where it leads if the schema is only a reference.

    :raises UnsayableError: if the reference leads out of the document, or to no schema
    """
    for _ in range(_HOPS):
        if (reference := _reference_of(place.schema)) is None:
            break
        steps = _local_steps(reference, place.steps)
        if not is_schema(found := find(document, steps)):
            raise UnsayableError(f"$ref {shown(reference)} leads to no schema", place.steps)
        place = Place(found, steps, place.dialect)
    return place


def _formatted(document: object, value: object, steps: Steps) -> tuple[object, Steps]:
    """The target if the value is a reference to a Multi Format Schema Object; otherwise the value itself."""
    if (reference := _reference_of(value)) is None:
        return value, steps
    target = _local_steps(reference, steps)
    found = find(document, target)
    return (found, target) if _has_format(found) else (value, steps)


def _reference_of(value: object) -> str | None:
    reference = cast("Mapping[str, Any]", value).get("$ref") if isinstance(value, Mapping) else None
    return reference if isinstance(reference, str) else None


def _has_format(value: object) -> bool:
    return isinstance(value, Mapping) and ("schemaFormat" in value or "schema" in value)


def _dialect(name: str, steps: Steps) -> str:
    if not name or _ASYNCAPI.fullmatch(name):
        return ""
    if (found := _JSON_SCHEMA.fullmatch(name)) is None:
        raise UnsayableError(f"schemas of the format {shown(name)} are not supported", steps)
    return _DIALECTS[found[1]]


@dataclass
class Bundle:
    """
    The definitions of one declaration.

    :ivar places: the steps to each of them in the document, by its name
    :ivar notes: gains what is left out of the schemas
    """

    document: object
    definitions: dict[str, Any] = field(default_factory=dict[str, Any])
    places: dict[str, Steps] = field(default_factory=dict[str, Steps])
    notes: list[Complaint] = field(default_factory=list[Complaint])
    _names: dict[Steps, str] = field(default_factory=dict[Steps, str])
    _waiting: list[tuple[str, Place]] = field(default_factory=list[tuple[str, Place]])

    def add(self, place: Place) -> Schema:
        """
        A schema whose references lead into itself or to the definitions, which gain those that it needs.

        :raises UnsayableError: if a reference leads out of the document, or nowhere
        """
        own = place.schema.get("$defs") if isinstance(place.schema, Mapping) else None
        taken = frozenset(cast("Mapping[str, Any]", own)) if isinstance(own, Mapping) else frozenset[str]()
        schema = self._local(place, "", taken)
        while self._waiting:
            name, inner = self._waiting.pop()
            self.definitions[name] = self._local(inner, name, frozenset())
        return schema

    def _local(self, place: Place, name: str, taken: frozenset[str]) -> Schema:
        self._look_through(place)

        def change(inner: Schema) -> Schema:
            if isinstance(inner, bool):
                return inner
            copy = rebuilt(_effective(inner, place.dialect), change)
            reference = copy.get("$ref")
            if isinstance(reference, str):
                copy["$ref"] = self._reference(reference, place, name, taken)
                if isinstance(written := copy.pop(REFERENCE, None), str):
                    copy["$ref"] = written
            return copy

        changed = change(place.schema)
        is_other = place.dialect not in {"", _DIALECTS["2020-12"]}
        return {"$schema": place.dialect, **changed} if is_other and isinstance(changed, Mapping) else changed

    def _look_through(self, place: Place) -> None:
        if place.dialect:
            return
        for steps, inner in every_schema(place.schema, place.steps):
            found = [key for key in _ASIDE if isinstance(inner, Mapping) and key in inner]
            self.notes += [Complaint(LEFT_OUT, (*steps, key)) for key in found]

    def _reference(self, reference: str, place: Place, name: str, taken: frozenset[str]) -> str:
        steps = _local_steps(reference, place.steps)
        if steps[: len(place.steps)] == place.steps:
            if name:
                return f"#{pointer_to(('$defs', name, *steps[len(place.steps) :]))}"
            return "#" + "".join(f"/{part}" for part in reference.split("/")[1 + len(place.steps) :])
        base = self._base(steps)
        rest = steps[len(base) :]
        return f"#{pointer_to(('$defs', self._definition(base, place, reference, taken), *rest))}"

    def _base(self, steps: Steps) -> Steps:
        """The steps to the definition that contains the target of a reference."""
        if steps[:2] != _COMPONENTS or len(steps) < _COMPONENT:
            return steps
        component = steps[:_COMPONENT]
        return (*component, "schema") if _has_format(find(self.document, component)) else component

    def _definition(self, base: Steps, place: Place, reference: str, taken: frozenset[str]) -> str:
        """The name in the bundle of the definition at ``base``, which is added if it is new."""
        if (known := self._names.get(base)) is not None:
            return known
        found = find(self.document, base)
        if not base or not is_schema(found):
            raise UnsayableError(f"$ref {shown(reference)} leads to no schema", place.steps)
        name = self._name(base, taken)
        self._names[base], self.places[name] = name, base
        self._waiting.append((name, Place(found, base, place.dialect)))
        return name

    def _name(self, base: Steps, taken: frozenset[str]) -> str:
        name = base[-1]
        if base[:2] == _COMPONENTS and len(base) >= _COMPONENT:
            component = find(self.document, base[:_COMPONENT])
            given = cast("Mapping[str, Any]", component).get(NAME) if isinstance(component, Mapping) else None
            name = given if isinstance(given, str) else base[2]
        while name in self.places or name in taken:
            name += "_"
        return name


def _effective(schema: Mapping[str, Any], dialect: str) -> dict[str, Any]:
    """The keywords that have an effect: up to draft 7, a reference disables all others but annotations."""
    copy = {key: value for key, value in schema.items() if dialect or key not in _ASIDE}
    copy.pop(NAME, None)
    if "$ref" in copy and "2020-12" not in dialect and "2019-09" not in dialect:
        return {key: copy[key] for key in copy if is_annotation(key) or key in {"$ref", "$defs", "definitions"}}
    return copy


def _local_steps(reference: str, steps: Steps) -> Steps:
    if reference != "#" and not reference.startswith("#/"):
        raise UnsayableError(f"$ref {shown(reference)} leads out of this document", steps)
    return fragment_steps(reference)
