"""The note that goes with a committed offset."""

import pytest

from microagent.tools.kafka.notes import LONGEST, noted, read


@pytest.mark.parametrize(
    ("left", "last", "note", "told"),
    [
        ([], 9, "", set[int]()),
        ([10], 9, "", set[int]()),
        ([10, 11, 12], 9, "", set[int]()),
        ([10], 11, "done:1", {11}),
        ([10, 14, 15, 16, 18], 17, "done:1-3,7", {11, 12, 13, 17}),
        ([10, 12, 14, 15, 16, 18, 19], 17, "done:1,3,7", {11, 13, 17}),
        ([10, 20], 15, "done:1-5", {11, 12, 13, 14, 15}),
    ],
)
def test_note_tells_what_is_handled_beyond_the_offset(left: list[int], last: int, note: str, told: set[int]):
    """As ranges, relative to the offset; and it is read as it was written."""
    assert noted(left, last) == note
    assert read(10, note) == told


def test_note_fits():
    """What is too much for the server is left out: the later ones."""
    handled = set(range(1, 20_000, 2))
    note = noted(range(0, 20_000, 2), 19_999)
    assert len(note) <= LONGEST + len("done:")
    told = read(0, note)
    assert told == {number for number in handled if number <= max(told)}
    assert len(told) > 500


@pytest.mark.parametrize(
    "note", ["", "somebody else's", "done:", "done:x", "done:1-", "done:1,,2", "done:3-1", "done:-"]
)
def test_note_of_somebody_else_says_nothing(note: str):
    """Whatever stands there, it is no error."""
    assert read(10, note) <= {11}


def test_note_cannot_fill_the_memory():
    """A range is not taken for longer than one of ours could be."""
    assert len(read(0, "done:1-99999999999999")) <= 100_000
