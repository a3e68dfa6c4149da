"""Sending: many messages at once on one channel, each confirmed by the server."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple, cast

import aiormq

from microagent.errors import BackendConnectionError
from microagent.tools.amqp.confirms import Confirms
from microagent.tools.amqp.connecting import Connection, open_channel
from microagent.tools.amqp.errors import translated
from microagent.tools.amqp.messages import Written
from microagent.tools.amqp.publishing import Channel, Confirm, publish
from microagent.tools.amqp.topology import Place


class Letter(NamedTuple):
    """
    A message with its address.

    :ivar queue: made sure of before it is sent; None: the address is the sender's business
    :ivar mandatory: the server refuses what no queue takes
    """

    exchange: str
    routing_key: str
    body: bytes
    properties: Written
    queue: Place | None = None
    mandatory: bool = True


class Sender:
    """
    The channel that sends.

    :param timeout: seconds that the server may take to confirm
    """

    def __init__(self, connection: Connection, timeout: float) -> None:
        self._connection = connection
        self._timeout = timeout
        self._channel: aiormq.Channel | None = None
        self._confirms: Confirms | None = None
        self._opening = asyncio.Lock()

    async def channel(self) -> aiormq.Channel:
        """
        Opened when first needed, and again after the server has closed it.

        :raises BackendConnectionError: if the connection is lost
        """
        async with self._opening:
            if self._channel is None or self._channel.is_closed:
                self._channel = await open_channel(self._connection, confirms=True)
                self._confirms = Confirms(self._channel)
                self._connection.listen(self._channel, self._confirms)
        return self._channel

    async def send(self, letters: Sequence[Letter]) -> list[Exception | None]:
        """
        Write them all, then wait for their confirms.

        :return: for each None when the server has it, or why it has not
        :raises BackendConnectionError: if nothing was written
        """
        channel = await self.channel()
        if self._confirms is not None:
            self._confirms.begin()
        with translated():
            confirms = await publish(cast("Channel", channel), letters, self._timeout)
        results: list[Exception | None] = []
        try:
            async with asyncio.timeout(self._timeout):
                for confirm in confirms:
                    results.append(await _outcome(confirm))
        except TimeoutError:
            results += [await _late(confirm) for confirm in confirms[len(results) :]]
        return results


async def _outcome(confirm: Confirm) -> Exception | None:
    try:
        with translated():
            await confirm
    except Exception as error:  # noqa: BLE001 - its sender is told
        return error
    return None


async def _late(confirm: Confirm) -> Exception | None:
    if confirm.done() and not confirm.cancelled():
        return await _outcome(confirm)
    confirm.cancel()
    return BackendConnectionError("the server does not confirm in time")
