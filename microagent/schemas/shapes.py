"""Shapes: what Python's types can express of a JSON Schema."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Key: TypeAlias = tuple[tuple[bool, tuple[str, ...]], ...]
"""The places of the schemas that make up a type: each below its payload (False) or among the definitions (True)."""

ROOT: Key = ()
"""The payload itself."""


@dataclass(frozen=True, slots=True)
class Anything:
    """No constraint that a type can express."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """No value at all."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """``number`` is ``int | float``; neither number nor integer is ever a bool."""

    kind: Literal["string", "integer", "number", "boolean", "null"]


@dataclass(frozen=True, slots=True)
class OneOfValues:
    """
    ``enum`` or ``const`` whose values a ``Literal`` can hold.

    Unlike the values themselves, two shapes with ``True`` and with ``1`` are not equal.
    """

    values: tuple[str | int | bool | None, ...]
    _types: tuple[type, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_types", tuple(map(type, self.values)))


@dataclass(frozen=True, slots=True)
class Array:
    """An array of any length."""

    items: "Shape"


@dataclass(frozen=True, slots=True)
class Tuple:
    """An array of exactly these items."""

    items: tuple["Shape", ...]


@dataclass(frozen=True, slots=True)
class Mapping:
    """An object without named properties: any key, values of one shape."""

    values: "Shape"


@dataclass(frozen=True, slots=True)
class Union:
    """Two or more alternatives, none of which are equal or unions themselves."""

    options: tuple["Shape", ...]


@dataclass(frozen=True, slots=True)
class TypeRef:
    """A reference to the named type of this key."""

    key: Key


@dataclass(frozen=True, slots=True)
class Documentation:
    """
    The annotations of a schema, which are for people and no part of a type.

    ``default`` and ``examples`` are JSON texts; ``default`` is None if the schema has none.
    """

    title: str = ""
    description: str = ""
    deprecated: bool = False
    read_only: bool = False
    write_only: bool = False
    default: str | None = None
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """A property of an object."""

    name: str
    shape: "Shape"
    required: bool
    documentation: Documentation = field(default=Documentation(), compare=False)


@dataclass(frozen=True, slots=True)
class Object:
    """
    An object with named properties.

    :ivar extra: the shape of all other properties; None if the schema does not mention or refuses them
    :ivar closed: whether it refuses them
    """

    fields: tuple[Field, ...]
    extra: "Shape | None" = None
    closed: bool = False


@dataclass(frozen=True, slots=True)
class TypeName:
    """
    A name from which the name of a class is built.

    :ivar anchor: the definition that the type is part of; empty for the declaration itself
    :ivar is_class_name: whether the anchor is a ``class_name``, which somebody chose for Python
    :ivar path: from the anchor to the type: titles, names of properties, ``[]`` for items, ``{}`` for values of a
        mapping, and ``|`` with a label for an alternative
    :ivar kept: how many steps of the path name a definition inside the payload, and stay before any title
    """

    anchor: tuple[str, ...] = ()
    is_class_name: bool = False
    path: tuple[str, ...] = ()
    kept: int = 0

    def below(self, *steps: str) -> "TypeName":
        return TypeName(self.anchor, self.is_class_name, (*self.path, *steps), self.kept)

    def titled(self, name: str) -> "TypeName":
        """The name of a type inside that has a title, which replaces the path to it."""
        return TypeName(self.anchor, self.is_class_name, (*self.path[: self.kept], name), self.kept)

    def defined(self, *names: str) -> "TypeName":
        """The name of a definition inside the payload."""
        path = (*self.path[: self.kept], *names)
        return TypeName(self.anchor, self.is_class_name, path, len(path))


@dataclass(frozen=True, slots=True)
class NamedType:
    """A shape that is generated as a class or alias; ``names`` are the candidates for its name, the best one first."""

    shape: "Object | Shape"
    names: tuple[TypeName, ...]
    documentation: Documentation = field(default=Documentation(), compare=False)


Shape: TypeAlias = Anything | Nothing | Scalar | OneOfValues | Array | Tuple | Mapping | Union | TypeRef

_ABSORBED: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}


def inside(shape: "Object | Shape") -> Iterator[Shape]:
    """The shapes directly inside a shape, in order."""
    match shape:
        case Array(inner) | Mapping(inner):
            yield inner
        case Union(several) | Tuple(several):
            yield from several
        case Object(fields, extra):
            yield from (each.shape for each in fields)
            yield from () if extra is None else (extra,)
        case _:
            pass


def type_refs(shape: "Object | Shape") -> list[Key]:
    """The keys of the named types that a shape refers to, in its order; a key may be there twice."""
    found = [shape.key] if isinstance(shape, TypeRef) else []
    for inner in inside(shape):
        if not isinstance(inner, Scalar):
            found += type_refs(inner)
    return found


def united(shapes: Iterable[Shape]) -> Shape:
    """The union of shapes."""
    options = dict.fromkeys(option for shape in shapes for option in _options(shape))
    if Anything() in options:
        return Anything()
    found = _without_absorbed(list(options))
    return found[0] if len(found) == 1 else Union(tuple(found)) if found else Nothing()


def _options(shape: Shape) -> tuple[Shape, ...]:
    if isinstance(shape, Union):
        return shape.options
    return () if isinstance(shape, Nothing) else (shape,)


def _without_absorbed(options: list[Shape]) -> list[Shape]:
    """The options without values that one of the other options includes, and with all other values in one."""
    kinds = {option.kind for option in options if isinstance(option, Scalar)}
    absorbed = {each for kind in kinds for each in _ABSORBED[kind]}
    values = {
        (type(value), value): value
        for option in options
        if isinstance(option, OneOfValues)
        for value in option.values
        if type(value) not in absorbed
    }
    found: list[Shape] = []
    for option in options:
        if isinstance(option, OneOfValues):
            if values:
                found.append(OneOfValues(tuple(values.values())))
                values = {}
        elif option != Scalar("integer") or "number" not in kinds:
            found.append(option)
    return found
