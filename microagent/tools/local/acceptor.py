"""Where others come in: a listening socket, and what is done when there are too many."""

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import suppress

from microagent.counted import CountedLog
from microagent.tasks import Tasks

AT_ONCE = 100  # connections that are taken before others get their turn
REST = 0.5  # seconds until it is tried again, when there is no descriptor for one more


class Acceptor:
    """
    Takes connections as long as there are descriptors for them; then the others wait outside.

    The server of asyncio would log an error for each that waits, a hundred times a second.

    :param listener: listens already; the entrance closes it
    :param make: the protocol of a connection
    """

    def __init__(self, listener: socket.socket, make: Callable[[], asyncio.Protocol], log: logging.Logger) -> None:
        self._listener = listener
        self._make = make
        self._loop = asyncio.get_running_loop()
        self._entering = Tasks(log)
        self._full = CountedLog(log, "Others cannot connect: no descriptor is left for them (tried %d times)")
        self._rest: asyncio.TimerHandle | None = None
        self._loop.add_reader(listener, self._take)

    def fileno(self) -> int:
        """Of the listener; -1 when it is closed."""
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
        """Nobody comes in any more."""
        if self._rest is not None:
            self._rest.cancel()
        with suppress(RuntimeError):  # the loop is closed
            self._loop.remove_reader(self._listener)
        self._listener.close()
