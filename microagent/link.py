"""The connection of one bus or broker to its server: opened when first needed, and again after every loss."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

from microagent.errors import BackendConnectionError, BackendError
from microagent.execution import describe
from microagent.printable import printable
from microagent.tasks import is_cancelled, task_of

T = TypeVar("T")

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 2.0
REMINDER = 10.0  # seconds until a warning that says the same comes again


def pause(losses: int) -> float:
    """Seconds to wait before connecting again after so many losses in a row; grows to 2 s, with jitter."""
    return min(FIRST_PAUSE * 2.0 ** min(losses - 1, 16), LONGEST_PAUSE) * random.uniform(0.5, 1.0)


class Interrupted(BackendConnectionError):
    """The driver gave an operation up; whether it was done, nobody knows."""


class Link:
    """
    Keeps a backend open.

    Everything that needs the server goes through :meth:`through` or :meth:`once`. A server that is away is waited for,
    with warnings; any other failure of ``open`` is raised to whoever waits. A connection that breaks before anything
    got through it counts as a failure to connect, so that a server which takes connections and drops them is not
    asked without a pause.

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
        self._looking: asyncio.Task[None] | None = None
        self._used = False
        self._connection = 0  # counts them, so that the end of one is not taken for the end of the next
        self._losses = 0  # in a row, since something last got through
        self._reason: BackendConnectionError | None = None
        self._warned: tuple[str, float] | None = None  # why, and when
        self.is_open: bool = False

    @property
    def is_idle(self) -> bool:
        """Whether nobody has needed the server, since the link was made or closed."""
        return self._opening is None

    def is_steady(self, loop: asyncio.AbstractEventLoop | None) -> bool:
        """Whether the server is there, on this loop, and something got through to it since it was last lost."""
        return self.is_open and not self._losses and self._loop is loop

    async def ready(self, deadline: float | None = None) -> None:
        """
        Return when the server answers, however long that takes.

        :param deadline: on the loop's clock; the last moment to wait for
        :raises BackendConnectionError: if the server stayed away until the deadline, or the link is closed meanwhile
        :raises BackendError: if the server refuses us for good
        :raises ConfigurationError: if the DSN or an option is wrong
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._move(loop)
        if self.is_open:
            return
        await self._opened(self._begin(), deadline)

    def _begin(self) -> asyncio.Task[None]:
        """Connect, unless that is under way."""
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

    def _move(self, loop: asyncio.AbstractEventLoop) -> None:
        """What was opened on a loop that is gone is opened anew on this one."""
        self._loop = loop
        self._opening = self._looking = None
        self.is_open = False

    async def _connect(self) -> None:
        while True:
            if self._losses:
                await asyncio.sleep(pause(self._losses))
            try:
                await self._let_go()
                self._used = True
                await _uncancelled(self._open)
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
        """Of a try that failed: the first one, one that failed otherwise, and then now and again."""
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
        The result of ``operation``, once the server is there; it is tried again as long as it raises
        BackendConnectionError, by which a backend says that nothing was done.

        :param deadline: on the loop's clock; the last moment for another try
        :param repeatable: False: it is not tried again when it may have been done
        :raises BackendConnectionError: if the server stayed away until the deadline
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
        The result of ``operation`` on the connection as it is now.

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
        """The connection has proved itself."""
        self._losses = 0

    def _lost(self, error: BackendConnectionError) -> None:
        """Whoever still waits for the server on the old connection is told so by its end, and need not find out."""
        if self.is_open:
            self.is_open = False
            self._failed(error)
            self._log.warning("%s: connection lost (%s)", self._name, printable(str(error)))
            self._begin()

    def look(self, operation: Callable[[], Awaitable[Any]]) -> None:
        """
        See in the background whether the server is still there, as a connection that nobody needs just now has ended;
        if it is not, it is waited for from now on.

        :param operation: asks the server something
        """
        if self.is_open and (self._looking is None or self._looking.done()):
            loop = asyncio.get_running_loop()
            self._looking = task_of(loop, self._look(operation), f"{self._name}: look")

    async def _look(self, operation: Callable[[], Awaitable[Any]]) -> None:
        with suppress(BackendError):  # it is told to those who need the server
            await self.once(operation)

    async def close(self) -> None:
        """Let go of the server. What uses the link afterwards opens it again."""
        for task in (self._opening, self._looking):
            if task is not None and not task.done() and self._loop is asyncio.get_running_loop():
                task.cancel()
                await asyncio.wait([task])
        self._opening = self._looking = None
        self.is_open = False
        self._losses = 0
        self._warned = None
        await self._let_go()

    async def _let_go(self) -> None:
        if self._used:
            self._used = False
            try:
                await self._close()
            except Exception as error:  # noqa: BLE001 - what is broken may not even close, and is left all the same
                self._log.warning("%s: closing went wrong (%s)", self._name, describe(error))


async def _uncancelled(operation: Callable[[], Awaitable[T]]) -> T:
    """A driver may cancel who waits on a connection that closes; that is a loss, and ends none of our tasks."""
    try:
        return await operation()
    except asyncio.CancelledError as error:
        if is_cancelled():
            raise
        raise Interrupted("the connection was closed meanwhile") from error


def _retrieved(task: "asyncio.Task[Any]") -> None:
    """Its waiters raise it; one that has none left (all timed out) is no news to the loop."""
    if not task.cancelled():
        task.exception()
