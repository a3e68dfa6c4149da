"""What a shape is in Python: the text of its annotation."""

from collections.abc import Container, Iterator, Mapping
from typing import TypeAlias

from microagent.shapes import Anything, Array, Field, Object, OneOfValues, Recursion, Scalar, Shape, Union
from microagent.shapes import Mapping as MappingShape
from microagent_gen.naming import literal

Key: TypeAlias = tuple[str, ...]
Names: TypeAlias = Mapping[Key, str]

ANY = "_t.Any"
FREE = "dict[str, _t.Any]"
_DEEPEST = 30  # Python's own parser gives up at 200 brackets, type checkers before
_SCALARS = {
    "string": ("str",),
    "integer": ("int",),
    "number": ("int", "float"),
    "boolean": ("bool",),
    "null": ("None",),
}


def is_free(shape: Shape) -> bool:
    """Whether the shape says no more of a message than that it is an object."""
    if isinstance(shape, Object):
        return not (shape.fields or shape.closed)
    return not isinstance(shape, MappingShape) or shape.values == Anything()


def annotation(shape: Shape, names: Names, depth: int = 0) -> str:
    """
    The annotation that is true of every value of the shape, as text.

    :param names: the annotation of every object inside the shape, by its key
    """
    options = dict.fromkeys(_options(shape, names, depth))
    return ANY if ANY in options else " | ".join(options)


def entry_annotation(field: Field, names: Names, unfinished: Container[Key]) -> str:
    """
    The annotation of a property in its TypedDict.

    :param unfinished: the objects whose classes are not complete yet: an annotation that names one is quoted
    """
    text = annotation(field.shape, names)
    if any(key in unfinished for key in _named(field.shape)):
        text = literal(text)
    return text if field.required else f"_t.NotRequired[{text}]"


def _named(shape: Shape) -> Iterator[Key]:
    """The keys of the objects that the annotation of the shape names."""
    if isinstance(shape, Object | Recursion):
        yield shape.key
    else:
        for inner in inside(shape):
            yield from _named(inner)


def inside(shape: Shape) -> Iterator[Shape]:
    """The shapes directly inside a shape, in its order."""
    match shape:
        case Array(items=inner) | MappingShape(values=inner):
            yield inner
        case Union(options=options):
            yield from options
        case Object(fields=fields, extra=extra):
            yield from (field.shape for field in fields)
            yield from () if extra is None else (extra,)
        case _:
            pass


def _options(shape: Shape, names: Names, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        yield ANY
        return
    match shape:
        case Anything():
            yield ANY
        case Scalar(kind=kind):
            yield from _SCALARS[kind]
        case OneOfValues(values=values):
            yield f"_t.Literal[{', '.join(map(_value, values))}]"
        case Array(items=items):
            yield f"list[{annotation(items, names, depth + 1)}]"
        case MappingShape(values=values):
            yield f"dict[str, {annotation(values, names, depth + 1)}]"
        case Union(options=options):
            for option in options:
                yield from _options(option, names, depth)
        case Object(key=key) | Recursion(key=key):
            yield names[key]


def _value(value: str | int | bool | None) -> str:
    return literal(value) if isinstance(value, str) else repr(value)
