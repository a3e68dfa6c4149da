"""Waits until a list has a message, without taking it."""

import asyncio
from typing import Any

from microagent.errors import BackendError
from microagent.tools.redis.line import ANSWER, Line


class Watch:
    """
    Waits until a list has something in it.

    It blocks with ``BLMOVE key key LEFT LEFT``, which puts the message back in its place in the same step: a process
    that dies while it waits loses nothing.

    :param line: connection to the server of the list; closed by :meth:`close`
    :param longest: seconds that one blocking command lasts
    """

    def __init__(self, line: Line, key: str, longest: float) -> None:
        self._line = line
        self._key = key
        self._longest = longest
        self._until: float | None = None  # when the answer to the open command is overdue; None: no command is open

    async def wait(self) -> None:
        """
        Return when there may be a message. If cancelled, the command stays open, and the next wait gets its answer.

        :raises BackendConnectionError: if the connection is lost
        """
        if self._until is None:
            await self._line.open()
            await self._line.say(("BLMOVE", self._key, self._key, "LEFT", "LEFT", self._longest))
            self._until = asyncio.get_running_loop().time() + self._longest + ANSWER
        try:
            await self._line.hear(self._until)
        except BackendError:
            self._until = None
            raise
        self._until = None

    async def close(self) -> None:
        await self._line.drop()
        self._until = None


class Doorbell:
    """
    Waits until there may be something to take from a queue: a message in a list, or a ring by this process.

    :param watches: one for each list that messages arrive in
    """

    def __init__(self, *watches: Watch) -> None:
        self._watches = watches
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """End the wait: this process knows that there may be something."""
        self._rung.set()

    async def wait(self, timeout: float) -> None:
        """
        Return when there may be a message, at a ring, or after ``timeout`` seconds.

        :raises BackendConnectionError: if a connection is lost
        """
        waits = (self._rung.wait(), *(watch.wait() for watch in self._watches))
        waiting: list[asyncio.Future[Any]] = [asyncio.ensure_future(wait) for wait in waits]
        try:
            done, _ = await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        self._rung.clear()
        for task in done:
            await task

    async def close(self) -> None:
        for watch in self._watches:
            await watch.close()
