"""The queues of a folder as one process has them: store, thread and doorbell, opened and closed together."""

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

PATIENCE = 30.0  # seconds for others to let us write: one that was stopped in the middle of writing never does
OPENING = 5.0  # the same, when it can be tried again
CLOSING = 10.0  # and when we leave
DEATHS = (0.01, 0.1, 0.5)  # seconds after the end of a connection at which its process may be found dead


class Session:
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
    async def open(cls, path: str, synchronous: str, log: logging.Logger) -> "Session":
        """
        The queues of the folder at ``path``.

        :raises ConfigurationError: if the folder is not safe, or written by a newer microagent
        :raises BackendError: if the disk does not do what it is asked
        :raises BackendConnectionError: if another process keeps everybody from writing
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
        """Hand back what is still held, and let go of everything."""
        self._closed = True
        await self._closing.aclose()

    async def submit(self, operation: Callable[[Store], T], *, durable: bool = False) -> T:
        """
        The result of ``operation``, when it is committed.

        :raises BackendError: if the disk does not do what it is asked, or another process keeps everybody from writing
        """
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._committer.submit(operation, durable=durable)
        except TimeoutError:
            raise BackendError(self._hindrance()) from None

    def begin(self, operation: Callable[[Store], T], told: Callable[[T | Exception], None]) -> None:
        """:meth:`submit` of what is durable, for who does not wait: ``told`` is called with what it gives or raises."""
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
        """Give back what the dead and the silent held."""
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
        return f"{self._folder.path}: {lock_holder(self._folder, TURN)} lets nobody write to the queues"

    def _hand_back(self) -> None:
        self._committer.submit(Store.hand_back).add_done_callback(_retrieved)

    def _somebody_left(self) -> None:
        """A process that dies lets go of its connections and of its lock in no certain order."""
        loop = asyncio.get_running_loop()
        for delay in DEATHS:
            loop.call_later(delay, self._look_for_dead)

    def _look_for_dead(self) -> None:
        if not self._closed:
            self._committer.submit(self._reaping()).add_done_callback(_retrieved)


def _retrieved(work: "asyncio.Future[None]") -> None:
    """Whatever it came to: the next sweep, ours or another's, does what is left."""
    if not work.cancelled():
        work.exception()
