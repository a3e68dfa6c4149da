"""A fast check that recognises valid documents of declarations, so that the slow one of jsonschema is rarely needed."""

from typing import Annotated, Any, TypeAlias, cast

import msgspec
from msgspec import UNSET, UnsetType, field

from microagent.schemas.plainschema import TypeName

_Types: TypeAlias = TypeName | Annotated[list[TypeName], msgspec.Meta(min_length=1)]
_Word: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)]


class _Compat(msgspec.Struct, forbid_unknown_fields=True):
    """``compat`` of a declaration."""

    allow: dict[str, _Word] | UnsetType = UNSET
    reserved: list[_Word] | UnsetType = UNSET


class _Reserved(msgspec.Struct, forbid_unknown_fields=True):
    signals: list[_Word] | UnsetType = UNSET
    queues: list[_Word] | UnsetType = UNSET


class _CompatOfDocument(msgspec.Struct, forbid_unknown_fields=True):
    allow: dict[str, _Word] | UnsetType = UNSET
    reserved: _Reserved | UnsetType = UNSET


class _Entry(msgspec.Struct):
    """What signals and queues have in common."""

    name: str
    compat: _Compat | UnsetType = UNSET
    description: str | UnsetType = UNSET
    deprecated: bool | UnsetType = UNSET
    class_name: str | UnsetType = UNSET


class _Signal(_Entry):
    providing_args: list[str] | dict[str, _Types] | UnsetType = UNSET
    payload: dict[str, Any] | UnsetType = UNSET
    returns: _Types | dict[str, Any] | bool | UnsetType = UNSET

    def is_plain(self) -> bool:
        arguments = self.providing_args
        if arguments is UNSET:
            return self.payload is not UNSET and _is_unique(self.returns)
        types = arguments.values() if isinstance(arguments, dict) else ()
        return all(map(_is_unique, (arguments, self.returns, *types)))


class _Queue(_Entry):
    payload: dict[str, Any] | bool | UnsetType = UNSET
    exchange: _Word | UnsetType = UNSET
    topics: list[_Word] | UnsetType = UNSET
    quorum: bool | UnsetType = UNSET

    def is_plain(self) -> bool:
        return self.topics is UNSET or (self.exchange is not UNSET and _is_unique(self.topics))


class _Document(msgspec.Struct):
    schema: str | UnsetType = field(name="$schema", default=UNSET)
    description: str | UnsetType = UNSET
    compat: _CompatOfDocument | UnsetType = UNSET
    signals: list[_Signal] = []
    queues: list[_Queue] = []
    defs: dict[str, dict[str, Any] | bool] | UnsetType = field(name="$defs", default=UNSET)
    definitions: dict[str, dict[str, Any] | bool] | UnsetType = UNSET


def is_plain(document: object) -> bool:
    """Whether the document is certainly valid by the JSON Schema of the format, except for names and version."""
    try:
        found = msgspec.convert(document, _Document)
    except (msgspec.ValidationError, UnicodeError):
        return False
    return all(signal.is_plain() for signal in found.signals) and all(queue.is_plain() for queue in found.queues)


def _is_unique(value: object) -> bool:
    return not isinstance(value, list) or len(set(cast("list[str]", value))) == len(cast("list[str]", value))
