"""The queues of a folder as one process has them: store, thread and doorbell, opened and closed together."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import TypeVar

from microagent.errors import BackendError
from microagent.tools.local.committer import Committer
from microagent.tools.local.doorbell import Doorbell
from microagent.tools.local.folder import Folder
from microagent.tools.local.presence import is_alive
from microagent.tools.local.store import Store

T = TypeVar("T")

DEATHS = (0.01, 0.1, 0.5)  # seconds after the end of a connection at which its process may be found dead


class Depot:
    """
    Everything that a broker has open.

    :param synchronous: see :class:`Store`
    :ivar doorbell: rings for every queue that has got something to take
    """

    def __init__(self, folder: Folder, synchronous: str, log: logging.Logger) -> None:
        self.doorbell = Doorbell(folder, log, self._somebody_left)
        self._folder = folder
        self._committer = Committer(lambda: Store(folder, self.doorbell.name, synchronous), self.doorbell.ring)
        self._closing = AsyncExitStack()
        self._closed = False

    @classmethod
    async def open(cls, path: str, synchronous: str, log: logging.Logger) -> "Depot":
        """
        The queues of the folder at ``path``.

        :raises ConfigurationError: if the folder is not safe, or written by a newer microagent
        :raises BackendError: if the disk does not do what it is asked
        """
        async with AsyncExitStack() as opened:
            folder = Folder.open(path)
            opened.callback(folder.close)
            depot = cls(folder, synchronous, log)
            opened.push_async_callback(depot.doorbell.close)
            await depot.doorbell.open()
            await depot._committer.start()
            opened.push_async_callback(depot._committer.stop)
            opened.push_async_callback(depot._hand_back)
            depot._closing = opened.pop_all()
        return depot

    async def close(self) -> None:
        """Hand back what is still held, and let go of everything."""
        self._closed = True
        await self._closing.aclose()

    def submit(self, operation: Callable[[Store], T], *, durable: bool = False) -> "asyncio.Future[T]":
        """The result of ``operation``, when it is committed."""
        return self._committer.submit(operation, durable=durable)

    def reap(self) -> "asyncio.Future[None]":
        """Give back what the dead and the silent held."""
        return self.submit(partial(Store.reap, is_alive=partial(is_alive, self._folder)))

    async def _hand_back(self) -> None:
        with suppress(BackendError):  # those who live will notice that we do not
            await self.submit(Store.hand_back)

    def _somebody_left(self) -> None:
        """A process that dies lets go of its connections and of its lock in no certain order."""
        loop = asyncio.get_running_loop()
        for delay in DEATHS:
            loop.call_later(delay, self._look_for_dead)

    def _look_for_dead(self) -> None:
        if not self._closed:
            self.reap().add_done_callback(_retrieved)


def _retrieved(looking: "asyncio.Future[None]") -> None:
    """Whatever it came to; the next sweep looks again."""
    if not looking.cancelled():
        looking.exception()
