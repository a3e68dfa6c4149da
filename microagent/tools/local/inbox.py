"""A bounded buffer of received messages."""

import asyncio
from collections.abc import Callable, Sequence

from microagent.tools.local.peer import WAITING, WAITING_BYTES

Message = tuple[str, bytes]


class Inbox:
    """
    Holds messages until the bus takes them. When it is full, it asks to pause reading, and rejects further messages.

    :param flow: called with False when it is full, with True when there is room again
    """

    def __init__(self, flow: Callable[[bool], None]) -> None:
        self._flow = flow
        self._messages: list[Message] = []
        self._bytes = 0
        self._arrival = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def put(self, messages: Sequence[Message]) -> int:
        """
        Keep ``messages`` until they are taken.

        :return: how many were refused
        """
        if not self._room.is_set():
            return len(messages)
        self._messages += messages
        self._bytes += sum(len(body) for _, body in messages)
        self._arrival.set()
        if len(self._messages) >= WAITING or self._bytes >= WAITING_BYTES:
            self._room.clear()
            self._flow(False)
        return 0

    async def get(self) -> list[Message]:
        """All that waits, at least one; cancelled, it leaves them all."""
        while not self._messages:
            self._arrival.clear()
            await self._arrival.wait()
        messages, self._messages, self._bytes = self._messages, [], 0
        if not self._room.is_set():
            self._room.set()
            self._flow(True)
        return messages

    async def room(self, patience: float) -> None:
        """Wait until there is room, at most ``patience`` seconds."""
        if self._room.is_set():
            return
        try:
            async with asyncio.timeout(patience):
                await self._room.wait()
        except TimeoutError:
            return
