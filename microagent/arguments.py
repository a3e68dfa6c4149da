"""Checks of arguments: a wrong one is reported where it is passed, not where it breaks something later."""

import math
from collections.abc import Iterable
from os import PathLike
from typing import TypeVar

from microagent.errors import ConfigurationError, SerializingError
from microagent.printable import printable

L = TypeVar("L")
T = TypeVar("T")

LONGEST = 100  # characters shown of a wrong value


def seconds(name: str, value: float) -> float:
    """
    Check a number of seconds, 0 or more, and return it.

    :param name: name of the argument, for the error
    :raises ConfigurationError: if it is no such number
    """
    if type(value) not in {int, float} or not math.isfinite(value) or value < 0:
        raise ConfigurationError(f"{name}={shown(value)} has to be a number of seconds, 0 or more")
    return value


def duration(name: str, value: float) -> float:
    """
    Check a number of seconds above 0, and return it.

    :param name: name of the argument, for the error
    :raises ConfigurationError: if it is no such number
    """
    if type(value) not in {int, float} or not math.isfinite(value) or value <= 0:
        raise ConfigurationError(f"{name}={shown(value)} has to be a number of seconds above 0")
    return value


def count(name: str, value: int) -> int:
    """
    Check a whole number, 1 or more, and return it.

    :param name: name of the argument, for the error
    :raises ConfigurationError: if it is no such number
    """
    if type(value) is not int or value < 1:
        raise ConfigurationError(f"{name}={shown(value)} has to be a whole number, 1 or more")
    return value


def flag(name: str, value: bool) -> bool:
    """
    Check a bool, and return it.

    :param name: name of the argument, for the error
    :raises ConfigurationError: if it is neither True nor False
    """
    if not isinstance(value, bool):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
        raise ConfigurationError(f"{name}={shown(value)} has to be True or False")
    return value


def logger(value: L) -> L:
    """
    Check the argument ``log``, and return it.

    :raises ConfigurationError: if it does not have the methods of a logger
    """
    if not all(callable(getattr(value, way, None)) for way in ("info", "warning", "error", "exception")):
        raise ConfigurationError(f"log={shown(value)} has to be a logger, such as logging.getLogger(...)")
    return value


def each_of(kind: type[T], values: Iterable[T], what: str) -> list[T]:
    """
    Check that all values are instances of a class, and return them as a list.

    :param kind: the class
    :param what: name of the function that takes them, for the error
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
    Check the path of a file or folder, and return it.

    :param name: name of the argument, for the error
    :raises ConfigurationError: if it is neither a str nor a path object
    """
    if not isinstance(value, str | PathLike):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
        raise ConfigurationError(f"{name}={shown(value)} has to be a path")
    return value


def payload(value: str | bytes, what: str) -> bytes:
    """
    A serialized message as bytes.

    :param what: name of the argument, for the error
    :raises ConfigurationError: if it is neither str nor bytes
    :raises SerializingError: if it cannot be encoded as UTF-8
    """
    if isinstance(value, str):
        try:
            return value.encode()
        except UnicodeError:
            raise SerializingError(
                f"{what}={shown(value)} cannot be encoded as UTF-8: it holds half of a surrogate pair"
            ) from None
    if not isinstance(value, bytes | bytearray | memoryview):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
        raise ConfigurationError(f"{what}={shown(value)} has to be str or bytes: a serialized JSON object")
    return bytes(value)


def name(value: str, what: str) -> str:
    """
    Check a name that is sent to a server, and return it.

    :param what: name of the argument, for the error
    :raises ConfigurationError: if it is not a str, or holds control characters
    """
    if not isinstance(value, str) or not value.isprintable():  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
        raise ConfigurationError(f"{what}={shown(value)} has to be a string without control characters")
    return value


def shown(value: object) -> str:
    """The repr of a value for an error message: one line of about a hundred characters."""
    try:
        return printable(repr(value), LONGEST)
    except Exception:  # noqa: BLE001 - a foreign __repr__ may raise anything
        return f"<{type(value).__name__}>"
