"""The note that goes with a committed offset: which messages beyond it are handled too."""

from collections.abc import Iterable, Iterator

LONGEST = 4000  # characters; servers take 4096 (offset.metadata.max.bytes)
FARTHEST = 100_000  # offsets that a note of ours may look ahead
PREFIX = "done:"  # begins a note of ours; somebody else's is let be


def noted(left: Iterable[int], last: int) -> str:
    """
    ``done:1-3,7`` where the first that is left is followed by three that are handled, and by one more; else empty.

    What does not fit is left out, and may be handled again by whoever gets the partition.

    :param left: the offsets that are not handled, in their order; the committed one is the first of them
    :param last: the highest one that is
    """
    text = ",".join(_range(*each) for each in _between(left, last))
    if len(text) > LONGEST:
        text = text[:LONGEST].rpartition(",")[0]
    return f"{PREFIX}{text}" if text else ""


def _between(left: Iterable[int], last: int) -> Iterator[tuple[int, int]]:
    """The first and the last of those that are handled in a row, counted from the first that is not."""
    offsets = iter(left)
    first = before = next(offsets, last)
    while before < last:
        following = min(next(offsets, last + 1), last + 1)
        if following > before + 1:
            yield before + 1 - first, following - 1 - first
        before = following


def _range(start: int, end: int) -> str:
    return str(start) if start == end else f"{start}-{end}"


def read(first: int, note: str) -> set[int]:
    """The offsets that a note says are handled; a note that makes no sense says nothing."""
    handled: set[int] = set()
    if not note.startswith(PREFIX):
        return handled
    try:
        for part in note.removeprefix(PREFIX).split(","):
            start, _, end = part.partition("-")
            handled.update(range(first + int(start), first + min(int(end or start), FARTHEST) + 1))
    except ValueError:
        return set()
    return handled
