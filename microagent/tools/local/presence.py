"""Who is alive: each member of a folder holds a lock that ends with its process."""

import fcntl
import os
from uuid import uuid4

from microagent.tools.local.folder import Folder
from microagent.tools.local.forks import register_for_forks

LOCK = ".lock"
SOCKET = ".sock"


class Presence:
    """
    A member's sign of life.

    :param kind: what the member is; members of a kind see each other
    :ivar name: of this member, never used again
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
        """The member is not this process."""
        self._descriptor = -1

    def announce(self) -> None:
        """Be alive for all who look, until :meth:`withdraw` or the end of this process."""
        while self._descriptor < 0:
            descriptor = self._folder.open_file(self.name + LOCK, os.O_RDWR | os.O_CREAT)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:
                self._descriptor = descriptor
            else:  # somebody looked between the two calls above, took us for dead and cleaned up
                os.close(descriptor)

    def withdraw(self) -> None:
        """Be gone, with all files. Doing it again does nothing."""
        if self._descriptor >= 0:
            _remove(self._folder, self.name)
            os.close(self._descriptor)
            self._descriptor = -1


def is_alive(folder: Folder, name: str) -> bool:
    """Whether the member ``name`` lives; what a dead one left behind is removed."""
    try:
        descriptor = folder.open_file(name + LOCK, os.O_RDWR)
    except FileNotFoundError:
        _remove(folder, name)
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: those who look never hinder each other
    except BlockingIOError:
        return True
    else:
        _remove(folder, name)
        return False
    finally:
        os.close(descriptor)


def living(folder: Folder, kind: str) -> list[str]:
    """The names of the members of this kind; the dead ones are cleared away."""
    stems = {os.path.splitext(name)[0] for name in folder.names() if name.startswith(f"{kind}-")}
    return sorted(stem for stem in stems if is_alive(folder, stem))


def _remove(folder: Folder, name: str) -> None:
    folder.remove(name + SOCKET)
    folder.remove(name + LOCK)
