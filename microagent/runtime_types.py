"""Shapes as types that msgspec checks values against."""

from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

import msgspec

from microagent.shapes import Anything, Array, Field, Mapping, Object, OneOfValues, Recursion, Scalar, Shape, Union

_CLASSES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_SCALARS: dict[str, Any] = {"string": str, "integer": int, "number": int | float, "boolean": bool, "null": None}


@dataclass(frozen=True, slots=True)
class RuntimeType:
    """A type for ``msgspec.convert``; ``exact``: whether it refuses all that the shape refuses."""

    type: Any
    exact: bool = True


_LIST: Any = list
_DICT: Any = dict
_ANY = RuntimeType(Any, exact=False)


def runtime_type(shape: Shape) -> RuntimeType:
    """The type of the shape; ``Any``, which is not exact, wherever msgspec has none."""
    match shape:
        case Anything():
            return RuntimeType(Any)
        case Scalar(kind):
            return RuntimeType(_SCALARS[kind])
        case OneOfValues(values):
            return _supported(RuntimeType(Literal[values]))
        case Array(items):
            of_items = runtime_type(items)
            return RuntimeType(_LIST[of_items.type], of_items.exact)
        case Mapping(values):
            of_values = runtime_type(values)
            return RuntimeType(_DICT[str, of_values.type], of_values.exact)
        case Object():
            return _object(shape)
        case Union(options):
            return _union([runtime_type(option) for option in options])
        case Recursion():
            return _ANY


def _object(shape: Object) -> RuntimeType:
    """A struct: unlike a TypedDict, it can refuse names that it does not know."""
    types = [runtime_type(field.shape) for field in shape.fields]
    fields = [_field(f"f{index}", field, types[index]) for index, field in enumerate(shape.fields)]
    names = {f"f{index}": field.name for index, field in enumerate(shape.fields)}
    try:
        struct = msgspec.defstruct("Object", fields, rename=names, forbid_unknown_fields=shape.closed, kw_only=True)
    except ValueError:  # a name with a quote, a control character or a lone surrogate
        return RuntimeType(dict[str, Any], exact=False)
    is_exact = all(found.exact for found in types) and shape.extra in {None, Anything()}
    return _supported(RuntimeType(struct, is_exact))


def _field(attribute: str, field: Field, found: RuntimeType) -> tuple[str, Any] | tuple[str, Any, Any]:
    if field.required:
        return attribute, found.type
    return attribute, found.type | msgspec.UnsetType, msgspec.UNSET


def _union(options: list[RuntimeType]) -> RuntimeType:
    united: Any = options[0].type
    for option in options[1:]:
        united = united | option.type
    return _supported(RuntimeType(united, all(option.exact for option in options)))


def _supported(found: RuntimeType) -> RuntimeType:
    """Msgspec refuses, among others, unions of two objects, and Literals with very large integers."""
    try:
        msgspec.json.Decoder(found.type)
    except (TypeError, ValueError, OverflowError, NotImplementedError):
        return _ANY
    return found


def python_types(shape: Shape) -> tuple[type, ...]:
    """The classes of the values that fit; none where any may."""
    match shape:
        case Scalar(kind):
            return _CLASSES[kind]
        case OneOfValues(values):
            return tuple(dict.fromkeys(type(value) for value in values))
        case Array():
            return (list,)
        case Mapping() | Object() | Recursion():
            return (dict,)
        case Union(options):
            classes = [python_types(option) for option in options]
            return tuple(dict.fromkeys(chain.from_iterable(classes))) if all(classes) else ()
        case Anything():
            return ()
