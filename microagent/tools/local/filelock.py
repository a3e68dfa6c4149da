"""A lock between processes, granted in the order of asking."""

import fcntl
import os
from types import TracebackType

from microagent.tools.local.folder import Folder
from microagent.tools.local.forks import register_for_forks


class FileLock:
    """
    A lock on a file, held inside ``with``.

    SQLite itself would poll its lock, with pauses of up to 100 ms; here the kernel wakes the next process at once.
    """

    def __init__(self, folder: Folder, name: str) -> None:
        self._descriptor = folder.open_file(name, os.O_RDWR | os.O_CREAT)
        register_for_forks(self)

    def descriptors(self) -> list[int]:
        """That of the lock, while it is held open."""
        return [self._descriptor] if self._descriptor >= 0 else []

    def forget(self) -> None:
        """The lock is the parent's."""
        self._descriptor = -1

    def __enter__(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)
        self._descriptor = -1
