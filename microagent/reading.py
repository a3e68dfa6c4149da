"""Read a JSON Schema as a shape, never as a narrower one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from microagent import shapes
from microagent.pointers import pointer_to
from microagent.references import resolve
from microagent.schema import Schema, as_object
from microagent.shapes import Anything, Array, Field, Object, OneOfValues, Recursion, Scalar, Shape, Union

UNREAD = frozenset(
    {
        "allOf", "anyOf", "oneOf", "not", "if", "then", "else",
        "patternProperties", "dependentSchemas", "dependencies", "unevaluatedProperties", "unevaluatedItems",
        "$dynamicRef", "$recursiveRef",
    }
)  # fmt: skip
"""Words that change the type and are not read: ``Anything`` stands for a schema that has one."""

CONSTRAINTS = frozenset(
    {
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
        "minLength", "maxLength", "pattern",
        "minItems", "maxItems", "uniqueItems", "contains", "minContains", "maxContains",
        "minProperties", "maxProperties", "propertyNames", "dependentRequired",
    }
)  # fmt: skip
"""Words that refuse some values of a type."""

MOST_REFERENCES = 2_000
"""References that are followed; definitions that refer to each other twice and twice again would never end."""

DEEPEST = 60
"""References that are followed from within each other."""

_SHAPING = frozenset(
    {"type", "enum", "const", "properties", "required", "additionalProperties", "items", "prefixItems"}
)
_SCALARS: dict[str, Scalar] = {
    "string": Scalar("string"),
    "integer": Scalar("integer"),
    "number": Scalar("number"),
    "boolean": Scalar("boolean"),
    "null": Scalar("null"),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """
    What a schema says, as far as types can say it.

    :ivar ignored: the words that change the type and were not read, each as (JSON Pointer, keyword); the shape is
        ``Anything`` there. The pointer is one into the schema that was read, or, where that refers to them, into the
        definitions of the file: ``/$defs/...``
    :ivar exact: whether what fits the shape fits the schema
    """

    shape: Shape
    ignored: tuple[tuple[str, str], ...] = ()
    exact: bool = True


def shape(schema: Schema, definitions: Mapping[str, Any] | None = None, *, payload: bool = False) -> Reading:
    """
    Read a schema.

    A schema without ``type`` that has ``properties`` is read as an object, one that has ``items`` as an array: its
    author means it, though JSON Schema would let any other type pass.

    :param definitions: the ``$defs`` of the file, for references that the schema itself does not answer
    :param payload: the schema is a payload: an object, whatever it says of its type
    """
    reader = _Reader(schema, definitions or {}, payload=payload)
    found = reader.read(as_object(schema) if payload else schema, _Place(in_file=False))
    return Reading(found, tuple(dict.fromkeys(reader.ignored)), reader.exact)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the reader is: ``steps`` below the schema, or below the file; ``followed`` since the last object."""

    in_file: bool
    steps: tuple[str, ...] = ()
    followed: tuple[tuple[bool, tuple[str, ...]], ...] = ()
    objects: tuple[tuple[bool, tuple[str, ...]], ...] = ()

    def below(self, *steps: str) -> "_Place":
        return replace(self, steps=(*self.steps, *steps))

    @property
    def location(self) -> tuple[bool, tuple[str, ...]]:
        return self.in_file, self.steps

    @property
    def key(self) -> tuple[str, ...]:
        """Names of properties; ``[]`` for items, ``{}`` for other values; ``#`` before the payload's own ``$defs``."""
        head, rest = (self.steps[:2], self.steps[2:]) if self.in_file else ((), self.steps)
        key = list(head)
        while rest:
            step, rest = _key_step(rest)
            key += step
        return tuple(key)


