"""JSON Pointers, as RFC 6901 has them."""

from typing import Any

import pytest

from microagent.pointers import follow, fragment_steps, pointer_to

DOCUMENT: dict[str, Any] = {
    "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, 'k"l': 6, " ": 7, "m~n": 8,
}  # fmt: skip


@pytest.mark.parametrize(
    ("fragment", "value"),
    [
        ("#", DOCUMENT),
        ("#/foo", ["bar", "baz"]),
        ("#/foo/0", "bar"),
        ("#/", 0),
        ("#/a~1b", 1),
        ("#/c%25d", 2),
        ("#/e%5Ef", 3),
        ("#/g%7Ch", 4),
        ("#/i%5Cj", 5),
        ("#/k%22l", 6),
        ("#/%20", 7),
        ("#/m~0n", 8),
    ],
)
def test_the_examples_of_the_rfc(fragment: str, value: object) -> None:
    """Section 6: pointers as fragments of an URI."""
    assert follow(DOCUMENT, fragment_steps(fragment)) == value


@pytest.mark.parametrize(
    "fragment", ["#/nope", "#/foo/2", "#/foo/-1", "#/foo/x", "#/foo/0/x", "#/foo/²", "#/foo/" + "9" * 99]
)
def test_what_leads_nowhere_is_a_lookup_error(fragment: str) -> None:
    """Missing keys, indices beyond the end, steps into text."""
    with pytest.raises(LookupError):
        follow(DOCUMENT, fragment_steps(fragment))


def test_steps_are_written_as_they_are_read() -> None:
    """Escapes and all."""
    steps = ("a/b", "m~n", "", "~1")
    assert pointer_to(steps) == "/a~1b/m~0n//~01"
    assert fragment_steps("#" + pointer_to(steps)) == steps
    assert pointer_to(["signals", 2, "name"]) == "/signals/2/name"
