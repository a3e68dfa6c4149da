"""Taking turns among processes, in the order of asking."""

import fcntl
import os
from types import TracebackType

from microagent.tools.local.folder import Folder
from microagent.tools.local.forks import register_for_forks


class FileLock:
    """
    A lock on a file, held inside ``with``.

    SQLite's own waiting asks again after pauses of up to 100 ms, and who asks at the right moment wins; here the kernel
    wakes the next one at once.
    """

    def __init__(self, folder: Folder, name: str) -> None:
        self._descriptor = folder.open_file(name, os.O_RDWR | os.O_CREAT)
        register_for_forks(self)

    def descriptors(self) -> list[int]:
        """That of the lock, while it is held open."""
        return [self._descriptor] if self._descriptor >= 0 else []

    def forget(self) -> None:
        """Take no turns in the place of another process."""
        self._descriptor = -1

    def __enter__(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)
        self._descriptor = -1
