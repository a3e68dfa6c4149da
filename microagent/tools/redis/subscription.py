"""The subscriptions of one process, all on one connection."""

import asyncio
from collections.abc import Sequence
from typing import Any

from microagent.tools.redis.line import ANSWER, Line

QUIET = 2.0  # seconds of silence after which the server is asked whether it is there


class Subscription:
    """
    Subscribes, and reads what comes.

    Those who wait for a confirmation and those who wait for signals take turns at reading; each files what it read.

    :param line: of its own; the subscription closes it
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self._reading = asyncio.Lock()
        self._signals: list[tuple[str, bytes]] = []
        self._ordering = asyncio.Lock()
        self._ordered = 0  # patterns in all orders; the server confirms each, in the order in which they came
        self._confirmed = 0

    async def open(self) -> None:
        """
        Connect.

        :raises BackendConnectionError: if the server is away
        """
        await self._line.open()
        self._line.keep_awake(QUIET, ANSWER)

    async def subscribe(self, *patterns: str) -> None:
        """Return when the server has confirmed it."""
        await self._order("PSUBSCRIBE", patterns)

    async def unsubscribe(self, *patterns: str) -> None:
        """Return when the server has confirmed it."""
        await self._order("PUNSUBSCRIBE", patterns)

    async def _order(self, command: str, patterns: Sequence[str]) -> None:
        async with self._ordering:
            await self._line.say((command, *patterns))
            self._ordered += len(patterns)
            number = self._ordered
        until = asyncio.get_running_loop().time() + ANSWER
        while self._confirmed < number:
            async with self._reading:
                if self._confirmed < number:
                    self._file(await self._line.hear(until))

    async def receive(self) -> list[tuple[str, bytes]]:
        """
        The next signals, each ``(channel, body)``; may be cancelled without loss.

        :raises BackendConnectionError: if the connection is gone
        """
        while not self._signals:
            async with self._reading:
                if not self._signals:
                    self._file(await self._line.hear())
        signals = self._signals
        self._signals = []
        return signals

    def _file(self, things: list[Any]) -> None:
        for said in things:
            kind = said[0]
            if kind == b"pmessage":
                self._signals.append((said[2].decode(errors="replace"), said[3]))
            elif kind in (b"psubscribe", b"punsubscribe"):
                self._confirmed += 1

    async def close(self) -> None:
        await self._line.drop()
        self._signals.clear()
