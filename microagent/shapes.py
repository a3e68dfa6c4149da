"""What Python's types can say of a JSON Schema: the one reading that the generator and the runtime share."""

from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Anything:
    """No constraint that a type can say."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """``number`` is ``int | float``; neither number nor integer is ever a bool."""

    kind: Literal["string", "integer", "number", "boolean", "null"]


@dataclass(frozen=True, slots=True)
class OneOfValues:
    """``enum`` or ``const`` whose values a ``Literal`` can hold: str, int, bool, None."""

    values: tuple[str | int | bool | None, ...]


@dataclass(frozen=True, slots=True)
class Array:
    items: "Shape"


@dataclass(frozen=True, slots=True)
class Mapping:
    """An object without named properties: any key, values of one shape."""

    values: "Shape"


@dataclass(frozen=True, slots=True)
class Field:
    """``description`` and ``deprecated`` are for documentation alone and no part of the type."""

    name: str
    shape: "Shape"
    required: bool
    description: str = ""
    deprecated: bool = False


@dataclass(frozen=True, slots=True)
class Object:
    """
    An object with named properties.

    ``extra`` is the shape of any other property; None where the schema says nothing of them or refuses them
    (``closed`` tells which). ``key`` names the place of the schema (``("$defs", "Order")``, or the path of properties
    below the payload, ``("meta", "geo")``): what has the same key in one payload is the same object.
    """

    fields: tuple[Field, ...]
    extra: "Shape | None" = None
    closed: bool = False
    key: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class Union:
    """Never nested, never with two equal options; at least two options."""

    options: tuple["Shape", ...]


@dataclass(frozen=True, slots=True)
class Recursion:
    """The ``Object`` of this ``key`` that encloses this place."""

    key: tuple[str, ...]


Shape: TypeAlias = Anything | Scalar | OneOfValues | Array | Mapping | Object | Union | Recursion
