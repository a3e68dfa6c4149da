"""Publishing many messages in one write, where the driver writes each by itself."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Protocol, TypeAlias

from aiormq.abc import ChannelFrame

from microagent.tools.amqp.frames import publication, publish_method
from microagent.tools.amqp.messages import Written

LARGEST_WRITE = 128 * 1024  # bytes that are handed to the connection at once

Confirm: TypeAlias = "asyncio.Future[Any]"


class Channel(Protocol):
    """What is used of a channel of the driver's, all of it public."""

    number: int
    delivery_tag: int
    max_content_size: int
    confirmations: dict[int, Any]
    message_id_delivery_tag: dict[str, int]
    write_queue: "asyncio.Queue[Any]"

    @property
    def lock(self) -> AbstractAsyncContextManager[None]: ...
    def create_future(self) -> Confirm: ...


class Letter(Protocol):
    """What is published."""

    @property
    def exchange(self) -> str: ...
    @property
    def routing_key(self) -> str: ...
    @property
    def body(self) -> bytes: ...
    @property
    def properties(self) -> Written: ...
    @property
    def mandatory(self) -> bool: ...


async def publish(channel: Channel, letters: Sequence[Letter], patience: float) -> list[Confirm]:
    """
    Write the letters, in order.

    A write for each costs a system call, a task and a deadline for each; that is most of what sending costs.

    :param patience: seconds to wait for the confirm of one whose id another has, before that is written
    :return: for each a future of the driver's: the server's confirm, or the error that came in its place
    :raises aiormq.exceptions.AMQPError: if the channel is closed, and nothing was written
    """
    async with channel.lock:
        confirms: list[Confirm] = []
        for some in _portions(letters):
            if under_way := _of_same_id(channel, some):
                await asyncio.wait(under_way, timeout=patience)
            confirms += await _write(channel, some)
    return confirms


def _portions(letters: Sequence[Letter]) -> Iterator[list[Letter]]:
    """Of a size, and in each portion an id once."""
    portion: dict[str, Letter] = {}
    size = 0
    for letter in letters:
        if size > LARGEST_WRITE or letter.properties.id in portion:
            yield [*portion.values()]
            portion, size = {}, 0
        portion[letter.properties.id] = letter
        size += len(letter.body)
    if portion:
        yield [*portion.values()]


def _of_same_id(channel: Channel, letters: Sequence[Letter]) -> list[Confirm]:
    """What the server has not confirmed yet; were it to return one of two, nobody could tell which."""
    numbers, confirms = channel.message_id_delivery_tag, channel.confirmations
    under_way = [numbers[letter.properties.id] for letter in letters if letter.properties.id in numbers]
    return [confirms[number] for number in under_way if number in confirms]


async def _write(channel: Channel, letters: Sequence[Letter]) -> list[Confirm]:
    """The driver knows by number and by message id whom a confirm or a returned message concerns."""
    first = channel.delivery_tag + 1
    payload = b"".join([_written(channel, letter) for letter in letters])
    confirms: list[Confirm] = [channel.create_future() for _ in letters]
    for number, (confirm, letter) in enumerate(zip(confirms, letters, strict=True), first):
        channel.confirmations[number] = confirm
        channel.message_id_delivery_tag[letter.properties.id] = number
        confirm.add_done_callback(partial(_forget, channel.message_id_delivery_tag, letter.properties.id, number))
    channel.delivery_tag += len(letters)
    try:
        await channel.write_queue.put(ChannelFrame(payload=payload, should_close=False))
    except BaseException:  # not written: the server counts on from where it was
        channel.delivery_tag = first - 1
        for number, confirm in enumerate(confirms, first):
            channel.confirmations.pop(number, None)
            confirm.cancel()
        raise
    return confirms


def _forget(numbers: dict[str, int], id: str, number: int, _: Confirm) -> None:  # noqa: A002 - the protocol's word
    if numbers.get(id) == number:  # and not of a later one that has the same
        del numbers[id]


def _written(channel: Channel, letter: Letter) -> bytes:
    method = publish_method(letter.exchange, letter.routing_key, letter.mandatory)
    return publication(channel.number, method, letter.properties.data, letter.body, channel.max_content_size)
