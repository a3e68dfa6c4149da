"""Which values of ``enum`` and ``const`` a ``Literal`` holds, and the wider types of the others."""

from collections.abc import Sequence

from microagent.schemas.jsonvalues import without_fraction
from microagent.schemas.shapes import Anything, Array, Mapping, OneOfValues, Scalar, Shape, united

MOST_VALUES = 500
"""Values that a ``Literal`` lists."""

LONGEST_VALUE = 200
"""Characters of a text in a ``Literal``."""

LARGEST_VALUE = 2**63
"""Integers in a ``Literal`` are smaller than this, with either sign: mypy reads no others."""


def shape_of_values(values: Sequence[object]) -> tuple[Shape, bool]:
    """The narrowest shape of these values, and whether it allows no others."""
    shapes = [_shape_of(value) for value in values]
    if len(values) > MOST_VALUES:
        return united(map(_widened, shapes)), False
    return united(shapes), all(isinstance(each, OneOfValues) for each in shapes)


def _shape_of(value: object) -> Shape:
    match without_fraction(value):
        case str() as text if len(text) > LONGEST_VALUE:
            return Scalar("string")
        case int() as number if abs(number) >= LARGEST_VALUE:
            return Scalar("integer")
        case str() | int() | None as literal:
            return OneOfValues((literal,))
        case float():
            return Scalar("number")
        case list():
            return Array(Anything())
        case _:
            return Mapping(Anything())


def _widened(shape: Shape) -> Shape:
    """The type of a value instead of the value."""
    if not isinstance(shape, OneOfValues):
        return shape
    match shape.values[0]:
        case bool():
            return Scalar("boolean")
        case int():
            return Scalar("integer")
        case str():
            return Scalar("string")
        case None:
            return Scalar("null")
