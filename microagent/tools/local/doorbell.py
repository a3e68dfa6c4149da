"""Wakes the consumers of a queue, in all processes, when it has messages; nobody has to poll."""

import asyncio
import logging
from collections.abc import Callable, Iterable

from microagent.channel import Pattern
from microagent.counted import CountedLog
from microagent.tools.local.folder import Folder
from microagent.tools.local.pubsub import Message, PubSub

END = "\0"  # ends a queue's name, so that none is a prefix of another


class Doorbell:
    """
    One bell for each queue that this process consumes; a bell that was rung stays rung until it is cleared.

    :param left: called when another process may have ended
    """

    def __init__(self, folder: Folder, log: logging.Logger, left: Callable[[], None]) -> None:
        unheard = CountedLog(log, "%d messages announced to a process that does not listen; it will find them itself")
        self._pubsub = PubSub(folder, "broker", log, dropped=unheard, deliver=self._heard, left=left)
        self._bells: dict[str, asyncio.Event] = {}
        self.open = self._pubsub.open
        self.close = self._pubsub.close

    @property
    def name(self) -> str:
        """Name of this member in the folder; it is alive as long as this process."""
        return self._pubsub.name

    async def subscribe(self, queue: str) -> None:
        """From now on, hear the bell of ``queue``, whichever process rings it."""
        if queue not in self._bells:
            self._bells[queue] = asyncio.Event()
            await self._pubsub.subscribe([_pattern(queue)])

    async def unsubscribe(self, queue: str) -> None:
        """Hear the bell of ``queue`` no longer."""
        if self._bells.pop(queue, None) is not None:
            await self._pubsub.unsubscribe([_pattern(queue)])

    def ring(self, queues: Iterable[str]) -> None:
        """Wake those who wait for one of these queues, in all processes."""
        self._pubsub.post([(_channel(queue), b"") for queue in queues])

    def clear(self, queue: str) -> None:
        """Reset the bell. Call it before looking for messages, or a ring in between is lost."""
        self._bells[queue].clear()

    async def wait(self, queue: str, timeout: float) -> None:
        """Return when the bell is rung, or after ``timeout`` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._bells[queue].wait()
        except TimeoutError:
            return

    def _heard(self, rings: list[Message]) -> None:
        for channel, _ in rings:
            if (bell := self._bells.get(channel.removesuffix(END))) is not None:
                bell.set()


def _channel(queue: str) -> str:
    return queue + END


def _pattern(queue: str) -> Pattern:
    return Pattern(_channel(queue))
