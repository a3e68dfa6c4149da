"""Read a JSON Schema as a shape that is never narrower than the schema."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any

from microagent.schemas.conjunctions import Conjunctions, Place
from microagent.schemas.reader import MOST_NAMED, Reader
from microagent.schemas.shapes import (
    Array,
    Field,
    Key,
    NamedType,
    Object,
    OneOfValues,
    Scalar,
    Shape,
    Tuple,
    TypeRef,
    Union,
    type_refs,
    united,
)
from microagent.schemas.shapes import Mapping as MappingShape
from microagent.schemas.words import Schema, as_object

_CLASSES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


@dataclass(frozen=True)
class Reading:
    """
    What types can express of a schema.

    :ivar shape: of the whole
    :ivar named_types: the types that it refers to by name; the payload itself, if it is an object, under ``ROOT``
    """

    shape: Shape
    named_types: Mapping[Key, NamedType] = field(default_factory=dict[Key, NamedType])

    @cached_property
    def object(self) -> Object | None:
        """
        The payload as one object, its alternatives merged; None if some alternative has no known properties.

        A property is required if every alternative requires it.
        """
        found = self.named_types[self.shape.key].shape if isinstance(self.shape, TypeRef) else self.shape
        options = found.options if isinstance(found, Union) else (found,)
        shapes = [self.named_types[option.key].shape if isinstance(option, TypeRef) else option for option in options]
        objects = [each for each in shapes if isinstance(each, Object)]
        return _merged(objects) if objects and len(objects) == len(shapes) else None

    def python_types(self, shape: Shape) -> tuple[type, ...]:
        """The classes of the values that fit; empty if any class may."""
        match shape:
            case Scalar(kind):
                return _CLASSES[kind]
            case OneOfValues(values):
                return tuple(dict.fromkeys(type(value) for value in values))
            case Array() | Tuple():
                return (list,)
            case MappingShape():
                return (dict,)
            case TypeRef(key):
                found = self.named_types[key].shape
                return (dict,) if isinstance(found, Object) else self.python_types(found)
            case Union(options):
                classes = [self.python_types(option) for option in options]
                return tuple(dict.fromkeys(chain.from_iterable(classes))) if all(classes) else ()
            case _:
                return ()


def shape(
    schema: Schema,
    definitions: Mapping[str, Any] | None = None,
    definition_names: Mapping[str, tuple[str, ...]] | None = None,
    *,
    payload: bool = False,
) -> Reading:
    """
    Read a schema.

    A schema without ``type`` that has ``properties`` is read as an object, one that has ``items`` as an array. JSON
    Schema would let values of other types pass, but that is not what their authors mean.

    :param definitions: of the declaration, for references that cannot be resolved in the schema itself
    :param definition_names: the original names of definitions that were renamed, see ``bundling``
    :param payload: whether the schema is a payload, which is an object even without ``type``
    """
    reader = Reader(Conjunctions(schema, definitions or {}, definition_names or {}), payload=payload)
    return _reading(reader.whole(as_object(schema) if payload else schema), reader.named_types)


def typed_keywords(
    schema: Schema, definitions: Mapping[str, Any], *, payload: bool = False
) -> frozenset[tuple[Place, str]]:
    """The keywords of a schema and its definitions that types express, each with the place of its schema."""
    reader = Reader(Conjunctions(schema, definitions, {}), payload=payload, notes=True)
    reader.whole(as_object(schema) if payload else schema)
    return frozenset(reader.typed_keywords or ())


class Readings:
    """Reads the payloads of one source, and the definitions that they share only once."""

    def __init__(self) -> None:
        self._definitions: dict[str, Any] = {}
        self._definition_names: dict[str, tuple[str, ...]] = {}
        self._shared = Reader(Conjunctions(True, self._definitions, self._definition_names))

    def payload(
        self, schema: Schema, definitions: Mapping[str, Any], definition_names: Mapping[str, tuple[str, ...]]
    ) -> Reading:
        """
        Read a payload.

        :param definitions: of its declaration; another declaration may have a different one of the same name
        """
        known = self._definitions
        if any(known.get(name, found) is not found for name, found in definitions.items()):
            return shape(schema, definitions, definition_names, payload=True)
        known.update(definitions)
        self._definition_names.update(definition_names)
        reader = Reader(Conjunctions(schema, definitions, definition_names), payload=True, shared=self._shared)
        found = reader.whole(as_object(schema))
        if len(self._shared.named_types) >= MOST_NAMED:
            return shape(schema, definitions, definition_names, payload=True)
        return _reading(found, reader.named_types)


def _reading(found: Shape, named_types: Mapping[Key, NamedType]) -> Reading:
    """A reading with only those named types that the shape refers to, directly or through others."""
    waiting = type_refs(found)
    reached = set(waiting)
    while waiting:
        further = set(type_refs(named_types[waiting.pop()].shape)) - reached
        reached |= further
        waiting += further
    return Reading(found, {key: each for key, each in named_types.items() if key in reached})


def _merged(objects: list[Object]) -> Object:
    if len(objects) == 1:
        return objects[0]
    named = [{each.name: each for each in found.fields} for found in objects]
    fields: list[Field] = []
    for name in dict.fromkeys(name for fields_of in named for name in fields_of):
        found = [fields_of[name] for fields_of in named if name in fields_of]
        required = len(found) == len(objects) and all(each.required for each in found)
        fields.append(Field(name, united(each.shape for each in found), required, found[0].documentation))
    extra = [each.extra for each in objects if each.extra is not None]
    return Object(tuple(fields), united(extra) if extra else None, all(each.closed for each in objects))
