"""Tells which members of a folder are alive: each holds a file lock, which ends with its process."""

import fcntl
import os
from uuid import uuid4

from microagent.tools.local.folder import Folder
from microagent.tools.local.forks import register_for_forks

LOCK = ".lock"
SOCKET = ".sock"


class Presence:
    """
    A member's sign of life: a lock that the kernel releases when the process ends, however it ends.

    :param kind: prefix of the name; members of the same kind see each other
    :ivar name: unique name of this member
    """

    def __init__(self, folder: Folder, kind: str) -> None:
        self.name = f"{kind}-{uuid4().hex}"
        self._folder = folder
        self._descriptor = -1
        register_for_forks(self)

    def descriptors(self) -> list[int]:
        """That of the lock, while it is held open."""
        return [self._descriptor] if self._descriptor >= 0 else []

    def forget(self) -> None:
        """The member is the parent."""
        self._descriptor = -1

    def announce(self) -> None:
        """Appear as alive until :meth:`withdraw` or the end of the process."""
        while self._descriptor < 0:
            descriptor = self._folder.open_file(self.name + LOCK, os.O_RDWR | os.O_CREAT)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:
                self._descriptor = descriptor
            else:  # another process looked between the two calls, took us for dead and removed the file
                os.close(descriptor)

    def withdraw(self) -> None:
        """Appear as dead, and remove the files. Can be called twice."""
        if self._descriptor >= 0:
            _remove(self._folder, self.name)
            os.close(self._descriptor)
            self._descriptor = -1


def is_alive(folder: Folder, name: str) -> bool:
    """Whether a member is alive; the files of a dead one are removed."""
    try:
        descriptor = folder.open_file(name + LOCK, os.O_RDWR)
    except FileNotFoundError:
        _remove(folder, name)
        return False
    try:
        fcntl.flock(
            descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB
        )  # shared, so that processes that check do not hinder each other
    except BlockingIOError:
        return True
    else:
        _remove(folder, name)
        return False
    finally:
        os.close(descriptor)


def living(folder: Folder, kind: str) -> list[str]:
    """The names of the live members of a kind; the files of dead ones are removed."""
    stems = {os.path.splitext(name)[0] for name in folder.names() if name.startswith(f"{kind}-")}
    return sorted(stem for stem in stems if is_alive(folder, stem))


def _remove(folder: Folder, name: str) -> None:
    folder.remove(name + SOCKET)
    folder.remove(name + LOCK)
