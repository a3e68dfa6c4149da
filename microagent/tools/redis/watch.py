"""Waiting for a message without taking it."""

import asyncio
from typing import Any

from microagent.errors import BackendError
from microagent.tools.redis.line import ANSWER, Line


class Watch:
    """
    Waits until a list has something in it.

    ``BLMOVE key key LEFT LEFT`` puts what it takes back where it was, in one step: a consumer that dies while it waits
    takes nothing with it.

    :param line: to the server of the list; the watch closes it
    :param longest: seconds until a wait ends without a message
    """

    def __init__(self, line: Line, key: str, longest: float) -> None:
        self._line = line
        self._key = key
        self._longest = longest
        self._until: float | None = None  # when the answer is late, while there is an open question

    async def wait(self) -> None:
        """
        Return when there may be something; cancelled, the question stays open, and the next wait hears the answer.

        :raises BackendConnectionError: if the connection is gone
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
    Waits for whatever makes it worth while to take from a queue.

    :param watches: of the lists that messages come to
    """

    def __init__(self, *watches: Watch) -> None:
        self._watches = watches
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """From this process: there may be something."""
        self._rung.set()

    async def wait(self, timeout: float) -> None:
        """
        Return at a message, at a ring, or after ``timeout`` seconds.

        :raises BackendConnectionError: if a connection is gone
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
