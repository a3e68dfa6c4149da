"""Headers: what a sender says beside the body of a message."""

from collections.abc import Mapping
from typing import Final

from microagent import arguments
from microagent.errors import ConfigurationError

OURS: Final = "x-microagent-"  # how the names of those begin that we write ourselves
LONGEST_NAME: Final = 128  # bytes, as AMQP has it
LARGEST: Final = 64 * 1024  # bytes of all names and values of a message; RabbitMQ takes twice as much at most


def check_headers(headers: Mapping[str, str | bytes]) -> None:
    """
    See that they can be sent wherever there are headers; no value is shown.

    :raises ConfigurationError: if they are no dictionary of texts or bytes by texts, too many, or ours
    """
    if not isinstance(headers, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
        raise ConfigurationError(f"headers are a dictionary of texts, not of type {type(headers).__name__}")
    size = sum(_size(name, value) for name, value in headers.items())
    if size > LARGEST:
        raise ConfigurationError(f"the headers of a message take {LARGEST:,} bytes at most, and not {size:,}")


def _size(name: str, value: object) -> int:
    arguments.name(name, "the name of a header")
    if name.startswith(OURS):
        raise ConfigurationError(f"header {arguments.shown(name)}: names that begin with {OURS} are taken")
    length = len(name.encode())
    if not 1 <= length <= LONGEST_NAME:
        raise ConfigurationError(f"the name of a header takes 1 to {LONGEST_NAME} bytes: {arguments.shown(name)}")
    if not isinstance(value, str | bytes):
        raise ConfigurationError(f"header {name!r} must be a text or bytes, not of type {type(value).__name__}")
    try:
        return length + len(value if isinstance(value, bytes) else value.encode())
    except UnicodeEncodeError:
        raise ConfigurationError(f"header {name!r} holds half of a character, which is no text") from None


def as_text(value: str | bytes | bytearray) -> str:
    """A value as handlers get it; what is no UTF-8 in it reads as U+FFFD."""
    return value if isinstance(value, str) else value.decode(errors="replace")
