"""Foreign text in messages."""

import pytest

from microagent.printable import printable


@pytest.mark.parametrize("text", ["", "plain", "größe", "日本語", "a\\b", "'\"", "🎉"])
def test_printable_text_stays_as_it_is(text: str) -> None:
    """Letters of all languages, quotes and backslashes are no danger."""
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x1b[31m\x07\x00\x7f\x9b", r"\x1b[31m\x07\x00\x7f\x9b"),
        ("\u2028\u2029\x85\v\f", r"\u2028\u2029\x85\x0b\x0c"),
        ("\u202e\u2066\ufeff\U000e0041", r"\u202e\u2066\ufeff\U000e0041"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_a_terminal_or_a_reader_would_stumble_over_is_escaped(text: str, shown: str) -> None:
    """Ends of lines, commands to the terminal, changes of direction, halves of characters."""
    assert printable(text) == shown
    shown.encode()


def test_long_text_is_cut() -> None:
    """The beginning and the length are shown."""
    assert printable("x" * 1_000_000, 5) == "xxxxx... (1000000 characters)"
    assert len(printable("\x00" * 1_000_000)) < 10_000
