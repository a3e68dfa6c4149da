"""Accepts connections on a listening socket, also when file descriptors run out."""

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import suppress

from microagent.counted import CountedLog
from microagent.tasks import Tasks

AT_ONCE = 100  # connections accepted before other work gets its turn
REST = 0.5  # seconds until accepting is tried again when no file descriptor was left


class Acceptor:
    """
    Accepts connections as long as there are file descriptors; further ones wait in the backlog.

    asyncio's own server would then log an error a hundred times a second.

    :param listener: a listening socket; closed by :meth:`close`
    :param make: creates the protocol of a connection
    """

    def __init__(self, listener: socket.socket, make: Callable[[], asyncio.Protocol], log: logging.Logger) -> None:
        self._listener = listener
        self._make = make
        self._loop = asyncio.get_running_loop()
        self._entering = Tasks(log)
        self._full = CountedLog(
            log, "Other processes cannot connect: this one has no file descriptor left (tried %d times)"
        )
        self._rest: asyncio.TimerHandle | None = None
        self._loop.add_reader(listener, self._take)

    def fileno(self) -> int:
        """File descriptor of the listener; -1 after it was closed."""
        return self._listener.fileno()

    def _take(self) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                self._wait_for_room()
                return
            connection.setblocking(False)
            self._entering.spawn(self._enter(connection), "local: a connection")

    async def _enter(self, connection: socket.socket) -> None:
        with suppress(OSError):  # it left again
            await self._loop.connect_accepted_socket(self._make, connection)

    def _wait_for_room(self) -> None:
        self._full.add()
        self._loop.remove_reader(self._listener)
        self._rest = self._loop.call_later(REST, self._loop.add_reader, self._listener, self._take)

    def close(self) -> None:
        """Accept no more connections."""
        if self._rest is not None:
            self._rest.cancel()
        with suppress(RuntimeError):  # the loop is closed
            self._loop.remove_reader(self._listener)
        self._listener.close()
