"""Files that are looked at again and again."""

import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from microagent.watching import Snapshot, Watch, changes, snapshot


def shows(*states: int) -> Callable[[], Snapshot]:
    """What a file is at each look."""
    looks = iter(states)
    return lambda: {Path("a"): (next(looks),)}


def test_every_way_to_change_a_file_is_seen(tmp_path: Path) -> None:
    """
    Writing, replacing by a file of the same size and time, removing and creating: each gives another snapshot.
    """
    path = tmp_path / "a.json"
    seen = [snapshot([path])]
    path.write_text("1")
    seen.append(snapshot([path]))
    path.write_text("22")
    seen.append(snapshot([path]))
    found = path.stat()
    (tmp_path / "b.json").write_text("33")
    os.utime(tmp_path / "b.json", ns=(found.st_atime_ns, found.st_mtime_ns))
    os.replace(tmp_path / "b.json", path)
    seen.append(snapshot([path]))
    path.unlink()
    seen.append(snapshot([path]))

    assert all(before != after for before, after in pairwise(seen))
    assert seen[0] == seen[-1] == {path: None}


def test_a_change_is_told_when_it_has_come_to_rest() -> None:
    """
    As long as something changes from look to look, nothing is told; then it is told once.
    """
    watch = Watch(shows(0, 0, 1, 2, 3, 3, 3, 4, 4))

    told = [watch.has_changed() for _ in range(8)]

    assert told == [False, False, False, False, True, False, False, True]


def test_what_is_as_it_was_is_no_change() -> None:
    """
    A file that is there again as it was told last needs no telling.
    """
    watch = Watch(shows(0, 1, 0, 0, 0))

    assert not any(watch.has_changed() for _ in range(4))


def test_what_changes_during_the_work_is_seen() -> None:
    """
    A change between being told and asking again is not lost.
    """
    state = 0
    told = changes(lambda: {Path("a"): (state,)}, interval=0)
    next(told)
    for state in (1, 2):  # noqa: B007 - it is what is looked at
        next(told)
