"""What the server pushes of one queue, until the core takes it."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable
from itertools import count, takewhile
from typing import Any, NamedTuple, cast
from uuid import uuid4

import aiormq
from aiormq import spec
from aiormq.abc import ChannelFrame, DeliveredMessage

from microagent.delivery import Delivery
from microagent.errors import BackendConnectionError
from microagent.tools.amqp.connecting import Connection, open_channel
from microagent.tools.amqp.deliveries import Deliveries
from microagent.tools.amqp.errors import CLOSED, translated
from microagent.tools.amqp.frames import acknowledgements

CALM = 0.05  # seconds in which nothing comes: then nothing is under way
LONGEST_CALM = 0.5  # seconds to wait for that


class Held(NamedTuple):
    """A message that the core holds, and where it came from: it is settled there or nowhere."""

    intake: "Intake"
    message: DeliveredMessage
    tag: int


class Window(NamedTuple):
    """
    How much the server pushes ahead: ``size`` messages.

    :ivar fixed: it stays so; otherwise it follows what the core asks for
    :ivar hands_back: what has arrived goes back when the window shrinks, so that others can have it; otherwise the
        server counts what goes back
    """

    size: int
    fixed: bool = False
    hands_back: bool = True


class Intake:
    """
    A channel that consumes one queue.

    What it brought is ours as long as the channel is open; when that closes, the server gives it to others.

    :param window: how much the server pushes ahead
    :param restore: makes the queue anew, after the server has ended its consumer because it was deleted
    """

    def __init__(
        self, name: str, channel: aiormq.Channel, window: Window, restore: Callable[[], Awaitable[None]]
    ) -> None:
        self.name = name
        self._channel = channel
        self._window = window
        self._restore = restore
        self._resizing = asyncio.Lock()
        self._consumers = f"microagent.{uuid4().hex}."  # how the tags of all of them begin
        self._numbers = count(1)
        self._tags: list[str] = []  # of those that there are now, none while it is paused
        self._arrived: deque[DeliveredMessage] = deque()
        self._taken: dict[int, Delivery | None] = {}  # by delivery tag, in the order of their arrival
        self._is_idle = True
        self._is_ended = False  # by the server
        self._news = asyncio.Event()
        channel.on_consumer_cancel_callbacks.add(self._on_cancel)
        closing: asyncio.Future[Any] = channel.closing  # pyright: ignore - the driver does not say of what
        closing.add_done_callback(lambda _: self._end())

    @classmethod
    async def open(
        cls, connection: Connection, name: str, window: Window, restore: Callable[[], Awaitable[None]]
    ) -> "Intake":
        """
        Begin to consume.

        :raises BackendConnectionError: if the connection is lost
        """
        intake = cls(name, channel := await open_channel(connection), window, restore)
        connection.listen(channel, Deliveries(channel, intake._consumers, intake._arrive))
        with translated():
            await intake._consume(window.size)
        return intake

    @property
    def is_open(self) -> bool:
        return not self._channel.is_closed

    async def take(self, limit: int) -> list[Held]:
        """
        Up to ``limit`` of what has arrived.

        :raises BackendConnectionError: if the channel is closed
        """
        self._check()
        async with self._resizing:
            await self._follow(limit)
            self._is_idle = False
            return self._hand_over(limit)

    async def wait(self, timeout: float) -> None:
        """
        Return when something has arrived, or after ``timeout`` seconds.

        :raises BackendConnectionError: like ``take``
        """
        if not self._arrived:
            self._news.clear()
            self._check()
            await _first(self._news, timeout)
        self._check()

    async def relax(self) -> None:
        """Hand back what arrived and was not wanted since the last time this was called."""
        async with self._resizing:
            if self.is_open and self._is_idle and self._arrived and not self._window.fixed:
                await self._shrink(max(1, len(self._taken)), 0)
            self._is_idle = True

    async def pause(self) -> list[Held]:
        """Have nothing pushed until the next ``take``; what has arrived and was not taken is to be handed back."""
        async with self._resizing:
            if self.is_open and self._tags:
                with translated():
                    await self._cancel()
            self._news.set()
            return self._hand_over(len(self._arrived))

    def remember(self, deliveries: Iterable[Delivery]) -> None:
        """What the core made of what it took: it is lost with the channel, and whoever has not begun it need not."""
        self._taken.update((delivery.token.tag, delivery) for delivery in deliveries)

    def _end(self) -> None:
        for delivery in self._taken.values():
            if delivery is not None:
                delivery.lost = True
        self._news.set()

    def _hand_over(self, limit: int) -> list[Held]:
        messages = [self._arrived.popleft() for _ in range(min(limit, len(self._arrived)))]
        held = [Held(self, message, message.delivery_tag or 0) for message in messages]
        self._taken.update((each.tag, None) for each in held)
        return held

    async def acknowledge(self, tags: Collection[int]) -> None:
        """These are done; what was settled before, or belongs to a channel that is closed, stays as it is."""
        async with self._resizing:  # what is acknowledged makes room for more
            await self._acknowledge(tags)

    async def _acknowledge(self, tags: Collection[int]) -> None:
        last = deque(takewhile(tags.__contains__, self._taken), maxlen=1)  # up to here, one frame does for all
        rest = [tag for tag in tags if tag in self._taken and not (last and tag <= last[0])]
        with translated():
            if last or rest:  # the driver knows best whether the channel is still there
                await self._channel.basic_ack(last[0] if last else rest.pop(), multiple=bool(last), wait=False)
            if rest:
                await self._write(acknowledgements(self._channel.number, rest))
        for tag in tags:
            self._taken.pop(tag, None)

    async def _write(self, frames: bytes) -> None:
        queue = cast("asyncio.Queue[ChannelFrame]", self._channel.write_queue)  # pyright: ignore - the driver says no type
        await queue.put(ChannelFrame(payload=frames, should_close=False))

    async def release(self, tags: Collection[int]) -> None:
        """These go back to their places."""
        with translated():
            for tag in sorted(tags, reverse=True):
                if tag in self._taken:
                    del self._taken[tag]
                    await self._channel.basic_nack(tag, requeue=True, wait=False)

    def holds(self, held: Held) -> bool:
        """Whether it is still ours to settle."""
        return self.is_open and held.tag in self._taken

    async def close(self) -> None:
        """All that is not settled goes back at once."""
        if self.is_open:
            with translated():
                await self._channel.basic_nack(0, multiple=True, requeue=True, wait=False)
                await self._channel.close()

    # -- the window

    async def _follow(self, limit: int) -> None:
        """Change it if it is far from what the core wants to hold when it takes ``limit`` more."""
        wanted = len(self._taken) + limit
        if not self._tags:
            if self._is_ended:
                await self._restore()
                self._is_ended = False
            with translated():
                await self._consume(wanted)
            return
        fits = self._window.size / 2 <= wanted <= self._window.size * 2
        if fits or (self._window.fixed and wanted <= self._window.size):
            return
        if wanted < self._window.size:
            await self._shrink(wanted, limit)
        else:
            with translated():
                await self._consume(wanted - self._window.size)

    async def _shrink(self, size: int, keep: int) -> None:
        """Hand back all but the first ``keep`` of what has arrived, before any other is pushed: so order is kept."""
        with translated():
            await self._cancel()
            while self._window.hands_back and len(self._arrived) > keep:
                await self._channel.basic_nack(self._arrived.pop().delivery_tag or 0, requeue=True, wait=False)
            await self._consume(size)

    async def _consume(self, more: int) -> None:
        """A prefetch count is for new consumers, of which each adds to the window."""
        await self._channel.basic_qos(prefetch_count=more)
        self._window = self._window._replace(size=more + (self._window.size if self._tags else 0))
        self._tags.append(tag := f"{self._consumers}{next(self._numbers)}")  # which the server may end at once
        await self._channel.basic_consume(self.name, self._on_message, consumer_tag=tag)

    async def _cancel(self) -> None:
        """End the consumers; what the server has sent and is not here yet goes back, which it may count."""
        if not self._window.hands_back:
            await self._let_arrive()
        while self._tags:
            await self._channel.basic_cancel(self._tags.pop())

    async def _let_arrive(self) -> None:
        """Return when the window is full, or nothing has come for a moment, so that hardly anything is under way."""
        deadline = asyncio.get_running_loop().time() + LONGEST_CALM
        while len(self._arrived) + len(self._taken) < self._window.size:
            before = len(self._arrived)
            await asyncio.sleep(CALM)
            if len(self._arrived) == before or asyncio.get_running_loop().time() > deadline:
                return

    # -- what the channel tells

    async def _on_message(self, message: DeliveredMessage) -> None:
        """As the driver tells it, where nobody listens before it."""
        self._arrive(message)

    def _arrive(self, message: DeliveredMessage) -> None:
        self._arrived.append(message)
        self._news.set()

    def _on_cancel(self, frame: spec.Basic.Cancel) -> None:
        """The queue has been deleted, or has moved; what came from it is still ours, and ``take`` consumes it again."""
        if frame.consumer_tag in self._tags:
            self._tags.remove(frame.consumer_tag)
            self._is_ended = not self._tags
            self._news.set()

    def _check(self) -> None:
        if not self.is_open:
            raise BackendConnectionError(CLOSED)


async def _first(event: asyncio.Event, timeout: float) -> None:
    try:
        async with asyncio.timeout(timeout):
            await event.wait()
    except TimeoutError:
        pass
