"""Files that are looked at again and again, to see when they change."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from microagent_gen.sources import is_url, json_files

INTERVAL = 0.25
"""Seconds between two looks."""

State: TypeAlias = tuple[int, ...]
Snapshot: TypeAlias = Mapping[Path, State | None]


def watched(sources: Iterable[str]) -> list[Path]:
    """The files that these sources are made of now; URLs are none."""
    places = [Path(source) for source in sources if not is_url(source)]
    return [file for place in places for file in (json_files(place) if place.is_dir() else [place])]


def snapshot(files: Iterable[Path]) -> Snapshot:
    """
    What distinguishes each file from what it was before, and None for one that is not there.

    An editor that puts a new file in the place of the old one changes the inode, one that writes into it the times.
    """
    return {file: _state(file) for file in files}


def changes(look: Callable[[], Snapshot], interval: float = INTERVAL) -> Iterator[None]:
    """
    An item at once, and then one whenever what is seen has changed.

    A file that is being written changes between two looks, so a change is told when it has come to rest. What changes
    while an item is worked on is the next item.
    """
    while True:
        before = look()
        yield
        while look() == before:
            time.sleep(interval)
        _rest(look, interval)


def _rest(look: Callable[[], Snapshot], interval: float) -> None:
    after = look()
    while True:
        time.sleep(interval)
        after, before = look(), after
        if after == before:
            return


def _state(file: Path) -> State | None:
    try:
        found = os.stat(file)
    except (OSError, ValueError):
        return None
    return found.st_ino, found.st_dev, found.st_size, found.st_mtime_ns, found.st_ctime_ns
