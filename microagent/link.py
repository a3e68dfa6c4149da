"""Keeps the connection of a bus or broker: opened when first needed, and again after every loss."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

from microagent.errors import AuthError, BackendConnectionError, BackendError
from microagent.execution import describe
from microagent.printable import printable
from microagent.tasks import is_cancelled, task_of

T = TypeVar("T")

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 2.0
REMINDER = 10.0  # seconds until the same warning is logged again


def pause(losses: int) -> float:
    """
    Seconds to wait before the next attempt to connect: grows exponentially to 2 s, with jitter.

    :param losses: failed attempts and lost connections in a row
    """
    return min(FIRST_PAUSE * 2.0 ** min(losses - 1, 16), LONGEST_PAUSE) * random.uniform(0.5, 1.0)


class Interrupted(BackendConnectionError):
    """The connection broke during an operation: the server may or may not have carried it out."""


class Link:
    """
    Opens the connection to a server, and opens it again when it is lost.

    All operations go through :meth:`through` or :meth:`once`. While the server cannot be reached, the link keeps trying
    and logs warnings; any other failure of ``open`` is raised to those who wait. A connection that breaks before
    anything got through counts as a failed attempt, so that a server which accepts connections and drops them is not
    hammered.

    :param name: names the link in the log; contains no password
    :param open: connects, and restores what the server has to know, such as subscriptions
    :param close: releases everything that ``open`` acquired; called after every loss
    :param log: gets a warning when the connection is lost, cannot be established, and is there again
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
        self._looking: asyncio.Task[None] | None = None
        self._used = False
        self._connection = 0  # counts them, so that the end of one is not taken for the end of the next
        self._losses = 0  # in a row, since something last got through
        self._reason: BackendConnectionError | None = None
        self._warned: tuple[str, float] | None = None  # why, and when
        self.is_open: bool = False

    @property
    def is_idle(self) -> bool:
        """Whether the server has not been needed since the link was created or closed."""
        return self._opening is None

    def is_steady(self, loop: asyncio.AbstractEventLoop | None) -> bool:
        """Whether there is a connection on ``loop`` that has proved to work since the last loss."""
        return self.is_open and not self._losses and self._loop is loop

    async def ready(self, deadline: float | None = None) -> None:
        """
        Return when there is a connection.

        :param deadline: when to give up, on the loop's clock; None: never
        :raises BackendConnectionError: if there was none until the deadline, or the link was closed meanwhile
        :raises BackendError: if the server refuses the connection, so that trying again would not help
        :raises ConfigurationError: if the DSN or an option is wrong
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._change_loop(loop)
        if self.is_open:
            return
        await self._opened(self._begin(), deadline)

    def _begin(self) -> asyncio.Task[None]:
        """Start to connect, unless that is already under way."""
        if self._opening is None or self._opening.done():
            self._opening = task_of(asyncio.get_running_loop(), self._connect(), f"{self._name}: connect")
            self._opening.add_done_callback(_retrieved)
        return self._opening

    async def _opened(self, opening: asyncio.Task[None], deadline: float | None) -> None:
        try:
            async with asyncio.timeout_at(deadline):
                await asyncio.wait([opening])
        except TimeoutError:
            why = "" if self._reason is None else f": {printable(str(self._reason))}"
            raise BackendConnectionError(f"{self._name}: no connection in time{why}") from self._reason
        if opening.cancelled():
            raise BackendConnectionError(f"{self._name}: closed while it was connecting")
        opening.result()

    def _change_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Forget the connection of another event loop, which is gone."""
        self._loop = loop
        self._opening = self._looking = None
        self.is_open = False

    async def _connect(self) -> None:
        while True:
            if self._losses:
                await asyncio.sleep(pause(self._losses))
            try:
                await self._release()
                self._used = True
                await _uncancelled(self._open)
            except AuthError as error:
                raise AuthError(f"{self._name}: {error}") from error
            except BackendConnectionError as error:
                self._failed(error)
                self._warn(printable(str(error)))
            else:
                break
        if self._losses:
            self._log.warning("%s: connected again", self._name)
        self._warned = None
        self._connection += 1
        self.is_open = True

    def _warn(self, reason: str) -> None:
        """Log a failed attempt if it is the first one, has another reason than the last one, or a reminder is due."""
        now = asyncio.get_running_loop().time()
        if self._warned is None or self._warned[0] != reason or now >= self._warned[1] + REMINDER:
            self._warned = (reason, now)
            self._log.warning("%s: no connection (%s), trying again", self._name, reason)

    def _failed(self, error: BackendConnectionError) -> None:
        self._losses += 1
        self._reason = error

    async def through(
        self, operation: Callable[[], Awaitable[T]], deadline: float | None = None, *, repeatable: bool = True
    ) -> T:
        """
        Wait for a connection and return ``await operation()``; repeat it when the connection is lost.

        :param deadline: when to give up, on the loop's clock; None: never
        :param repeatable: False: do not repeat an operation that may have been carried out, see :class:`Interrupted`
        :raises BackendConnectionError: if it did not succeed before the deadline, or may not be repeated
        """
        while True:
            await self.ready(deadline)
            try:
                return await self.once(operation)
            except BackendConnectionError as error:
                if isinstance(error, Interrupted) and not repeatable:
                    raise
                if deadline is not None and asyncio.get_running_loop().time() >= deadline:
                    raise

    async def once(self, operation: Callable[[], Awaitable[T]]) -> T:
        """
        Return ``await operation()`` on the present connection.

        :raises BackendConnectionError: if there is none, or it breaks
        """
        if not self.is_open:
            raise BackendConnectionError(f"{self._name}: no connection")
        connection = self._connection
        try:
            result = await _uncancelled(operation)
        except BackendConnectionError as error:
            if connection == self._connection:
                self._lost(error)
            raise
        self.got_through()
        return result

    def got_through(self) -> None:
        """Note that the connection works."""
        self._losses = 0

    def _lost(self, error: BackendConnectionError) -> None:
        """Note the loss, and start to connect again at once, even if nobody needs the server now."""
        if self.is_open:
            self.is_open = False
            self._failed(error)
            self._log.warning("%s: connection lost (%s)", self._name, printable(str(error)))
            self._begin()

    def look(self, operation: Callable[[], Awaitable[Any]]) -> None:
        """
        Check the connection in the background, because part of it has ended while nobody was using it; if it is lost,
        connect again.

        :param operation: asks the server something
        """
        if self.is_open and (self._looking is None or self._looking.done()):
            loop = asyncio.get_running_loop()
            self._looking = task_of(loop, self._look(operation), f"{self._name}: look")

    async def _look(self, operation: Callable[[], Awaitable[Any]]) -> None:
        with suppress(BackendError):  # raised to those who need the server
            await self.once(operation)

    async def close(self) -> None:
        """Disconnect. Using the link afterwards connects again."""
        for task in (self._opening, self._looking):
            if task is not None and not task.done() and self._loop is asyncio.get_running_loop():
                task.cancel()
                await asyncio.wait([task])
        self._opening = self._looking = None
        self.is_open = False
        self._losses = 0
        self._warned = None
        await self._release()

    async def _release(self) -> None:
        if self._used:
            self._used = False
            try:
                await self._close()
            except Exception as error:  # noqa: BLE001 - a broken connection may fail to close, and is dropped anyway
                self._log.warning("%s: closing went wrong (%s)", self._name, describe(error))


async def _uncancelled(operation: Callable[[], Awaitable[T]]) -> T:
    """
    Await ``operation()``; a cancellation that nobody requested becomes :class:`Interrupted`.

    Some drivers cancel those who wait on a connection that closes: a lost connection, which must not end our task.
    """
    try:
        return await operation()
    except asyncio.CancelledError as error:
        if is_cancelled():
            raise
        raise Interrupted("the connection was closed meanwhile") from error


def _retrieved(task: "asyncio.Task[Any]") -> None:
    """Retrieve the exception of a task whose waiters may all have timed out, or asyncio would log it."""
    if not task.cancelled():
        task.exception()
