"""JSON as it travels: from values to bytes, and back."""

import json
import math
from collections.abc import Callable, Iterator
from typing import Any, cast

import msgspec

from microagent.errors import SerializingError
from microagent.printable import printable

_text_of = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode
_bytes_of = msgspec.json.Encoder().encode
_value_of = msgspec.json.Decoder().decode
_KINDS: dict[type, str] = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    type(None): "null",
}
_is_finite = cast("Callable[[object], bool]", math.isfinite)
_PLAIN = frozenset({str, int, bool, type(None)})
_CONTAINERS = (dict, list, tuple)
_SCALARS = (str, int, float, type(None))  # a bool is an int


decode_quickly = _value_of  # what :func:`decode` gives; raises what msgspec does


def encode(value: object, *, plain: bool = False) -> bytes:
    """
    The value as compact JSON, in UTF-8.

    :param plain: it is known to be plain, see :func:`is_plain`
    :raises SerializingError: for what JSON cannot say (NaN, sets, datetimes, keys that are no strings...), and where
    """
    try:
        if plain or is_plain(value):
            return _bytes_of(value)
        raw = _text_of(value).encode()
        if _has_text_keys(value):
            return raw
    except (TypeError, ValueError, RecursionError) as exc:
        raise SerializingError(printable(_fault(value) or f"JSON cannot say this: {exc}")) from exc
    raise SerializingError(printable(_fault(value) or "a key is no string"))


def decode(raw: bytes | str) -> Any:
    """
    The value that was encoded. Of keys that an object has twice, the last one counts.

    :raises SerializingError: for what is no JSON
    """
    try:
        return _value_of(raw)
    except RecursionError:
        raise SerializingError("no readable JSON: nested too deeply") from None
    except UnicodeError as exc:
        raise SerializingError("no readable JSON: not in UTF-8") from exc
    except msgspec.DecodeError as exc:
        raise SerializingError(f"no readable JSON: {exc}") from exc


def kind(value: object) -> str:
    """What JSON calls a value of this type, with its article: ``an array``."""
    return _KINDS.get(type(value), type(value).__name__)


def is_plain(value: object) -> bool:
    """
    Whether the value consists of JSON's own types and nothing else.

    Then msgspec may encode it, ten times as fast: it would also write what JSON has no word for, a set or a datetime.
    """
    kind = type(value)
    if kind is dict:
        for key, item in cast("dict[object, object]", value).items():
            kind = type(item)  # most items are looked at right here: a call takes longer than the look
            if type(key) is not str or not (kind in _PLAIN or (_is_finite(item) if kind is float else is_plain(item))):
                return False
        return True
    if kind is list:
        return all(type(item) in _PLAIN or is_plain(item) for item in cast("list[object]", value))
    return kind in _PLAIN or (kind is float and _is_finite(value))


def _has_text_keys(value: object) -> bool:
    """Whether all keys are strings. (The encoder of the standard library would write ``1`` as ``"1"``, silently.)"""
    if isinstance(value, dict):
        for key, item in cast("dict[object, object]", value).items():
            if not isinstance(key, str) or (isinstance(item, _CONTAINERS) and not _has_text_keys(cast("object", item))):
                return False
    elif isinstance(value, (list, tuple)):
        for item in cast("list[object]", value):
            if isinstance(item, _CONTAINERS) and not _has_text_keys(cast("object", item)):
                return False
    return True


def _fault(value: object) -> str | None:
    """The first thing in the value that JSON cannot say, as a sentence, with its path."""
    waiting: list[tuple[str, object, tuple[int, ...]]] = [("$", value, ())]
    while waiting:
        path, item, above = waiting.pop()
        if id(item) in above:
            return f"{path}: holds itself"
        if len(above) > 500:  # noqa: PLR2004 - deeper than any reader goes
            return "nested too deeply"
        if fault := _own_fault(item):
            return f"{path}: {fault}"
        waiting += [(step, inner, (*above, id(item))) for step, inner in _inside(path, item)]
    return None


def _own_fault(item: object) -> str | None:
    if isinstance(item, float) and not math.isfinite(item):
        return f"JSON has no {item}"
    if isinstance(item, str) and not _is_unicode(item):
        return "a lone surrogate is no text"
    if isinstance(item, dict):
        return _key_fault(cast("dict[object, object]", item))
    if not isinstance(item, (*_CONTAINERS, *_SCALARS)):
        return f"JSON has no {type(item).__name__}"
    return None


def _key_fault(item: dict[object, object]) -> str | None:
    for key in item:
        if not isinstance(key, str):
            return f"a key is {ascii(key)[:60]}, and JSON's keys are strings"
        if not _is_unicode(key):
            return "a key with a lone surrogate is no text"
    return None


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _inside(path: str, item: object) -> Iterator[tuple[str, object]]:
    if isinstance(item, dict):
        for key, inner in cast("dict[str, object]", item).items():
            yield f"{path}.{key}", inner
    elif isinstance(item, (list, tuple)):
        for index, inner in enumerate(cast("list[object]", item)):
            yield f"{path}[{index}]", inner
