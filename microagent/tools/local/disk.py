"""Free space on the disk, and whether the store's file is still there."""

import os
from collections.abc import Callable

RESERVE = 16 * 1024 * 1024  # bytes kept free, or a quarter of a small disk


class Disk:
    """
    The disk that holds the file of the store, which has to exist.

    A reserve is kept free of new messages: on a full disk, those that are there could not even be acknowledged.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._log = f"{path}-wal"
        self._file = _identity(path)

    def has_file(self) -> bool:
        """Whether the file is still the same one; what is written to a removed file is lost."""
        try:
            return _identity(self._path) == self._file
        except FileNotFoundError:
            return False

    def has_room(self, size: int, unused: Callable[[], int]) -> bool:
        """
        Whether there is room for messages of ``size`` bytes.

        :param unused: counts the unused bytes in the file; called only if the disk itself has not enough room
        """
        disk = os.statvfs(self._path)
        needed = min(RESERVE, disk.f_blocks * disk.f_frsize // 4) + 2 * size  # once in the log, once in the file
        free = disk.f_bavail * disk.f_frsize
        return free >= needed or free + unused() >= needed

    def is_tight(self) -> bool:
        """Whether the write-ahead log is so long that the disk may soon have no room for its checkpoint."""
        disk = os.statvfs(self._path)
        return self._log_size() > disk.f_bavail * disk.f_frsize // 2

    def _log_size(self) -> int:
        try:
            return os.stat(self._log).st_size
        except FileNotFoundError:
            return 0


def _identity(path: str) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino
