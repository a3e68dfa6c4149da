"""Asking the server what it may refuse."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import aiormq

from microagent.tools.amqp.connecting import open_channel
from microagent.tools.amqp.errors import translated

T = TypeVar("T")


class Questions:
    """
    Channels for questions, because a server refuses by closing the channel.

    A channel is used for one question at a time, and again if it was answered.
    """

    def __init__(self, connection: aiormq.Connection) -> None:
        self._connection = connection
        self._idle: list[aiormq.Channel] = []

    async def ask(self, question: Callable[[aiormq.Channel], Awaitable[T]]) -> T:
        """
        What the server says to ``question(channel)``.

        :raises MissingError: if there is no such queue or exchange
        :raises ConfigurationError: if it exists and is different
        """
        channel = self._idle.pop() if self._idle else await open_channel(self._connection)
        with translated():
            answer = await question(channel)
        self._idle.append(channel)
        return answer
