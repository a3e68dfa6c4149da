"""The subscriptions of one process, all on one connection."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from microagent.errors import BackendConnectionError, BackendError
from microagent.tools.redis.line import ANSWER, Line

QUIET = 2.0  # seconds of silence after which the server is asked whether it is there


class _Order:
    """
    Of some subscriptions.

    :ivar open: how many are not confirmed yet; the server confirms each, in the order in which they came
    """

    def __init__(self, count: int) -> None:
        self.open = count
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def end(self, fault: BackendError | None = None) -> None:
        if self.done.done():
            return  # nobody waits for it any more
        if fault is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(fault)


class Subscription:
    """
    Subscribes, and hands on what comes, in the turn of the loop that reads it.

    :param line: of its own; the subscription closes it
    :param heard: called with signals, each ``(channel, body)``
    """

    def __init__(self, line: Line, heard: Callable[[Sequence[tuple[str, bytes]]], None]) -> None:
        self._line = line
        self._heard = heard
        self._orders: deque[_Order] = deque()
        self._fault: BackendError | None = None  # why it has ended, if it has
        self._ending: asyncio.Future[None] | None = None

    async def open(self) -> None:
        """
        Connect.

        :raises BackendConnectionError: if the server is away
        """
        await self._line.open()
        self._line.listen(self._told)
        self._line.keep_awake(QUIET, ANSWER)

    async def subscribe(self, *patterns: str) -> None:
        """
        Return when the server has confirmed it.

        :raises BackendConnectionError: if the connection is gone
        :raises BackendError: if the server refuses it
        """
        await self._order("PSUBSCRIBE", patterns)

    async def unsubscribe(self, *patterns: str) -> None:
        """Return when the server has confirmed it."""
        await self._order("PUNSUBSCRIBE", patterns)

    async def _order(self, command: str, patterns: Sequence[str]) -> None:
        await self._line.say((command, *patterns))
        order = _Order(len(patterns))
        self._orders.append(order)
        try:
            async with asyncio.timeout(ANSWER):
                await order.done
        except TimeoutError:
            await self._line.drop()
            raise BackendConnectionError("it does not answer in time") from None

    async def ended(self) -> NoReturn:
        """
        Wait until the connection is gone.

        :raises BackendConnectionError: as soon as it is
        """
        if self._fault is None:
            self._ending = asyncio.get_running_loop().create_future()
            await self._ending
        assert self._fault is not None, "it has ended"
        raise self._fault

    def _told(self, said: list[Any] | BackendError) -> None:
        if isinstance(said, BackendError):
            self._end(said)
            return
        signals: list[tuple[str, bytes]] = []
        for each in said:
            if isinstance(each, BackendError):
                self._refused(each)
            elif each[0] == b"pmessage":
                signals.append((each[2].decode(errors="replace"), each[3]))
            elif each[0] in (b"psubscribe", b"punsubscribe"):
                self._confirmed()
        if signals:
            self._heard(signals)

    def _confirmed(self) -> None:
        if self._orders:
            self._orders[0].open -= 1
            if not self._orders[0].open:
                self._orders.popleft().end()

    def _refused(self, error: BackendError) -> None:
        """An order as a whole."""
        if self._orders:
            self._orders.popleft().end(error)

    def _end(self, fault: BackendError) -> None:
        self._fault = fault
        while self._orders:
            self._orders.popleft().end(fault)
        if self._ending is not None and not self._ending.done():
            self._ending.set_result(None)

    async def close(self) -> None:
        await self._line.drop()
