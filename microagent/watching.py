"""Files that are looked at again and again, to see when they change."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

INTERVAL = 0.25
"""Seconds between two looks."""

State: TypeAlias = tuple[int, ...]
Snapshot: TypeAlias = Mapping[Path, State | None]


def snapshot(files: Iterable[Path]) -> Snapshot:
    """
    What distinguishes each file from what it was before, and None for one that is not there.

    An editor that puts a new file in the place of the old one changes the inode, one that writes into it the times.
    """
    return {file: _state(file) for file in files}


def _state(file: Path) -> State | None:
    try:
        found = os.stat(file)
    except (OSError, ValueError):
        return None
    return found.st_ino, found.st_dev, found.st_size, found.st_mtime_ns, found.st_ctime_ns


class Watch:
    """
    Tells of each change once, when it has come to rest: a file that is being written changes from look to look.

    :param look: what is there now; the first look is at once
    """

    def __init__(self, look: Callable[[], Snapshot]) -> None:
        self._look = look
        self._seen = self._told = look()

    def has_changed(self) -> bool:
        """Look once more: whether it is something else than what was told last, and the same as a look ago."""
        before, self._seen = self._seen, self._look()
        if self._seen != before or self._seen == self._told:
            return False
        self._told = self._seen
        return True


def changes(look: Callable[[], Snapshot], interval: float = INTERVAL) -> Iterator[None]:
    """
    An item at once, and then one for each change. What changes while an item is worked on is the next item.

    :param interval: seconds between two looks
    """
    watch = Watch(look)
    while True:
        yield
        while not watch.has_changed():
            time.sleep(interval)
