"""Polls files for changes."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

INTERVAL = 0.25
"""Seconds between two polls."""

State: TypeAlias = tuple[int, ...]
Snapshot: TypeAlias = Mapping[Path, State | None]


def snapshot(files: Iterable[Path]) -> Snapshot:
    """
    The state of each file, to be compared with a later one; None for a file that does not exist.

    An editor that replaces the file changes its inode, one that writes to it changes its times.
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
    Reports each change once, when the files have stayed the same for one poll, so that none is half written.

    :param look: takes a snapshot; the first one is taken at once
    """

    def __init__(self, look: Callable[[], Snapshot]) -> None:
        self._look = look
        self._seen = self._told = look()

    def has_changed(self) -> bool:
        """Take a snapshot; True if it equals the one before, and differs from the last one that was reported."""
        before, self._seen = self._seen, self._look()
        if self._seen != before or self._seen == self._told:
            return False
        self._told = self._seen
        return True


def changes(look: Callable[[], Snapshot], interval: float = INTERVAL) -> Iterator[None]:
    """
    Yield once at the start, and then after each change; changes made while the consumer is busy are not missed.

    :param look: takes a snapshot of the files
    :param interval: seconds between two polls
    """
    watch = Watch(look)
    while True:
        yield
        while not watch.has_changed():
            time.sleep(interval)
