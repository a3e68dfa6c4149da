"""A quick check of payloads by their names and the types of their values alone."""

from collections.abc import Collection, Mapping
from math import isfinite
from typing import Any

from microagent.schemas.runtime_types import AnyValue, Options, Plain, Record, Type

MOST = 100  # cached outlines
WIDEST = 100  # names of an outline

_SCALARS: frozenset[type] = frozenset({str, int, float, bool, type(None)})
_OF_KIND: dict[str, frozenset[type]] = {
    "string": frozenset({str}),
    "integer": frozenset({int}),
    "number": frozenset({int, float}),
    "boolean": frozenset({bool}),
    "null": frozenset({type(None)}),
}
_Outline = tuple[Any, ...]  # its names, then the types of their values


class Glance:
    """
    Accepts objects of scalars that are certainly valid; others need the full check.

    The verdict depends only on the outline of an object, its names and the types of its values, and is cached. A lookup
    is faster than two passes over all values: whether they are JSON's own types, and whether they are valid.

    :param record: the type of valid objects, if nothing else has to be checked; None to accept nothing
    :param names: the only names that are allowed; None for those that the record allows
    """

    def __init__(self, record: Record | None = None, names: Collection[str] | None = None) -> None:
        fields = record.fields if record is not None else ()
        is_open = record is not None and not record.closed and names is None
        self._is_blind = record is None
        self._types = {name: _types_of(found) for name, found, _ in fields if names is None or name in names}
        self._required = frozenset(name for name, _, required in fields if required)
        self._others = _SCALARS if is_open else frozenset[type]()
        self._seen: dict[_Outline, tuple[str, ...] | None] = {}

    def knows(self, value: Mapping[str, Any]) -> bool:
        """Whether the value is a dict of JSON's own scalars that is certainly valid."""
        kind: type = type(value)
        if kind is not dict or len(value) > WIDEST:
            return False
        outline = (*value, *map(type, value.values()))
        try:
            floats = self._seen[outline]
        except KeyError:
            floats = self._look(outline)
        if floats is None:
            return False
        for name in floats:  # noqa: SIM110 - a generator would double the time
            if not isfinite(value[name]):
                return False
        return True

    def _look(self, outline: _Outline) -> tuple[str, ...] | None:
        """The names of floats, which have to be finite; None if objects of this outline need the full check."""
        if len(self._seen) == MOST:
            self._seen.clear()
        half = len(outline) // 2
        self._seen[outline] = floats = self._judged(dict(zip(outline[:half], outline[half:], strict=True)))
        return floats

    def _judged(self, types: Mapping[Any, type]) -> tuple[str, ...] | None:
        if self._is_blind or not self._required <= types.keys():
            return None
        for name, kind in types.items():
            if type(name) is not str or kind not in self._types.get(name, self._others):
                return None
        return tuple(name for name, kind in types.items() if kind is float)


def _types_of(found: Type) -> frozenset[type]:
    """The types of which every value is valid."""
    match found:
        case AnyValue():
            return _SCALARS
        case Plain(kind, ()):
            return _OF_KIND[kind]
        case Options(options):
            return frozenset[type]().union(*map(_types_of, options))
        case _:
            return frozenset()
