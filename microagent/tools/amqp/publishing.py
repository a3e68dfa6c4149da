"""Publishing many messages in one write, where the driver writes each by itself."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Protocol, TypeAlias
from uuid import uuid4

from aiormq import spec
from aiormq.abc import ChannelFrame
from pamqp.body import ContentBody
from pamqp.frame import marshal
from pamqp.header import ContentHeader

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
    def properties(self) -> spec.Basic.Properties: ...
    @property
    def mandatory(self) -> bool: ...


async def publish(channel: Channel, letters: Sequence[Letter]) -> list[Confirm]:
    """
    Write the letters, in order.

    A write for each costs a system call, a task and a deadline for each; that is most of what sending costs.

    :return: for each a future of the driver's: the server's confirm, or the error that came in its place
    :raises aiormq.exceptions.AMQPError: if the channel is closed, and nothing was written
    """
    async with channel.lock:
        confirms: list[Confirm] = []
        for some in _portions(letters):
            confirms += await _write(channel, some)
    return confirms


def _portions(letters: Sequence[Letter]) -> Iterator[list[Letter]]:
    portion: list[Letter] = []
    size = 0
    for letter in letters:
        portion.append(letter)
        size += len(letter.body)
        if size > LARGEST_WRITE:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


async def _write(channel: Channel, letters: Sequence[Letter]) -> list[Confirm]:
    """The driver knows by number and by message id whom a confirm or a returned message concerns."""
    first = channel.delivery_tag + 1
    payload = b"".join(marshal(frame, channel.number) for letter in letters for frame in _frames(channel, letter))
    confirms: list[Confirm] = [channel.create_future() for _ in letters]
    ids = [str(letter.properties.message_id) for letter in letters]
    for number, (confirm, message_id) in enumerate(zip(confirms, ids, strict=True), first):
        channel.confirmations[number] = confirm
        channel.message_id_delivery_tag[message_id] = number
        confirm.add_done_callback(partial(_forget, channel, message_id))
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


def _forget(channel: Channel, message_id: str, _: Confirm) -> None:
    channel.message_id_delivery_tag.pop(message_id, None)


def _frames(channel: Channel, letter: Letter) -> Iterator[spec.Basic.Publish | ContentHeader | ContentBody]:
    if not letter.properties.message_id:
        letter.properties.message_id = uuid4().hex
    yield spec.Basic.Publish(exchange=letter.exchange, routing_key=letter.routing_key, mandatory=letter.mandatory)
    yield ContentHeader(properties=letter.properties, body_size=len(letter.body))
    for start in range(0, len(letter.body), channel.max_content_size):
        yield ContentBody(letter.body[start : start + channel.max_content_size])
