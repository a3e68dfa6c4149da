"""Connects each member of a kind with every other one, without a server."""

import asyncio
import fcntl
import logging
import os
import socket
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, suppress

from microagent.errors import BackendConnectionError
from microagent.tools.local.acceptor import Acceptor
from microagent.tools.local.folder import Folder
from microagent.tools.local.forks import register_for_forks
from microagent.tools.local.lockholder import lock_holder
from microagent.tools.local.peer import Peer, PeerHandler
from microagent.tools.local.presence import SOCKET, Presence, living

BACKLOG = 1024
DOOR = "door.lock"
PATIENCE = 5.0  # seconds to wait for another process that is joining


class Mesh:
    """
    Connects this process with all others of its kind in a folder.

    Members join one at a time, so that of any two the later one finds the socket of the earlier one, and connects once.

    :param kind: members of the same kind are connected
    :param handler: gets the events of all connections
    :param log: gets a warning when no connection can be accepted
    :ivar presence: the sign of life of this member
    """

    def __init__(
        self,
        folder: Folder,
        kind: str,
        handler: PeerHandler,
        log: logging.Logger = logging.getLogger("microagent.local"),  # noqa: B008 - it is one for all
    ) -> None:
        self.presence = Presence(folder, kind)
        self._folder = folder
        self._kind = kind
        self._handler = handler
        self._log = log
        self._acceptor: Acceptor | None = None
        register_for_forks(self)

    def descriptors(self) -> list[int]:
        """That of the listening socket, while there is one."""
        return [] if self._acceptor is None else [self._acceptor.fileno()]

    def forget(self) -> None:
        """The member is the parent."""
        self._acceptor = None

    async def open(self) -> None:
        """Join; when this returns, the member is connected with all that joined before."""
        connections: list[socket.socket] = []
        try:
            with self._folder.refusals():
                async with _door(self._folder):
                    self.presence.announce()
                    connections += self._connections()
                    listener = self._listen()
            await self._begin(listener, connections)
        finally:
            for connection in connections:
                connection.close()

    async def _begin(self, listener: socket.socket, connections: list[socket.socket]) -> None:
        """``connections`` are taken from the list as they are taken into use."""
        loop = asyncio.get_running_loop()
        self._acceptor = Acceptor(listener, self._peer, self._log)
        while connections:
            with suppress(OSError):  # it left again
                await loop.create_unix_connection(self._peer, sock=connections.pop())

    def _peer(self) -> Peer:
        return Peer(self._handler)

    def _connections(self) -> Generator[socket.socket, None, None]:
        for name in living(self._folder, self._kind):
            if name != self.presence.name and (connection := self._connect(name)) is not None:
                yield connection

    def _connect(self, name: str) -> socket.socket | None:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.setblocking(False)
        try:
            connection.connect(self._folder.address(name + SOCKET))
        except OSError:  # it is leaving, or so many wait at its door that it must hang
            connection.close()
            return None
        return connection

    def _listen(self) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.setblocking(False)
            listener.bind(self._folder.address(self.presence.name + SOCKET))
            self._folder.protect(self.presence.name + SOCKET)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
        return listener

    def close(self) -> None:
        """Leave. Open connections are closed by the handler."""
        self.presence.withdraw()
        if self._acceptor is not None:
            self._acceptor.close()
            self._acceptor = None


@asynccontextmanager
async def _door(folder: Folder) -> AsyncGenerator[None, None]:
    """
    A lock that lets members join one at a time; each takes about a millisecond.

    :raises BackendConnectionError: if another process does not release it
    """
    descriptor = folder.open_file(DOOR, os.O_RDWR | os.O_CREAT)
    deadline = time.monotonic() + PATIENCE
    try:
        while not _locked(descriptor):
            if time.monotonic() > deadline:
                raise BackendConnectionError(f"{folder.path}: {lock_holder(folder, DOOR)} does not let others join")
            await asyncio.sleep(0.002)  # no event tells that another process is done
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
