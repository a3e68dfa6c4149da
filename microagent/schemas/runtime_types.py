"""Types for msgspec, as values that can be compared, and their construction."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from microagent.schemas.conjunctions import Place


@dataclass(frozen=True, slots=True)
class AnyValue:
    """Any value."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A value of one kind, with ``limits``: arguments of ``msgspec.Meta``."""

    kind: Literal["string", "integer", "number", "boolean", "null"]
    limits: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Values:
    """One of these values."""

    values: tuple[str | int | None, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    """An array of any length within ``limits``."""

    items: "Type"
    limits: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class TupleOf:
    """An array of exactly these items."""

    items: tuple["Type", ...]


@dataclass(frozen=True, slots=True)
class DictOf:
    """An object with any keys."""

    values: "Type"
    limits: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """An object: the name, type and requiredness of each property; ``closed`` if it refuses others."""

    fields: tuple[tuple[str, "Type", bool], ...]
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Tagged:
    """A union of objects that are discriminated by the value of one property."""

    field: str
    options: tuple[tuple[str, "Record | Reference"], ...]


@dataclass(frozen=True, slots=True)
class Options:
    """A union of types no two of which accept values of the same kind."""

    options: tuple["Type", ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """The type of the schema at a place."""

    place: Place


Type: TypeAlias = AnyValue | Plain | Values | ListOf | TupleOf | DictOf | Record | Tagged | Options | Reference

_LIST: Any = list
_DICT: Any = dict
_TUPLE: Any = tuple


def inside(found: Type) -> Iterable[Type]:
    """The types directly inside, except in objects."""
    match found:
        case ListOf(inner) | DictOf(inner):
            return (inner,)
        case TupleOf(several) | Options(several):
            return several
        case _:
            return ()


class Builder:
    """
    Builds types for ``msgspec.convert``.

    :param types: the types of references, by place
    """

    def __init__(self, types: Mapping[Place, Type]) -> None:
        self._types = types
        self._built: dict[tuple[Place, str], Any] = {}
        self._hollow: list[tuple[Any, Record]] = []

    def build(self, found: Type) -> Any:
        """The type for msgspec."""
        built = self._build(found)
        while self._hollow:
            struct, record = self._hollow.pop()
            for index, (_, inner, _) in enumerate(record.fields):
                setattr(struct, f"t{index}", self._build(inner))
        return built

    def _build(self, found: Type) -> Any:
        match found:
            case ListOf(items, limits):
                return _limited(_LIST[self._build(items)], limits)
            case TupleOf(items):
                return _TUPLE[tuple(map(self._build, items))]
            case DictOf(values, limits):
                return _limited(_DICT[str, self._build(values)], limits)
            case Record():
                return self._struct(found)
            case Tagged(name, options):
                return _any_of(self._tagged(option, name, tag) for tag, option in options)
            case Options(options):
                return _any_of(map(self._build, options))
            case Reference():
                return self._referred(found)
            case _:
                return _simple(found)

    def _referred(self, reference: Reference) -> Any:
        target, key = self._types[reference.place], (reference.place, "")
        if key not in self._built:
            if isinstance(target, Record):
                return self._struct(target, key)
            self._built[key] = self._build(target)
        return self._built[key]

    def _tagged(self, option: "Record | Reference", name: str, tag: str) -> Any:
        target = self._types[option.place] if isinstance(option, Reference) else option
        key = (option.place, tag) if isinstance(option, Reference) else None
        if key in self._built:
            return self._built[key]
        assert isinstance(target, Record), "only objects have tags"
        untagged = Record(tuple(each for each in target.fields if each[0] != name), target.closed)
        return self._struct(untagged, key, tag_field=name, tag=tag)

    def _struct(self, record: Record, key: tuple[Place, str] | None = None, **options: Any) -> Any:
        """
        A struct, which unlike a TypedDict can refuse unknown names.

        Its annotations are names that msgspec later looks up in the class itself. So objects can be recursive: their
        types are set when all structs exist.
        """
        names = [name for name, _, _ in record.fields]
        annotations = [
            (f"f{index}", f"t{index}") if required else (f"f{index}", f"t{index} | unset", msgspec.UNSET)
            for index, (_, _, required) in enumerate(record.fields)
        ]
        struct: Any = msgspec.defstruct(
            "Object",
            annotations,
            rename={f"f{index}": name for index, name in enumerate(names)},
            forbid_unknown_fields=record.closed,
            kw_only=True,
            gc=False,
            **options,
        )
        if key is not None:
            self._built[key] = struct
        struct.unset = msgspec.UnsetType
        self._hollow.append((struct, record))
        return struct


def _simple(found: AnyValue | Plain | Values) -> Any:
    match found:
        case AnyValue():
            return Any
        case Values(values):
            return Literal[values]
        case Plain():
            return _plain(found)


def _plain(found: Plain) -> Any:
    match found.kind:
        case "string":
            return _limited(str, found.limits)
        case "integer":
            return _limited(int, found.limits)
        case "number":
            whole = [(name, value) for name, value in found.limits if name.startswith("int ")]
            others = [(name, value) for name, value in found.limits if not name.startswith("int ")]
            return _limited(int, [(name[4:], value) for name, value in whole]) | _limited(float, others)
        case "boolean":
            return bool
        case "null":
            return type(None)


def _limited(kind: Any, limits: Iterable[tuple[str, Any]]) -> Any:
    named = dict(limits)
    return Annotated[kind, msgspec.Meta(**named)] if named else kind


def _any_of(types: Iterable[Any]) -> Any:
    united, *others = types
    for each in others:
        united = united | each
    return united
