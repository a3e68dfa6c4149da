"""The connection of one bus or broker to its server: opened when first needed, again after every loss."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from microagent.errors import BackendConnectionError

T = TypeVar("T")

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 2.0


def pause(tries: int) -> float:
    """Seconds to wait before the next try to connect, after ``tries`` that failed; grows to 2 s, with jitter."""
    return min(FIRST_PAUSE * 2.0**tries, LONGEST_PAUSE) * random.uniform(0.5, 1.0)


class Link:
    """
    Keeps a backend open.

    Everything that needs the server goes through :meth:`through` or awaits :meth:`ready` first. A server that is away
    is waited for, with warnings; any other failure of ``open`` is raised to whoever waits.

    :param name: what it is called in the log, without a password
    :param open: connects, and restores what the server must know (subscriptions)
    :param close: lets go of everything that ``open`` took; called again after every loss
    """

    def __init__(
        self,
        name: str,
        open: Callable[[], Awaitable[None]],  # noqa: A002 - the pair is open and close
        close: Callable[[], Awaitable[None]],
        log: logging.Logger,
    ) -> None:
        self._name = name
        self._open = open
        self._close = close
        self._log = log
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening: asyncio.Task[None] | None = None
        self._used = False
        self.is_open = False

    @property
    def healthy(self) -> bool:
        return self.is_open

    async def ready(self) -> None:
        """
        Return when the server answers, however long that takes.

        :raises BackendError: if the server refuses us for good
        :raises ConfigurationError: if the DSN or an option is wrong
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._move(loop)
        if self.is_open:
            return
        if self._opening is None or self._opening.done():
            self._opening = loop.create_task(self._connect(), name=f"{self._name}: connect")
            self._opening.add_done_callback(_retrieved)
        await asyncio.shield(self._opening)

    def _move(self, loop: asyncio.AbstractEventLoop) -> None:
        """What was opened on a loop that is gone is opened anew on this one."""
        self._loop = loop
        self._opening = None
        self.is_open = False

    async def _connect(self) -> None:
        tries = 0
        while True:
            try:
                if self._used:
                    await self._close()
                self._used = True
                await self._open()
            except BackendConnectionError as error:
                self._log.warning("%s: no connection (%s), trying again", self._name, error)
                await asyncio.sleep(pause(tries))
                tries += 1
            else:
                break
        if tries:
            self._log.warning("%s: connected again", self._name)
        self.is_open = True

    def lost(self, error: BaseException) -> None:
        """Whoever notices that the connection is gone says so here."""
        if self.is_open:
            self.is_open = False
            self._log.warning("%s: connection lost (%s)", self._name, error)

    async def through(self, operation: Callable[[], Awaitable[T]], deadline: float | None = None) -> T:
        """
        The result of ``operation``, once the server is there; it is tried again as long as it raises
        BackendConnectionError, by which a backend says that nothing was done.

        :param deadline: on the loop's clock; the last moment for another try
        :raises BackendConnectionError: if the server stayed away until the deadline
        """
        while True:
            if not self.is_open or self._loop is not asyncio.get_running_loop():
                await self._ready_by(deadline)
            try:
                return await operation()
            except BackendConnectionError as error:
                self.lost(error)
                if deadline is not None and asyncio.get_running_loop().time() >= deadline:
                    raise

    async def _ready_by(self, deadline: float | None) -> None:
        try:
            async with asyncio.timeout_at(deadline):
                await self.ready()
        except TimeoutError:
            raise BackendConnectionError(f"{self._name}: no connection in time") from None

    async def close(self) -> None:
        """Let go of the server. What uses the link afterwards opens it again."""
        if self._opening is not None and not self._opening.done() and self._loop is asyncio.get_running_loop():
            self._opening.cancel()
            await asyncio.wait([self._opening])
        self._opening = None
        self.is_open = False
        if self._used:
            self._used = False
            await self._close()


def _retrieved(task: "asyncio.Task[Any]") -> None:
    """Its waiters raise it; one that has none left (all timed out) is no news to the loop."""
    if not task.cancelled():
        task.exception()
