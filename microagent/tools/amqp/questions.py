"""Channels for requests that the server may refuse, which closes the channel."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import aiormq

from microagent.tools.amqp.connecting import open_channel
from microagent.tools.amqp.errors import translated

T = TypeVar("T")

PATIENCE = 1.0  # seconds for a channel to close


class Questions:
    """
    A pool of channels for requests that may fail: RabbitMQ closes the channel of a request that it refuses.

    A channel is used for one request at a time, and again if the request succeeded.
    """

    def __init__(self, connection: aiormq.Connection) -> None:
        self._connection = connection
        self._idle: list[aiormq.Channel] = []

    async def ask(self, question: Callable[[aiormq.Channel], Awaitable[T]]) -> T:
        """
        Return ``await question(channel)``.

        :raises MissingError: if the queue or exchange does not exist
        :raises ConfigurationError: if it exists with other properties
        """
        channel = self._idle.pop() if self._idle else await open_channel(self._connection)
        with translated():
            try:
                answer = await question(channel)
            except BaseException:
                await _give_up(channel)
                raise
        self._idle.append(channel)
        return answer


async def _give_up(channel: aiormq.Channel) -> None:
    """What was got on it and not settled goes back to its queue."""
    if not channel.is_closed:
        with suppress(Exception):  # it ends with the connection at the latest
            async with asyncio.timeout(PATIENCE):
                await channel.close()
