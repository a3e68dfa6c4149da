"""The note that goes with a committed offset: which messages beyond it are handled too."""

from collections.abc import Collection

LONGEST = 4000  # characters; servers take 4096 (offset.metadata.max.bytes)
FARTHEST = 100_000  # offsets that a note of ours may look ahead
PREFIX = "done:"  # begins a note of ours; somebody else's is let be


def noted(first: int, handled: Collection[int]) -> str:
    """
    ``done:1-3,7`` where ``first + 1`` to ``first + 3`` and ``first + 7`` are handled; empty if nothing is.

    What does not fit is left out, and may be handled again by whoever gets the partition.
    """
    ranges: list[tuple[int, int]] = []
    for number in sorted(handled):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    text = ",".join(_range(start - first, end - first) for start, end in ranges)
    if len(text) > LONGEST:
        text = text[:LONGEST].rpartition(",")[0]
    return f"{PREFIX}{text}" if text else ""


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
