"""What Python's types can say of a JSON Schema."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Key: TypeAlias = tuple[tuple[bool, tuple[str, ...]], ...]
"""The places of the schemas that make a shape: each below its payload (False) or among the definitions (True)."""

ROOT: Key = ()
"""The payload itself."""


@dataclass(frozen=True, slots=True)
class Anything:
    """No constraint that a type can say."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """No value at all."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """``number`` is ``int | float``; neither number nor integer is ever a bool."""

    kind: Literal["string", "integer", "number", "boolean", "null"]


@dataclass(frozen=True, slots=True)
class OneOfValues:
    """``enum`` or ``const`` whose values a ``Literal`` can hold: str, int, bool, None; ``True`` is not ``1``."""

    values: tuple[str | int | bool | None, ...]
    _types: tuple[type, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_types", tuple(map(type, self.values)))


@dataclass(frozen=True, slots=True)
class Array:
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
    """Never nested, never with two equal options; at least two options."""

    options: tuple["Shape", ...]


@dataclass(frozen=True, slots=True)
class Named:
    """What the reading knows under this key: an object, or a shape that has a name of its own."""

    key: Key


@dataclass(frozen=True, slots=True)
class Told:
    """
    What a schema tells people: no part of a type.

    ``default`` and ``examples`` are JSON texts; ``default`` is None where there is none.
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
    name: str
    shape: "Shape"
    required: bool
    told: Told = field(default=Told(), compare=False)


@dataclass(frozen=True, slots=True)
class Object:
    """
    An object with named properties.

    ``extra`` is the shape of any other property; None where the schema says nothing of them or refuses them
    (``closed`` tells which).
    """

    fields: tuple[Field, ...]
    extra: "Shape | None" = None
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Called:
    """
    How a place is called.

    ``anchor`` names the definition that it is part of, nothing for the declaration itself; ``is_class_name`` when
    somebody chose it for Python. ``path`` leads on from there: the nearest title, names of properties, ``[]`` for
    items, ``{}`` for other values, ``|`` and a word for an alternative. The first ``kept`` of it name a definition of
    the declaration's own, and stand before every title inside.
    """

    anchor: tuple[str, ...] = ()
    is_class_name: bool = False
    path: tuple[str, ...] = ()
    kept: int = 0

    def below(self, *steps: str) -> "Called":
        return Called(self.anchor, self.is_class_name, (*self.path, *steps), self.kept)

    def titled(self, name: str) -> "Called":
        """A part that has a name of its own, wherever it stands."""
        return Called(self.anchor, self.is_class_name, (*self.path[: self.kept], name), self.kept)

    def defined(self, *names: str) -> "Called":
        """A definition inside."""
        path = (*self.path[: self.kept], *names)
        return Called(self.anchor, self.is_class_name, path, len(path))


@dataclass(frozen=True, slots=True)
class Known:
    """A shape that has a name, and what is told of it; ``ways`` are its names, the best one first."""

    shape: "Object | Shape"
    ways: tuple[Called, ...]
    told: Told = field(default=Told(), compare=False)


Shape: TypeAlias = Anything | Nothing | Scalar | OneOfValues | Array | Tuple | Mapping | Union | Named

_ABSORBED: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}


def inside(shape: "Object | Shape") -> Iterator[Shape]:
    """The shapes directly inside a shape, in its order."""
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


def named(shape: "Object | Shape") -> list[Key]:
    """The keys of what the annotation of a shape names."""
    found = [shape.key] if isinstance(shape, Named) else []
    for inner in inside(shape):
        if not isinstance(inner, Scalar):
            found += named(inner)
    return found


def united(shapes: Iterable[Shape]) -> Shape:
    """The shape of what fits any of these."""
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
    """Values that a type among the options has anyway are left out, and the others put together."""
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
