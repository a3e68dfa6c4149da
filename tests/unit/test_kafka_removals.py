"""The notes that say which dead letters on Kafka are gone."""

import json

import pytest

from microagent.tools.kafka import removals
from microagent.tools.kafka.removals import Grave


def test_note_is_read_as_it_was_written():
    """For each partition one, in JSON that says to people what it means."""
    graves = [Grave(1, 7, 1500), Grave(0, 3, 1400), Grave(1, 5, 1450), Grave(1, 7, 1500)]
    notes = [*removals.written("resent", graves)]
    assert [json.loads(note) for note in notes] == [
        {"letters": "resent", "partition": 0, "removed": [[3, 1400]]},
        {"letters": "resent", "partition": 1, "removed": [[5, 1450], [7, 1500]]},
    ]
    assert {grave for note in notes for grave in removals.read(note)} == set(graves)


def test_many_letters_take_several_notes():
    """None is larger than servers take."""
    graves = [Grave(0, offset, 1_800_000_000_000) for offset in range(2 * removals.MOST + 1)]
    notes = [*removals.written("discarded", graves)]
    assert [len(removals.read(note)) for note in notes] == [removals.MOST, removals.MOST, 1]
    assert max(map(len, notes)) < 100_000
    assert [*removals.written("discarded", [])] == []


@pytest.mark.parametrize(
    "text",
    [None, b"", b"{}", b"[]", b"\xff", b'{"letters": "resent", "partition": "0", "removed": []}', b"[" * 100_000],
)
def test_what_is_no_note_says_nothing(text):
    """Whoever wrote it; no letter is hidden by it."""
    assert removals.read(text) == []


def test_note_is_over_when_its_letters_are_deleted():
    """All of them; a partition that is not known says nothing."""
    graves = [Grave(0, 3, 1400), Grave(0, 5, 1400), Grave(1, 2, 1400)]
    assert removals.is_over(graves, {0: 6, 1: 3})
    assert not removals.is_over(graves, {0: 5, 1: 3})
    assert not removals.is_over(graves, {0: 6})
