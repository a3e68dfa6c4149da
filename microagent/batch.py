"""Sharing round trips: what waits at the same time goes out in one call."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeAlias, TypeVar

from microagent.errors import BackendConnectionError
from microagent.tasks import task_of

T = TypeVar("T")
R = TypeVar("R")


_Entry: TypeAlias = tuple[T, float, asyncio.Future[R] | None]  # since when it waits, and who waits for its result


class Batcher(Generic[T, R]):
    """
    Collects items and hands them to ``flush`` together, one batch at a time, in order.

    The first item of a quiet time is flushed in the same turn of the loop, together with all that was added in it; what
    comes while a flush is under way goes out with the next one.

    :param flush: ``flush(items, since)`` gives a result for each item, or an exception in its place; ``since`` is when
        the oldest of them was added, on the loop's clock. What it raises is the result of each item.
    :param limit: most items in one batch
    :param unheard: called with the error of an item that nobody waits for
    """

    def __init__(
        self,
        flush: Callable[[list[T], float], Awaitable[Sequence[R | Exception]]],
        limit: int = 1000,
        unheard: Callable[[Exception], None] = lambda error: None,
    ) -> None:
        self._flush = flush
        self._limit = limit
        self._unheard = unheard
        self._under_way: list[_Entry[T, R]] = []
        self._waiting: deque[_Entry[T, R]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, item: T) -> "asyncio.Future[R]":
        """The result of ``item``, as soon as its batch is through. Cancelled before that, it is not sent."""
        loop = asyncio.get_running_loop()
        result: asyncio.Future[R] = loop.create_future()
        self._append(loop, item, result)
        return result

    def post(self, item: T) -> None:
        """Send ``item`` along; nobody waits for its result."""
        self._append(asyncio.get_running_loop(), item, None)

    def _append(self, loop: asyncio.AbstractEventLoop, item: T, result: "asyncio.Future[R] | None") -> None:
        if self._sending(loop) is None:
            self._give_up()  # what an earlier loop left behind
            self._loop = loop
            self._task = task_of(loop, self._run(), "microagent batch")
            self._task.add_done_callback(self._ended)
        self._waiting.append((item, loop.time(), result))

    async def drain(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds until all is through; whether it is."""
        if (task := self._sending(asyncio.get_running_loop())) is None:
            return True
        await asyncio.wait([task], timeout=timeout)
        return task.done()

    async def cancel(self) -> None:
        """Give up what still waits; its senders get a BackendConnectionError."""
        if (task := self._sending(asyncio.get_running_loop())) is None:
            self._give_up()
        else:
            task.cancel()
            await asyncio.wait([task])

    def _sending(self, loop: asyncio.AbstractEventLoop) -> "asyncio.Task[None] | None":
        """The task that sends, if there is one on this loop."""
        task = self._task if self._loop is loop else None
        return None if task is None or task.done() else task

    async def _run(self) -> None:
        while batch := self._next():
            self._under_way = batch
            await self._send(batch)
            self._under_way = []
            if self._waiting:
                await asyncio.sleep(0)  # who was just told and adds again goes with them, and not in turns with them

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if task is self._task:
            self._task = None
            self._give_up()

    def _give_up(self) -> None:
        """What is left when a task has ended, which is nothing unless it was cancelled."""
        for _, _, result in (*self._under_way, *self._waiting):
            if result is not None and not result.done() and not result.get_loop().is_closed():
                result.set_exception(BackendConnectionError("closed before it was sent"))
        self._under_way = []
        self._waiting.clear()

    def _next(self) -> list[_Entry[T, R]]:
        batch: list[_Entry[T, R]] = []
        while self._waiting and len(batch) < self._limit:
            entry = self._waiting.popleft()
            if entry[2] is None or not entry[2].cancelled():
                batch.append(entry)
        return batch

    async def _send(self, batch: list[_Entry[T, R]]) -> None:
        try:
            results = await self._flush([item for item, _, _ in batch], batch[0][1])
            told = list(zip(batch, results, strict=True))
        except Exception as error:  # noqa: BLE001 - it is the senders' to handle
            told = [(entry, error) for entry in batch]
        for (_, _, waiting), result in told:
            self._tell(waiting, result)

    def _tell(self, waiting: "asyncio.Future[R] | None", result: R | Exception) -> None:
        if waiting is None:
            if isinstance(result, Exception):
                self._unheard(result)
        elif waiting.done():
            pass  # its sender has been cancelled
        elif isinstance(result, Exception):
            waiting.set_exception(result)
        else:
            waiting.set_result(result)
