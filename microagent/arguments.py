"""Arguments that a caller may get wrong, each told in a sentence and not by what breaks on it later."""

import math
from collections.abc import Iterable
from os import PathLike
from typing import TypeVar

from microagent.errors import ConfigurationError, SerializingError
from microagent.printable import printable

L = TypeVar("L")
T = TypeVar("T")

LONGEST = 100  # characters of a wrong value in the sentence about it


def seconds(name: str, value: float) -> float:
    """
    The value of an argument that is a time.

    :raises ConfigurationError: if it is none
    """
    if type(value) not in {int, float} or not math.isfinite(value) or value < 0:
        raise ConfigurationError(f"{name}={shown(value)} is to be a number of seconds, 0 or more")
    return value


def duration(name: str, value: float) -> float:
    """
    The value of an argument that is a time in which something is to happen.

    :raises ConfigurationError: if it is none, or leaves no time for it
    """
    if type(value) not in {int, float} or not math.isfinite(value) or value <= 0:
        raise ConfigurationError(f"{name}={shown(value)} is to be a number of seconds above 0")
    return value


def count(name: str, value: int) -> int:
    """
    The value of an argument that says how many.

    :raises ConfigurationError: if it is no whole number, or less than 1
    """
    if type(value) is not int or value < 1:
        raise ConfigurationError(f"{name}={shown(value)} is to be a whole number from 1 on")
    return value


def flag(name: str, value: bool) -> bool:
    """
    The value of an argument that is said or not.

    :raises ConfigurationError: if it is neither True nor False
    """
    if not isinstance(value, bool):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
        raise ConfigurationError(f"{name}={shown(value)} is to be True or False")
    return value


def logger(value: L) -> L:
    """
    What is given as ``log``.

    :raises ConfigurationError: if nothing can be logged with it
    """
    if not all(callable(getattr(value, way, None)) for way in ("info", "warning", "error", "exception")):
        raise ConfigurationError(f"log={shown(value)} is to be a logger, as logging.getLogger(...) gives it")
    return value


def each_of(kind: type[T], values: Iterable[T], what: str) -> list[T]:
    """
    Values that have to be of a kind.

    :param what: takes them, in the error: ``"bind_receivers"``
    :raises ConfigurationError: if one is something else
    """
    if not isinstance(values, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
        raise ConfigurationError(f"{what} takes a list of {kind.__name__} objects, not {shown(values)}")
    listed = list(values)
    for value in listed:
        if not isinstance(value, kind):
            raise ConfigurationError(f"{what} takes {kind.__name__} objects, not {shown(value)}")
    return listed


def path(name: str, value: str | PathLike[str]) -> str | PathLike[str]:
    """
    The value of an argument that names a file or a folder.

    :raises ConfigurationError: if it is no path
    """
    if not isinstance(value, str | PathLike):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
        raise ConfigurationError(f"{name}={shown(value)} is to be a path")
    return value


def payload(value: str | bytes, what: str) -> bytes:
    """
    A raw message as bytes.

    :param what: names it in the error: ``"message"``
    :raises ConfigurationError: if it is neither text nor bytes
    :raises SerializingError: if UTF-8 cannot say it
    """
    if isinstance(value, str):
        try:
            return value.encode()
        except UnicodeError:
            raise SerializingError(f"{what}={shown(value)} holds half of a character, which is no text") from None
    if not isinstance(value, bytes | bytearray | memoryview):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
        raise ConfigurationError(f"{what}={shown(value)} is to be text or bytes: a serialized JSON object")
    return bytes(value)


def name(value: str, what: str) -> str:
    """
    A name that travels.

    :raises ConfigurationError: if it is no text, or has something in it that cannot be seen
    """
    if not isinstance(value, str) or not value.isprintable():  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
        raise ConfigurationError(f"{what}={shown(value)} is to be a text in one line")
    return value


def shown(value: object) -> str:
    """A value in a sentence about it: in one line, of about a hundred characters."""
    try:
        return printable(repr(value), LONGEST)
    except Exception:  # noqa: BLE001 - a foreign __repr__ may raise anything
        return f"<{type(value).__name__}>"
