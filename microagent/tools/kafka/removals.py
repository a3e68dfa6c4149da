"""The notes that say which dead letters have been taken away: a log itself forgets nothing but its oldest records."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import msgspec

MOST = 1000  # letters in a note


class Grave(NamedTuple):
    """
    Where a dead letter lies, and since when, in milliseconds since the epoch.

    Should the topic be deleted and come again, its offsets begin anew; what lies there then lies there since later.
    """

    partition: int
    offset: int
    buried: int


class Note(msgspec.Struct):
    """
    In JSON, for people too: ``{"letters": "resent", "partition": 0, "removed": [[7, 1767225600000]]}``.

    :ivar letters: ``"resent"`` or ``"discarded"``
    :ivar removed: offset and time of each
    """

    letters: str
    partition: int
    removed: list[tuple[int, int]]


def written(what: str, graves: Iterable[Grave]) -> Iterator[bytes]:
    """Notes of what has become of these letters."""
    for partition, those in groupby(sorted(set(graves)), key=lambda grave: grave.partition):
        removed = [(grave.offset, grave.buried) for grave in those]
        for start in range(0, len(removed), MOST):
            yield msgspec.json.encode(Note(what, partition, removed[start : start + MOST]))


def read(text: bytes | None) -> list[Grave]:
    """The letters that a note is of; what is no note is of none."""
    try:
        note = msgspec.json.decode(text or b"", type=Note)
    except (msgspec.DecodeError, RecursionError):
        return []
    return [Grave(note.partition, offset, buried) for offset, buried in note.removed]


def is_over(graves: Sequence[Grave], firsts: dict[int, int]) -> bool:
    """Whether a note has nothing to say any more: its letters lie before the first record of their partition."""
    return all(grave.offset < firsts.get(grave.partition, 0) for grave in graves)
