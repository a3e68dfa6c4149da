"""JSON Pointers (RFC 6901): format, parse and follow them."""

from collections.abc import Iterable, Mapping
from typing import cast
from urllib.parse import unquote


def pointer_to(steps: Iterable[str | int]) -> str:
    """Format steps as a pointer: ``/signals/2/name``."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)


def fragment_steps(fragment: str) -> tuple[str, ...]:
    """The steps of a URI fragment such as ``#/$defs/Order``; none for ``#``."""
    text = unquote(fragment.removeprefix("#"))
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in text.split("/")[1:])


def follow(document: object, steps: Iterable[str]) -> object:
    """
    The value that the steps lead to.

    :raises LookupError: if there is none
    """
    found = document
    for step in steps:
        if isinstance(found, Mapping):
            found = cast("Mapping[str, object]", found)[step]
        else:
            items = cast("list[object]", found) if isinstance(found, list) else []
            found = items[_index(step)]
    return found


def find(document: object, steps: Iterable[str]) -> object:
    """The value that the steps lead to, or None."""
    try:
        return follow(document, steps)
    except LookupError:
        return None


def _index(step: str) -> int:
    if not (step.isascii() and step.isdigit()):
        raise LookupError(step)
    return int(step[:18])
