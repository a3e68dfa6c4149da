"""The disk under the store."""

import os

import pytest

from microagent.tools.local import disk as module
from microagent.tools.local.disk import Disk

BLOCK = 4096
MEBIBYTE = 1024 * 1024


def _full() -> int:
    """A file of which every byte is used."""
    return 0


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "queues.db"
    path.touch()
    return str(path)


@pytest.fixture
def disk(path):
    return Disk(path)


@pytest.fixture
def has(monkeypatch):
    """Makes the disk have so many MiB, and so many free ones."""

    def has(size: float, free: float) -> None:
        blocks, left = int(size * MEBIBYTE) // BLOCK, int(free * MEBIBYTE) // BLOCK
        status = os.statvfs_result((BLOCK, BLOCK, blocks, left, left, 0, 0, 0, 0, 255))
        monkeypatch.setattr(module.os, "statvfs", lambda path: status)

    return has


@pytest.mark.parametrize(
    ("size", "free", "room"),
    [(1000, 17, True), (1000, 15, False), (8, 3, True), (8, 1.9, False)],
    ids=["large and free", "large and full", "small and free", "small and full"],
)
def test_last_part_of_the_disk_is_not_for_messages(disk, has, size, free, room):
    """16 MiB, or a quarter of a small disk, are kept."""
    has(size, free)
    assert disk.has_room(1000, _full) is room


def test_room_is_counted_twice_for_a_message(disk, has):
    """It is written to the log, and from there to the file."""
    has(1000, 26)
    assert disk.has_room(5 * MEBIBYTE, _full)
    assert not disk.has_room(6 * MEBIBYTE, _full)


def test_unused_part_of_the_file_is_room(disk, has):
    """What messages that are done have left is used again."""
    has(1000, 10)
    assert not disk.has_room(MEBIBYTE, lambda: 7 * MEBIBYTE)
    assert disk.has_room(MEBIBYTE, lambda: 8 * MEBIBYTE)


def test_disk_is_tight_when_the_log_could_soon_not_be_carried_over(disk, path, has):
    """The log needs as much room again in the file."""
    has(1000, 1)
    assert not disk.is_tight()
    with open(f"{path}-wal", "wb") as log:
        log.truncate(MEBIBYTE // 2)
    assert not disk.is_tight()
    has(1000, 0.9)
    assert disk.is_tight()


def test_file_is_known_again(disk, path):
    """A file that was removed is not there any more, even when another one has its name."""
    assert disk.has_file()
    os.rename(path, f"{path}.old")
    assert not disk.has_file()
    open(path, "w").close()
    assert not disk.has_file()
