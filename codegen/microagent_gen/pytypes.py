"""Shapes as the text of Python annotations."""

from collections.abc import Callable, Container, Iterator, Mapping
from typing import TypeAlias

from microagent.schemas.shapes import (
    Anything,
    Array,
    Field,
    Key,
    Nothing,
    Object,
    OneOfValues,
    Scalar,
    Shape,
    Tuple,
    TypeRef,
    Union,
    type_refs,
)
from microagent.schemas.shapes import Mapping as MappingShape
from microagent_gen.naming import literal

Names: TypeAlias = Mapping[Key, str]
"""The annotations of named types."""

ANY = "_t.Any"
FREE = "dict[str, _t.Any]"
_DEEPEST = 30  # nested brackets; Python's parser gives up at 200, type checkers earlier
_SCALARS = {
    "string": ("str",),
    "integer": ("int",),
    "number": ("int", "float"),
    "boolean": ("bool",),
    "null": ("None",),
}


def name_of(name: str, shape: "Object | Shape") -> str:
    """The annotation of a named type: an object may also allow keys that no TypedDict can express."""
    holds_more = isinstance(shape, Object) and (shape.extra is not None or any(not each.name for each in shape.fields))
    return f"{name} | {FREE}" if holds_more else name


def annotation(shape: Shape, names: Names) -> str:
    """The annotation of a shape: every value that fits the shape has this type."""
    return _united(_options(shape, names, lambda text, _: text, 0))


def entry_annotation(field: Field, names: Names, unfinished: Container[Key]) -> str:
    """
    The annotation of a property in its TypedDict.

    :param unfinished: the named types that are not defined yet: annotations that use them are quoted
    """
    text = _quoted(annotation(field.shape, names), field.shape, unfinished)
    return text if field.required else f"_t.NotRequired[{text}]"


def alias_annotation(shape: Shape, names: Names, unfinished: Container[Key]) -> str:
    """The annotation that an alias stands for; inside brackets, types that are not defined yet are quoted."""
    return _united(_options(shape, names, lambda text, inner: _quoted(text, inner, unfinished), 0))


_Bracketed: TypeAlias = Callable[[str, Shape], str]


def _quoted(text: str, shape: Shape, unfinished: Container[Key]) -> str:
    return literal(text) if any(key in unfinished for key in type_refs(shape)) else text


def _united(options: Iterator[str]) -> str:
    found = dict.fromkeys(options)
    return ANY if ANY in found else " | ".join(found)


def _options(shape: Shape, names: Names, bracketed: _Bracketed, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        yield ANY
        return
    match shape:
        case Anything():
            yield ANY
        case Nothing():
            yield "_t.Never"
        case Scalar(kind=kind):
            yield from _SCALARS[kind]
        case OneOfValues(values=values):
            yield f"_t.Literal[{', '.join(map(_value, values))}]"
        case Union(options=options):
            for option in options:
                yield from _options(option, names, bracketed, depth)
        case TypeRef(key=key):
            yield names[key]
        case _:
            yield _container(shape, names, bracketed, depth)


def _container(shape: Array | Tuple | MappingShape, names: Names, bracketed: _Bracketed, depth: int) -> str:
    def item(inner: Shape) -> str:
        return bracketed(_united(_options(inner, names, lambda text, _: text, depth + 1)), inner)

    match shape:
        case Array(items=items):
            return f"list[{item(items)}]"
        case MappingShape(values=values):
            return f"dict[str, {item(values)}]"
        case Tuple(items=items):
            return f"tuple[{', '.join(map(item, items))}]"


def _value(value: str | int | bool | None) -> str:
    return literal(value) if isinstance(value, str) else repr(value)
