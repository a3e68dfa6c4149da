"""Arguments that a caller may get wrong, each told in a sentence and not by what breaks on it later."""

import math

from microagent.errors import ConfigurationError, SerializingError
from microagent.printable import printable

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