def _key_step(steps: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    match steps:
        case ("properties", name, *_):
            ambiguous = name in {"[]", "{}", "#", "$defs"} or name.startswith("properties/")
            return (f"properties/{name}" if ambiguous else name,), steps[2:]
        case ("items", *_):
            return ("[]",), steps[1:]
        case ("additionalProperties", *_):
            return ("{}",), steps[1:]
        case _:
            return ("#", *steps[:2]), steps[2:]


class _Reader:
    def __init__(self, schema: Schema, definitions: Mapping[str, Any], *, payload: bool) -> None:
        self.payload = payload
        self.schema = schema
        self.definitions = definitions
        self.ignored: list[tuple[str, str]] = []
        self.exact = True
        self.followed = 0

    def read(self, schema: Schema, place: _Place) -> Shape:
        if isinstance(schema, bool):
            self.exact = self.exact and schema
            return Anything()
        if unread := sorted(UNREAD & schema.keys()):
            return self._ignore(place, *unread)
        if CONSTRAINTS & schema.keys():
            self.exact = False
        if "$ref" in schema:
            return self._reference(schema, place)
        if "const" in schema or "enum" in schema:
            return self._values(schema, place)
        return self._kinds(schema, place)

    def _ignore(self, place: _Place, *words: str) -> Shape:
        self.ignored += [(pointer_to(place.steps), word) for word in words]
        self.exact = False
        return Anything()

    def _vague(self) -> Shape:
        self.exact = False
        return Anything()

    # -- references

    def _reference(self, schema: Mapping[str, Any], place: _Place) -> Shape:
        if (_SHAPING - {"type"}) & schema.keys():
            return self._ignore(place, "$ref")
        self.exact = self.exact and "type" not in schema
        target = resolve(str(schema["$ref"]), None if place.in_file else self.schema, self.definitions)
        if target is None:
            return self._ignore(place, "$ref")
        if (target.in_file, target.steps) in place.followed:
            return self._vague()
        self.followed += 1
        if self.followed > MOST_REFERENCES or len(place.objects) + len(place.followed) > DEEPEST:
            return self._ignore(place, "$ref")
        followed = (*place.followed, (target.in_file, target.steps))
        return self.read(target.schema, _Place(target.in_file, target.steps, followed, place.objects))

    # -- values

    def _values(self, schema: Mapping[str, Any], place: _Place) -> Shape:
        listed = cast("list[object]", [schema["const"]] if "const" in schema else schema["enum"])
        kinds = _kinds_of(schema)
        values = [value for value in listed if not kinds or any(_is_of(value, kind) for kind in kinds)]
        plain = [value for value in map(_without_fraction, values) if isinstance(value, (str, int)) or value is None]
        if not values or ("const" in schema and "enum" in schema):
            return self._vague()
        if len(plain) < len(values):
            return self._ignore(place, "const" if "const" in schema else "enum")
        return OneOfValues(tuple({(type(value), value): value for value in plain}.values()))

    # -- types

    def _kinds(self, schema: Mapping[str, Any], place: _Place) -> Shape:
        kinds = _kinds_of(schema) or _meant(schema)
        if not kinds:
            return self._vague() if _SHAPING & schema.keys() else Anything()
        options = tuple(dict.fromkeys(self._kind(kind, schema, place) for kind in kinds))
        if Scalar("number") in options:
            options = tuple(option for option in options if option != Scalar("integer"))
        return options[0] if len(options) == 1 else Union(options)

    def _kind(self, kind: str, schema: Mapping[str, Any], place: _Place) -> Shape:
        if kind == "array":
            return self._array(schema, place)
        if kind == "object":
            return self._object(schema, place)
        return _SCALARS[kind]

    def _array(self, schema: Mapping[str, Any], place: _Place) -> Shape:
        items = schema.get("items", True)
        if "prefixItems" in schema or isinstance(items, list):
            return Array(self._ignore(place, "prefixItems" if "prefixItems" in schema else "items"))
        return Array(self.read(items, place.below("items")))

    def _object(self, schema: Mapping[str, Any], place: _Place) -> Shape:
        if place.location in place.objects:
            return Recursion(place.key)
        inside = replace(place, objects=(*place.objects, place.location), followed=())
        extra = self._extra(schema, inside if schema.get("properties") or schema.get("required") else place)
        closed = schema.get("additionalProperties", True) is False
        fields = tuple(self._fields(schema, inside, extra))
        is_payload = self.payload and place.location == (False, ())
        if not fields and not closed and (extra is not None or not is_payload):
            return shapes.Mapping(extra or Anything())
        return Object(fields, extra, closed, place.key, str(schema.get("description", "")))

    def _extra(self, schema: Mapping[str, Any], place: _Place) -> Shape | None:
        extra = schema.get("additionalProperties", False)
        return None if extra is False else self.read(extra, place.below("additionalProperties"))

    def _fields(self, schema: Mapping[str, Any], inside: _Place, extra: Shape | None) -> Iterator[Field]:
        properties = cast("Mapping[str, Schema]", schema.get("properties", {}))
        required = dict.fromkeys(cast("list[str]", schema.get("required", [])))
        for name, found in properties.items():
            described = cast("Mapping[str, Any]", {}) if isinstance(found, bool) else found
            yield Field(
                name,
                self.read(found, inside.below("properties", name)),
                name in required,
                str(described.get("description", "")),
                described.get("deprecated") is True,
            )
        yield from (Field(name, extra or Anything(), True) for name in required if name not in properties)


def _without_fraction(value: object) -> object:
    """To JSON, 1.0 is the integer 1."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _kinds_of(schema: Mapping[str, Any]) -> list[str]:
    kinds: str | list[str] = schema.get("type", [])
    return [kinds] if isinstance(kinds, str) else kinds


def _meant(schema: Mapping[str, Any]) -> list[str]:
    return [kind for word, kind in (("properties", "object"), ("items", "array")) if word in schema]


def _is_of(value: object, kind: str) -> bool:
    match value:
        case None:
            return kind == "null"
        case bool():
            return kind == "boolean"
        case int():
            return kind in {"integer", "number"}
        case float():
            return kind == "number" or (kind == "integer" and value.is_integer())
        case str():
            return kind == "string"
        case list():
            return kind == "array"
        case _:
            return kind == "object"
