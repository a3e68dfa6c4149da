"""What the disk under a file has to offer."""

import os
from collections.abc import Callable

RESERVE = 16 * 1024 * 1024  # bytes that messages do not get, or a quarter of a small disk


class Disk:
    """
    The disk under the file of the store, which exists.

    Its last part is kept for what takes messages out: on a full disk they could not even be acknowledged.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._log = f"{path}-wal"
        self._file = _identity(path)

    def has_file(self) -> bool:
        """Whether the file is still there; what is written to one that was removed is lost."""
        try:
            return _identity(self._path) == self._file
        except FileNotFoundError:
            return False

    def has_room(self, size: int, unused: Callable[[], int]) -> bool:
        """
        Whether messages of so many bytes may be added.

        :param unused: counts the bytes of the file that hold nothing; asked when nothing else is left
        """
        disk = os.statvfs(self._path)
        needed = min(RESERVE, disk.f_blocks * disk.f_frsize // 4) + 2 * size  # once in the log, once in the file
        free = disk.f_bavail * disk.f_frsize
        return free >= needed or free + unused() >= needed

    def is_tight(self) -> bool:
        """Whether the log is so long that there may soon be no room to carry it over into the file."""
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
