"""What a broker has open: folder, store, its thread and the doorbell."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import TypeVar, cast

from microagent.errors import BackendConnectionError, BackendError
from microagent.tasks import close_with
from microagent.tools.local.committer import Committer
from microagent.tools.local.doorbell import Doorbell
from microagent.tools.local.folder import Folder
from microagent.tools.local.lockholder import lock_holder
from microagent.tools.local.presence import is_alive
from microagent.tools.local.store import TURN, Store

T = TypeVar("T")

PATIENCE = 30.0  # seconds to wait for the lock: a process stopped (SIGSTOP) while writing never releases it
OPENING = 5.0  # seconds to wait for it when opening, which is tried again
CLOSING = 10.0  # seconds to wait for it when closing
DEATHS = (0.01, 0.1, 0.5)  # seconds after the end of a connection, at which to check whether its process is dead


class Session:
    """
    The open queues of a folder; everything is opened and closed together.

    :param synchronous: see :class:`Store`
    :ivar doorbell: rings when a queue has new messages to take
    """

    def __init__(self, folder: Folder, synchronous: str, log: logging.Logger) -> None:
        self.doorbell = Doorbell(folder, log, self._somebody_left)
        self._folder = folder
        self._committer = Committer(lambda: Store(folder, self.doorbell.name, synchronous), self.doorbell.ring)
        self._closing = AsyncExitStack()
        self._closed = False

    @classmethod
    async def open(cls, path: str, synchronous: str, log: logging.Logger) -> "Session":
        """
        Open the queues of the folder at ``path``.

        :raises ConfigurationError: if the folder is not safe, or was written by a newer microagent
        :raises BackendError: if the disk is full or fails
        :raises BackendConnectionError: if another process blocks the store
        """
        async with AsyncExitStack() as opened:
            folder = Folder.open(path)
            opened.callback(folder.close)
            session = cls(folder, synchronous, log)
            opened.push_async_callback(session.doorbell.close)
            await session.doorbell.open()
            opened.push_async_callback(session._committer.stop, CLOSING)
            await session._start()
            opened.callback(session._hand_back)
            session._closing = opened.pop_all()
            close_with(asyncio.get_running_loop(), session)
        return session

    async def close(self) -> None:
        """Hand back the messages still held, and close everything."""
        self._closed = True
        await self._closing.aclose()

    async def submit(self, operation: Callable[[Store], T], *, durable: bool = False) -> T:
        """
        Run an operation on the store; return its result when it is committed.

        :raises BackendError: if the disk is full or fails, or another process blocks the store
        """
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._committer.submit(operation, durable=durable)
        except TimeoutError:
            raise BackendError(self._hindrance()) from None

    def begin(self, operation: Callable[[Store], T], told: Callable[[T | Exception], None]) -> None:
        """Like a durable :meth:`submit`, without waiting: ``told`` is called with its result or exception."""
        work = self._committer.submit(operation, durable=True)
        patience = asyncio.get_running_loop().call_later(PATIENCE, work.cancel)
        work.add_done_callback(partial(self._ended, patience, told))

    def _ended(
        self, patience: asyncio.TimerHandle, told: Callable[[T | Exception], None], work: "asyncio.Future[T]"
    ) -> None:
        patience.cancel()
        if work.cancelled():
            told(BackendError(self._hindrance()))
        else:
            error = cast("Exception | None", work.exception())
            told(work.result() if error is None else error)

    async def reap(self) -> None:
        """Release the messages of dead processes and expired leases."""
        await self.submit(self._reaping())

    def _reaping(self) -> Callable[[Store], None]:
        return partial(Store.reap, is_alive=partial(is_alive, self._folder))

    async def _start(self) -> None:
        try:
            async with asyncio.timeout(OPENING):
                await self._committer.start()
        except TimeoutError:
            raise BackendConnectionError(self._hindrance()) from None

    def _hindrance(self) -> str:
        return f"{self._folder.path}: {lock_holder(self._folder, TURN)} does not let others write to the queues"

    def _hand_back(self) -> None:
        self._committer.submit(Store.hand_back).add_done_callback(_retrieved)

    def _somebody_left(self) -> None:
        """The kernel closes the connections and the lock of a process that dies in no particular order."""
        loop = asyncio.get_running_loop()
        for delay in DEATHS:
            loop.call_later(delay, self._look_for_dead)

    def _look_for_dead(self) -> None:
        if not self._closed:
            self._committer.submit(self._reaping()).add_done_callback(_retrieved)


def _retrieved(work: "asyncio.Future[None]") -> None:
    """Retrieve the exception, which is of no interest: the next sweep, by any process, does what is left."""
    if not work.cancelled():
        work.exception()
