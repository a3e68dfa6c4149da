"""
What is wrong with the properties of a message, read as nothing.

The driver ends its connection at a property that it cannot read, a text that is no UTF-8 for example. The server does
not look at them, and would deliver the message again and again, to one connection after the other.
"""

from collections.abc import Callable
from typing import Any

from pamqp import decode

Reader = Callable[[bytes], tuple[int, Any]]
"""From the bytes that begin with a value to how many they are, and the value."""

_TIMESTAMP = 8  # bytes


def _size_of_text(data: bytes) -> int:
    return 1 + data[0]


def _size_of_table(data: bytes) -> int:
    return 4 + int.from_bytes(data[:4], "big")


SIZES: dict[str, Callable[[bytes], int]] = {
    "shortstr": _size_of_text,
    "table": _size_of_table,
    "timestamp": lambda data: _TIMESTAMP,
}
"""The types of properties that can be wrong, with the length of a value."""


def lenient(read: Reader, size: Callable[[bytes], int]) -> Reader:
    """Reads what it can, and skips what it cannot: the value is None then."""

    def read_leniently(data: bytes) -> tuple[int, Any]:
        try:
            return read(data)
        except Exception:  # noqa: BLE001 - it comes from outside, and so may do anything to the driver
            return size(data), None

    return read_leniently


def read_leniently() -> None:
    """Have the driver read properties so; once, for all connections of this process."""
    readers: dict[str, Any] = decode.METHODS
    for kind, size in SIZES.items():
        if kind in readers and readers[kind].__name__ != read_leniently.__name__:
            readers[kind] = lenient(readers[kind], size)
