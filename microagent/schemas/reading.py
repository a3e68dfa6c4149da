"""Read a JSON Schema as a shape, never as a narrower one."""

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
    Known,
    Named,
    Object,
    OneOfValues,
    Scalar,
    Shape,
    Tuple,
    Union,
    named,
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
    What a schema says, as far as types can say it.

    :ivar known: what has a name, by its key; the payload itself under ``ROOT`` when it is an object
    """

    shape: Shape
    known: Mapping[Key, Known] = field(default_factory=dict[Key, Known])

    @cached_property
    def object(self) -> Object | None:
        """
        The payload as one object, whichever of its alternatives it is; None where nobody knows its properties.

        A property that some alternatives have is one that may be missing.
        """
        found = self.known[self.shape.key].shape if isinstance(self.shape, Named) else self.shape
        options = found.options if isinstance(found, Union) else (found,)
        shapes = [self.known[option.key].shape if isinstance(option, Named) else option for option in options]
        objects = [each for each in shapes if isinstance(each, Object)]
        return _merged(objects) if objects and len(objects) == len(shapes) else None

    def python_types(self, shape: Shape) -> tuple[type, ...]:
        """The classes of the values that fit; none where any may."""
        match shape:
            case Scalar(kind):
                return _CLASSES[kind]
            case OneOfValues(values):
                return tuple(dict.fromkeys(type(value) for value in values))
            case Array() | Tuple():
                return (list,)
            case MappingShape():
                return (dict,)
            case Named(key):
                found = self.known[key].shape
                return (dict,) if isinstance(found, Object) else self.python_types(found)
            case Union(options):
                classes = [self.python_types(option) for option in options]
                return tuple(dict.fromkeys(chain.from_iterable(classes))) if all(classes) else ()
            case _:
                return ()


def shape(
    schema: Schema,
    definitions: Mapping[str, Any] | None = None,
    called: Mapping[str, tuple[str, ...]] | None = None,
    *,
    payload: bool = False,
) -> Reading:
    """
    Read a schema.

    A schema without ``type`` that has ``properties`` is read as an object, one that has ``items`` as an array: its
    author means it, though JSON Schema would let any other type pass.

    :param definitions: the definitions of the declaration, for references that the schema itself does not answer
    :param called: the names of the definitions as whoever wrote them knows them, where these are others
    :param payload: the schema is a payload: an object, whatever it says of its type
    """
    reader = Reader(Conjunctions(schema, definitions or {}, called or {}), payload=payload)
    return _reading(reader.whole(as_object(schema) if payload else schema), reader.known)


def said(schema: Schema, definitions: Mapping[str, Any], *, payload: bool = False) -> frozenset[tuple[Place, str]]:
    """The keywords of a schema and its definitions that the shape says, each with the place of its schema."""
    reader = Reader(Conjunctions(schema, definitions, {}), payload=payload, notes=True)
    reader.whole(as_object(schema) if payload else schema)
    return frozenset(reader.said or ())


class Readings:
    """Reads the payloads of one source; the definitions that they share are read once."""

    def __init__(self) -> None:
        self._definitions: dict[str, Any] = {}
        self._called: dict[str, tuple[str, ...]] = {}
        self._shared = Reader(Conjunctions(True, self._definitions, self._called))

    def payload(self, schema: Schema, definitions: Mapping[str, Any], called: Mapping[str, tuple[str, ...]]) -> Reading:
        """
        Read a payload.

        :param definitions: those of the declaration; what two declarations call alike may be something else
        """
        known = self._definitions
        if any(known.get(name, found) is not found for name, found in definitions.items()):
            return shape(schema, definitions, called, payload=True)
        known.update(definitions)
        self._called.update(called)
        reader = Reader(Conjunctions(schema, definitions, called), payload=True, shared=self._shared)
        found = reader.whole(as_object(schema))
        if len(self._shared.known) >= MOST_NAMED:
            return shape(schema, definitions, called, payload=True)
        return _reading(found, reader.known)


def _reading(found: Shape, known: Mapping[Key, Known]) -> Reading:
    """Without what was read on the way to a type that does not name it after all."""
    waiting = named(found)
    reached = set(waiting)
    while waiting:
        further = set(named(known[waiting.pop()].shape)) - reached
        reached |= further
        waiting += further
    return Reading(found, {key: each for key, each in known.items() if key in reached})


def _merged(objects: list[Object]) -> Object:
    if len(objects) == 1:
        return objects[0]
    named = [{each.name: each for each in found.fields} for found in objects]
    fields: list[Field] = []
    for name in dict.fromkeys(name for fields_of in named for name in fields_of):
        found = [fields_of[name] for fields_of in named if name in fields_of]
        required = len(found) == len(objects) and all(each.required for each in found)
        fields.append(Field(name, united(each.shape for each in found), required, found[0].told))
    extra = [each.extra for each in objects if each.extra is not None]
    return Object(tuple(fields), united(extra) if extra else None, all(each.closed for each in objects))
